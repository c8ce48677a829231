# SPDX-License-Identifier: Apache-2.0
"""ICMP answers, octet by octet, and where RFC 1812 wants silence."""

from __future__ import annotations

import struct
from dataclasses import replace
from ipaddress import IPv4Address, IPv6Address, IPv6Network, ip_network

import pytest
from hypothesis import given
from hypothesis import strategies as st

from isthmus.model.intent import AttachedSubnet
from isthmus.pe_agent.compile.icmp import (
    PUNTED_OCTETS,
    PuntContext,
    PuntReason,
    answer,
    injection_mac,
)
from tests.actors import subnet
from tests.fakes.packet import ICMP, ICMPV6, Ipv4Packet, Ipv6Packet, Packet, decode, encode

TOO_BIG, EXPIRED = PuntReason.TOO_BIG, PuntReason.TTL_EXPIRED
WEST, EAST = subnet("10.1.0.0/24"), subnet("10.2.0.0/24")
MTUS = {"10.1.0.9/32": 1200, "10.8.0.0/16": 1100, "10.8.8.0/24": 1250}
CONTEXT = PuntContext((WEST,), 1300, {ip_network(each): mtu for each, mtu in MTUS.items()})
SENDER = IPv4Address("10.1.0.5")
PUNTED = Packet(
    "fa:16:3e:00:00:11",
    "fa:16:3e:00:00:01",
    Ipv4Packet(SENDER, IPv4Address("10.2.0.7"), octets=1400),
)


def punted(**changes: object) -> bytes:
    """Encode a punted packet whose IP header differs from the usual one in ``changes``."""
    assert isinstance(PUNTED.payload, Ipv4Packet)
    packet = replace(PUNTED, payload=replace(PUNTED.payload, **changes))  # type: ignore[arg-type]
    return encode(packet)[:PUNTED_OCTETS]


def sum_of(octets: bytes) -> int:
    """Add up 16-bit words in ones' complement (RFC 1071); right octets give 0xffff."""
    padded = octets + b"\x00" * (len(octets) % 2)
    total: int = sum(struct.unpack(f"!{len(padded) // 2}H", padded))
    while total >> 16:
        total = (total & 0xFFFF) + (total >> 16)
    return total


def test_the_answer_to_a_big_packet_octet_by_octet() -> None:
    """RFC 792 and RFC 1191 §4: type 3, code 4, the next hop's MTU in the last two octets."""
    frame = answer(punted(octets=1400), TOO_BIG, 7, CONTEXT)
    assert frame is not None
    assert frame[:14].hex() == "026973ffffff0269730000070800"
    header, message = frame[14:34], frame[34:]
    assert header.hex() == "45c0024000000000400163f60a0100010a010005"
    assert message[:2].hex() == "0304"
    assert message[4:8].hex() == "00000514"
    assert message[8:] == punted(octets=1400)[14:]
    assert sum_of(header) == sum_of(message) == 0xFFFF


def test_the_answer_to_an_expired_packet_says_in_transit() -> None:
    """Type 11, code 0 (RFC 792)."""
    frame = answer(punted(ttl=1), EXPIRED, 7, CONTEXT)
    assert frame is not None
    assert frame[34:36].hex() == "0b00"
    assert frame[38:42].hex() == "00000000"


@pytest.mark.parametrize(
    ("dst", "mtu"),
    [("10.1.0.9", 1200), ("10.8.1.1", 1100), ("10.8.8.1", 1250), ("10.2.0.7", 1300)],
)
def test_the_mtu_told_is_the_one_of_the_path(dst: str, mtu: int) -> None:
    """By the longest prefix: to a local CE its network's, to any other that of the core."""
    told = answer(punted(dst=IPv4Address(dst)), TOO_BIG, 1, CONTEXT)
    assert told is not None
    assert int.from_bytes(told[40:42], "big") == mtu


def test_the_answer_stays_below_576_octets() -> None:
    """RFC 1812 §4.3.2.3: as much of the packet as fits."""
    frame = answer(encode(PUNTED), TOO_BIG, 1, CONTEXT)
    assert frame is not None
    assert len(frame) == 14 + 576


def test_padding_of_a_short_frame_is_not_quoted() -> None:
    """Ethernet fills up to 60 octets."""
    frame = answer(punted(octets=28, ttl=1) + b"\xff" * 18, EXPIRED, 1, CONTEXT)
    assert frame is not None
    assert len(frame) == 14 + 20 + 8 + 28


@pytest.mark.parametrize(
    ("src", "dst", "gateway"),
    [
        ("10.1.0.5", "10.2.0.7", "10.1.0.1"),
        ("10.3.0.5", "10.2.0.7", "10.2.0.1"),
        ("10.3.0.5", "10.4.0.7", "10.1.0.1"),
    ],
    ids=["the sender's gateway", "the receiver's gateway", "any gateway"],
)
def test_the_answer_comes_from_the_gateway_that_says_most(src: str, dst: str, gateway: str) -> None:
    """Traceroute shows it."""
    context = PuntContext((WEST, EAST), 1300)
    frame = answer(punted(src=IPv4Address(src), dst=IPv4Address(dst)), EXPIRED, 1, context)
    assert frame is not None
    packet = decode(frame).payload
    assert isinstance(packet, Ipv4Packet)
    assert (str(packet.src), str(packet.dst)) == (gateway, src)


