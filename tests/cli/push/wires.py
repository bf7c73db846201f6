"""What lies between a machine and its server: TLS with a CA of one's own, and a proxy that writes down what it sees."""

import datetime as dt
import gzip
import http.server
import select
import socket
import ssl
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.client import HTTPConnection
from ipaddress import ip_address
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

HOPS = {"connection", "proxy-connection", "transfer-encoding", "content-length", "host"}


class Relay(http.server.BaseHTTPRequestHandler):
    """Passes each request on to `target`, or to whom its address names."""

    protocol_version = "HTTP/1.1"
    target = ""
    seen: list[tuple[str, str, bytes]]

    def do_POST(self) -> None:
        self._pass_on(self.rfile.read(int(self.headers.get("Content-Length", 0))))

    def do_GET(self) -> None:
        self._pass_on(b"")

    def do_CONNECT(self) -> None:
        """A tunnel: what goes through it is for its two ends alone."""
        self.seen.append(("CONNECT", self.path, b""))
        self.close_connection = True
        host, _, port = self.path.rpartition(":")
        with socket.create_connection((host, int(port)), timeout=60) as beyond:
            self.send_response(200)
            self.end_headers()
            ways = {self.connection: beyond, beyond: self.connection}
            while ready := select.select(list(ways), [], [], 60)[0]:
                for end in ready:
                    piece = end.recv(2**16)
                    if not piece:
                        return
                    ways[end].sendall(piece)

    def _pass_on(self, body: bytes) -> None:
        parts = urlsplit(self.target or self.path)
        path = urlsplit(self.path).path
        plain = gzip.decompress(body) if self.headers.get("Content-Encoding") == "gzip" else body
        self.seen.append((self.command, path, plain))
        connection = HTTPConnection(parts.hostname or "", parts.port or 80, timeout=60)
        connection.request(self.command, path, body, {k: v for k, v in self.headers.items() if k.lower() not in HOPS})
        answer = connection.getresponse()
        content = answer.read()
        connection.close()
        self.send_response(answer.status)
        for name, value in answer.getheaders():
            if name.lower() not in HOPS:
                self.send_header(name, value)
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 - its name there
        pass


@contextmanager
def relaying(target: str, context: ssl.SSLContext | None = None) -> Iterator[tuple[int, list[tuple[str, str, bytes]]]]:
    seen: list[tuple[str, str, bytes]] = []
    handler = type("Handler", (Relay,), {"target": target, "seen": seen})
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        server.daemon_threads = True
        if context:
            server.socket = context.wrap_socket(server.socket, server_side=True)
        thread = threading.Thread(target=server.serve_forever, daemon=True)
        thread.start()
        try:
            yield server.server_address[1], seen
        finally:
            server.shutdown()
            thread.join()


@contextmanager
def proxy() -> Iterator[tuple[str, list[tuple[str, str, bytes]]]]:
    """Its address, and (method, path, body) of what went through it."""
    with relaying("") as (port, seen):
        yield f"http://127.0.0.1:{port}", seen


@contextmanager
def tls(target: str, folder: Path) -> Iterator[tuple[str, Path]]:
    """An https address of the server, and the certificate of the CA that vouches for it."""
    authority, chain = certificates(folder)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(chain)
    with relaying(target, context) as (port, _):
        yield f"https://127.0.0.1:{port}", authority


def certificates(folder: Path) -> tuple[Path, Path]:
    own, others = ec.generate_private_key(ec.SECP256R1()), ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "A CA of our own")])
    now = dt.datetime.now(dt.UTC)

    def begun(key: ec.EllipticCurvePrivateKey) -> x509.CertificateBuilder:
        builder = x509.CertificateBuilder().issuer_name(name).public_key(key.public_key())
        dated = builder.not_valid_before(now - dt.timedelta(days=1)).not_valid_after(now + dt.timedelta(days=1))
        return dated.serial_number(x509.random_serial_number())

    usage = x509.KeyUsage(*(name in ("key_cert_sign", "crl_sign") for name in USES))
    ca = (
        begun(own).subject_name(name).add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .add_extension(usage, critical=True)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(own.public_key()), critical=False)
        .sign(own, hashes.SHA256())
    )  # fmt: skip
    leaf = (
        begun(others).subject_name(x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "127.0.0.1")]))
        .add_extension(x509.SubjectAlternativeName([x509.IPAddress(ip_address("127.0.0.1"))]), critical=False)
        .add_extension(x509.AuthorityKeyIdentifier.from_issuer_public_key(own.public_key()), critical=False)
        .sign(own, hashes.SHA256())
    )  # fmt: skip
    pem, plain = serialization.Encoding.PEM, serialization.NoEncryption()
    authority, chain = folder / "ca.pem", folder / "server.pem"
    authority.write_bytes(ca.public_bytes(pem))
    key = others.private_bytes(pem, serialization.PrivateFormat.PKCS8, plain)
    chain.write_bytes(key + leaf.public_bytes(pem))
    return authority, chain


USES = (
    "digital_signature", "content_commitment", "key_encipherment", "data_encipherment", "key_agreement",
    "key_cert_sign", "crl_sign", "encipher_only", "decipher_only",
)  # fmt: skip
