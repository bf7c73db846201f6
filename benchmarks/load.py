"""Requests a second: wrk for seconds at a time where it is installed, else callers of our own (slower, same ratios)."""

import asyncio
import re
import shutil
import subprocess
import time
from collections.abc import Mapping
from urllib.parse import urlsplit

import uvloop

CLIENTS = 8
# wrk knows whole seconds only.
SHORTEST_OF_WRK = 1


def requests_a_second(url: str, headers: Mapping[str, str], seconds: float = 3) -> float:
    if seconds >= SHORTEST_OF_WRK and shutil.which("wrk"):
        return by_wrk(url, headers, seconds)
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        return runner.run(by_callers(url, headers, seconds))


def by_wrk(url: str, headers: Mapping[str, str], seconds: float) -> float:
    given = [part for name, value in headers.items() for part in ("-H", f"{name}: {value}")]
    command = ["wrk", "-t1", f"-c{CLIENTS}", f"-d{round(seconds)}s", *given, url]
    told = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    failed = re.search(r"Non-2xx or 3xx responses: (\d+)", told)
    rate = re.search(r"Requests/sec:\s+([\d.]+)", told)
    if failed or rate is None:
        raise RuntimeError(f"{url} answered with errors: {told}")
    return float(rate[1])


async def by_callers(url: str, headers: Mapping[str, str], seconds: float) -> float:
    """Eight at once, each of whom asks again as soon as it is answered."""
    parts = urlsplit(url)
    said = "".join(f"{name}: {value}\r\n" for name, value in {"Host": parts.netloc, **headers}.items())
    asked = f"GET {parts.path}?{parts.query} HTTP/1.1\r\n{said}\r\n".encode()
    began = time.perf_counter()

    async def ask() -> int:
        reader, writer = await asyncio.open_connection(parts.hostname, parts.port)
        count = 0
        while time.perf_counter() < began + seconds:
            writer.write(asked)
            head = await reader.readuntil(b"\r\n\r\n")
            length = re.search(rb"content-length: (\d+)", head)
            if not head.startswith(b"HTTP/1.1 200") or length is None:
                raise RuntimeError(f"{url} answered with an error: {head.decode()}")
            await reader.readexactly(int(length[1]))
            count += 1
        writer.close()
        return count

    counts = await asyncio.gather(*(ask() for _ in range(CLIENTS)))
    return sum(counts) / (time.perf_counter() - began)
