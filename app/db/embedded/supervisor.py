"""The thread that starts the server, waits on it, and starts it again when it dies."""

import signal
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Final

from app.db.embedded import postmaster
from app.db.embedded.errors import EmbeddedError, plain, told
from app.db.embedded.launch import Child
from app.db.embedded.log import Log

POLL: Final = 0.005
REQUESTS: Final = (signal.SIGINT, signal.SIGQUIT, signal.SIGKILL)
PATIENCE: Final = 30.0  # before the next of them
REPEAT: Final = 1.0
FIRST_PAUSE: Final = 0.05
LONGEST_PAUSE: Final = 5.0
ORPHANS: Final = "pre-existing shared memory block"


class Supervisor:
    """Keeps one server running between start and stop."""

    def __init__(self, data_dir: Path, cluster: Path, log: Log, launch: Callable[[], Child]) -> None:
        self.restarts = 0
        self._data_dir = data_dir
        self._cluster = cluster
        self._log = log
        self._launch = launch
        self._child: Child | None = None
        self._changing = threading.Lock()  # between "may I start one?" and "stop the one that runs"
        self._stopping = threading.Event()
        self._settled = threading.Event()
        self._ready = False
        self._failure = f"The embedded PostgreSQL of {data_dir} was stopped while it started."
        # One thread for life: the kernel ends the server with the thread that started it.
        self._thread = threading.Thread(target=self._run, name="tally-postgres", daemon=True)

    @property
    def pid(self) -> int | None:
        """The running server's."""
        child = self._child
        return child.pid if child else None

    def start(self) -> None:
        """Return when the server accepts connections, however long it recovers; raise when it gives up."""
        self._thread.start()
        self._settled.wait()
        if not self._ready:
            raise EmbeddedError(self._failure)

    def stop(self) -> None:
        """Shut down fast and wait; at once (crash-safe, but with recovery) when that takes too long."""
        self._stopping.set()
        begun = time.monotonic()
        while self._thread.is_alive():
            late = int((time.monotonic() - begun) / PATIENCE)
            with self._changing:
                if self._child:
                    self._child.send(REQUESTS[min(late, len(REQUESTS) - 1)])
            self._thread.join(REPEAT)  # again: the launcher may have been too young to hear it

    def _run(self) -> None:
        pause = FIRST_PAUSE
        try:
            while not self._stopping.is_set():
                verdict = self._serve()
                if verdict and not self._settled.is_set() and ORPHANS not in verdict:
                    self._failure = verdict
                    return
                pause = min(2 * pause, LONGEST_PAUSE) if verdict else FIRST_PAUSE
                if ORPHANS in verdict:
                    postmaster.end_backends(self._cluster)
                    pause = FIRST_PAUSE
                self._stopping.wait(pause)
        finally:
            self._settled.set()

    def _serve(self) -> str:
        """One life of the server: "" when it had become ready, else why it did not."""
        mark = self._log.mark()
        try:
            child = self._begin()
        except EmbeddedError as error:
            return str(error)
        except OSError as error:
            return plain(error, self._data_dir)
        if child is None:
            return ""
        ready = self._await_ready(child)
        child.wait()
        with self._changing:
            self._child = None
        return "" if ready else told(self._log.since(mark), self._data_dir, self._log.path)

    def _begin(self) -> Child | None:
        with self._changing:
            if self._stopping.is_set():
                return None
            if self._settled.is_set():
                self.restarts += 1
                self._log.note("the server died and is started again")
            self._child = self._launch()
            return self._child

    def _await_ready(self, child: Child) -> bool:
        """Poll its status line: cheaper than connecting, and true only after recovery."""
        while not child.ended:
            found = postmaster.read(self._cluster)
            if found and found.pid == child.pid and found.status == "ready":
                self._ready = True
                self._settled.set()
                return True
            time.sleep(POLL)
        return False
