# SPDX-License-Identifier: Apache-2.0
"""What is sent to the peering service by who has no business there."""

from __future__ import annotations

import json
import socket
import ssl
from collections.abc import Callable

import pytest

from tests.functional.interconnect.conftest import Site
from tests.intruders.guest import Guest

pytestmark = [pytest.mark.functional, pytest.mark.timeout(240)]


@pytest.fixture
def raw(sites: Callable[[str], Site]) -> Callable[[bytes], bytes]:
    """Send octets to a peering service, over TLS."""
    west = sites("west")

    def send(octets: bytes) -> bytes:
        context = ssl.create_default_context(cadata=west.own.authority.certificate.decode())
        address = ("127.0.0.1", west.service.port)
        with (
            socket.create_connection(address, timeout=20) as plain,
            context.wrap_socket(plain, server_hostname="127.0.0.1") as secured,
        ):
            secured.sendall(octets)
            answer = b""
            while part := secured.recv(65536):
                answer += part
        return answer

    return send


@pytest.mark.parametrize(
    ("request_line", "body", "status"),
    [
        (b"POST /isthmus/v1/join HTTP/1.1", b"garbage", b"400"),
        (b"POST /isthmus/v1/join HTTP/1.1", b"[]", b"400"),
        (b"POST /isthmus/v1/join HTTP/1.1", json.dumps({"token": 1}).encode(), b"400"),
        (b"POST /isthmus/v1/join HTTP/1.1", b"[" * 60000, b"400"),
        (b"POST /isthmus/v1/join HTTP/1.1", b"x" * 100_000, b"400"),
        (b"POST /isthmus/v1/renew HTTP/1.1", b'{"request": "x"}', b"400"),
        (b"POST /isthmus/v1/settle HTTP/1.1", b"{}", b"403"),
        (b"POST /elsewhere HTTP/1.1", b"{}", b"400"),
        (b"GET / HTTP/1.1", b"", b"501"),
    ],
)
def test_garbage_is_refused_and_the_service_goes_on(
    raw: Callable[[bytes], bytes], request_line: bytes, body: bytes, status: bytes
) -> None:
    """Never a trace of how it is made."""
    head = request_line + b"\r\nContent-Length: " + str(len(body)).encode() + b"\r\n\r\n"
    try:
        answer = raw(head + body)
    except (ConnectionError, ssl.SSLError):
        # It did not read all of what is too long; that ends some connections.
        assert len(body) > 65536
        return
    assert status in answer.split(b"\r\n")[0]
    assert b"Traceback" not in answer


def test_who_speaks_no_tls_or_nothing_at_all_keeps_nobody_waiting(
    sites: Callable[[str], Site],
) -> None:
    """Connections are taken in threads of their own."""
    west = sites("west")
    address = ("127.0.0.1", west.service.port)
    silent = [socket.create_connection(address) for _ in range(5)]
    silent[0].sendall(b"GET / HTTP/1.0\r\n\r\n")
    guest = Guest(west.ledger.invite("west", "east"))
    guest.join()
    for one in silent:
        one.close()
