"""What strangers send before anybody asks who they are."""

import socket

import httpx

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


def test_long_bodies_and_many_requests_on_one_connection_are_no_heads(up: Running, port: int) -> None:
    with httpx.Client(base_url=f"http://127.0.0.1:{port}") as client:
        for _ in range(3):
            answer = client.post(
                "/api/v1/auth/token", content=b" " * 1_000_000, headers={"Content-Type": "application/json"}
            )
            assert answer.status_code == 422
        assert all(client.get("/health/live").status_code == 200 for _ in range(200))
