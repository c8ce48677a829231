# SPDX-License-Identifier: Apache-2.0
"""What a tenant notices of the compiled flows in IPv6, shown with packets."""

from __future__ import annotations

from dataclasses import replace
from ipaddress import IPv6Address

import pytest

from isthmus.model.intent import RouterAdvertisement
from isthmus.model.provider_edge import Encapsulation
from isthmus.pe_agent.compile.inputs import Compiled
from isthmus.pe_agent.compile.neighbor_discovery import link_local_address
from isthmus.pe_agent.compile.pipeline import DropCookie
from tests.actors import (
    BLUE,
    BLUE_PORT,
    CORE_PORT,
    HOSTS,
    PE1,
    PE3,
    PORTS,
    RED_PORT,
    VPN_BLUE,
    VPN_RED,
    circuit,
    compiled,
    core_mac_of,
    host,
    intent,
    mac_of,
    provider_edge,
    route,
    subnet,
    transport_label_to,
)
from tests.fakes.backbone import Backbone, BackbonePe, ipv4, ipv6, ping, receivers
from tests.fakes.packet import ICMPV6, Ipv6Packet, LabelStackEntry, Packet
from tests.fakes.switch import FakeSwitch, Outcome

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


@pytest.mark.parametrize("encapsulation", list(Encapsulation))
def test_hosts_of_one_vpn_reach_each_other_across_the_core(encapsulation: Encapsulation) -> None:
    """Both ways, with either transport; the hop limit drops once per PE."""
    backbone = two_sites(encapsulation)
    there = backbone.send(PE1, RED_PORT, ipv6(WEST, EAST, "red-west"))
    back = backbone.send(PE3, RED_PORT, ipv6(EAST, WEST, "red-east"))
    assert receivers(there) == [(PE3, RED_PORT, mac_of("ce-red-2"))]
    assert receivers(back) == [(PE1, RED_PORT, mac_of("ce-red-1"))]
    payload = there[0].packet.payload
    assert isinstance(payload, Ipv6Packet)
    assert payload.ttl == 62


def test_each_family_has_its_own_label_and_two_vpns_stay_apart() -> None:
    """Popping it tells what is below (RFC 4659 §3.1)."""
    backbone = two_sites()
    got = [
        *backbone.send(PE1, RED_PORT, ipv4("10.1.0.5", "10.2.0.7", "red-west")),
        *backbone.send(PE1, RED_PORT, ipv6(WEST, EAST, "red-west")),
        *backbone.send(PE1, BLUE_PORT, ipv4("10.1.0.5", "10.2.0.7", "blue-west")),
        *backbone.send(PE1, BLUE_PORT, ipv6(WEST, EAST, "blue-west")),
    ]
    labels = [frame.labels[-1].label for frame in backbone.on_core]
    assert len(set(labels)) == 4
    red, blue = mac_of("ce-red-2"), mac_of("ce-blue-2")
    assert [each.packet.eth_dst for each in got] == [red, red, blue, blue]


def test_the_longest_prefix_wins_up_to_128_bits() -> None:
    """Host route, subnet, site, default."""
    prefixes = ["::/0", "2001:db8:2::/48", "2001:db8:2::/64", f"{EAST}/128"]
    routes = frozenset(route(prefix, PE3, 500 + number) for number, prefix in enumerate(prefixes))
    switch = switch_with(compiled(intent(VPN_RED, RED_WEST), routes=routes))
    targets = ("2001:db8:9::1", "2001:db8:2:9::1", "2001:db8:2::8", EAST)
    sent = [switch.receive(RED_PORT, ipv6(WEST, target, "red-west")).sent[0] for target in targets]
    assert [each.packet.labels[1].label for each in sent] == [500, 501, 502, 503]


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


def test_without_a_second_label_ipv4_is_still_served() -> None:
    """The operator is told which family has none."""
    outcome = compiled(intent(VPN_RED, RED_WEST), labels=range(16, 17))
    assert [str(each.prefix) for each in outcome.routes] == ["10.1.0.5/32"]
    assert outcome.problems == {VPN_RED: "This PE has no label left between 16 and 16 for IPv6."}


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


def test_neighbor_discovery_from_the_core_is_not_delivered() -> None:
    """Should another PE send it."""
    outcome = compiled(intent(VPN_RED, RED_WEST))
    (label,) = {each.label.value for each in outcome.routes if each.prefix.version == 6}
    switch = switch_with(outcome)
    said = Ipv6Packet(IPv6Address(EAST), IPv6Address(WEST), 255, ICMPV6, 134)
    frame = Packet("02:00:00:00:00:f1", core_mac_of(PE1), said, (LabelStackEntry(label),))
    assert_dropped(switch, switch.receive(CORE_PORT, frame), DropCookie.NEIGHBOR_DISCOVERY)


@pytest.mark.parametrize(("src", "dst"), [(WEST, "fe80::7"), ("fe80::5", EAST)])
def test_link_local_addresses_never_leave_their_link(src: str, dst: str) -> None:
    """RFC 4291 §2.5.6, even with a route."""
    switch = west("::/0", "fe80::/10")
    outcome = switch.receive(RED_PORT, ipv6(src, dst, "red-west"))
    assert_dropped(switch, outcome, DropCookie.LINK_LOCAL)


