# SPDX-License-Identifier: Apache-2.0
"""What a tenant notices of the compiled flows, shown with packets."""

from __future__ import annotations

from dataclasses import replace
from ipaddress import IPv4Address, IPv6Address

import pytest

from isthmus.model.provider_edge import Encapsulation
from isthmus.pe_agent.compile.pipeline import DropCookie
from tests.actors import (
    BLUE,
    BLUE_PORT,
    BLUE_WEST,
    CORE_PORT,
    PE1,
    PE2,
    PE3,
    RED,
    RED_PORT,
    RED_WEST,
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
    transport_label_to,
)
from tests.fakes import dual_stack
from tests.fakes.backbone import ipv4, ipv6, labelled, ping, receivers, two_sites
from tests.fakes.dual_stack import assert_dropped, switch_with
from tests.fakes.packet import (
    ICMP,
    ICMPV6,
    ArpPacket,
    Ipv4Packet,
    Ipv6Packet,
    LabelStackEntry,
    Packet,
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


def test_the_longest_prefix_wins() -> None:
    """A host route beats the prefix that covers it, and both beat the default route."""
    routes = frozenset(
        {
            route("0.0.0.0/0", PE2, 500),
            route("10.2.0.0/24", PE2, 501),
            route("10.2.0.7/32", PE3, 502),
        }
    )
    switch = switch_with(compiled(intent(VPN_RED, RED_WEST), routes=routes))
    labels = [
        switch.receive(RED_PORT, ipv4("10.1.0.5", dst, "red-west")).sent[0].packet.labels[1].label
        for dst in ("198.51.100.1", "10.2.0.8", "10.2.0.7")
    ]
    assert labels == [500, 501, 502]


def test_mpls_from_an_attachment_is_dropped_and_counted() -> None:
    """A tenant can't put a label on the core or into another VRF (RFC 4364 §13.1)."""
    switch = switch_with(compiled(intent(VPN_RED, RED_WEST)))
    packet = replace(labelled(1000), eth_dst=mac_of("pe-red-west"))
    outcome = switch.receive(RED_PORT, packet)
    assert_dropped(switch, outcome, DropCookie.MPLS_FROM_ATTACHMENT)


def test_upstream_assigned_labels_from_an_attachment_are_dropped_too() -> None:
    """Ethertype 0x8848 (RFC 5332 §3)."""
    switch = switch_with(compiled(intent(VPN_RED, RED_WEST)))
    outcome = switch.receive(RED_PORT, replace(labelled(1000), ethertype=0x8848))
    assert_dropped(switch, outcome, DropCookie.MPLS_FROM_ATTACHMENT)


def test_no_label_but_the_advertised_ones_is_accepted() -> None:
    """Every other label is dropped and counted, alone or below our transport label."""
    outcome = compiled(
        intent(VPN_RED, RED_WEST),
        intent(VPN_BLUE, BLUE_WEST, imports=BLUE),
        pe=provider_edge(transport_label=17),
    )
    switch = switch_with(outcome)
    advertised = {each.label.value for each in outcome.routes}
    scanned = [label for label in range(4096) if label not in advertised]
    for label in scanned:
        assert switch.receive(CORE_PORT, labelled(label)).is_dropped
        assert switch.receive(CORE_PORT, labelled(17, label)).is_dropped
    assert advertised == {1000, 1001}
    assert switch.count(DropCookie.LABEL_NEVER_ADVERTISED) == 2 * len(scanned)


def test_a_transport_label_of_another_pe_is_dropped_and_counted() -> None:
    """What a P router delivers by mistake goes nowhere."""
    outcome = compiled(intent(VPN_RED, RED_WEST), pe=provider_edge(transport_label=17))
    switch = switch_with(outcome)
    dropped = switch.receive(CORE_PORT, labelled(18, 1000))
    assert_dropped(switch, dropped, DropCookie.NOT_OUR_TRANSPORT_LABEL)


def test_labels_are_accepted_from_the_core_port_only_and_for_our_mac_only() -> None:
    """The core bridge floods what it does not know."""
    switch = switch_with(compiled(intent(VPN_RED, RED_WEST)))
    assert switch.receive(CORE_PORT, labelled(1000, to=PE2)).is_dropped
    assert switch.receive(9, labelled(1000)).is_dropped
    assert switch.count(DropCookie.UNCLASSIFIED) == 2


def test_ip_from_the_core_is_dropped() -> None:
    """Only labels lead into a VRF."""
    switch = switch_with(compiled(intent(VPN_RED, RED_WEST)))
    packet = replace(labelled(), eth_dst=core_mac_of(PE1))
    assert switch.receive(CORE_PORT, packet).is_dropped


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


@pytest.mark.parametrize(
    "dst", ["224.0.0.5", "239.1.1.1", "255.255.255.255", "127.0.0.1", "0.0.0.1"]
)
def test_what_is_not_unicast_is_dropped_even_with_a_default_route(dst: str) -> None:
    """RFC 1812 §5.3.7: such destinations are never forwarded."""
    routes = frozenset({route("0.0.0.0/0")})
    switch = switch_with(compiled(intent(VPN_RED, RED_WEST), routes=routes))
    outcome = switch.receive(RED_PORT, ipv4("10.1.0.5", dst, "red-west"))
    assert_dropped(switch, outcome, DropCookie.NOT_UNICAST)


@pytest.mark.parametrize("eth_dst", ["ff:ff:ff:ff:ff:ff", "01:00:5e:00:00:05", "fa:16:3e:99:99:99"])
def test_ip_for_any_mac_but_the_gateways_is_dropped(eth_dst: str) -> None:
    """Broadcast, multicast and what a switch floods are not the gateway's."""
    routes = frozenset({route("10.2.0.7/32")})
    switch = switch_with(compiled(intent(VPN_RED, RED_WEST), routes=routes))
    frame = replace(ipv4("10.1.0.5", "10.2.0.7", "red-west"), eth_dst=eth_dst)
    assert_dropped(switch, switch.receive(RED_PORT, frame), DropCookie.NOT_FOR_THE_GATEWAY)


def test_a_vlan_tag_from_an_attachment_never_reaches_the_core() -> None:
    """Labels would be pushed behind the tag."""
    routes = frozenset({route("10.2.0.7/32")})
    switch = switch_with(compiled(intent(VPN_RED, RED_WEST), routes=routes))
    frame = replace(ipv4("10.1.0.5", "10.2.0.7", "red-west"), vlan_vid=0x1005)
    assert switch.receive(RED_PORT, frame).is_dropped


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


def test_a_packet_from_the_core_never_returns_to_the_core() -> None:
    """Split horizon: a stale route elsewhere makes no loop."""
    routes = frozenset({route("10.2.0.7/32")})
    switch = switch_with(compiled(intent(VPN_RED, RED_WEST), routes=routes))
    assert switch.receive(CORE_PORT, labelled(1000, dst="10.2.0.7")).is_dropped


def test_networks_of_two_vpns_on_one_pe_meet_only_by_route_target() -> None:
    """Blue imports what red exports, red imports nothing of blue: one-way knowledge."""
    outcome = compiled(
        intent(VPN_RED, circuit("red-west", "10.1.0.0/24", host("ce-red-1", "10.1.0.5"))),
        intent(
            VPN_BLUE,
            circuit("blue-west", "10.3.0.0/24", host("ce-blue-1", "10.3.0.5")),
            imports=BLUE | RED,
            exports=BLUE,
        ),
    )
    switch = switch_with(outcome)
    there = switch.receive(BLUE_PORT, ipv4("10.3.0.5", "10.1.0.5", "blue-west"))
    back = switch.receive(RED_PORT, ipv4("10.1.0.5", "10.3.0.5", "red-west"))
    assert [each.packet.eth_dst for each in there.sent] == [mac_of("ce-red-1")]
    assert back.is_dropped


def test_nothing_is_advertised_without_a_core() -> None:
    """What it would attract could not be delivered; hosts on this PE still reach each other."""
    routes = frozenset({route("10.2.0.7/32")})
    outcome = compiled(intent(VPN_RED, RED_WEST), routes=routes, core_port=None)
    assert outcome.routes == frozenset()
    assert outcome.problems == {VPN_RED: "This PE has no port to the core."}
    switch = switch_with(outcome)
    assert switch.receive(RED_PORT, ipv4("10.1.0.5", "10.2.0.7", "red-west")).is_dropped
    assert switch.receive(RED_PORT, ping("10.1.0.5", "10.1.0.1", "red-west")).sent


def test_an_unknown_next_hop_is_named_to_the_vpns_that_import_its_routes() -> None:
    """No flow leads there; the other VPN is not concerned."""
    outcome = compiled(
        intent(VPN_RED, RED_WEST),
        intent(VPN_BLUE, BLUE_WEST, imports=BLUE),
        routes=frozenset({route("10.2.0.7/32", IPv4Address("192.0.2.99"))}),
    )
    assert outcome.problems == {
        VPN_RED: "No tunnel is configured to the remote PE 192.0.2.99, and no label is learnt.",
    }
    switch = switch_with(outcome)
    dropped = switch.receive(RED_PORT, ipv4("10.1.0.5", "10.2.0.7", "red-west"))
    assert_dropped(switch, dropped, DropCookie.NO_ROUTE)


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


def test_what_a_reflector_still_holds_of_this_pes_former_life_is_not_believed() -> None:
    """Its label may lead elsewhere by now."""
    stale = route("10.1.0.9/32", PE1, 1007)
    switch = switch_with(compiled(intent(VPN_RED, RED_WEST), routes=frozenset({stale})))
    assert switch.receive(RED_PORT, ipv4("10.1.0.5", "10.1.0.9", "red-west")).is_dropped


# The same in IPv6


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


def test_the_longest_prefix_wins_up_to_128_bits() -> None:
    """Host route, subnet, site, default."""
    prefixes = ["::/0", "2001:db8:2::/48", "2001:db8:2::/64", f"{dual_stack.EAST}/128"]
    routes = frozenset(route(prefix, PE3, 500 + number) for number, prefix in enumerate(prefixes))
    switch = switch_with(compiled(intent(VPN_RED, dual_stack.RED_WEST), routes=routes))
    targets = ("2001:db8:9::1", "2001:db8:2:9::1", "2001:db8:2::8", dual_stack.EAST)
    sent = [
        switch.receive(RED_PORT, ipv6(dual_stack.WEST, target, "red-west")).sent[0]
        for target in targets
    ]
    assert [each.packet.labels[1].label for each in sent] == [500, 501, 502, 503]


def test_without_a_second_label_ipv4_is_still_served() -> None:
    """The operator is told which family has none."""
    outcome = compiled(intent(VPN_RED, dual_stack.RED_WEST), labels=range(16, 17))
    assert [str(each.prefix) for each in outcome.routes] == ["10.1.0.5/32"]
    assert outcome.problems == {VPN_RED: "This PE has no label left between 16 and 16 for IPv6."}


def test_neighbor_discovery_from_the_core_is_not_delivered() -> None:
    """Should another PE send it."""
    outcome = compiled(intent(VPN_RED, dual_stack.RED_WEST))
    (label,) = {each.label.value for each in outcome.routes if each.prefix.version == 6}
    switch = switch_with(outcome)
    said = Ipv6Packet(IPv6Address(dual_stack.EAST), IPv6Address(dual_stack.WEST), 255, ICMPV6, 134)
    frame = Packet("02:00:00:00:00:f1", core_mac_of(PE1), said, (LabelStackEntry(label),))
    assert_dropped(switch, switch.receive(CORE_PORT, frame), DropCookie.NEIGHBOR_DISCOVERY)


@pytest.mark.parametrize(
    ("src", "dst"), [(dual_stack.WEST, "fe80::7"), ("fe80::5", dual_stack.EAST)]
)
def test_link_local_addresses_never_leave_their_link(src: str, dst: str) -> None:
    """RFC 4291 §2.5.6, even with a route."""
    switch = dual_stack.west("::/0", "fe80::/10")
    outcome = switch.receive(RED_PORT, ipv6(src, dst, "red-west"))
    assert_dropped(switch, outcome, DropCookie.LINK_LOCAL)


@pytest.mark.parametrize("dst", ["ff02::1", "ff0e::1", "::1", "::", "::ffff:10.2.0.7"])
def test_what_is_not_unicast_is_dropped_even_with_a_default_route_in_ipv6(dst: str) -> None:
    """RFC 4291 §2.5.2, §2.5.3, §2.7; RFC 6890 for IPv4-mapped."""
    switch = dual_stack.west("::/0")
    outcome = switch.receive(RED_PORT, ipv6(dual_stack.WEST, dst, "red-west"))
    assert_dropped(switch, outcome, DropCookie.NOT_UNICAST)


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
