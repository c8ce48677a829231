# SPDX-License-Identifier: Apache-2.0
"""The PE as the gateway of its attachments: what it answers, and to whom."""

from __future__ import annotations

from dataclasses import replace
from ipaddress import IPv6Address

import pytest

from isthmus.model.intent import RouterAdvertisement
from isthmus.pe_agent.compile.pipeline import DropCookie
from tests.actors import (
    PE1,
    RED_PORT,
    VPN_RED,
    circuit,
    compiled,
    host,
    intent,
    route,
    subnet,
)
from tests.fakes.backbone import ipv4, ipv6, ping
from tests.fakes.dual_stack import (
    EAST,
    GATEWAY_MAC,
    MAC,
    RED_WEST,
    ROUTER,
    WEST,
    WEST_GATEWAY,
    assert_dropped,
    solicitation,
    switch_with,
    two_sites,
    west,
)
from tests.fakes.packet import ICMPV6, Ipv6Packet, Packet


@pytest.mark.parametrize("target", [WEST_GATEWAY, ROUTER])
@pytest.mark.parametrize("source", [WEST, "fe80::5"])
def test_the_router_answers_neighbor_solicitations(target: object, source: str) -> None:
    """RFC 4861 §7.2.4: router, solicited, override; the attachment's MAC in the option."""
    wanted = IPv6Address(str(target))
    (sent,) = west().receive(RED_PORT, solicitation(wanted, source)).sent
    assert (sent.port, sent.packet.eth_src, sent.packet.eth_dst) == (RED_PORT, GATEWAY_MAC, MAC)
    assert sent.packet.payload == Ipv6Packet(
        src=wanted,
        dst=IPv6Address(source),
        ttl=255,
        proto=ICMPV6,
        icmp_type=136,
        octets=72,
        nd_target=wanted,
        nd_reserved=0xE0000000,
        nd_option=(2, GATEWAY_MAC),
    )


def test_a_prefixs_first_address_may_be_the_gateway() -> None:
    """The subnet-router anycast address (RFC 4291 §2.6.1): Neutron's choice unless told."""
    first = IPv6Address("2001:db8:1::")
    four, six = RED_WEST.subnets
    network = replace(RED_WEST, subnets=(four, replace(six, gateway=first)))
    switch = switch_with(compiled(intent(VPN_RED, network)))
    (found,) = switch.receive(RED_PORT, solicitation(first)).sent
    assert isinstance(found.packet.payload, Ipv6Packet)
    assert found.packet.payload.nd_option == (2, GATEWAY_MAC)
    (echo,) = switch.receive(RED_PORT, ping(WEST, str(first), "red-west")).sent
    assert isinstance(echo.packet.payload, Ipv6Packet)
    assert (echo.packet.payload.src, echo.packet.payload.icmp_type) == (first, 129)


def test_the_router_answers_for_no_other_address_and_to_no_other_link() -> None:
    """Hosts answer for themselves; what was routed has a hop limit below 255 (RFC 4861 §7.1.1)."""
    switch = west()
    assert switch.receive(RED_PORT, solicitation("2001:db8:1::6")).is_dropped
    assert switch.receive(RED_PORT, solicitation(WEST_GATEWAY, ttl=254)).is_dropped
    assert switch.count(DropCookie.NOT_FOR_THE_GATEWAY) == 2


def test_a_host_that_wants_the_routers_address_is_told() -> None:
    """Its question carries no option which an answer could be made of, so the agent makes it."""
    backbone = two_sites()
    (got,) = backbone.send(PE1, RED_PORT, solicitation(WEST_GATEWAY, "::"))
    assert (got.pe, got.port, got.packet.eth_dst) == (PE1, RED_PORT, "33:33:00:00:00:01")


@pytest.mark.parametrize("mode", list(RouterAdvertisement))
def test_router_solicitations_are_answered_where_neutron_names_a_mode(
    mode: RouterAdvertisement,
) -> None:
    """By the agent, on that link only."""
    asked = Ipv6Packet(IPv6Address("fe80::5"), IPv6Address("ff02::2"), 255, ICMPV6, 133, octets=48)
    outcome = west(advertisement=mode).receive(RED_PORT, Packet(MAC, "33:33:00:00:00:02", asked))
    is_answered = mode is not RouterAdvertisement.NONE
    assert [each.reason for each in outcome.punted] == (["asked"] if is_answered else [])
    assert outcome.sent == []


@pytest.mark.parametrize("kind", range(133, 138))
@pytest.mark.parametrize("eth_dst", ["33:33:00:00:00:01", GATEWAY_MAC])
def test_neighbor_discovery_of_tenants_is_never_carried(kind: int, eth_dst: str) -> None:
    """A host of another link must not become a router of this one, nor redirect anybody."""
    switch = west("::/0")
    said = Ipv6Packet(IPv6Address(WEST), IPv6Address(EAST), 255, ICMPV6, kind)
    outcome = switch.receive(RED_PORT, Packet(MAC, eth_dst, said))
    assert outcome.is_dropped
    unicast = eth_dst == GATEWAY_MAC
    assert switch.count(DropCookie.NEIGHBOR_DISCOVERY) == int(unicast)


def test_the_link_local_address_answers_ping_on_its_link() -> None:
    """Directly: it never gets to the FIB."""
    (sent,) = west().receive(RED_PORT, ping("fe80::5", str(ROUTER), "red-west")).sent
    payload = sent.packet.payload
    assert isinstance(payload, Ipv6Packet)
    assert (sent.port, sent.packet.eth_src) == (RED_PORT, GATEWAY_MAC)
    assert (payload.src, str(payload.dst), payload.icmp_type) == (ROUTER, "fe80::5", 129)


def test_links_are_known_by_the_port_hosts_ask_at() -> None:
    """A plugged attachment with an IPv6 subnet."""
    outcome = compiled(intent(VPN_RED, RED_WEST))
    assert outcome.links.keys() == {RED_PORT}
    assert outcome.links[RED_PORT].subnets == (subnet("2001:db8:1::/64"),)
    assert compiled(intent(VPN_RED, RED_WEST), circuit_ports={}).links == {}


def test_a_vrf_without_ipv6_takes_none() -> None:
    """Neither from its hosts nor from its routes; it has no label for it."""
    plain = circuit("red-west", "10.1.0.0/24", host("ce-red-1", "10.1.0.5"))
    outcome = compiled(intent(VPN_RED, plain), routes=frozenset({route("::/0")}))
    switch = switch_with(outcome)
    dropped = switch.receive(RED_PORT, ipv6(WEST, EAST, "red-west"))
    assert_dropped(switch, dropped, DropCookie.NOT_FOR_THE_GATEWAY)
    assert outcome.links == {}


def test_a_vrf_with_ipv6_alone_takes_no_ipv4() -> None:
    """The same the other way round: no ARP either."""
    six = circuit("red-west", "2001:db8:1::/64", host("ce-red-1", WEST))
    outcome = compiled(intent(VPN_RED, six), routes=frozenset({route("10.2.0.7/32")}))
    switch = switch_with(outcome)
    dropped = switch.receive(RED_PORT, ipv4("10.1.0.5", "10.2.0.7", "red-west"))
    assert_dropped(switch, dropped, DropCookie.NOT_FOR_THE_GATEWAY)
    assert [str(each.prefix) for each in outcome.routes] == [f"{WEST}/128"]
