"""Requests a second: wrk where it is installed, else a handful of clients of our own (slower, same ratios)."""

import asyncio
import re
import shutil
import subprocess
import time
from collections.abc import Mapping

import httpx

CLIENTS = 8


def requests_a_second(url: str, headers: Mapping[str, str], seconds: float = 3) -> float:
    if shutil.which("wrk"):
        return by_wrk(url, headers, seconds)
    return asyncio.run(by_httpx(url, headers, seconds))


def by_wrk(url: str, headers: Mapping[str, str], seconds: float) -> float:
    given = [part for name, value in headers.items() for part in ("-H", f"{name}: {value}")]
    command = ["wrk", "-t1", f"-c{CLIENTS}", f"-d{max(1, round(seconds))}s", *given, url]
    told = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    failed = re.search(r"Non-2xx or 3xx responses: (\d+)", told)
    rate = re.search(r"Requests/sec:\s+([\d.]+)", told)
    if failed or rate is None:
        raise RuntimeError(f"{url} answered with errors: {told}")
    return float(rate[1])


async def by_httpx(url: str, headers: Mapping[str, str], seconds: float) -> float:
    until = time.perf_counter() + seconds

    async def ask(client: httpx.AsyncClient) -> int:
        count = 0
        while time.perf_counter() < until:
            (await client.get(url)).raise_for_status()
            count += 1
        return count

    began = time.perf_counter()
    async with httpx.AsyncClient(headers=headers) as client:
        counts = await asyncio.gather(*(ask(client) for _ in range(CLIENTS)))
    return sum(counts) / (time.perf_counter() - began)
