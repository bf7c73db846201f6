"""What a client is told of its logs, and what it tells: hashes, sessions, counts; never a log."""

from typing import Any

import pytest
from httpx import AsyncClient

from app.db.engine import Database
from app.facts.identity import session_key
from tests.audit_rows import audited
from tests.people import Company, Person
from tests.problem import is_problem
from tests.transcripts.library import BY_LOG

MANIFEST, PUSHES = "/api/v1/sync/manifest", "/api/v1/sync/pushes"
SHA, OTHER_SHA = "a" * 64, "b" * 64


def file(name: str = "p01/log.jsonl", sha256: str = SHA, size: int = 10, **more: Any) -> dict[str, Any]:
    return {"name": name, "sha256": sha256, "size": size, "form": "codex", **more}


async def push(client: AsyncClient, person: Person, *files: dict[str, Any], **more: Any) -> Any:
    answer = await client.post(PUSHES, json={"files": files, **more}, headers=person.headers)
    assert answer.status_code == 200, answer.text
    return answer.json()


async def manifest(client: AsyncClient, person: Person) -> Any:
    return (await client.get(MANIFEST, headers=person.headers)).raise_for_status().json()


def marks(number: int) -> list[str]:
    return [f"{n:016x}" for n in range(number)]


async def counts(database: Database, company: Company, name: str) -> list[dict[str, Any]]:
    rows = f"SELECT * FROM ({BY_LOG}) AS f WHERE session_id = $2 ORDER BY transcript_id"
    async with database.transaction(company.id) as tx:
        return [dict(row) for row in await tx.driver.fetch(rows, company.id, session_key(company.id, name))]


async def pages(client: AsyncClient, person: Person, limit: int, **more: Any) -> list[Any]:
    """Every page of the manifest."""
    found: list[Any] = []
    query: dict[str, Any] = {"limit": limit, **more}
    while not found or query["cursor"]:
        answer = await client.get(MANIFEST, params=query, headers=person.headers)
        found.append(answer.raise_for_status().json())
        query["cursor"] = found[-1]["next_cursor"]
    return found


async def test_what_was_pushed_is_in_the_manifest(client: AsyncClient, company: Company) -> None:
    assert await push(client, company.viewer, file("b.jsonl"), file("a.jsonl", OTHER_SHA, 2**40)) == {"files": 2}
    told = await manifest(client, company.viewer)
    assert [(f["name"], f["sha256"], f["size"], f["source"]) for f in told["files"]] == [
        ("a.jsonl", OTHER_SHA, 2**40, "rows"),
        ("b.jsonl", SHA, 10, "rows"),
    ]
    assert all(f["processed_at"] for f in told["files"])


async def test_the_manifest_tells_how_the_account_wants_logs(client: AsyncClient, company: Company) -> None:
    wanted = {"allow_raw_uploads": False, "workspace_labels": "hashed", "retention_days": 90}
    await client.patch("/api/v1/account", json=wanted, headers=company.admin.headers)
    told = await manifest(client, company.viewer)
    assert (told["raw_uploads"], told["workspace_labels"], told["retention_days"]) == (False, "hashed", 90)
    assert len(bytes.fromhex(told["workspace_salt"])) == 32


async def test_nobody_is_told_of_anothers_logs(client: AsyncClient, company: Company, other_company: Company) -> None:
    await push(client, company.viewer, file())
    for person in (company.engineer, company.owner, other_company.viewer):
        assert (await manifest(client, person))["files"] == []


async def test_a_push_sent_again_changes_nothing_and_new_content_does(client: AsyncClient, company: Company) -> None:
    await push(client, company.viewer, file())
    first = await manifest(client, company.viewer)
    await push(client, company.viewer, file())
    assert await manifest(client, company.viewer) == first
    await push(client, company.viewer, file(sha256=OTHER_SHA, size=20))
    (after,) = (await manifest(client, company.viewer))["files"]
    assert (after["sha256"], after["size"]) == (OTHER_SHA, 20)
    assert after["processed_at"] > first["files"][0]["processed_at"]


