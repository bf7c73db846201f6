"""POST, GET, DELETE /api/v1/transcripts: what comes in by which way, what is refused, what is left."""

import gzip
import hashlib
import os
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any

import pytest
import zstandard
from httpx import AsyncClient

from app.db.addresses import Addresses
from app.transcripts.pipeline import discard, sweep
from tests.audit_rows import audited, written_by
from tests.people import Company
from tests.problem import is_problem
from tests.serving import serving
from tests.transcripts.library import TRANSCRIPTS, Library
from tests.transcripts.test_processors import LOG

LIMIT = 64 * 1024
URLENCODED = {"Content-Type": "application/x-www-form-urlencoded"}
SMALL = {"TALLY_MAX_UPLOAD_BYTES": LIMIT}
PACK: dict[str, Callable[[bytes], bytes]] = {"gzip": gzip.compress, "zstd": zstandard.compress}
SHA = hashlib.sha256(LOG).hexdigest()


def content_of(library: Library, key: str) -> bytes:
    return (library.storage._root / key).read_bytes()  # type: ignore[attr-defined, no-any-return]


async def test_a_log_is_kept_as_it_is(library: Library, company: Company) -> None:
    answer = await library.upload("p01/log.jsonl", LOG)
    assert {**answer, "id": None} == {
        "id": None, "name": "p01/log.jsonl", "sha256": SHA, "size": len(LOG), "form": "claude_code",
        "result": "created",
    }  # fmt: skip
    (key,) = await library.raw_files()
    assert key.startswith(f"{company.id}/{company.viewer.id}/")
    assert content_of(library, key) == LOG


@pytest.mark.parametrize("packing", PACK)
async def test_a_packed_log_is_kept_unpacked_however_it_is_packed(
    library: Library, company: Company, packing: str
) -> None:
    pack, said = PACK[packing], {"Content-Encoding": packing}
    for n, (content, headers) in enumerate(
        [
            (pack(LOG), said),
            (pack(LOG), {}),
            (pack(LOG[:50]) + pack(LOG[50:]), said),
            (pack(gzip.compress(LOG)), said),
        ]
    ):
        answer = await library.upload(f"{n}.jsonl", content, company.viewer, **headers)
        assert (answer["sha256"], answer["size"], answer["form"]) == (SHA, len(LOG), "claude_code")


async def test_a_form_brings_a_file_with_its_name(library: Library, company: Company) -> None:
    for name, content in (("log.jsonl", LOG), ("log.jsonl.zst", zstandard.compress(LOG))):
        answer = await library.client.post(TRANSCRIPTS, files={"file": (name, content)}, headers=company.viewer.headers)
        assert (answer.status_code, answer.json()["name"], answer.json()["sha256"]) == (201, name, SHA)
    sent = {"files": {"file": ("x.jsonl", LOG)}, "params": {"name": "said"}, "headers": company.viewer.headers}
    assert (await library.client.post(TRANSCRIPTS, **sent)).json()["name"] == "said"  # type: ignore[arg-type]


async def test_the_same_again_changes_nothing_and_new_content_replaces(library: Library, company: Company) -> None:
    first = await library.upload("a", LOG)
    files = await library.raw_files()
    assert await library.upload("a", LOG) == first | {"result": "unchanged"}
    assert await library.raw_files() == files
    again = await library.upload("a", LOG * 2)
    assert (again["id"], again["result"]) == (first["id"], "replaced")
    (key,) = await library.raw_files()
    assert content_of(library, key) == LOG * 2
    assert len(await library.listed()) == 1
    other = await library.upload("a", LOG, company.engineer)
    assert (other["id"] != first["id"], other["result"]) == (True, "created")


async def test_a_log_that_was_sent_as_rows_may_come_as_it_is(library: Library, company: Company) -> None:
    told = {"files": [{"name": "a", "sha256": SHA, "size": len(LOG)}]}
    await library.client.post("/api/v1/sync/pushes", json=told, headers=company.viewer.headers)
    assert (await library.upload("a", LOG))["result"] == "replaced"
    (log,) = await library.listed()
    assert (log["source"], log["kept"], log["processed_at"]) == ("upload", True, None)


async def test_a_log_whose_rows_were_sent_since_is_not_read_again(library: Library, company: Company) -> None:
    await library.upload("a", LOG)
    told = {"files": [{"name": "a", "sha256": "b" * 64, "size": len(LOG) * 2}]}
    await library.client.post("/api/v1/sync/pushes", json=told, headers=company.viewer.headers)
    assert (await library.process("usage"))["scanned"] == 0
    (log,) = await library.listed()
    assert (log["source"], log["kept"], log["processors"]) == ("rows", False, [])


