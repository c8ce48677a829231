# SPDX-License-Identifier: Apache-2.0
"""How large a packet may be on its way, and who says so; traceroute."""

from __future__ import annotations

from dataclasses import replace
from ipaddress import IPv4Address, IPv6Address

import pytest

from isthmus.model.provider_edge import Encapsulation
from tests.actors import (
    PE1,
    RED_PORT,
    RED_WEST,
    VPN_RED,
    compiled,
    intent,
    mac_of,
    provider_edge,
    route,
)
from tests.fakes import dual_stack
from tests.fakes.backbone import ipv4, ipv6, two_sites
from tests.fakes.dual_stack import switch_with
from tests.fakes.packet import (
    Ipv4Packet,
    Ipv6Packet,
)


@pytest.mark.parametrize(
    ("encapsulation", "core_mtu", "limit"),
    [
        (Encapsulation.MPLS, 1600, 1442),
        (Encapsulation.MPLS, 1400, 1392),
        (Encapsulation.MPLS_IN_GRE, 1600, 1442),
        (Encapsulation.MPLS_IN_GRE, 1400, 1372),
    ],
)
def test_the_limit_is_the_core_without_labels_or_the_network(
    encapsulation: Encapsulation, core_mtu: int, limit: int
) -> None:
    """Exactly the limit passes; one octet more goes to the agent."""
    outcome = compiled(
        intent(VPN_RED, RED_WEST),
        routes=frozenset({route("10.2.0.7/32")}),
        pe=provider_edge(core_mtu=core_mtu, encapsulation=encapsulation),
    )
    switch = switch_with(outcome)
    fits = switch.receive(RED_PORT, ipv4("10.1.0.5", "10.2.0.7", "red-west", octets=limit))
    larger = switch.receive(RED_PORT, ipv4("10.1.0.5", "10.2.0.7", "red-west", octets=limit + 1))
    assert len(fits.sent) == 1
    assert larger.sent == []
    assert [(each.reason, each.metadata) for each in larger.punted] == [("too_big", 1)]


def test_a_packet_larger_than_the_receivers_network_is_refused_by_the_receivers_pe() -> None:
    """The far PE can't know; this one does, and its answer finds the sender."""
    backbone = two_sites()
    west = backbone.pes[PE1]
    big = replace(RED_WEST, mtu=1500)
    west.intents = {VPN_RED: intent(VPN_RED, big)}
    backbone.converge()
    (got,) = backbone.send(
        PE1, RED_PORT, ipv4("10.1.0.5", "10.2.0.7", "red-west", octets=1500, mark="big")
    )
    assert (got.pe, got.port, got.packet.mark) == (PE1, RED_PORT, "about big")
    payload = got.packet.payload
    assert isinstance(payload, Ipv4Packet)
    assert (payload.src, payload.icmp_type, payload.icmp_code) == (
        IPv4Address("10.2.0.1"),
        3,
        4,
    )


@pytest.mark.parametrize(("ttl", "router"), [(1, "10.1.0.1"), (2, "10.2.0.1")])
def test_traceroute_shows_both_gateways(ttl: int, router: str) -> None:
    """The PE where the TTL ends answers, wherever the sender is."""
    backbone = two_sites()
    (got,) = backbone.send(
        PE1, RED_PORT, ipv4("10.1.0.5", "10.2.0.7", "red-west", ttl=ttl, mark="probe")
    )
    assert (got.pe, got.packet.eth_dst, got.packet.mark) == (
        PE1,
        mac_of("ce-red-1"),
        "about probe",
    )
    payload = got.packet.payload
    assert isinstance(payload, Ipv4Packet)
    assert (payload.src, payload.icmp_type) == (IPv4Address(router), 11)


@pytest.mark.parametrize(
    ("ttl", "router"), [(1, dual_stack.WEST_GATEWAY), (2, dual_stack.EAST_GATEWAY)]
)
def test_traceroute_shows_both_gateways_in_ipv6(ttl: int, router: str) -> None:
    """The PE where the hop limit ends answers, wherever the sender is."""
    backbone = dual_stack.two_sites()
    (got,) = backbone.send(
        PE1, RED_PORT, ipv6(dual_stack.WEST, dual_stack.EAST, "red-west", ttl=ttl, mark="probe")
    )
    assert (got.pe, got.packet.eth_dst, got.packet.mark) == (
        PE1,
        mac_of("ce-red-1"),
        "about probe",
    )
    payload = got.packet.payload
    assert isinstance(payload, Ipv6Packet)
    assert (payload.src, payload.icmp_type) == (IPv6Address(router), 3)


@pytest.mark.parametrize(
    ("encapsulation", "core_mtu", "limit"),
    [
        (Encapsulation.MPLS, 1600, 1442),
        (Encapsulation.MPLS, 1400, 1392),
        (Encapsulation.MPLS_IN_GRE, 1400, 1372),
    ],
)
def test_the_limit_is_the_core_without_labels_or_the_network_in_ipv6(
    encapsulation: Encapsulation, core_mtu: int, limit: int
) -> None:
    """Exactly the limit passes; one octet more goes to the agent."""
    switch = switch_with(
        compiled(
            intent(VPN_RED, dual_stack.RED_WEST),
            routes=frozenset({route(f"{dual_stack.EAST}/128")}),
            pe=provider_edge(core_mtu=core_mtu, encapsulation=encapsulation),
        )
    )
    fits = switch.receive(
        RED_PORT, ipv6(dual_stack.WEST, dual_stack.EAST, "red-west", octets=limit)
    )
    larger = switch.receive(
        RED_PORT, ipv6(dual_stack.WEST, dual_stack.EAST, "red-west", octets=limit + 1)
    )
    assert len(fits.sent) == 1
    assert [(each.reason, each.metadata) for each in larger.punted] == [("too_big", 1)]


def test_a_core_too_small_for_ipv6_is_named() -> None:
    """RFC 8200 §5: every link carries 1280 octets."""
    small = replace(dual_stack.RED_WEST, mtu=1280)
    outcome = compiled(intent(VPN_RED, small), pe=provider_edge(core_mtu=1287))
    assert "IPv6 needs 1280 everywhere." in outcome.problems[VPN_RED]
    assert compiled(intent(VPN_RED, small), pe=provider_edge(core_mtu=1288)).problems == {}