async def test_signals_are_the_whole_logs_and_told_again_they_replace(
    client: AsyncClient, database: Database, company: Company
) -> None:
    for interruptions in (1, 3, 3, 2):
        told = {"session_id": "s", "interruptions": marks(interruptions), "api_errors": marks(2)}
        await push(client, company.viewer, file(sessions=[told]))
    (row,) = await counts(database, company, "s")
    assert (row["interruptions"], row["api_errors"], row["retries"]) == (2, 2, 0)


async def test_nobody_says_what_went_wrong_in_another_members_session(
    client: AsyncClient, database: Database, company: Company
) -> None:
    session = {"sessions": [{"id": "theirs", "created_at": "2026-11-01T10:00:00Z"}]}
    await client.post("/api/v1/ingest/batches", json=session, headers=company.viewer.headers)
    told = file(sessions=[{"session_id": "theirs", "retries": marks(9)}, {"session_id": "mine", "retries": marks(1)}])
    await push(client, company.engineer, told)
    assert await counts(database, company, "theirs") == []
    assert len(await counts(database, company, "mine")) == 1
    await push(client, company.admin, told)
    assert len(await counts(database, company, "theirs")) == 1


async def test_the_end_of_a_push_and_every_manifest_are_on_record(
    client: AsyncClient, database: Database, company: Company
) -> None:
    await push(client, company.viewer, file(sessions=[{"session_id": "s"}]))
    await push(client, company.viewer, file("more.jsonl", sessions=[{"session_id": "s"}]), completed=True, total=2)
    await manifest(client, company.viewer)
    pushed, fetched = await audited(database, company.id)
    assert (pushed.action, pushed.user_id, pushed.parameters) == (
        "sync.trigger",
        company.viewer.id,
        {"files": 2},
    )
    assert (fetched.action, fetched.user_id, fetched.parameters) == (
        "manifest.fetch",
        company.viewer.id,
        {"files": 2},
    )


