"""`sslmode` and what belongs to it, as operators write it into URLs: against a server that speaks TLS, as psql does."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from app.cli.operator import run_on
from app.db.addresses import Addresses, BadAddress, parse
from app.db.engine import Database
from app.db.preflight import preflight
from tests.cli.terminal import Terminal
from tests.server import settings_for
from tests.tls import Authority, Front, front

VERSION = "SHOW server_version"


@pytest.fixture(scope="module")
def known(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    return Authority(tmp_path_factory.mktemp("known"), "known")


@pytest.fixture(scope="module")
def stranger(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    return Authority(tmp_path_factory.mktemp("stranger"), "stranger")


@pytest.fixture(scope="module")
def socket(addresses: Addresses) -> Path:
    host = addresses.application.query.get("host")
    if not isinstance(host, str):
        pytest.skip("the configured server is somewhere else")
    return Path(host) / ".s.PGSQL.5432"


@pytest.fixture
def server(known: Authority, socket: Path) -> Iterator[Front]:
    """Called localhost, certified by the authority that is known."""
    with front(socket, known.context_for("localhost")) as found:
        yield found


@pytest.fixture(autouse=True)
def _home(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Nobody's own ~/.postgresql nor environment has a say."""
    monkeypatch.setenv("HOME", str(tmp_path))
    for name in ("PGSSLMODE", "PGSSLROOTCERT", "PGSSLCERT", "PGSSLKEY"):
        monkeypatch.delenv(name, raising=False)


def url_of(server: Front, query: str, host: str = "localhost", role: str = "tally_app") -> str:
    return f"postgresql://{role}@{host}:{server.port}/tally?{query}"


async def version(url: str) -> str:
    """Through the door that the API, the worker and the commands use; refused as they are."""
    found = parse(url)
    settings = settings_for(Addresses(found, found))

    async def ask(database: Database) -> str:
        async with database.lend() as (_, driver):
            return str(await driver.fetchval(VERSION))

    return await run_on(Addresses(found, found), settings, ask)


async def refused(url: str) -> str:
    with pytest.raises(BadAddress) as why:
        await version(url)
    return str(why.value)


@pytest.mark.parametrize("mode", ["require", "prefer", "allow"])
async def test_without_an_authority_the_line_is_encrypted_and_the_server_believed(server: Front, mode: str) -> None:
    assert (await version(url_of(server, f"sslmode={mode}"))).startswith("18")
    assert server.encrypted == 1


async def test_over_tcp_nothing_said_means_encrypted_where_the_server_can(server: Front) -> None:
    await version(url_of(server, "application_name=reports"))
    assert server.encrypted == 1


async def test_with_its_authority_and_its_name_a_server_is_taken(server: Front, known: Authority) -> None:
    for mode in ("require", "verify-ca", "verify-full"):
        assert (await version(url_of(server, f"sslmode={mode}&sslrootcert={known.file}"))).startswith("18")
    assert server.encrypted == 3


@pytest.mark.parametrize("mode", ["require", "verify-ca", "verify-full"])
async def test_a_server_of_another_authority_is_refused(server: Front, stranger: Authority, mode: str) -> None:
    """Also with `require`: where an authority is named, psql asks for it as well."""
    why = await refused(url_of(server, f"sslmode={mode}&sslrootcert={stranger.file}"))
    assert "the certificate of localhost:" in why
    assert "is not trusted" in why
    assert "sslrootcert" in why


async def test_a_server_by_another_name_is_refused_by_verify_full_alone(server: Front, known: Authority) -> None:
    query = f"sslrootcert={known.file}&sslmode="
    assert (await version(url_of(server, f"{query}verify-ca", "127.0.0.1"))).startswith("18")
    why = await refused(url_of(server, f"{query}verify-full", "127.0.0.1"))
    assert "IP address mismatch" in why
    assert "the host as the certificate does" in why


@pytest.mark.parametrize("mode", ["verify-ca", "verify-full"])
async def test_nobody_is_verified_without_an_authority(server: Front, mode: str) -> None:
    assert f"sslmode={mode} needs sslrootcert=FILE" in await refused(url_of(server, f"sslmode={mode}"))
    assert server.encrypted == 0


async def test_an_authority_that_cannot_be_read_is_named(server: Front, tmp_path: Path) -> None:
    query = f"sslmode=verify-full&sslrootcert={tmp_path}/nowhere.crt"
    assert "the file of sslrootcert cannot be read" in await refused(url_of(server, query))
    rubbish = tmp_path / "rubbish.crt"
    rubbish.write_text("no certificate")
    why = await refused(url_of(server, f"sslmode=verify-full&sslrootcert={rubbish}"))
    assert "does not come about" in why


async def test_a_server_that_wants_tls_has_nobody_without(server: Front) -> None:
    assert "does not let tally_app in" in await refused(url_of(server, "sslmode=disable"))


async def test_a_server_without_tls_is_taken_only_where_that_is_allowed(socket: Path) -> None:
    with front(socket, None) as clear:
        for mode in ("disable", "allow", "prefer"):
            assert (await version(url_of(clear, f"sslmode={mode}"))).startswith("18")
        assert "does not speak TLS, which sslmode=require asks for" in await refused(url_of(clear, "sslmode=require"))


async def test_other_parameters_of_libpq_are_understood_or_named(server: Front) -> None:
    known = "sslmode=require&application_name=a%20b&options=-csearch_path%3Dx"
    left_out = "connect_timeout=5&keepalives=1&gssencmode=disable"
    assert (await version(url_of(server, f"{known}&{left_out}"))).startswith("18")
    why = await refused(url_of(server, "sslmode=require&channel_binding=require"))
    assert "does not know channel_binding" in why


async def test_the_owners_url_is_held_to_the_same(server: Front, stranger: Authority) -> None:
    owner = parse(url_of(server, f"sslmode=verify-ca&sslrootcert={stranger.file}", role="tally_owner"))
    with pytest.raises(BadAddress, match=r"^MIGRATION_DATABASE_URL: the certificate of localhost:\d+ is not trusted"):
        await preflight(owner, "MIGRATION_DATABASE_URL")


def test_an_operator_migrates_and_looks_over_a_verified_line(
    server: Front, known: Authority, stranger: Authority, tmp_path: Path
) -> None:
    query = f"sslmode=verify-full&sslrootcert={known.file}"
    mine = {"DATABASE_URL": url_of(server, query), "MIGRATION_DATABASE_URL": url_of(server, query, role="postgres")}
    terminal = Terminal(tmp_path, mine)
    assert terminal.report("migrate")["schema"] == "up to date"
    assert terminal.report("doctor")["postgresql"].startswith("18")
    assert server.encrypted >= 3
    wrong = query.replace(str(known.file), str(stranger.file))
    for command in (("migrate",), ("account", "list")):
        refusing = terminal.with_(DATABASE_URL=url_of(server, wrong), MIGRATION_DATABASE_URL="")
        assert "is not trusted" in refusing.tally(*command).sentence
    served = terminal.with_(DATABASE_URL=url_of(server, wrong), TALLY_JWT_SECRET="s" * 32)
    assert "is not trusted" in served.tally("serve", "--port", 0).sentence
