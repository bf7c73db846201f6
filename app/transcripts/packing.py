"""Packed logs unpacked: little by little, so that what unpacks best fills no memory; half is told from whole."""

import zlib
from collections.abc import Callable, Iterator
from typing import Any

import zstandard

# So little at once that even what unpacks best (some 256,000-fold) unpacks to a few MiB.
SLICE = 256
GZIP, ZSTD = b"\x1f\x8b", b"\x28\xb5\x2f\xfd"

Unpacker = Callable[[], Any]


class Cut(Exception):
    """It ends before its end."""


class NotPacked(Exception):
    """It is no stream of its kind, or no longer one from some place on."""


def gunzip() -> Any:
    return zlib.decompressobj(wbits=31)


def unzstd(window: int) -> Unpacker:
    """Unpacking needs up to so much memory, each; who packed with a larger window is asked to use a smaller one."""
    return lambda: zstandard.ZstdDecompressor(max_window_size=window).decompressobj()


def packing_of(first: bytes) -> str | None:
    """How a file is packed that begins like this: no log does. Raises Cut where it ends before one can tell."""
    if first.startswith(GZIP):
        return "gzip"
    if first.startswith(ZSTD):
        return "zstd"
    if first and (GZIP.startswith(first) or ZSTD.startswith(first)):
        raise Cut
    return None


def unpacked_by(unpacker: Unpacker, chunks: Iterator[bytes]) -> Iterator[bytes]:
    """Stream after stream, as both packings allow. Raises Cut where the last one is, and where there is none at all."""
    current, is_whole = unpacker(), False
    for chunk in chunks:
        for at in range(0, len(chunk), SLICE):
            piece = chunk[at : at + SLICE]
            while piece:
                is_whole = False
                yield decompressed(current, piece)
                piece = b""
                if current.eof:
                    piece, current, is_whole = current.unused_data, unpacker(), True
    if not is_whole:
        raise Cut


def decompressed(current: Any, piece: bytes) -> bytes:
    try:
        content: bytes = current.decompress(piece)
    except (zlib.error, zstandard.ZstdError) as error:
        raise NotPacked(str(error)) from None
    return content
