"""Clients that keep the server waiting; without this a few hundred of them would shut everybody out."""

import socket
import time
from collections.abc import Iterable
from contextlib import ExitStack, suppress

import httpx
import pytest

from rec_assets.serving.http import connections
from rec_assets_tests.serving.serving_process import served, until

SECONDS = 0.5
HALF_A_HEAD = b"GET /health HTTP/1.1\r\nHost: x\r\nX: "
HALF_A_BODY = b'POST /recommend HTTP/1.1\r\nHost: x\r\nContent-Length: 5000\r\n\r\n{"tra'
WHOLE = b"GET /health HTTP/1.1\r\nHost: x\r\n\r\n"
LONG_ANSWERS = b"GET /openapi.json HTTP/1.1\r\nHost: x\r\n\r\n" * 2_000
CLOSED = b"GET / HTTP/1.1\r\nConnection: close\r\nHost: x\r\n\r\n"


@pytest.fixture
def client(promoted_store, monkeypatch) -> Iterable[httpx.Client]:
    monkeypatch.setattr(connections, "SECONDS_FOR_CLIENT", SECONDS)
    with served(promoted_store) as client:
        yield client


def connected(client: httpx.Client, sent: bytes) -> socket.socket:
    connection = socket.socket()
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4_096)
    connection.connect((client.base_url.host, client.base_url.port or 0))
    connection.settimeout(0.05)
    with suppress(TimeoutError):
        connection.sendall(sent)
    return connection


def is_cut_off(connection: socket.socket) -> bool:
    """Whether the server has closed it, though a byte is sent once more."""
    try:
        connection.send(b"a")
    except TimeoutError:
        return False
    except OSError:
        return True
    return False


@pytest.mark.parametrize(
    "sent", [b"", HALF_A_HEAD, HALF_A_BODY, WHOLE + HALF_A_HEAD, WHOLE + HALF_A_BODY, LONG_ANSWERS]
)
def test_who_keeps_the_server_waiting_is_cut_off_though_bytes_trickle(client, sent) -> None:
    begun = time.monotonic()
    with connected(client, sent) as connection:
        until(lambda: is_cut_off(connection))

    assert time.monotonic() - begun < 20 * SECONDS
    assert client.get("/health").status_code == 200


def test_who_does_not_read_a_last_answer_is_cut_off(client, monkeypatch) -> None:
    """Which is shorter than what would pause the writing, and longer than what the system keeps for the client."""
    made = connections.Connection.connection_made

    def with_little_room(self, transport) -> None:
        transport.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 1_024)
        made(self, transport)

    monkeypatch.setattr(connections.Connection, "connection_made", with_little_room)
    with connected(client, CLOSED) as connection:
        until(lambda: is_cut_off(connection))


def test_who_asks_again_and_again_is_not_cut_off(client) -> None:
    with connected(client, b"") as connection:
        connection.settimeout(30)
        for _ in range(4):
            time.sleep(SECONDS / 2)
            connection.sendall(WHOLE)
            assert connection.recv(10_000).startswith(b"HTTP/1.1 200")


def test_hundreds_of_unfinished_requests_shut_nobody_out(promoted_store) -> None:
    unfinished = 600
    assert unfinished > connections.MOST_CONNECTIONS
    with served(promoted_store) as client, ExitStack() as stack:
        held = [stack.enter_context(connected(client, HALF_A_HEAD)) for _ in range(unfinished)]
        with httpx.Client(base_url=client.base_url, timeout=5) as other:
            codes = {other.get("/health", headers={"Connection": "close"}).status_code for _ in range(50)}
        assert codes == {200}
        assert is_cut_off(held[0]) or is_cut_off(held[0])
        assert not is_cut_off(held[-1])