@pytest.mark.parametrize("dst", ["ff02::1", "ff0e::1", "::1", "::", "::ffff:10.2.0.7"])
def test_what_is_not_unicast_is_dropped_even_with_a_default_route(dst: str) -> None:
    """RFC 4291 §2.5.2, §2.5.3, §2.7; RFC 6890 for IPv4-mapped."""
    switch = west("::/0")
    outcome = switch.receive(RED_PORT, ipv6(WEST, dst, "red-west"))
    assert_dropped(switch, outcome, DropCookie.NOT_UNICAST)


def test_the_gateway_answers_ping_from_its_network_and_from_the_far_end() -> None:
    """Through the FIB, so that labels are pushed where they are needed."""
    outcome = compiled(intent(VPN_RED, RED_WEST), routes=frozenset({route(f"{EAST}/128")}))
    switch = switch_with(outcome)
    (near,) = switch.receive(RED_PORT, ping(WEST, WEST_GATEWAY, "red-west")).sent
    assert (near.port, near.packet.eth_dst) == (RED_PORT, mac_of("ce-red-1"))
    payload = near.packet.payload
    assert isinstance(payload, Ipv6Packet)
    assert (str(payload.src), payload.icmp_type, payload.ttl) == (WEST_GATEWAY, 129, 64)
    asked = ping(EAST, WEST_GATEWAY, "red-west").payload
    (label,) = {each.label.value for each in outcome.routes if each.prefix.version == 6}
    frame = Packet("02:00:00:00:00:f1", core_mac_of(PE1), asked, (LabelStackEntry(label),))
    (far,) = switch.receive(CORE_PORT, frame).sent
    assert far.port == CORE_PORT
    assert [entry.label for entry in far.packet.labels] == [transport_label_to(PE3).value, 1000]


def test_no_remote_prefix_takes_the_gateways_ping_away() -> None:
    """Prefixes of up to 128 bits have priorities up to 228."""
    switch = west(f"{WEST_GATEWAY}/128")
    (sent,) = switch.receive(RED_PORT, ping(WEST, WEST_GATEWAY, "red-west")).sent
    assert sent.port == RED_PORT


def test_the_link_local_address_answers_ping_on_its_link() -> None:
    """Directly: it never gets to the FIB."""
    (sent,) = west().receive(RED_PORT, ping("fe80::5", str(ROUTER), "red-west")).sent
    payload = sent.packet.payload
    assert isinstance(payload, Ipv6Packet)
    assert (sent.port, sent.packet.eth_src) == (RED_PORT, GATEWAY_MAC)
    assert (payload.src, str(payload.dst), payload.icmp_type) == (ROUTER, "fe80::5", 129)


@pytest.mark.parametrize(("ttl", "router"), [(1, WEST_GATEWAY), (2, EAST_GATEWAY)])
def test_traceroute_shows_both_gateways(ttl: int, router: str) -> None:
    """The PE where the hop limit ends answers, wherever the sender is."""
    backbone = two_sites()
    (got,) = backbone.send(PE1, RED_PORT, ipv6(WEST, EAST, "red-west", ttl=ttl, mark="probe"))
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
def test_the_limit_is_the_core_without_labels_or_the_network(
    encapsulation: Encapsulation, core_mtu: int, limit: int
) -> None:
    """Exactly the limit passes; one octet more goes to the agent."""
    switch = switch_with(
        compiled(
            intent(VPN_RED, RED_WEST),
            routes=frozenset({route(f"{EAST}/128")}),
            pe=provider_edge(core_mtu=core_mtu, encapsulation=encapsulation),
        )
    )
    fits = switch.receive(RED_PORT, ipv6(WEST, EAST, "red-west", octets=limit))
    larger = switch.receive(RED_PORT, ipv6(WEST, EAST, "red-west", octets=limit + 1))
    assert len(fits.sent) == 1
    assert [(each.reason, each.metadata) for each in larger.punted] == [("too_big", 1)]


def test_a_core_too_small_for_ipv6_is_named() -> None:
    """RFC 8200 §5: every link carries 1280 octets."""
    small = replace(RED_WEST, mtu=1280)
    outcome = compiled(intent(VPN_RED, small), pe=provider_edge(core_mtu=1287))
    assert "IPv6 needs 1280 everywhere." in outcome.problems[VPN_RED]
    assert compiled(intent(VPN_RED, small), pe=provider_edge(core_mtu=1288)).problems == {}


def test_links_are_known_by_the_port_hosts_ask_at() -> None:
    """A plugged attachment with an IPv6 subnet."""
    outcome = compiled(intent(VPN_RED, RED_WEST))
    assert outcome.links.keys() == {RED_PORT}
    assert outcome.links[RED_PORT].subnets == (subnet("2001:db8:1::/64"),)
    assert compiled(intent(VPN_RED, RED_WEST), circuit_ports={}).links == {}
