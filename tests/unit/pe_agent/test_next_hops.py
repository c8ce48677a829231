# SPDX-License-Identifier: Apache-2.0
"""The kernel's neighbor table is read as rtnetlink tells it, whatever else is told."""

from __future__ import annotations

import struct
from ipaddress import IPv4Address

import pytest

from isthmus.pe_agent.next_hops import NextHops, read_neighbors

P = IPv4Address("192.0.2.1")
MAC = bytes.fromhex("02005e0000f1")
NEW, DELETED, DONE = 28, 29, 3
REACHABLE, STALE, FAILED, INCOMPLETE = 0x02, 0x04, 0x20, 0x01


def message(
    kind: int = NEW,
    state: int = REACHABLE,
    attributes: tuple[tuple[int, bytes], ...] = ((1, P.packed), (2, MAC)),
    family: int = 2,
) -> bytes:
    """One message of rtnetlink."""
    body = struct.pack("=B3xiHBB", family, 7, state, 0, 1)
    for number, value in attributes:
        padding = bytes(-len(value) % 4)
        body += struct.pack("=HH", 4 + len(value), number) + value + padding
    return struct.pack("=IHHII", 16 + len(body), kind, 0, 0, 0) + body


@pytest.mark.parametrize("state", [REACHABLE, STALE, 0x08, 0x10, 0x80])
def test_a_neighbor_with_a_mac_is_there(state: int) -> None:
    """Reachable, stale, delayed, probed or permanent: packets go to it in each."""
    assert list(read_neighbors(message(state=state))) == [(7, P, "02:00:5e:00:00:f1")]


@pytest.mark.parametrize(
    "octets",
    [
        message(state=FAILED),
        message(state=INCOMPLETE),
        message(kind=DELETED),
        message(attributes=((1, P.packed),)),
        message(attributes=((1, P.packed), (2, b"\0" * 20))),
    ],
)
def test_a_neighbor_that_answers_no_more_is_not(octets: bytes) -> None:
    """Nor one with an address of another kind of link."""
    assert list(read_neighbors(octets)) == [(7, P, None)]


def test_several_messages_come_at_once() -> None:
    """And others between them: IPv6, the end of the table, attributes nobody asked for."""
    octets = message() + message(DONE) + message(family=10) + message(attributes=((9, b"12345"),))
    octets += message(attributes=((9, b"12345"), (1, P.packed), (2, MAC)))
    assert [mac for _, _, mac in read_neighbors(octets)] == ["02:00:5e:00:00:f1"] * 2


@pytest.mark.parametrize("octets", [b"", b"\0" * 16, message()[:10], message()[:20], b"\x05" * 40])
def test_what_is_cut_short_is_skipped(octets: bytes) -> None:
    """It ends, and raises nothing."""
    assert list(read_neighbors(octets)) == []


def test_nobody_is_waited_for_before_the_start() -> None:
    """An agent that learns no labels asks nobody."""
    assert NextHops("no-such-interface").resolve(frozenset([P]), "") == {}
