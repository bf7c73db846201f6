"""Bodies nobody sends by mistake: the largest, deepest, falsest ones there is room for."""

import gzip
import json
import zlib
from collections.abc import Callable

MIB = 2**20
LIMIT = 16 * MIB
AT = "2026-03-01T12:00:00Z"
WIDE = "😀"


def message(number: int, **more: object) -> dict[str, object]:
    return {"session_id": f"s{number % 50}", "id": f"m{number}", "role": "user", "created_at": AT, **more}


def batch(rows: object) -> bytes:
    return json.dumps({"messages": rows}, ensure_ascii=False, separators=(",", ":")).encode()


def padded(size: int) -> bytes:
    return batch([message(1)]).ljust(size)


def bomb(size: int, *, honest: bool) -> bytes:
    """So many spaces, packed a thousandfold; a false one says it unpacks to a hundred bytes."""
    packer = zlib.compressobj(wbits=31)
    packed = b"".join(packer.compress(b" " * MIB) for _ in range(size // MIB)) + packer.flush()
    return packed if honest else packed[:-4] + (100).to_bytes(4, "little")


# Each at or under every cap there is, so that it is not refused at a glance.
WORST: dict[str, Callable[[], bytes]] = {
    "full rows": lambda: batch(
        [message(n, agent_name=WIDE * 150, model_id=f"{WIDE * 120}{n}", provider=WIDE * 90) for n in range(10_000)]
    ),
    "fields nobody knows, in one row": lambda: batch([{f"f{n}": 1 for n in range(235_000)}]),
    "fields nobody knows, in every row": lambda: batch([{f"f{n}": 1 for n in range(23)} for _ in range(10_000)]),
    "one name of sixteen million letters": lambda: batch([{"a" * (LIMIT - 100) + WIDE: 1}]),
    "one text of sixteen million letters": lambda: batch([message(1, agent_name="a" * (LIMIT - 200) + WIDE)]),
    "texts where numbers belong": lambda: batch([message(n, input_tokens="9" * 1_500) for n in range(10_000)]),
    "a row of numbers": lambda: batch([[0.5] * 235_000]),
    "a row of texts": lambda: batch([[WIDE * 12] * 235_000]),
    "a row of objects": lambda: batch([[{}] * 19_000]),
}


def packed(body: bytes) -> bytes:
    return gzip.compress(body, 1)