async def test_an_upload_is_audited_in_its_own_transaction(library: Library, company: Company) -> None:
    log = await library.upload("secret-name", LOG)
    await library.upload("secret-name", LOG)
    (row,) = [row for row in await audited(library.database, company.id) if row.action == "transcript.upload"]
    assert (row.user_id, row.resource, row.parameters) == (
        company.viewer.id, log["id"], {"size": len(LOG), "form": "claude_code"},
    )  # fmt: skip
    assert row.xmin == await written_by(library.database, company.id, "transcripts", log["id"])


async def test_an_account_that_takes_no_raw_logs_says_what_to_do(library: Library, company: Company) -> None:
    setting = {"allow_raw_uploads": False}
    await library.client.patch("/api/v1/account", json=setting, headers=company.admin.headers)
    for person in (company.viewer, company.owner):
        answer = await library.client.post(TRANSCRIPTS, params={"name": "a"}, content=LOG, headers=person.headers)
        assert "tally push" in is_problem(answer, 403)["detail"]


@pytest.mark.parametrize(
    "name", ["../a", "a/./b", "..", "a\nb", "a\0", "", " ", "x" * 501, "C:\\..\\x", "a\x7f", "\x85"]
)
async def test_a_name_that_is_none_is_refused(library: Library, company: Company, name: str) -> None:
    answer = await library.client.post(TRANSCRIPTS, params={"name": name}, content=LOG, headers=company.viewer.headers)
    assert is_problem(answer, 422)["errors"][0]["loc"] == ["query", "name"]
    sent = {"files": {"file": ("../up", LOG)}, "headers": company.viewer.headers}
    is_problem(await library.client.post(TRANSCRIPTS, **sent), 422)  # type: ignore[arg-type]
    assert await library.raw_files() == []


async def test_a_log_without_a_name_is_asked_for_one(library: Library, company: Company) -> None:
    answer = await library.client.post(TRANSCRIPTS, content=LOG, headers=company.viewer.headers)
    assert "?name=" in is_problem(answer, 422)["detail"]


BOMB = zstandard.compress(b"\0" * 100_000_000)
FORM, END = {"Content-Type": "multipart/form-data; boundary=x"}, b"--x--\r\n"


def part(disposition: str) -> bytes:
    return f"--x\r\nContent-Disposition: {disposition}\r\n\r\n".encode()


REFUSED: dict[str, tuple[bytes, dict[str, str], int, str]] = {
    "a byte too many": (b" " * (LIMIT + 1), {}, 413, str(LIMIT)),
    "far too many": (b" " * (LIMIT * 10), {}, 413, f"at most {LIMIT} bytes"),
    "gzip, a byte too many": (gzip.compress(b" " * (LIMIT + 1)), {"Content-Encoding": "gzip"}, 413, str(LIMIT)),
    "a gzip bomb": (gzip.compress(b"\0" * 40_000_000), {"Content-Encoding": "gzip"}, 413, str(LIMIT)),
    "a zstd bomb": (BOMB, {"Content-Encoding": "zstd"}, 413, str(LIMIT)),
    "a bomb in a bomb": (gzip.compress(BOMB), {"Content-Encoding": "gzip"}, 413, str(LIMIT)),
    "half a gzip stream": (gzip.compress(LOG)[:-9], {"Content-Encoding": "gzip"}, 400, "whole"),
    "half a zstd stream": (zstandard.compress(LOG)[:-3], {"Content-Encoding": "zstd"}, 400, "whole"),
    "a stream and a rest": (gzip.compress(LOG) + b"rest", {"Content-Encoding": "gzip"}, 400, "whole"),
    "no stream": (LOG, {"Content-Encoding": "gzip"}, 400, "whole"),
    "half a packed file": (gzip.compress(LOG)[:-9], {}, 400, "ends in the middle"),
    "half a file packed with zstd": (zstandard.compress(LOG)[:-3], {}, 400, "ends in the middle"),
    "the first bytes of a packed file": (zstandard.compress(LOG)[:3], {}, 400, "ends in the middle"),
    "nothing of a stream": (b"", {"Content-Encoding": "zstd"}, 400, "ends in the middle"),
    "another packing": (LOG, {"Content-Encoding": "br"}, 415, "gzip"),
    "two packings": (LOG, {"Content-Encoding": "gzip, gzip"}, 415, "gzip"),
    "a packed form": (
        LOG,
        {"Content-Type": "multipart/form-data; boundary=x", "Content-Encoding": "gzip"},
        415,
        "pack",
    ),
    "a broken form": (LOG, FORM, 400, "curl -F file=@log.jsonl"),
    "a form without a boundary": (LOG, {"Content-Type": "multipart/form-data"}, 400, "curl -F file=@log.jsonl"),
    "a part without a name": (part("attachment") + END, FORM, 400, "curl -F file=@log.jsonl"),
    "two files": (2 * (part('form-data; name="file"; filename="a"') + LOG + b"\r\n") + END, FORM, 400, "one file"),
    "a field beside": (part('form-data; name="name"') + b"a\r\n" + END, FORM, 400, "?name="),
    "a file far too large": (
        part('form-data; name="file"; filename="a"') + b" " * LIMIT * 3 + END,
        FORM,
        413,
        f"at most {LIMIT} bytes",
    ),
    "a form of no parts": (END, FORM, 422, "no whole file"),
}


