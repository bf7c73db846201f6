"""Long-running commands: how they listen, and how they end."""

import asyncio
import os
import signal
import socket
from collections.abc import Callable
from types import FrameType
from typing import NoReturn

import uvicorn
from fastapi import FastAPI

from app.cli.allocation import give_back_at_once
from app.cli.protocol import BoundedHead
from app.db.addresses import BadAddress

DRAIN_S = 8


def end_on_sigterm() -> None:
    """SIGTERM unwinds the stack like Ctrl-C does, so that everything started is stopped."""

    def leave(number: int, _frame: FrameType | None) -> NoReturn:
        raise SystemExit(128 + number)

    signal.signal(signal.SIGTERM, leave)


def listen(host: str, port: int) -> socket.socket:
    """The port, taken before anything else starts: a taken one is the commonest fault and should show at once.

    It listens already: of two that only bound it, the second would find out when everything else has started.
    """
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    listener = socket.socket(family, socket.SOCK_STREAM)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind((host, port))
        listener.listen()
    except OSError as error:
        listener.close()
        why = f"Cannot listen on {host}:{port} ({error.strerror}): choose another with --port or TALLY_PORT."
        raise BadAddress(why) from None
    return listener


def url_of(listener: socket.socket) -> str:
    host, port = listener.getsockname()[:2]
    return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"


class Server(uvicorn.Server):
    """Remembers which signal ended it."""

    ended_by: int | None = None

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        self.ended_by = sig
        super().handle_exit(sig, frame)


def serve(app: FastAPI, listener: socket.socket, ready: Callable[[], None] = lambda: None) -> None:
    """Answer until told to stop, then finish what is in flight."""
    give_back_at_once()
    server = Server(
        uvicorn.Config(
            app,
            http=BoundedHead,
            log_config=None,
            access_log=False,
            server_header=False,
            timeout_graceful_shutdown=DRAIN_S,
            # By itself uvicorn believes whoever is on this machine.
            forwarded_allow_ips=os.environ.get("FORWARDED_ALLOW_IPS", ""),
        )
    )

    async def announced() -> None:
        serving = asyncio.create_task(server.serve(sockets=[listener]))
        while not server.started and not serving.done():  # noqa: ASYNC110 - uvicorn offers a flag, no event
            await asyncio.sleep(0.01)
        if server.started:
            ready()
        await serving
        if not server.started:
            raise SystemExit(1)  # the log says why

    try:
        with asyncio.Runner(loop_factory=event_loop) as runner:
            runner.run(announced())
    finally:
        listener.close()
    # Mostly it has been raised again by now; not where it came in a moment when nobody could be interrupted.
    if server.ended_by is not None:
        raise SystemExit(128 + server.ended_by)


def event_loop() -> asyncio.AbstractEventLoop:
    import uvloop  # noqa: PLC0415 - absent on Windows

    return uvloop.new_event_loop()
