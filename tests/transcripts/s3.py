"""Enough of S3's protocol on loopback to keep logs in: objects, ranges, lists, uploads in parts; signed, or refused."""

import re
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from email.utils import formatdate
from hashlib import md5, sha256
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qs, unquote, urlsplit
from xml.sax.saxutils import escape, unescape

SIGNED = re.compile(
    r"AWS4-HMAC-SHA256 Credential=(\w+)/\d{8}/[\w-]+/s3/aws4_request, SignedHeaders=\S+, Signature=\w{64}"
)
KEY, SHOWN = "AKIDTEST", {"uploads", "partNumber", "list-type", "delete"}


@dataclass
class Store:
    """`seen`: the methods that came, by kind; `refuses`: whether it is out of order."""

    url: str = ""
    objects: dict[str, bytes] = field(default_factory=dict)
    parts: dict[str, dict[int, bytes]] = field(default_factory=dict)
    seen: list[str] = field(default_factory=list)
    refuses: bool = False


class Handler(BaseHTTPRequestHandler):
    store: Store
    protocol_version = "HTTP/1.1"

    def log_message(self, *_: object) -> None:
        """Quiet."""

    def do(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        url = urlsplit(self.path)
        query = {name: values[0] for name, values in parse_qs(url.query, keep_blank_values=True).items()}
        key = unquote(url.path).removeprefix("/bucket").lstrip("/")
        self.store.seen.append(" ".join([self.command, *sorted(query.keys() & SHOWN)]))
        signature = SIGNED.fullmatch(self.headers.get("Authorization", ""))
        digest = self.headers["x-amz-content-sha256"]
        if self.store.refuses or signature is None or signature[1] != KEY:
            self.answer(403, b"<Error><Code>AccessDenied</Code></Error>")
        elif digest != "UNSIGNED-PAYLOAD" and digest != sha256(body).hexdigest():
            self.answer(400, b"<Error><Code>XAmzContentSHA256Mismatch</Code></Error>")
        elif "list-type" in query:
            self.contents(query.get("prefix", ""))
        elif "delete" in query:
            self.delete_all([unescape(key) for key in re.findall("<Key>(.*?)</Key>", body.decode())])
        elif "uploads" in query or "uploadId" in query:
            self.in_parts(key, query, body)
        else:
            self.object(key, body)

    do_GET = do_PUT = do_POST = do_DELETE = do_HEAD = do  # noqa: N815 - their names are the methods'

    def answer(self, status: int, body: bytes = b"", **headers: str) -> None:
        self.send_response(status)
        for name, value in {"Content-Length": str(len(body)), **headers}.items():
            self.send_header(name.replace("_", "-"), value)
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)

    def contents(self, prefix: str) -> None:
        found = "".join(
            f"<Contents><Key>{escape(key)}</Key><LastModified>{now()}</LastModified><ETag>e</ETag>"
            f"<Size>{len(content)}</Size></Contents>"
            for key, content in sorted(self.store.objects.items())
            if key.startswith(prefix)
        )
        self.answer(200, f"<ListBucketResult><IsTruncated>false</IsTruncated>{found}</ListBucketResult>".encode())

    def delete_all(self, keys: list[str]) -> None:
        for key in keys:
            self.store.objects.pop(key, None)
        gone = "".join(f"<Deleted><Key>{escape(key)}</Key></Deleted>" for key in keys)
        self.answer(200, f"<DeleteResult>{gone}</DeleteResult>".encode())

    def in_parts(self, key: str, query: dict[str, str], body: bytes) -> None:
        own = query.get("uploadId", key)
        if "uploads" in query:
            self.store.parts[own] = {}
            self.answer(200, f"<R><UploadId>{own}</UploadId></R>".encode())
        elif self.command == "PUT":
            self.store.parts[own][int(query["partNumber"])] = body
            self.answer(200, ETag=tag(body))
        else:
            self.store.objects[key] = b"".join(part for _, part in sorted(self.store.parts.pop(own).items()))
            self.answer(200, b"<R><ETag>e</ETag></R>")

    def object(self, key: str, body: bytes) -> None:
        if self.command == "PUT":
            self.store.objects[key] = body
            self.answer(200, ETag=tag(body))
        elif self.command == "DELETE":
            self.store.objects.pop(key, None)
            self.answer(204)
        elif key not in self.store.objects:
            self.answer(404, b"<Error><Code>NoSuchKey</Code></Error>")
        else:
            self.part_of(self.store.objects[key])

    def part_of(self, content: bytes) -> None:
        said = {"ETag": tag(content), "Last_Modified": formatdate(usegmt=True)}
        wanted = re.fullmatch(r"bytes=(\d+)-(\d+)", self.headers.get("Range", ""))
        if wanted is None:
            self.answer(200, content, **said)
            return
        start, end = int(wanted[1]), min(int(wanted[2]), len(content) - 1)
        said["Content_Range"] = f"bytes {start}-{end}/{len(content)}"
        self.answer(206, content[start : end + 1], **said)


def now() -> str:
    return datetime.now(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def tag(content: bytes) -> str:
    return f'"{md5(content, usedforsecurity=False).hexdigest()}"'


@contextmanager
def bucket() -> Iterator[Store]:
    """A bucket named `bucket`, and how to reach it."""
    store = Store()
    kind = type("Bound", (Handler,), {"store": store})
    with ThreadingHTTPServer(("127.0.0.1", 0), kind) as server:
        store.url = f"http://127.0.0.1:{server.server_port}"
        thread = threading.Thread(target=server.serve_forever, args=(0.05,))
        thread.start()
        try:
            yield store
        finally:
            server.shutdown()
            thread.join()


def environment(store: Store) -> dict[str, str]:
    return {
        "AWS_ENDPOINT": store.url,
        "AWS_ALLOW_HTTP": "true",
        "AWS_REGION": "eu-west-1",
        "AWS_ACCESS_KEY_ID": KEY,
        "AWS_SECRET_ACCESS_KEY": "secret",
    }