@pytest.mark.parametrize("case", REFUSED.values(), ids=REFUSED)
async def test_what_cannot_be_taken_is_refused_in_a_sentence_and_leaves_nothing(
    addresses: Addresses, tmp_path: Path, case: tuple[bytes, dict[str, str], int, str]
) -> None:
    content, headers, status, said = case
    async with serving(addresses, TALLY_DATA_DIR=str(tmp_path), TALLY_LOG_LEVEL="error", **SMALL) as api:
        company = await api.founder.company()
        sent = {"params": {"name": "a"}, "content": content, "headers": {**company.viewer.headers, **headers}}
        assert said in is_problem(await api.client.post(TRANSCRIPTS, **sent), status)["detail"]  # type: ignore[arg-type]
        assert files_in(tmp_path) == []
        at_bounds = {**sent, "content": b" " * LIMIT, "headers": company.viewer.headers}
        assert (await api.client.post(TRANSCRIPTS, **at_bounds)).status_code == 201  # type: ignore[arg-type]


def files_in(folder: Path) -> list[Path]:
    return [path for path in folder.rglob("*") if path.is_file()]


async def test_chunks_of_no_declared_length_meet_the_same_limit(addresses: Addresses, tmp_path: Path) -> None:
    async def chunks() -> AsyncIterator[bytes]:
        for _ in range(100):
            yield b" " * 4096

    async with serving(addresses, TALLY_DATA_DIR=str(tmp_path), TALLY_LOG_LEVEL="error", **SMALL) as api:
        company = await api.founder.company()
        sent = {"params": {"name": "a"}, "content": chunks(), "headers": company.viewer.headers}
        told = is_problem(await api.client.post(TRANSCRIPTS, **sent), 413)  # type: ignore[arg-type]
        assert f"at most {LIMIT} bytes" in told["detail"]


async def test_a_list_is_the_callers_own_latest_first_page_by_page(library: Library, company: Company) -> None:
    for name in "abcde":
        await library.upload(name, LOG)
    await library.upload("theirs", LOG, company.engineer)
    seen, cursor = [], None
    while True:
        query = {"limit": 2, **({"cursor": cursor} if cursor else {})}
        page = (await library.client.get(TRANSCRIPTS, params=query, headers=company.viewer.headers)).json()
        seen += [row["name"] for row in page["rows"]]
        cursor = page["next_cursor"]
        if cursor is None:
            break
    assert seen == ["e", "d", "c", "b", "a"]


async def test_an_admin_sees_anothers_logs_when_asking_for_them_nobody_else_does(
    library: Library, company: Company
) -> None:
    await library.upload("mine", LOG)
    viewer = str(company.viewer.id)
    assert await library.listed(company.admin) == []
    assert [row["name"] for row in await library.listed(company.admin, user_id=viewer)] == ["mine"]
    answer = await library.client.get(TRANSCRIPTS, params={"user_id": viewer}, headers=company.engineer.headers)
    is_problem(answer, 403)


async def test_lines_with_something_wrong_are_listed_by_number(library: Library) -> None:
    await library.upload("a", LOG + b"{broken\n\n" + LOG)
    await library.process()
    (log,) = await library.listed()
    assert [(p["line"], p["code"]) for p in log["processors"][0]["problems"]] == [(3, "malformed"), (4, "blank")]


async def delete(library: Library, person: Any, log: Any, **query: Any) -> int:
    answer = await library.client.delete(f"{TRANSCRIPTS}/{log['id']}", params=query, headers=person.headers)
    return answer.status_code


async def test_a_deleted_log_is_gone_and_what_it_told_of_stays(library: Library, company: Company) -> None:
    log = await library.upload("a", LOG)
    await library.process()
    assert await delete(library, company.viewer, log) == 204
    assert (await library.listed(), await library.raw_files(), await library.friction()) == ([], [], [])
    assert (await library.totals())["s"]["input"] == 7
    assert await delete(library, company.viewer, log) == 404


