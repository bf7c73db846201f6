"""What comes before a body is bounded too: uvicorn's fast parser takes a head of any length, from anybody."""

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

# Far above what any client sends, and little enough to hold for each connection.
MOST_HEAD = 64 * 1024


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
