"""What comes before a body is bounded too: uvicorn's fast parser takes a head of any length, from anybody."""

from uuid import uuid4

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from app.web.answers import respond
from app.web.problems import BadRequest

# Far above what any client sends, and little enough to hold for each connection.
MOST_HEAD = 64 * 1024
UNREADABLE = "The request could not be read, or its head is too long: check its syntax."


class BoundedHead(HttpToolsProtocol):
    """Ends a connection whose request line and headers, or trailers, do not end."""

    _head = 0
    _in_body = False

    def data_received(self, data: bytes) -> None:
        if not self._in_body:
            self._head += len(data)
        super().data_received(data)
        # Afterwards: what came may have ended the head, and begun a body, or the next request.
        if self._head > MOST_HEAD and not self.transport.is_closing():
            self.send_400_response("The head of the request is too long.")

    def send_400_response(self, msg: str) -> None:  # noqa: ARG002 - the parser's words, which tell a person nothing
        """In our form: what cannot be read never reaches the application."""
        request_id = uuid4().hex
        answer = respond({"path": "", "state": {"request_id": request_id}}, BadRequest(UNREADABLE))
        headers = [*answer.raw_headers, (b"x-request-id", request_id.encode()), (b"connection", b"close")]
        lines = [b"HTTP/1.1 400 Bad Request", *(name + b": " + value for name, value in headers), b"", b""]
        self.transport.write(b"\r\n".join(lines) + bytes(answer.body))
        self.transport.close()

    def on_message_begin(self) -> None:
        self._head, self._in_body = 0, False
        super().on_message_begin()

    def on_headers_complete(self) -> None:
        self._head, self._in_body = 0, True
        super().on_headers_complete()

    def on_header(self, name: bytes, value: bytes) -> None:
        self._head += len(name) + len(value) if self._in_body else 0
        super().on_header(name, value)

    def on_message_complete(self) -> None:
        self._head, self._in_body = 0, False
        super().on_message_complete()
