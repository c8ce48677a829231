# SPDX-License-Identifier: Apache-2.0
"""The same two sites and two VPNs with IPv4 and IPv6, and what their hosts ask of a router."""

from __future__ import annotations

from dataclasses import replace
from ipaddress import IPv6Address

from isthmus.model.intent import RouterAdvertisement
from isthmus.model.provider_edge import Encapsulation
from isthmus.pe_agent.compile.inputs import Compiled
from isthmus.pe_agent.compile.neighbor_discovery import link_local_address
from isthmus.pe_agent.compile.pipeline import DropCookie
from tests.actors import (
    BLUE,
    HOSTS,
    PE1,
    PE3,
    PORTS,
    VPN_BLUE,
    VPN_RED,
    circuit,
    compiled,
    host,
    intent,
    mac_of,
    provider_edge,
    route,
)
from tests.fakes.backbone import Backbone, BackbonePe
from tests.fakes.journey import Outcome
from tests.fakes.packet import ICMPV6, Ipv6Packet, Packet
from tests.fakes.switch import FakeSwitch

WEST, EAST = "2001:db8:1::5", "2001:db8:2::7"
WEST_GATEWAY, EAST_GATEWAY = "2001:db8:1::1", "2001:db8:2::1"
WEST_PREFIXES = ["10.1.0.0/24", "2001:db8:1::/64"]
EAST_PREFIXES = ["10.2.0.0/24", "2001:db8:2::/64"]
RED_WEST = circuit("red-west", WEST_PREFIXES, host("ce-red-1", "10.1.0.5", WEST))
RED_EAST = circuit("red-east", EAST_PREFIXES, host("ce-red-2", "10.2.0.7", EAST))
BLUE_WEST = circuit("blue-west", WEST_PREFIXES, host("ce-blue-1", "10.1.0.5", WEST))
BLUE_EAST = circuit("blue-east", EAST_PREFIXES, host("ce-blue-2", "10.2.0.7", EAST))
MAC, GATEWAY_MAC = mac_of("ce-red-1"), mac_of("pe-red-west")
ROUTER = link_local_address(GATEWAY_MAC)


def two_sites(encapsulation: Encapsulation = Encapsulation.MPLS) -> Backbone:
    """PE1 and PE3, each with a host of red and one of blue, dual-stack, the same addresses."""
    pes = []
    for address, red, blue in ((PE1, RED_WEST, BLUE_WEST), (PE3, RED_EAST, BLUE_EAST)):
        intents = {VPN_RED: intent(VPN_RED, red), VPN_BLUE: intent(VPN_BLUE, blue, imports=BLUE)}
        pe = provider_edge(address, encapsulation=encapsulation)
        pes.append(BackbonePe(pe, intents, PORTS, HOSTS))
    backbone = Backbone(*pes)
    backbone.converge()
    return backbone


def switch_with(outcome: Compiled) -> FakeSwitch:
    """Put compiled flows into a switch."""
    switch = FakeSwitch()
    switch.apply(outcome.flows)
    return switch


def west(*routes: str, advertisement: RouterAdvertisement | None = None) -> FakeSwitch:
    """Make PE1's switch with red's network alone, and routes to PE3."""
    network = RED_WEST
    if advertisement is not None:
        four, six = RED_WEST.subnets
        network = replace(RED_WEST, subnets=(four, replace(six, advertisement=advertisement)))
    return switch_with(
        compiled(intent(VPN_RED, network), routes=frozenset(route(each) for each in routes))
    )


def assert_dropped(switch: FakeSwitch, outcome: Outcome, cookie: DropCookie) -> None:
    """The packet went nowhere, and the flow that is there to count it did."""
    assert outcome.is_dropped
    assert switch.count(cookie) == 1


def solicitation(target: object, source: str = WEST, ttl: int = 255) -> Packet:
    """Make what a host asks for a target's MAC (RFC 4861 §4.3)."""
    wanted = IPv6Address(str(target))
    group = IPv6Address(int(IPv6Address("ff02::1:ff00:0")) | int(wanted) & 0xFFFFFF)
    option = None if source == "::" else (1, MAC)
    asked = Ipv6Packet(IPv6Address(source), group, ttl, ICMPV6, 135, 0, 72, wanted, 0, option)
    return Packet(MAC, f"33:33:{group.packed[12:].hex(':')}", asked)
