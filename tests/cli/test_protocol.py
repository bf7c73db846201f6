"""What strangers send before anybody asks who they are."""

import json
import socket

import httpx
import pytest

from tests.cli.terminal import Running


def exchange(port: int, *parts: bytes) -> bytes:
    """The answer to raw bytes, or what there was of it when the server hung up."""
    with socket.create_connection(("127.0.0.1", port), timeout=10) as connection:
        try:
            for part in parts:
                connection.sendall(part)
            return connection.recv(65536)
        except ConnectionError:
            return b""


def test_a_head_without_end_is_cut_off(up: Running, port: int) -> None:
    begin = b"GET /health/live HTTP/1.1\r\nHost: x\r\n"
    for endless in (b"X: " + b"a" * 2_000_000, b"X:\r\n" * 500_000):
        assert b"200 OK" not in exchange(port, begin, *[endless[i : i + 65536] for i in range(0, len(endless), 65536)])
    trailers = (
        b"POST /health/live HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n" + b"X: aaaa\r\n" * 100_000
    )
    exchange(port, *[trailers[i : i + 65536] for i in range(0, len(trailers), 65536)])
    assert httpx.get(f"http://127.0.0.1:{port}/health/live").status_code == 200


UNREADABLE = {
    "a request line": b"HELLO\r\n\r\n",
    "a header": b"GET /health/live HTTP/1.1\r\nHost x\r\n\r\n",
    "a chunk": b"POST /api/v1/auth/token HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n\r\n",
}


@pytest.mark.parametrize("name", UNREADABLE)
def test_what_cannot_be_read_is_a_problem_as_well(up: Running, port: int, name: str) -> None:
    head, _, body = exchange(port, UNREADABLE[name]).decode().partition("\r\n\r\n")
    status, *lines = head.split("\r\n")
    headers = dict(line.lower().split(": ", 1) for line in lines)
    document = json.loads(body)
    assert status == "HTTP/1.1 400 Bad Request"
    assert (headers["content-type"], headers["connection"]) == ("application/problem+json", "close")
    assert document["request_id"] == headers["x-request-id"]
    assert (document["status"], document["title"]) == (400, "Bad Request")
    assert "could not be read" in document["detail"]
    assert int(headers["content-length"]) == len(body)


def test_long_bodies_and_many_requests_on_one_connection_are_no_heads(up: Running, port: int) -> None:
    with httpx.Client(base_url=f"http://127.0.0.1:{port}") as client:
        for _ in range(3):
            answer = client.post(
                "/api/v1/auth/token", content=b" " * 1_000_000, headers={"Content-Type": "application/json"}
            )
            assert answer.status_code == 422
        assert all(client.get("/health/live").status_code == 200 for _ in range(200))