async def test_with_its_facts_go_the_sessions_it_alone_tells_of(library: Library, company: Company) -> None:
    both = LOG.replace(b'"s"', b'"shared"').replace(b"request-1", b"request-2")
    log = await library.upload("a", LOG + both)
    await library.upload("b", both)
    await library.process()
    assert await library.totals() | {"s": 0, "shared": 0} == {"s": 0, "shared": 0}
    assert await delete(library, company.viewer, log, facts=True) == 204
    assert list(await library.totals()) == ["shared"]


async def test_a_log_gives_no_right_over_anothers_session(library: Library, company: Company) -> None:
    await library.upload("a", LOG, company.engineer)
    await library.process()
    told = {"files": [{"name": "b", "sha256": SHA, "size": 1, "sessions": [{"session_id": "s"}]}]}
    await library.client.post("/api/v1/sync/pushes", json=told, headers=company.viewer.headers)
    log = await library.upload("b", LOG)
    await library.execute(
        "INSERT INTO transcript_sessions (account_id, transcript_id, session_id)"
        " SELECT $1, $2, id FROM ai_sessions WHERE account_id = $1 ON CONFLICT DO NOTHING",
        log["id"],
    )
    mine = await library.listed(company.engineer)
    assert await delete(library, company.admin, mine[0]) == 204
    assert await delete(library, company.viewer, log, facts=True) == 204
    assert list(await library.totals()) == ["s"]


async def test_only_its_owner_and_admins_delete_a_log(library: Library, company: Company) -> None:
    log = await library.upload("a", LOG)
    assert await delete(library, company.engineer, log) == 404
    assert await delete(library, company.admin, log, facts=True) == 204


async def test_files_that_no_row_names_are_swept_after_an_hour(library: Library, company: Company) -> None:
    await library.upload("a", LOG)
    (key,) = await library.raw_files()
    folder = (library.storage._root / key).parent  # type: ignore[attr-defined]
    for name, age in (("left", 0), ("fresh", None)):
        (folder / name).write_bytes(b"x")
        if age is not None:
            os.utime(folder / name, (age, age))
    os.utime(folder.parent.parent / key, (0, 0))
    assert await sweep(library.database, library.storage, company.id) == 1
    assert sorted(kept.rpartition("/")[2] for kept in await library.raw_files()) == sorted(
        [key.rpartition("/")[2], "fresh"]
    )


async def test_a_body_as_curl_sends_it_by_itself_is_the_log(client: AsyncClient, company: Company) -> None:
    headers = company.viewer.headers | URLENCODED
    answer = await client.post("/api/v1/transcripts?name=log.jsonl", content=LOG, headers=headers)
    assert (answer.status_code, answer.json()["form"]) == (201, "claude_code")


async def test_the_fields_of_a_form_are_no_log(library: Library, company: Company) -> None:
    for fields in (b"file=log.jsonl", b"", LOG.replace(b"\n", b"%0A").replace(b'"', b"%22")):
        sent = {"content": fields, "headers": company.viewer.headers | URLENCODED}
        answer = await library.client.post(TRANSCRIPTS, params={"name": "a"}, **sent)  # type: ignore[arg-type]
        assert "curl -F file=@log.jsonl" in is_problem(answer, 415)["detail"]
    assert (await library.listed(), await library.raw_files()) == ([], [])


async def test_the_file_of_a_form_may_stand_in_any_field(library: Library, company: Company) -> None:
    sent = {"files": {"log": ("log.jsonl", LOG)}, "headers": company.viewer.headers}
    assert (await library.client.post(TRANSCRIPTS, **sent)).json()["sha256"] == SHA  # type: ignore[arg-type]


async def test_logs_that_were_read_go_once_the_account_keeps_none_the_others_when_they_are_read(
    library: Library, company: Company, client: AsyncClient
) -> None:
    for name in "abc":
        await library.upload(name, LOG)
    await library.process()
    await library.upload("waiting", LOG)
    assert await discard(library.database, library.storage, company.id) == 0
    await client.patch("/api/v1/account", json={"keep_transcripts": False}, headers=company.admin.headers)
    assert await discard(library.database, library.storage, company.id) == 3
    assert {log["name"]: log["kept"] for log in await library.listed()} == {
        "a": False, "b": False, "c": False, "waiting": True,
    }  # fmt: skip
    assert len(await library.raw_files()) == 1
    await library.process()
    assert await library.raw_files() == []


async def test_a_log_is_known_by_a_line_far_behind_a_long_one(client: AsyncClient, company: Company) -> None:
    log = b'{"foreign": "' + b"x" * 2_000_000 + b'"}\n' + LOG
    answer = await client.post("/api/v1/transcripts?name=long.jsonl", content=log, headers=company.viewer.headers)
    assert answer.json()["form"] == "claude_code"
