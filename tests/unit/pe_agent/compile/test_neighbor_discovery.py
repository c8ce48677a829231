# SPDX-License-Identifier: Apache-2.0
"""What hosts hear from their IPv6 router, octet by octet."""

from __future__ import annotations

from dataclasses import replace
from ipaddress import IPv6Address, ip_address, ip_network

import pytest
from hypothesis import given
from hypothesis import strategies as st

from isthmus.model.intent import AttachedSubnet, RouterAdvertisement
from isthmus.pe_agent.compile.neighbor_discovery import (
    Link,
    advertise,
    answer,
    link_local_address,
    take_leave,
)
from tests.actors import circuit, subnet
from tests.fakes.packet import ICMPV6, Ipv6Packet, Packet, decode, encode, ones_complement_sum

NONE, SLAAC, STATELESS, STATEFUL = RouterAdvertisement
MAC = "fa:16:3e:00:00:01"
ROUTER = IPv6Address("fe80::f816:3eff:fe00:1")
HOST_MAC, HOST = "fa:16:3e:00:00:11", IPv6Address("fe80::11")
ALL_ROUTERS, UNSPECIFIED = IPv6Address("ff02::2"), IPv6Address("::")
LINK = Link(MAC, 1442, (subnet("2001:db8:1::/64", SLAAC),))


def solicitation(source: IPv6Address = HOST, **changes: object) -> bytes:
    """Encode a router solicitation (RFC 4861 §4.1)."""
    packet = Ipv6Packet(source, ALL_ROUTERS, 255, ICMPV6, 133, octets=48)
    return encode(Packet(HOST_MAC, "33:33:00:00:00:02", replace(packet, **changes)))  # type: ignore[arg-type]


def probe(target: str, **changes: object) -> bytes:
    """Encode the question whether an address is free (RFC 4862 §5.4.2)."""
    wanted = IPv6Address(target)
    group = IPv6Address("ff02::1:ff00:1")
    packet = Ipv6Packet(UNSPECIFIED, group, 255, ICMPV6, 135, octets=64, nd_target=wanted)
    return encode(Packet(HOST_MAC, "33:33:ff:00:00:01", replace(packet, **changes)))  # type: ignore[arg-type]


def assert_checksum_is_right(frame: bytes) -> None:
    """RFC 4443 §2.3."""
    ip = frame[14:]
    pseudo = ip[8:40] + b"\x00\x00" + ip[4:6] + b"\x00\x00\x00" + ip[6:7]
    assert ones_complement_sum(pseudo + ip[40:]) == 0xFFFF


def test_an_advertisement_octet_by_octet() -> None:
    """RFC 4861 §4.2, with link-layer address, MTU and prefix (§4.6.1, §4.6.4, §4.6.2)."""
    frame = advertise(LINK)
    assert frame is not None
    assert frame[:14].hex() == "333300000001" + "fa163e000001" + "86dd"
    assert frame[14:22].hex() == "60000000" + "0040" + "3a" + "ff"
    assert IPv6Address(frame[22:38]) == ROUTER
    assert IPv6Address(frame[38:54]) == IPv6Address("ff02::1")
    assert_checksum_is_right(frame)
    message = frame[54:]
    assert message[:2].hex() == "8600"
    assert message[4:16].hex() == "40" + "00" + "2328" + "00000000" + "00000000"
    assert message[16:24].hex() == "0101" + "fa163e000001"
    assert message[24:32].hex() == "0501" + "0000" + "000005a2"
    assert message[32:48].hex() == "0304" + "40" + "c0" + "00278d00" + "00093a80" + "00000000"
    assert message[48:] == ip_address("2001:db8:1::").packed


@pytest.mark.parametrize(
    ("mode", "flags", "prefix_flags"),
    [(SLAAC, 0x00, 0xC0), (STATELESS, 0x40, 0xC0), (STATEFUL, 0xC0, 0x80)],
)
def test_neutrons_modes_are_the_flags_of_the_protocol(
    mode: RouterAdvertisement, flags: int, prefix_flags: int
) -> None:
    """Managed and other configuration (RFC 4861 §4.2); on-link and autonomous (§4.6.2)."""
    frame = advertise(replace(LINK, subnets=(subnet("2001:db8:1::/64", mode),)))
    assert frame is not None
    assert (frame[54 + 5], frame[54 + 35]) == (flags, prefix_flags)


def test_subnets_of_one_network_are_told_in_one_advertisement() -> None:
    """A host has one default router there; each prefix says for itself how addresses are made."""
    subnets = (subnet("2001:db8:1::/64", SLAAC), subnet("2001:db8:2::/64", STATEFUL))
    hidden = subnet("2001:db8:3::/64")
    frame = advertise(replace(LINK, subnets=(*subnets, hidden)))
    assert frame is not None
    assert frame[54 + 5] == 0xC0
    assert [frame[54 + 35 + 32 * i] for i in range(2)] == [0xC0, 0x80]
    assert hidden.prefix.network_address.packed not in frame


