# SPDX-License-Identifier: Apache-2.0
"""Fragments: a law that they make the packet again, and RFC 791's rules one by one."""

from __future__ import annotations

import struct

import pytest
from hypothesis import given
from hypothesis import strategies as st

from isthmus.pe_agent.compile.checksum import checksum
from isthmus.pe_agent.compile.fragments import fragment, may_be_fragmented

DF, MF = 0x4000, 0x2000
NOP, END = b"\x01", b"\x00"
SOURCE_ROUTE = bytes((0x83, 7, 4)) + bytes((192, 0, 2, 1))
RECORD_ROUTE = bytes((0x07, 7, 4)) + bytes(4)
ROUTER_ALERT = bytes((0x94, 4, 0, 0))


def ipv4(payload: bytes, flags: int = 0, options: bytes = b"") -> bytes:
    """Make a packet with a right checksum; ``flags`` hold the fragment offset as well."""
    options = options.ljust((len(options) + 3) // 4 * 4, END)
    header = struct.pack(
        "!BBHHHBBH4s4s",
        4 << 4 | (20 + len(options)) // 4, 0x10, 20 + len(options) + len(payload), 0xBEEF, flags,
        17, 17, 0, bytes((10, 1, 0, 5)), bytes((10, 2, 0, 7)),
    ) + options  # fmt: skip
    return header[:10] + checksum(header) + header[12:] + payload


def header_of(packet: bytes) -> bytes:
    """Return a packet's header."""
    return packet[: (packet[0] & 0x0F) * 4]


def options_of(packet: bytes) -> bytes:
    """Return a packet's options."""
    return header_of(packet)[20:]


def offset_of(packet: bytes) -> int:
    """Return a fragment's place in the whole packet, in octets."""
    return (int.from_bytes(packet[6:8], "big") & 0x1FFF) * 8


def has_more(packet: bytes) -> bool:
    """Tell whether more fragments follow."""
    return bool(int.from_bytes(packet[6:8], "big") & MF)


def reassemble(fragments: list[bytes]) -> bytes:
    """Do what a host does with all fragments of one packet (RFC 791 §3.2)."""
    pieces = {offset_of(each): each[len(header_of(each)) :] for each in fragments}
    assert len(pieces) == len(fragments)
    payload = b""
    for at, piece in sorted(pieces.items()):
        assert at == len(payload), "There is a hole, or two overlap."
        payload += piece
    first = next(each for each in fragments if offset_of(each) == 0)
    return ipv4(payload, options=options_of(first))


options = st.lists(
    st.sampled_from([NOP, SOURCE_ROUTE, RECORD_ROUTE, ROUTER_ALERT]), max_size=5
).map(b"".join)


@given(payload=st.binary(max_size=4000), options=options, mtu=st.integers(68, 1500), data=st.data())
def test_fragments_make_the_packet_again(
    payload: bytes, options: bytes, mtu: int, data: st.DataObject
) -> None:
    """Each fits, each has a right checksum, one alone is the last; in whatever order they come."""
    packet = ipv4(payload, options=options)
    fragments = list(fragment(packet, mtu))
    assert all(len(each) == int.from_bytes(each[2:4], "big") <= mtu for each in fragments)
    assert all(checksum(header_of(each)) == b"\x00\x00" for each in fragments)
    assert sum(not has_more(each) for each in fragments) == 1
    assert reassemble(data.draw(st.permutations(fragments))) == packet


@given(payload=st.binary(min_size=1, max_size=4000), mtus=st.tuples(*[st.integers(68, 1500)] * 2))
def test_fragments_may_be_fragmented_again(payload: bytes, mtus: tuple[int, int]) -> None:
    """By the next router, whose path is smaller."""
    packet = ipv4(payload, options=SOURCE_ROUTE + RECORD_ROUTE)
    smaller = [each for big in fragment(packet, mtus[0]) for each in fragment(big, mtus[1])]
    assert all(len(each) <= mtus[1] for each in smaller)
    assert reassemble(smaller) == packet


@given(st.binary(max_size=120), st.integers(0, 200))
def test_no_octets_whatsoever_upset_it(octets: bytes, mtu: int) -> None:
    """They come from tenants."""
    for each in fragment(octets, mtu):
        assert len(each) <= mtu


def test_every_fragment_but_the_last_is_as_long_as_it_may_be() -> None:
    """RFC 791 §3.2: a multiple of eight octets."""
    fragments = fragment(ipv4(bytes(3000)), 1443)
    assert [len(each) for each in fragments] == [1436, 1436, 188]
    assert [offset_of(each) for each in fragments] == [0, 1416, 2832]


def test_identification_ttl_and_class_stay() -> None:
    """The last router decrements the TTL, not the one that fragments for it."""
    for each in fragment(ipv4(bytes(3000)), 1000):
        assert each[1] == 0x10
        assert each[4:6] == b"\xbe\xef"
        assert each[8:10] == bytes((17, 17))
        assert each[12:20] == bytes((10, 1, 0, 5, 10, 2, 0, 7))


def test_options_without_the_copied_flag_go_with_the_first_fragment_alone() -> None:
    """RFC 791 §3.1; what is left out leaves room for payload."""
    packet = ipv4(bytes(300), options=NOP + RECORD_ROUTE + SOURCE_ROUTE)
    first, *later = fragment(packet, 100)
    assert options_of(first) == NOP + RECORD_ROUTE + SOURCE_ROUTE + END
    assert later
    assert {options_of(each) for each in later} == {SOURCE_ROUTE + END}


def test_options_end_where_they_say() -> None:
    """What follows the end of the list is padding."""
    packet = ipv4(bytes(300), options=ROUTER_ALERT + END + ROUTER_ALERT)
    assert [options_of(each) for each in fragment(packet, 200)][1] == ROUTER_ALERT


def test_the_last_part_of_a_fragment_says_that_more_follow() -> None:
    """And its offset counts from the beginning of the whole packet."""
    fragments = fragment(ipv4(bytes(800), flags=MF | 100), 500)
    assert [offset_of(each) for each in fragments] == [800, 1280]
    assert all(has_more(each) for each in fragments)


def test_what_fits_stays_as_it_is() -> None:
    """Without the padding of its Ethernet frame."""
    packet = ipv4(b"short")
    assert fragment(packet + bytes(20), 68) == (packet,)


@pytest.mark.parametrize(
    "packet",
    [
        ipv4(bytes(300), flags=DF),
        ipv4(bytes(300))[:-1],
        ipv4(bytes(300))[:19],
        ipv4(bytes(300), options=RECORD_ROUTE)[:24],
        b"\x60" + ipv4(bytes(300))[1:],
        b"\x44" + ipv4(bytes(300))[1:],
        ipv4(bytes(300))[:10] + b"\x00\x00" + ipv4(bytes(300))[12:],
        ipv4(bytes(300), options=bytes((0x83, 1, 0, 0))),
        ipv4(bytes(300), options=bytes((0x83, 9, 4, 0))),
        ipv4(bytes(300), options=NOP + NOP + NOP + b"\x83"),
    ],
    ids=[
        "forbids it", "cut off", "cut in its header", "cut in its options", "not IPv4",
        "header too short", "damaged header", "option of one octet", "option beyond the header",
        "option without a length",
    ],
)  # fmt: skip
def test_what_no_router_fragments(packet: bytes) -> None:
    """It is dropped, or answered where it forbids fragmentation."""
    assert fragment(packet, 200) == ()


def test_nothing_is_sent_through_a_path_for_headers_only() -> None:
    """No path is as small; eight octets have to fit."""
    assert fragment(ipv4(bytes(300)), 27) == ()
    assert len(fragment(ipv4(bytes(300)), 28)) == 38


@pytest.mark.parametrize(("flags", "may"), [(0, True), (MF | 3, True), (DF, False)])
def test_dont_fragment_is_the_senders_word(flags: int, *, may: bool) -> None:
    """RFC 791 §3.1."""
    assert may_be_fragmented(ipv4(b"", flags=flags)) is may