@pytest.mark.parametrize("limit", [1, 2, 3, 5, 6, 5_000])
async def test_pages_of_the_manifest_are_the_manifest(client: AsyncClient, company: Company, limit: int) -> None:
    """Names are of any letters, and a cursor holds one."""
    await push(client, company.viewer, *(file("\U0001f9ee" * 499 + letter) for letter in "cab"), file("é"), file("z"))
    whole = await manifest(client, company.viewer)
    found = await pages(client, company.viewer, limit)
    assert [each for page in found for each in page["files"]] == whole["files"]
    assert len(found) == -(-5 // limit)
    assert whole["next_cursor"] is None
    assert all({**page, "files": 0, "next_cursor": 0} == {**whole, "files": 0, "next_cursor": 0} for page in found)


async def test_a_manifest_by_pages_is_one_pull(client: AsyncClient, database: Database, company: Company) -> None:
    await push(client, company.viewer, *(file(f"{n}.jsonl") for n in range(3)))
    first = await client.get(MANIFEST, params={"limit": 1}, headers=company.viewer.headers)
    stamped = await pulled(database, company.viewer)
    assert stamped is not None
    await pages(client, company.viewer, 1, cursor=first.json()["next_cursor"])
    (fetched,) = await audited(database, company.id)
    assert (fetched.action, fetched.parameters) == ("manifest.fetch", {"files": 3})
    assert await pulled(database, company.viewer) == stamped


async def test_a_page_of_the_manifest_is_bounded_and_its_cursor_ones_own(client: AsyncClient, company: Company) -> None:
    for person in (company.viewer, company.engineer):
        await push(client, person, file("a"), file("b"))
    cursor = (await pages(client, company.engineer, 1))[0]["next_cursor"]
    for query in ({"limit": 0}, {"limit": 5_001}, {"limit": 1, "cursor": cursor}, {"cursor": "x"}, {"page": 1}):
        is_problem(await client.get(MANIFEST, params=query, headers=company.viewer.headers), 422)


async def test_the_manifest_says_what_read_a_log_and_a_better_reader_changes_that(
    client: AsyncClient, company: Company
) -> None:
    current = (await manifest(client, company.viewer))["reader_version"]
    for version in (None, current, 7, current):
        await push(client, company.viewer, {**file(), **({} if version is None else {"reader_version": version})})
        (known,) = (await manifest(client, company.viewer))["files"]
        assert known["reader_version"] == (version or 0)


async def test_who_sends_counts_as_an_earlier_tally_did_is_told_to_update_it(
    client: AsyncClient, company: Company
) -> None:
    told = file(sessions=[{"session_id": "s", "retries": 2}])
    answer = await client.post(PUSHES, json={"files": [told]}, headers=company.viewer.headers)
    assert "this tally is older than the server: update it" in is_problem(answer, 422)["detail"]


async def pulled(database: Database, person: Person) -> Any:
    async with database.transaction(person.account_id) as tx:
        row = "SELECT last_pull_at FROM users WHERE account_id = $1 AND id = $2"
        return await tx.driver.fetchval(row, person.account_id, person.id)


async def token_of_key(client: AsyncClient, person: Person) -> dict[str, str]:
    key = (await client.post("/api/v1/keys", json={"name": "k"}, headers=person.headers)).json()["api_key"]
    token = (await client.post("/api/v1/auth/token", json={"api_key": key})).json()["access_token"]
    return {"Authorization": f"Bearer {token}"}


async def test_a_persons_pull_is_stamped_a_service_keys_is_not(
    client: AsyncClient, database: Database, company: Company
) -> None:
    for person, stamped in ((company.viewer, True), (company.admin, False)):
        answer = await client.get(MANIFEST, headers=await token_of_key(client, person))
        assert answer.status_code == 200
        assert (await pulled(database, person) is not None) == stamped
    await manifest(client, company.admin)
    assert await pulled(database, company.admin) is not None


async def test_a_manifest_that_cannot_be_noted_is_given_all_the_same(
    client: AsyncClient, database: Database, company: Company
) -> None:
    """Somebody changes the member's row meanwhile, for longer than anybody waits."""
    async with database.transaction(company.id) as tx:
        lock = "SELECT FROM users WHERE account_id = $1 AND id = $2 FOR UPDATE"
        await tx.driver.execute(lock, company.id, company.viewer.id)
        assert (await manifest(client, company.viewer))["files"] == []
    assert await audited(database, company.id) == []


@pytest.mark.parametrize(
    "bad",
    [
        {"name": "../secrets"}, {"name": "a/../b"}, {"name": "a\\..\\b"}, {"name": "a\nb"}, {"name": "a\0"},
        {"name": ""}, {"name": " "}, {"name": "x" * 501}, {"name": "."}, {"sha256": "A" * 64}, {"sha256": "a" * 63},
        {"size": -1}, {"size": 1.5}, {"form": "cursor"}, {"content": "x"},
        {"sessions": [{"session_id": "s", "interruptions": [1]}]}, {"sessions": [{"session_id": "s", "retries": 1}]},
        {"sessions": [{"session_id": "s", "skills": ["what was said"]}]}, {"sessions": [{"session_id": ""}]},
        {"sessions": [{"session_id": "s", "thoughts": 1}]}, {"sessions": [{"session_id": "s"}] * 1001},
    ],
)  # fmt: skip
async def test_what_is_no_log_is_refused_by_name(client: AsyncClient, company: Company, bad: dict[str, Any]) -> None:
    answer = await client.post(PUSHES, json={"files": [file() | bad]}, headers=company.viewer.headers)
    assert is_problem(answer, 422)["errors"][0]["loc"][:4] == ["body", "files", 0, *list(bad)[:1]]


async def test_names_of_any_machine_are_taken(client: AsyncClient, company: Company) -> None:
    names = ["C:\\logs\\é.jsonl", "…/..x/x..", "x" * 500, "/home/me/.claude/projects/-home-me/a b.jsonl"]
    await push(client, company.viewer, *map(file, names))
    assert sorted(f["name"] for f in (await manifest(client, company.viewer))["files"]) == sorted(names)


async def test_a_push_of_too_many_files_says_how_many_it_takes(client: AsyncClient, company: Company) -> None:
    files = [file(f"{n}.jsonl") for n in range(1_001)]
    answer = await client.post(PUSHES, json={"files": files}, headers=company.viewer.headers)
    assert "1000" in is_problem(answer, 422)["detail"]
    await push(client, company.viewer, *files[:1_000], completed=True)
    assert len((await manifest(client, company.viewer))["files"]) == 1_000
