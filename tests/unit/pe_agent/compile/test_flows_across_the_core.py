# SPDX-License-Identifier: Apache-2.0
"""What crosses the core between two PEs: with which labels, and to whom."""

from __future__ import annotations

from dataclasses import replace

import pytest

from isthmus.model.provider_edge import Encapsulation
from tests.actors import (
    BLUE_PORT,
    CORE_PORT,
    PE1,
    PE3,
    RED_PORT,
    RED_WEST,
    VPN_RED,
    compiled,
    core_mac_of,
    intent,
    mac_of,
    provider_edge,
    route,
    transport_label_to,
)
from tests.fakes import dual_stack
from tests.fakes.backbone import ipv4, ipv6, labelled, receivers, two_sites
from tests.fakes.dual_stack import switch_with
from tests.fakes.packet import (
    Ipv4Packet,
    Ipv6Packet,
)


@pytest.mark.parametrize("encapsulation", list(Encapsulation))
def test_hosts_of_one_vpn_reach_each_other_across_the_core(encapsulation: Encapsulation) -> None:
    """Both ways, with either transport; the TTL drops once per PE."""
    backbone = two_sites(encapsulation)
    there = backbone.send(PE1, RED_PORT, ipv4("10.1.0.5", "10.2.0.7", "red-west"))
    back = backbone.send(PE3, RED_PORT, ipv4("10.2.0.7", "10.1.0.5", "red-east"))
    assert receivers(there) == [(PE3, RED_PORT, mac_of("ce-red-2"))]
    assert receivers(back) == [(PE1, RED_PORT, mac_of("ce-red-1"))]
    payload = there[0].packet.payload
    assert isinstance(payload, Ipv4Packet)
    assert payload.ttl == 62


def test_two_vpns_with_the_same_addresses_stay_apart() -> None:
    """Who answers at the same address depends on the VPN alone."""
    backbone = two_sites()
    red = backbone.send(PE1, RED_PORT, ipv4("10.1.0.5", "10.2.0.7", "red-west"))
    blue = backbone.send(PE1, BLUE_PORT, ipv4("10.1.0.5", "10.2.0.7", "blue-west"))
    assert receivers(red) == [(PE3, RED_PORT, mac_of("ce-red-2"))]
    assert receivers(blue) == [(PE3, BLUE_PORT, mac_of("ce-blue-2"))]


def test_the_core_sees_two_labels_that_tell_nothing_of_the_packet() -> None:
    """RFC 3443 §3.2, the pipe model: full TTL on both labels, whatever the packet has."""
    backbone = two_sites()
    backbone.send(PE1, RED_PORT, ipv4("10.1.0.5", "10.2.0.7", "red-west", ttl=3))
    (frame,) = backbone.on_core
    transport, vpn = frame.labels
    assert (transport.label, transport.ttl, transport.tc) == (transport_label_to(PE3).value, 255, 0)
    assert (vpn.label, vpn.ttl, vpn.tc) == (1001, 255, 0)
    assert frame.eth_src == core_mac_of(PE1)


def test_gre_carries_one_label_to_the_address_of_the_remote_pe() -> None:
    """RFC 4023: the tunnel takes the place of the transport label."""
    backbone = two_sites(Encapsulation.MPLS_IN_GRE)
    backbone.send(PE1, RED_PORT, ipv4("10.1.0.5", "10.2.0.7", "red-west"))
    (frame,) = backbone.on_core
    assert [entry.label for entry in frame.labels] == [1001]
    assert frame.tun_dst == PE3


def test_an_adjacent_pe_gets_the_vpn_label_alone() -> None:
    """Implicit null (RFC 3032 §2.1): nothing to push."""
    pe = provider_edge()
    adjacent = replace(pe.remote_pes[PE3], label=None)
    pe = replace(pe, remote_pes={PE3: adjacent})
    outcome = compiled(intent(VPN_RED, RED_WEST), routes=frozenset({route("10.2.0.7/32")}), pe=pe)
    sent = switch_with(outcome).receive(RED_PORT, ipv4("10.1.0.5", "10.2.0.7", "red-west")).sent
    assert [entry.label for entry in sent[0].packet.labels] == [1000]


@pytest.mark.parametrize("stack", [(1000,), (17, 1000)])
def test_a_packet_arrives_whether_the_last_router_popped_or_not(stack: tuple[int, ...]) -> None:
    """Penultimate hop popping is the P router's choice (RFC 3031 §3.16)."""
    outcome = compiled(intent(VPN_RED, RED_WEST), pe=provider_edge(transport_label=17))
    sent = switch_with(outcome).receive(CORE_PORT, labelled(*stack)).sent
    assert [(each.port, each.packet.eth_dst) for each in sent] == [(RED_PORT, mac_of("ce-red-1"))]
    assert sent[0].packet.labels == ()


@pytest.mark.parametrize("encapsulation", list(Encapsulation))
def test_hosts_of_one_vpn_reach_each_other_across_the_core_in_ipv6(
    encapsulation: Encapsulation,
) -> None:
    """Both ways, with either transport; the hop limit drops once per PE."""
    backbone = dual_stack.two_sites(encapsulation)
    there = backbone.send(PE1, RED_PORT, ipv6(dual_stack.WEST, dual_stack.EAST, "red-west"))
    back = backbone.send(PE3, RED_PORT, ipv6(dual_stack.EAST, dual_stack.WEST, "red-east"))
    assert receivers(there) == [(PE3, RED_PORT, mac_of("ce-red-2"))]
    assert receivers(back) == [(PE1, RED_PORT, mac_of("ce-red-1"))]
    payload = there[0].packet.payload
    assert isinstance(payload, Ipv6Packet)
    assert payload.ttl == 62


def test_each_family_has_its_own_label_and_two_vpns_stay_apart() -> None:
    """Popping it tells what is below (RFC 4659 §3.1)."""
    backbone = dual_stack.two_sites()
    got = [
        *backbone.send(PE1, RED_PORT, ipv4("10.1.0.5", "10.2.0.7", "red-west")),
        *backbone.send(PE1, RED_PORT, ipv6(dual_stack.WEST, dual_stack.EAST, "red-west")),
        *backbone.send(PE1, BLUE_PORT, ipv4("10.1.0.5", "10.2.0.7", "blue-west")),
        *backbone.send(PE1, BLUE_PORT, ipv6(dual_stack.WEST, dual_stack.EAST, "blue-west")),
    ]
    labels = [frame.labels[-1].label for frame in backbone.on_core]
    assert len(set(labels)) == 4
    red, blue = mac_of("ce-red-2"), mac_of("ce-blue-2")
    assert [each.packet.eth_dst for each in got] == [red, red, blue, blue]
