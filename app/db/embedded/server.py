"""The embedded server as the rest of Tally sees it."""

import time
from collections.abc import Iterator, Mapping
from contextlib import AbstractContextManager, ExitStack, contextmanager
from functools import cached_property
from pathlib import Path
from types import TracebackType
from typing import Final, Self
from urllib.parse import quote

from app.db.embedded import binaries, cluster, launch, place, postmaster
from app.db.embedded.errors import EmbeddedError, Occupied, plain
from app.db.embedded.launch import Child
from app.db.embedded.lock import Lock
from app.db.embedded.log import Log
from app.db.embedded.postmaster import Postmaster
from app.db.embedded.supervisor import Supervisor

POLL: Final = 0.02
PATIENCE: Final = 60.0  # with an owner that neither serves nor recovers


class Embedded:
    """A PostgreSQL in a directory, ours for as long as this object is started."""

    def __init__(self, data_dir: Path, *, options: Mapping[str, str] | None = None) -> None:
        self.data_dir = Path(data_dir).absolute()
        self._options = dict(options or {})
        self._supervisor: Supervisor | None = None
        self._socket_dir: Path | None = None
        self._undo = ExitStack()

    def start(self) -> None:
        """Run the server, alone: Occupied when another live process (or object) does."""
        try:
            with ExitStack() as undo:
                self._start(undo)
                self._undo = undo.pop_all()
        except OSError as error:
            raise EmbeddedError(plain(error, self.data_dir)) from error

    def _start(self, undo: ExitStack) -> None:
        place.make_data_dir(self.data_dir)
        _take(self.data_dir, undo)
        log = Log(self.data_dir)
        undo.callback(log.close)
        found = place.find(self.data_dir)
        found.make()
        if found.home != self.data_dir:  # a copied data directory names the same home
            _take(found.home, undo)
        programs = self._binaries.within_reach(found.account)
        cluster.ensure(found, programs, self._options)
        socket_dir = found.socket_dir()
        command = cluster.command(found, programs, socket_dir, self._options)

        def spawn() -> Child:
            postmaster.clear(found.cluster, socket_dir, found.account)
            return launch.STRATEGY(command, found.account, log.fd)

        supervisor = Supervisor(self.data_dir, found.cluster, log, spawn)
        undo.callback(self._forget)
        undo.callback(supervisor.stop)
        supervisor.start()
        self._supervisor, self._socket_dir = supervisor, socket_dir

    def _forget(self) -> None:
        self._supervisor = self._socket_dir = None

    def stop(self) -> None:
        """Shut the server down and wait for it; nothing when it is not ours to stop."""
        self._undo.close()

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    def attach(self) -> AbstractContextManager["Embedded"]:
        """Use the server another process runs, or run it meanwhile. An owner that stops ends it for all."""
        return self._attached()

    @contextmanager
    def _attached(self) -> Iterator["Embedded"]:
        if self._socket_dir is not None:
            yield self
            return
        self._join()
        try:
            yield self
        finally:
            self.stop()
            self._forget()

    def _join(self) -> None:
        deadline = time.monotonic() + PATIENCE
        while True:
            try:
                self.start()  # first of all, and again each time: the owner may stop while we wait
            except Occupied as occupied:
                found = self._running()
                if found and found.answers():
                    self._socket_dir = found.socket_dir
                    return
                if found and found.status == "starting":  # recovery takes what it takes
                    deadline = time.monotonic() + PATIENCE
                if time.monotonic() > deadline:
                    raise EmbeddedError(
                        f"{occupied} Its server does not answer: see {self.data_dir}/postgres.log."
                    ) from occupied
                time.sleep(POLL)
            else:
                return

    def _running(self) -> Postmaster | None:
        return postmaster.read(self.data_dir / "postgres")

    def url(self, role: str, database: str = "tally") -> str:
        """Where asyncpg and SQLAlchemy find it: a socket's directory, no host and no password."""
        parts = (quote(part, safe="") for part in (role, database, str(self.socket_dir)))
        return "postgresql://{}@/{}?host={}".format(*parts)

    @property
    def socket_dir(self) -> Path:
        """The directory of the socket, for as long as the server is in use."""
        if self._socket_dir is None:
            raise EmbeddedError(f"The PostgreSQL of {self.data_dir} is not running: start or attach first.")
        return self._socket_dir

    @property
    def pid(self) -> int:
        """The postmaster's; another one after a restart."""
        if self._supervisor:
            pid = self._supervisor.pid
        else:
            found = self._running() if self._socket_dir else None
            pid = found.pid if found else None
        if pid is None:
            raise EmbeddedError(f"The PostgreSQL of {self.data_dir} is not running at this moment.")
        return pid

    @property
    def restarts(self) -> int:
        """How often the server died under our supervision and was started again."""
        return self._supervisor.restarts if self._supervisor else 0

    @property
    def version(self) -> str:
        """Of the programs: "18.6"."""
        return self._binaries.version

    @cached_property
    def _binaries(self) -> binaries.Binaries:
        return binaries.find()


def _take(folder: Path, undo: ExitStack) -> None:
    lock = Lock(folder)
    lock.acquire()
    undo.callback(lock.release)
    lock.sign()
