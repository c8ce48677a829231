# SPDX-License-Identifier: Apache-2.0
"""What the agent sends for a packet of the switch: an answer, fragments, or nothing."""

from __future__ import annotations

from dataclasses import replace
from ipaddress import IPv4Address, IPv6Address

from isthmus.model.intent import AttachedSubnet, RouterAdvertisement
from isthmus.pe_agent.compile.icmp import PuntContext
from isthmus.pe_agent.compile.inputs import Compiled, Numbers
from isthmus.pe_agent.compile.neighbor_discovery import Link
from isthmus.pe_agent.compile.pipeline import ATTACHMENT, LIMITS
from isthmus.pe_agent.openflow.punts import Punt
from isthmus.pe_agent.responder import Responder
from tests.actors import mac_of, subnet
from tests.fakes.packet import ICMPV6, Ipv4Packet, Ipv6Packet, Packet, decode, encode

SUBNETS = (subnet("10.1.0.0/24"),)
LINK = Link(
    mac_of("net"),
    1442,
    (AttachedSubnet(subnet("2001:db8::/64").prefix, IPv6Address("2001:db8::1"),
                    RouterAdvertisement.SLAAC),),
)  # fmt: skip
COMPILED = Compiled(
    frozenset(), frozenset(), Numbers(), {}, {7: PuntContext(SUBNETS, 1300)}, {100: LINK}
)
BIG = encode(
    Packet(
        mac_of("vm"),
        mac_of("net"),
        Ipv4Packet(IPv4Address("10.1.0.5"), IPv4Address("10.2.0.7"), octets=1400),
    )
)
FORBIDDEN = BIG[:20] + b"\x40" + BIG[21:]
SOLICITATION = encode(
    Packet(
        mac_of("vm"),
        "33:33:00:00:00:02",
        Ipv6Packet(IPv6Address("fe80::5"), IPv6Address("ff02::2"), ttl=255, proto=ICMPV6,
                   icmp_type=133, octets=48),
    )
)  # fmt: skip


def punt(frame: bytes = BIG, metadata: int = 7, table: int = LIMITS) -> Punt:
    """Make a punt of a packet that was too big."""
    return Punt(is_ttl_expired=False, metadata=metadata, frame=frame, table=table, in_port=100)


def responder(compiled: Compiled | None = COMPILED) -> Responder:
    """Make one at whose place no time passes."""
    return Responder(lambda: compiled, clock=lambda: 0.0)


def test_a_packet_that_may_be_cut_becomes_its_fragments() -> None:
    """They find their way like any packet of the VRF."""
    sent = responder().respond(punt())
    packets = [decode(each.frame).payload for each in sent]
    assert [packet.octets for packet in packets if isinstance(packet, Ipv4Packet)] == [1300, 120]
    assert {each.port for each in sent} == {None}


def test_a_packet_that_forbids_it_is_answered() -> None:
    """RFC 1191."""
    (sent,) = responder().respond(punt(FORBIDDEN))
    packet = decode(sent.frame).payload
    assert isinstance(packet, Ipv4Packet)
    assert (str(packet.dst), packet.icmp_type, packet.icmp_code) == ("10.1.0.5", 3, 4)


def test_the_rarp_of_a_vm_that_is_arriving_is_noted_and_never_answered() -> None:
    """By its MAC and the attachment it comes in by; RFC 903 knows who asks for itself."""
    noted: list[str] = []
    arriving = replace(COMPILED, arriving={(100, mac_of("vm")): "port-vm"})
    responder = Responder(lambda: arriving, noted.append, clock=lambda: 0.0)
    for sender in ("other", "vm"):
        octets = bytes.fromhex(mac_of(sender).replace(":", ""))
        frame = b"\xff" * 6 + octets + bytes.fromhex("8035") + bytes(28)
        assert responder.respond(punt(frame, table=ATTACHMENT)) == ()
    assert noted == ["port-vm"]


def test_an_expired_packet_is_answered_however_big() -> None:
    """It goes nowhere, in however many pieces."""
    (sent,) = responder().respond(replace(punt(), is_ttl_expired=True))
    packet = decode(sent.frame).payload
    assert isinstance(packet, Ipv4Packet)
    assert packet.icmp_type == 11


def test_a_question_on_a_link_is_answered_there() -> None:
    """As its router."""
    (sent,) = responder().respond(punt(SOLICITATION, table=ATTACHMENT))
    packet = decode(sent.frame).payload
    assert isinstance(packet, Ipv6Packet)
    assert (sent.port, packet.icmp_type) == (100, 134)


def test_nothing_is_said_where_nothing_is_known() -> None:
    """Before the first pass, of a VRF that is gone, on a link that is gone, to nonsense."""
    assert responder(None).respond(punt()) == ()
    assert responder().respond(punt(metadata=8)) == ()
    without_links = replace(COMPILED, links={})
    assert responder(without_links).respond(punt(SOLICITATION, table=ATTACHMENT)) == ()
    assert responder().respond(punt(SOLICITATION[:40], table=ATTACHMENT)) == ()
    assert responder().respond(punt(b"")) == ()


def test_what_is_done_and_left_is_counted() -> None:
    """One VRF may ask for so much."""
    ours = responder()
    for _ in range(400):
        ours.respond(punt())
    for _ in range(120):
        ours.respond(punt(FORBIDDEN))
    assert ours.counts() == {7: {"fragmented": 300, "answered": 100, "limited": 120}}


def test_counts_of_a_vrf_end_with_it() -> None:
    """Its number may be another's by then."""
    now = [COMPILED]
    ours = Responder(lambda: now[0], clock=lambda: 0.0)
    ours.respond(punt())
    now[0] = replace(COMPILED, punts={8: PuntContext(SUBNETS, 1300)})
    ours.respond(punt(metadata=8))
    assert ours.counts() == {8: {"fragmented": 1}}
