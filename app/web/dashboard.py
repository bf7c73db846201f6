"""GET / and what lies beside the API: the built dashboard, read from its folder at each request.

The folder may be made anew while we run. Pages ask for what their index.html names, whose names change with their
content; everything else a browser opens is a place within the dashboard, and gets index.html.
"""

import re
from pathlib import Path
from typing import Any

from starlette.datastructures import Headers
from starlette.responses import FileResponse, Response
from starlette.types import ASGIApp, Receive, Scope, Send

from app.web.etags import is_known, tag_of
from app.web.problems import NotFound

BESIDE = Path(__file__).parents[2] / "frontend" / "dist"
INDEX = "index.html"
# No dot at the beginning and no folder but this one: nothing leads out.
FILE = re.compile(r"(?:assets/)?[A-Za-z0-9_-][A-Za-z0-9_.-]*\.(js|css|svg|html|txt|woff2)")
KINDS = {
    "js": "text/javascript",
    "css": "text/css",
    "svg": "image/svg+xml",
    "html": "text/html",
    "txt": "text/plain",
    "woff2": "font/woff2",
}
# Not the dashboard's, whoever asks: there an address that is not known stays a problem document.
OTHERS = ("/api", "/otlp", "/health", "/metrics", "/docs", "/openapi.json", "/assets")
POLICY = (
    "default-src 'self'; img-src 'self' blob:; object-src 'none'; base-uri 'none'; form-action 'none';"
    " frame-ancestors 'none'"
)
FOREVER = "public, max-age=31536000, immutable"
ENCODINGS = {"br": ".br", "gzip": ".gz"}
NOT_BUILT = "The dashboard is not built here: `make frontend` builds it (needs npm). The API is described at /docs."


class Dashboard:
    """Asked when no route of the API takes the address; what is not its own goes on to `otherwise`."""

    path = "/{dashboard}"

    def __init__(self, folder: Path | None, otherwise: ASGIApp) -> None:
        self.folder = folder or BESIDE
        self.otherwise = otherwise

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        answer = self.answer(scope) if scope["type"] == "http" and scope["method"] == "GET" else None
        if answer is None:
            await self.otherwise(scope, receive, send)
            return
        # One line for all of it in the metrics and in the log.
        scope["route"] = self
        await answer(scope, receive, send)

    def answer(self, scope: Scope) -> Response | None:
        headers, path = Headers(scope=scope), str(scope["path"])
        if path == "/":
            return self.index(headers)
        if FILE.fullmatch(path[1:]) and (self.folder / path[1:]).is_file():
            return self.file(path[1:], headers)
        is_visit = "text/html" in headers.get("accept", "")
        return self.index(headers) if is_visit and not is_other(path) and self.is_built else None

    @property
    def is_built(self) -> bool:
        return (self.folder / INDEX).is_file()

    def index(self, headers: Headers) -> Response:
        if not self.is_built:
            raise NotFound(NOT_BUILT)
        tag = tag_of((self.folder / INDEX).read_text())
        added = {"ETag": tag, "Cache-Control": "no-cache", "Content-Security-Policy": POLICY}
        if is_known(tag, headers.get("if-none-match")):
            return Response(status_code=304, headers=added)
        return self.file(INDEX, headers, added)

    def file(self, name: str, headers: Headers, added: dict[str, Any] | None = None) -> Response:
        kept = {"Cache-Control": FOREVER if name.startswith("assets/") else "no-cache", "Vary": "Accept-Encoding"}
        kind = KINDS[name.rpartition(".")[2]]
        path = self.folder / name
        for encoding, ending in ENCODINGS.items():
            squeezed = path.with_name(path.name + ending)
            if encoding in headers.get("accept-encoding", "") and squeezed.is_file():
                packed = {**kept, "Content-Encoding": encoding, **(added or {})}
                return FileResponse(squeezed, headers=packed, media_type=kind)
        return FileResponse(path, headers={**kept, **(added or {})}, media_type=kind)


def is_other(path: str) -> bool:
    return any(path == prefix or path.startswith(prefix + "/") for prefix in OTHERS)
