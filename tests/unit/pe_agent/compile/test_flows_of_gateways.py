# SPDX-License-Identifier: Apache-2.0
"""The gateway as its hosts and the far end know it: ARP, ping, and between its subnets."""

from __future__ import annotations

from dataclasses import replace
from ipaddress import IPv4Address

from isthmus.pe_agent.compile.pipeline import DropCookie
from tests.actors import (
    CORE_PORT,
    PE1,
    PE3,
    RED_PORT,
    RED_WEST,
    VPN_RED,
    circuit,
    compiled,
    core_mac_of,
    host,
    intent,
    mac_of,
    route,
    transport_label_to,
)
from tests.fakes import dual_stack
from tests.fakes.backbone import ipv4, labelled, ping
from tests.fakes.dual_stack import assert_dropped, switch_with
from tests.fakes.packet import (
    ICMP,
    ArpPacket,
    Ipv4Packet,
    Ipv6Packet,
    LabelStackEntry,
    Packet,
)


def test_the_gateway_answers_arp_with_the_attachments_mac() -> None:
    """RFC 826, for hosts whose switch does not answer by itself."""
    request = ArpPacket(
        1,
        mac_of("ce-red-1"),
        IPv4Address("10.1.0.5"),
        "00:00:00:00:00:00",
        IPv4Address("10.1.0.1"),
    )
    frame = Packet(mac_of("ce-red-1"), "ff:ff:ff:ff:ff:ff", request)
    (sent,) = switch_with(compiled(intent(VPN_RED, RED_WEST))).receive(RED_PORT, frame).sent
    gateway_mac = mac_of("pe-red-west")
    assert sent.port == RED_PORT
    assert (sent.packet.eth_src, sent.packet.eth_dst) == (gateway_mac, mac_of("ce-red-1"))
    assert sent.packet.payload == ArpPacket(
        2, gateway_mac, request.target, mac_of("ce-red-1"), request.sender
    )


def test_the_gateway_answers_arp_for_no_other_address() -> None:
    """Hosts of the subnet answer for themselves."""
    request = ArpPacket(
        1, mac_of("x"), IPv4Address("10.1.0.5"), "00:00:00:00:00:00", IPv4Address("10.1.0.6")
    )
    switch = switch_with(compiled(intent(VPN_RED, RED_WEST)))
    frame = Packet(mac_of("x"), "ff:ff:ff:ff:ff:ff", request)
    assert_dropped(switch, switch.receive(RED_PORT, frame), DropCookie.NOT_FOR_THE_GATEWAY)


def test_the_gateway_answers_ping_from_its_network() -> None:
    """The reply takes the FIB's way, which leads back to the host."""
    switch = switch_with(compiled(intent(VPN_RED, RED_WEST)))
    (sent,) = switch.receive(RED_PORT, ping("10.1.0.5", "10.1.0.1", "red-west")).sent
    assert (sent.port, sent.packet.eth_dst) == (RED_PORT, mac_of("ce-red-1"))
    assert sent.packet.payload == Ipv4Packet(
        IPv4Address("10.1.0.1"), IPv4Address("10.1.0.5"), ttl=64, proto=ICMP
    )


def test_the_gateway_answers_ping_from_the_far_end_with_labels() -> None:
    """It must never put bare IP on the core."""
    routes = frozenset({route("10.2.0.7/32")})
    switch = switch_with(compiled(intent(VPN_RED, RED_WEST), routes=routes))
    frame = labelled(1000, dst="10.1.0.1")
    assert isinstance(frame.payload, Ipv4Packet)
    frame = replace(frame, payload=replace(frame.payload, proto=ICMP, icmp_type=8))
    (sent,) = switch.receive(CORE_PORT, frame).sent
    assert sent.port == CORE_PORT
    assert [entry.label for entry in sent.packet.labels] == [transport_label_to(PE3).value, 1000]


def test_a_ping_that_claims_to_come_from_the_gateway_does_not_go_round() -> None:
    """The reply to it would be for the gateway again."""
    switch = switch_with(compiled(intent(VPN_RED, RED_WEST)))
    assert switch.receive(RED_PORT, ping("10.1.0.1", "10.1.0.1", "red-west")).is_dropped


def test_two_subnets_of_one_network_reach_each_other_through_their_gateway() -> None:
    """They share an attachment: the packet leaves where it came in."""
    both = circuit(
        "red-west",
        ["10.1.0.0/24", "10.3.0.0/24"],
        host("ce-red-1", "10.1.0.5"),
        host("ce-red-2", "10.3.0.5"),
    )
    switch = switch_with(compiled(intent(VPN_RED, both)))
    (sent,) = switch.receive(RED_PORT, ipv4("10.1.0.5", "10.3.0.5", "red-west")).sent
    assert (sent.port, sent.packet.eth_dst) == (RED_PORT, mac_of("ce-red-2"))


def test_the_gateway_answers_ping_from_its_network_and_from_the_far_end() -> None:
    """Through the FIB, so that labels are pushed where they are needed."""
    outcome = compiled(
        intent(VPN_RED, dual_stack.RED_WEST), routes=frozenset({route(f"{dual_stack.EAST}/128")})
    )
    switch = switch_with(outcome)
    (near,) = switch.receive(
        RED_PORT, ping(dual_stack.WEST, dual_stack.WEST_GATEWAY, "red-west")
    ).sent
    assert (near.port, near.packet.eth_dst) == (RED_PORT, mac_of("ce-red-1"))
    payload = near.packet.payload
    assert isinstance(payload, Ipv6Packet)
    assert (str(payload.src), payload.icmp_type, payload.ttl) == (dual_stack.WEST_GATEWAY, 129, 64)
    asked = ping(dual_stack.EAST, dual_stack.WEST_GATEWAY, "red-west").payload
    (label,) = {each.label.value for each in outcome.routes if each.prefix.version == 6}
    frame = Packet("02:00:00:00:00:f1", core_mac_of(PE1), asked, (LabelStackEntry(label),))
    (far,) = switch.receive(CORE_PORT, frame).sent
    assert far.port == CORE_PORT
    assert [entry.label for entry in far.packet.labels] == [transport_label_to(PE3).value, 1000]


def test_no_remote_prefix_takes_the_gateways_ping_away() -> None:
    """Prefixes of up to 128 bits have priorities up to 228."""
    switch = dual_stack.west(f"{dual_stack.WEST_GATEWAY}/128")
    (sent,) = switch.receive(
        RED_PORT, ping(dual_stack.WEST, dual_stack.WEST_GATEWAY, "red-west")
    ).sent
    assert sent.port == RED_PORT