@pytest.mark.parametrize("icmp_type", [3, 4, 5, 11, 12])
def test_icmp_errors_are_never_answered(icmp_type: int) -> None:
    """RFC 1812 §4.3.2.7."""
    assert answer(punted(proto=ICMP, icmp_type=icmp_type), EXPIRED, 1, CONTEXT) is None


@pytest.mark.parametrize("icmp_type", [0, 8])
def test_icmp_queries_are_answered(icmp_type: int) -> None:
    """A ping may be too big, too."""
    assert answer(punted(proto=ICMP, icmp_type=icmp_type), TOO_BIG, 1, CONTEXT) is not None


@pytest.mark.parametrize(
    ("field", "address"),
    [
        ("src", "0.0.0.0"),
        ("src", "127.0.0.1"),
        ("src", "224.0.0.1"),
        ("src", "255.255.255.255"),
        ("dst", "224.0.0.5"),
        ("dst", "255.255.255.255"),
    ],
)
def test_nothing_is_answered_to_or_about_what_is_no_single_host(field: str, address: str) -> None:
    """RFC 1812 §4.3.2.7."""
    assert answer(punted(**{field: IPv4Address(address)}), EXPIRED, 1, CONTEXT) is None


def test_only_the_first_fragment_is_answered() -> None:
    """RFC 1812 §4.3.2.7; a flag alone makes no later fragment."""
    frame = bytearray(punted())
    frame[20:22] = b"\x60\x00"
    assert answer(bytes(frame), EXPIRED, 1, CONTEXT) is not None
    frame[20:22] = b"\x20\x01"
    assert answer(bytes(frame), EXPIRED, 1, CONTEXT) is None


def test_a_vrf_without_a_subnet_has_no_address_to_answer_from() -> None:
    """So it is silent."""
    assert answer(punted(), EXPIRED, 1, PuntContext((), 1300)) is None


@pytest.mark.parametrize(
    "damage",
    [
        lambda frame: frame[:12] + b"\x86\xdd" + frame[14:],
        lambda frame: frame[:33],
        lambda frame: frame[:14] + b"\x65" + frame[15:],
        lambda frame: frame[:14] + b"\x44" + frame[15:],
        lambda frame: frame[:14] + b"\x4f" + frame[15:40],
        lambda frame: frame[:16] + b"\x00\x08" + frame[18:],
    ],
    ids=["IPv6", "cut", "version 6", "short header", "options cut", "total below header"],
)
def test_what_is_no_whole_ipv4_header_is_not_answered(damage: object) -> None:
    """Nothing can be told about it."""
    assert callable(damage)
    assert answer(damage(punted()), EXPIRED, 1, CONTEXT) is None


@given(st.binary(max_size=80), st.sampled_from(list(PuntReason)))
def test_no_frame_whatsoever_breaks_it(octets: bytes, reason: PuntReason) -> None:
    """Tenants choose what is in a frame."""
    ethernet = b"\x00" * 12 + b"\x08\x00"
    answer(octets, reason, 1, CONTEXT)
    answer(ethernet + b"\x45" + octets, reason, 1, CONTEXT)


def test_the_injection_mac_names_the_vrf() -> None:
    """Local and unicast, one for each of 65535."""
    assert injection_mac(65535) == "02:69:73:00:ff:ff"
    assert len({injection_mac(number) for number in range(1, 2**16)}) == 65535


WEST6, EAST6 = subnet("2001:db8:1::/64"), subnet("2001:db8:2::/64")
SENDER6, RECEIVER6 = IPv6Address("2001:db8:1::5"), IPv6Address("2001:db8:2::7")
CONTEXT6 = PuntContext((WEST, WEST6), 1300, {IPv6Network("2001:db8:1::9/128"): 1290})


def punted6(**changes: object) -> bytes:
    """Encode a punted IPv6 packet that differs from the usual one in ``changes``."""
    packet = replace(Ipv6Packet(SENDER6, RECEIVER6, octets=1400), **changes)  # type: ignore[arg-type]
    return encode(replace(PUNTED, payload=packet))[:PUNTED_OCTETS]


def test_the_answer_to_a_big_ipv6_packet_octet_by_octet() -> None:
    """RFC 4443 §3.2: type 2, code 0, the next hop's MTU in four octets."""
    frame = answer(punted6(), TOO_BIG, 7, CONTEXT6)
    assert frame is not None
    assert frame[:14].hex() == "026973ffffff02697300000786dd"
    header, message = frame[14:54], frame[54:]
    assert header[:8].hex() == "6c00000002" + "2c3a40"
    assert (IPv6Address(header[8:24]), IPv6Address(header[24:40])) == (WEST6.gateway, SENDER6)
    assert message[:2].hex() == "0200"
    assert message[4:8].hex() == "00000514"
    assert message[8:] == punted6()[14:]
    pseudo = header[8:40] + b"\x00\x00" + header[4:6] + b"\x00\x00\x00\x3a"
    assert sum_of(pseudo + message) == 0xFFFF


