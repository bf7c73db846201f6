"""TLS in front of the embedded PostgreSQL, which has none: an authority, its certificates, and who speaks with them."""

import asyncio
import datetime as dt
import ssl
import threading
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import NameOID

# As PostgreSQL's protocol has it: a length of eight, and the number that asks for TLS.
TLS_PLEASE = b"\0\0\0\x08\x04\xd2\x16\x2f"
# What PostgreSQL says where pg_hba.conf has `hostssl` alone.
NO_ENTRY = b"E\0\0\0\x24SFATAL\0VFATAL\0C28000\0Mno entry\0\0"
DAY = dt.timedelta(days=1)


class Authority:
    """One that signs; `file` is what a client names with sslrootcert."""

    def __init__(self, folder: Path, name: str) -> None:
        self._folder = folder
        self._key = ec.generate_private_key(ec.SECP256R1())
        self._name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
        self._certificate = (
            self._dated(self._name, self._key)
            .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
            .sign(self._key, hashes.SHA256())
        )
        self.file = folder / f"{name}.crt"
        self.file.write_bytes(self._certificate.public_bytes(Encoding.PEM))

    def _dated(self, subject: x509.Name, key: ec.EllipticCurvePrivateKey) -> x509.CertificateBuilder:
        now = dt.datetime.now(dt.UTC)
        start = x509.CertificateBuilder().subject_name(subject).issuer_name(self._name).public_key(key.public_key())
        return start.serial_number(x509.random_serial_number()).not_valid_before(now - DAY).not_valid_after(now + DAY)

    def context_for(self, host: str) -> ssl.SSLContext:
        """What a server needs that calls itself `host`."""
        key = ec.generate_private_key(ec.SECP256R1())
        named = x509.SubjectAlternativeName([x509.DNSName(host)])
        subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, host)])
        certificate = self._dated(subject, key).add_extension(named, critical=False).sign(self._key, hashes.SHA256())
        both = self._folder / f"{host}.pem"
        both.write_bytes(
            key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
            + certificate.public_bytes(Encoding.PEM)
        )
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(both)
        return context


@dataclass
class Front:
    """Takes connections for the PostgreSQL behind a socket: over TLS alone, or where it has none in the clear alone."""

    behind: Path
    context: ssl.SSLContext | None
    port: int = 0
    encrypted: int = 0

    async def take(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with suppress(OSError, asyncio.IncompleteReadError):
            async with ending(writer):
                first = await self._greet(reader, writer)
                there, back = await asyncio.open_unix_connection(self.behind)
                async with ending(back):
                    back.write(first)
                    await asyncio.gather(pump(reader, back), pump(there, writer))

    async def _greet(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> bytes:
        """What the client says first, once it was asked in the right way."""
        first = await reader.readexactly(8)
        if first == TLS_PLEASE:
            writer.write(b"S" if self.context else b"N")
            if self.context:
                await writer.start_tls(self.context)
                self.encrypted += 1
            first = await reader.readexactly(8)
        elif self.context:
            writer.write(NO_ENTRY)
            await reader.read()  # until the client has read it, and goes
            raise ConnectionError
        return first


@asynccontextmanager
async def ending(writer: asyncio.StreamWriter) -> AsyncIterator[None]:
    """Cut at the end, whatever was on its way: no transport outlives the loop."""
    try:
        yield
    finally:
        writer.transport.abort()


async def pump(source: asyncio.StreamReader, target: asyncio.StreamWriter) -> None:
    with suppress(OSError):
        while data := await source.read(65536):
            target.write(data)
            await target.drain()
    target.close()


@contextmanager
def front(behind: Path, context: ssl.SSLContext | None) -> Iterator[Front]:
    """Listening on a free port of 127.0.0.1, which is also `localhost`."""
    found, ready, ended = Front(behind, context), threading.Event(), asyncio.Event()
    loop = asyncio.new_event_loop()

    async def serve() -> None:
        async with await asyncio.start_server(found.take, "127.0.0.1", 0) as server:
            found.port = server.sockets[0].getsockname()[1]
            ready.set()
            await ended.wait()

    def run() -> None:
        with asyncio.Runner(loop_factory=lambda: loop) as runner:
            runner.run(serve())

    thread = threading.Thread(target=run)
    thread.start()
    assert ready.wait(10)
    try:
        yield found
    finally:
        loop.call_soon_threadsafe(ended.set)
        thread.join(10)
