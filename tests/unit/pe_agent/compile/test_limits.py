# SPDX-License-Identifier: Apache-2.0
"""Packets too big or at the end of their TTL, through two PEs and back."""

from __future__ import annotations

from dataclasses import replace
from ipaddress import IPv4Address

import pytest

from isthmus.model.flow import ToAgent
from isthmus.pe_agent.compile.pipeline import DropCookie
from tests.actors import PE1, PE3, RED_PORT, RED_WEST, VPN_RED, intent
from tests.fakes.backbone import Backbone, ipv4, two_sites
from tests.fakes.packet import Ipv4Packet

CORE_MTU = 1308


def with_a_small_core(backbone: Backbone) -> Backbone:
    """Make the core carry 1300 octets and the networks more."""
    for pe in backbone.pes.values():
        pe.pe = replace(pe.pe, core_mtu=CORE_MTU)
    backbone.converge()
    return backbone


def hidden(backbone: Backbone, *addresses: IPv4Address) -> Backbone:
    """Hide PEs from traceroute."""
    for address in addresses:
        pe = backbone.pes[address]
        pe.pe = replace(pe.pe, hide_from_traceroute=True)
    backbone.converge()
    return backbone


def test_a_packet_too_big_for_the_core_crosses_it_in_fragments() -> None:
    """Labelled like any other; the receiver puts them together."""
    backbone = with_a_small_core(two_sites())
    packet = ipv4("10.1.0.5", "10.2.0.7", "red-west", octets=1442, flags=0)
    got = backbone.send(PE1, RED_PORT, packet)
    assert {each.pe for each in got} == {PE3}
    payloads = [each.packet.payload for each in got]
    sizes = {(p.octets, p.flags) for p in payloads if isinstance(p, Ipv4Packet)}
    # 1280 octets of payload, 8 each; the rest is last.
    assert sizes == {(1300, 0x2000), (162, 160)}
    assert all(len(each.labels) == 2 for each in backbone.on_core)


def test_a_packet_too_big_for_the_receivers_network_is_fragmented_by_its_pe() -> None:
    """No other knows."""
    backbone = two_sites()
    backbone.pes[PE1].intents = {VPN_RED: intent(VPN_RED, replace(RED_WEST, mtu=1500))}
    backbone.converge()
    packet = ipv4("10.1.0.5", "10.2.0.7", "red-west", octets=1500, flags=0)
    got = backbone.send(PE1, RED_PORT, packet)
    assert {each.pe for each in got} == {PE3}
    assert len(got) == 2
    assert len(backbone.on_core) == 1


def test_a_fragmented_packet_has_passed_as_many_routers_as_a_whole_one() -> None:
    """Fragmenting is no hop of its own."""
    backbone = with_a_small_core(two_sites())
    for octets in (100, 1442):
        packet = ipv4("10.1.0.5", "10.2.0.7", "red-west", octets=octets, flags=0)
        for each in backbone.send(PE1, RED_PORT, packet):
            assert isinstance(each.packet.payload, Ipv4Packet)
            assert each.packet.payload.ttl == 62


def test_an_expired_packet_is_never_fragmented() -> None:
    """One answer, whatever its size."""
    backbone = with_a_small_core(two_sites())
    packet = ipv4("10.1.0.5", "10.2.0.7", "red-west", ttl=1, octets=1442, flags=0)
    (got,) = backbone.send(PE1, RED_PORT, packet)
    assert isinstance(got.packet.payload, Ipv4Packet)
    assert got.packet.payload.icmp_type == 11


@pytest.mark.parametrize("ttl", [1, 2, 64])
def test_hidden_pes_are_no_hop(ttl: int) -> None:
    """Traceroute's first probe reaches the end host, its TTL as it was."""
    backbone = hidden(two_sites(), PE1, PE3)
    (got,) = backbone.send(PE1, RED_PORT, ipv4("10.1.0.5", "10.2.0.7", "red-west", ttl=ttl))
    assert isinstance(got.packet.payload, Ipv4Packet)
    assert (got.pe, got.packet.payload.ttl) == (PE3, ttl)


@pytest.mark.parametrize(("pe", "router"), [(PE1, "10.2.0.1"), (PE3, "10.1.0.1")])
def test_a_pe_that_hides_alone_leaves_the_other_to_be_seen(pe: IPv4Address, router: str) -> None:
    """The option belongs on all of them."""
    backbone = hidden(two_sites(), pe)
    (got,) = backbone.send(PE1, RED_PORT, ipv4("10.1.0.5", "10.2.0.7", "red-west", ttl=1))
    assert isinstance(got.packet.payload, Ipv4Packet)
    assert str(got.packet.payload.src) == router


@pytest.mark.parametrize("is_hidden", [False, True])
def test_a_ttl_of_zero_goes_nowhere(*, is_hidden: bool) -> None:
    """RFC 1812 §5.3.1; nobody is told, and it is counted."""
    backbone = hidden(two_sites(), *((PE1,) if is_hidden else ()))
    packet = ipv4("10.1.0.5", "10.2.0.7", "red-west", ttl=0)
    assert backbone.send(PE1, RED_PORT, packet) == []
    assert backbone.pes[PE1].switch.count(DropCookie.TTL_OF_ZERO) == 1


def test_every_packet_for_the_agent_passes_the_meter_of_its_vrf() -> None:
    """Or one tenant's flood would take the agent from all others."""
    for pe in two_sites().pes.values():
        metered = {
            (flow.cookie, action.meter)
            for flow in pe.compiled.flows
            for action in flow.actions
            if isinstance(action, ToAgent)
        }
        numbers = pe.compiled.numbers.by_vrf.values()
        assert metered == {(number, number) for number in numbers}