def test_the_answer_to_an_exceeded_hop_limit_says_in_transit() -> None:
    """RFC 4443 §3.3: type 3, code 0."""
    frame = answer(punted6(ttl=1), EXPIRED, 7, CONTEXT6)
    assert frame is not None
    assert frame[54:56].hex() == "0300"
    assert frame[58:62].hex() == "00000000"


def test_the_mtu_told_of_ipv6_is_the_one_of_the_path() -> None:
    """To a local host its network's."""
    frame = answer(punted6(dst=IPv6Address("2001:db8:1::9")), TOO_BIG, 1, CONTEXT6)
    assert frame is not None
    assert int.from_bytes(frame[58:62], "big") == 1290


def test_the_answer_comes_from_a_gateway_of_the_same_family_that_the_world_can_reach() -> None:
    """A link-local one could not be routed back; without another there is silence."""
    hidden = AttachedSubnet(IPv6Network("2001:db8:1::/64"), IPv6Address("fe80::1"))
    assert answer(punted6(), TOO_BIG, 1, PuntContext((WEST, hidden), 1300)) is None
    assert answer(punted6(), TOO_BIG, 1, PuntContext((WEST,), 1300)) is None
    frame = answer(punted6(), TOO_BIG, 1, PuntContext((hidden, EAST6), 1300))
    assert frame is not None
    assert IPv6Address(frame[22:38]) == EAST6.gateway


@pytest.mark.parametrize("icmp_type", [1, 2, 3, 4, 100, 127, 137])
def test_icmpv6_errors_and_redirects_are_never_answered(icmp_type: int) -> None:
    """RFC 4443 §2.4 (e)."""
    assert answer(punted6(proto=ICMPV6, icmp_type=icmp_type), EXPIRED, 1, CONTEXT6) is None


@pytest.mark.parametrize("icmp_type", [128, 129])
def test_icmpv6_queries_are_answered(icmp_type: int) -> None:
    """A ping may be too big, too."""
    assert answer(punted6(proto=ICMPV6, icmp_type=icmp_type), TOO_BIG, 1, CONTEXT6) is not None


@pytest.mark.parametrize(
    ("field", "address"),
    [
        ("src", "::"),
        ("src", "::1"),
        ("src", "ff02::1"),
        ("src", "fe80::5"),
        ("dst", "ff0e::1"),
        ("dst", "fe80::7"),
    ],
)
def test_nothing_is_answered_to_or_about_what_is_no_single_ipv6_host(
    field: str, address: str
) -> None:
    """RFC 4443 §2.4 (e); a link-local sender can't be reached through the VRF."""
    assert answer(punted6(**{field: IPv6Address(address)}), EXPIRED, 1, CONTEXT6) is None


def _with_extension(kind: int, body: bytes, then: int, payload: bytes) -> bytes:
    """Put an extension header (RFC 8200 §4) between the IPv6 header and ``payload``."""
    frame = punted6()[:54]
    extension = bytes((then,)) + body
    frame = (
        frame[:18]
        + (len(extension) + len(payload)).to_bytes(2, "big")
        + bytes((kind,))
        + frame[21:]
    )
    return frame + extension + payload


@pytest.mark.parametrize("kind", [0, 43, 60])
def test_an_icmpv6_error_behind_extension_headers_is_still_one(kind: int) -> None:
    """Hop-by-hop options, routing, destination options."""
    error, query = (_with_extension(kind, b"\x00" * 7, 58, bytes((t,)) * 8) for t in (1, 128))
    assert answer(error, EXPIRED, 1, CONTEXT6) is None
    assert answer(query, EXPIRED, 1, CONTEXT6) is not None


def test_only_the_first_fragment_of_ipv6_is_answered() -> None:
    """What follows quotes nothing a sender could know again."""
    first = _with_extension(44, b"\x00\x00\x01\x00\x00\x00\x01", 17, b"x" * 8)
    later = _with_extension(44, b"\x00\x05\xa9\x00\x00\x00\x01", 17, b"x" * 8)
    assert answer(first, EXPIRED, 1, CONTEXT6) is not None
    assert answer(later, EXPIRED, 1, CONTEXT6) is None


@given(st.binary(max_size=120), st.sampled_from([0, 43, 44, 58, 60]))
def test_no_ipv6_frame_whatsoever_breaks_it(octets: bytes, next_header: int) -> None:
    """Tenants choose what is in a frame."""
    frame = punted6()[:20] + bytes((next_header,)) + punted6()[21:54] + octets
    answer(frame, TOO_BIG, 1, CONTEXT6)
    answer(frame[:14] + b"\x45" + frame[15:], TOO_BIG, 1, CONTEXT6)