def test_where_hosts_are_configured_by_hand_nothing_is_advertised() -> None:
    """Neutron then names no mode."""
    by_hand = replace(LINK, subnets=(subnet("2001:db8:1::/64", NONE),))
    assert advertise(by_hand) is None
    assert answer(solicitation(), by_hand) is None


def test_a_router_that_takes_its_leave_says_so_with_a_lifetime_of_zero() -> None:
    """RFC 4861 §6.2.5; nothing is said of addresses, which stay."""
    frame = take_leave(LINK)
    assert frame is not None
    assert frame[:14].hex() == "333300000001" + "fa163e000001" + "86dd"
    assert IPv6Address(frame[22:38]) == ROUTER
    assert_checksum_is_right(frame)
    message = frame[54:]
    assert message[:2].hex() == "8600"
    assert message[4:16].hex() == "40" + "00" + "0000" + "00000000" + "00000000"
    assert message[16:].hex() == "0101" + "fa163e000001"


def test_a_router_nobody_was_told_of_leaves_in_silence() -> None:
    """Hosts there are configured by hand."""
    assert take_leave(replace(LINK, subnets=(subnet("2001:db8:1::/64"),))) is None


def test_a_gateway_that_is_link_local_is_the_router() -> None:
    """Neutron allows it, and routers have to speak from a link-local address (§6.1.2)."""
    given_ = AttachedSubnet(ip_network("2001:db8:2::/64"), IPv6Address("fe80::1"), SLAAC)
    link = replace(LINK, subnets=(*LINK.subnets, given_))
    assert link.router == IPv6Address("fe80::1")
    assert link.addresses() == [IPv6Address("2001:db8:1::1"), IPv6Address("fe80::1")]
    assert LINK.addresses() == [IPv6Address("2001:db8:1::1"), ROUTER]


def test_a_link_is_the_ipv6_side_of_a_circuit() -> None:
    """IPv4 has ARP."""
    both = circuit("net", ["10.1.0.0/24", "2001:db8:1::/64"], mtu=1400)
    assert Link.of(both) == Link(both.mac, 1400, (subnet("2001:db8:1::/64"),))


def test_a_solicitation_is_answered_to_who_asked() -> None:
    """§6.2.6; a host without an address yet can only hear what all hear."""
    frame = answer(solicitation(), LINK)
    assert frame is not None
    heard = decode(frame)
    assert isinstance(heard.payload, Ipv6Packet)
    assert (heard.eth_dst, heard.payload.dst) == (HOST_MAC, HOST)
    assert_checksum_is_right(frame)
    assert answer(solicitation(UNSPECIFIED), LINK) == advertise(LINK)


def test_an_address_that_is_taken_is_defended() -> None:
    """RFC 4861 §7.2.4: to all hosts, not solicited, with the router's MAC."""
    frame = answer(probe("2001:db8:1::1"), LINK)
    assert frame is not None
    assert_checksum_is_right(frame)
    heard = decode(frame)
    assert (heard.eth_src, heard.eth_dst) == (MAC, "33:33:00:00:00:01")
    assert heard.payload == Ipv6Packet(
        src=IPv6Address("2001:db8:1::1"),
        dst=IPv6Address("ff02::1"),
        ttl=255,
        proto=ICMPV6,
        icmp_type=136,
        octets=72,
        nd_target=IPv6Address("2001:db8:1::1"),
        nd_reserved=0xA0000000,
        nd_option=(2, MAC),
    )


@pytest.mark.parametrize(
    "frame",
    [
        solicitation(ttl=254),
        solicitation(icmp_code=1),
        solicitation(icmp_type=134),
        solicitation(proto=17),
        solicitation()[:50],
        solicitation()[:60],
        solicitation()[:56] + b"\xff\xff" + solicitation()[58:],
        b"\x00" * 12 + b"\x08\x00" + solicitation()[14:],
        solicitation()[:14] + b"\x45" + solicitation()[15:],
        probe("2001:db8:1::2"),
        probe("2001:db8:1::1", src=HOST),
        probe("2001:db8:1::1")[:70],
    ],
    ids=[
        "from another link", "code", "type", "UDP", "cut in the header", "cut in the message",
        "checksum", "IPv4", "version 4", "another's address", "has an address", "cut in the target",
    ],
)  # fmt: skip
def test_what_is_no_valid_question_to_this_router_gets_no_answer(frame: bytes) -> None:
    """§6.1.1 and §7.1.1."""
    assert answer(frame, LINK) is None


@given(st.binary(max_size=120), st.sampled_from([133, 135]))
def test_no_frame_whatsoever_breaks_it(octets: bytes, kind: int) -> None:
    """Hosts choose what is in a frame."""
    answer(octets, LINK)
    answer(solicitation()[:54] + bytes((kind,)) + octets, LINK)


def test_the_link_local_address_of_a_mac() -> None:
    """RFC 4291 §2.5.1: modified EUI-64."""
    assert link_local_address(MAC) == ROUTER
