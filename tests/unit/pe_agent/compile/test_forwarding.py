# SPDX-License-Identifier: Apache-2.0
"""Several paths to one prefix: which packets take which, and what a change of them disturbs."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import replace
from ipaddress import IPv4Address, IPv4Network

import pytest

from isthmus.model.flow import Flow
from isthmus.model.intent import AttachmentCircuit
from isthmus.model.provider_edge import Encapsulation
from isthmus.model.route import VpnRoute
from isthmus.pe_agent.compile.inputs import Compiled
from isthmus.pe_agent.compile.pipeline import FIB, PATH, DropCookie
from tests.actors import (
    BLUE,
    CORE_PORT,
    PE2,
    PE3,
    RED,
    RED_PORT,
    RED_WEST,
    VPN_BLUE,
    VPN_RED,
    behind,
    circuit,
    compiled,
    host,
    intent,
    mac_of,
    named,
    provider_edge,
    route,
    transport_label_to,
)
from tests.fakes.backbone import ipv4, labelled
from tests.fakes.dual_stack import assert_dropped, switch_with
from tests.fakes.packet import Ipv4Packet, Packet
from tests.fakes.switch import FakeSwitch

PREFIX = "198.51.100.0/24"
TO_PREFIX = ipv4("10.1.0.5", "198.51.100.9", "red-west")
TWO = frozenset({route(PREFIX, PE2, 500), route(PREFIX, PE3, 501)})
PORTS = {"ce-red-1", "ce-red-2", "ce-red-3"}


def connections(number: int) -> Iterable[Packet]:
    """Make the first packets of many connections between two hosts."""
    payload = TO_PREFIX.payload
    assert isinstance(payload, Ipv4Packet)
    for port in range(number):
        yield replace(TO_PREFIX, payload=replace(payload, ports=(40000 + port, 443)))


def labels_of(switch: FakeSwitch, packets: Iterable[Packet]) -> list[int]:
    """Return the VPN label each packet leaves with."""
    sent = [switch.receive(RED_PORT, packet).sent for packet in packets]
    return [each[0].packet.labels[-1].label for each in sent]


def red(*routes: VpnRoute, network: AttachmentCircuit = RED_WEST) -> Compiled:
    """Compile red's network with routes from others, all CEs plugged."""
    return compiled(intent(VPN_RED, network), routes=frozenset(routes), plugged=frozenset(PORTS))


def flows_of(outcome: Compiled, prefix: str) -> set[Flow]:
    """Return the flows that lead to a prefix."""
    wanted = ("ip_dst", prefix)
    return {flow for flow in outcome.flows if flow.table in (FIB, PATH) and wanted in flow.match}


def test_connections_are_spread_over_equal_routes() -> None:
    """About half each; packets of one connection stay together, whichever way they go."""
    switch = switch_with(red(*TWO))
    chosen = labels_of(switch, connections(200))
    assert chosen == labels_of(switch, connections(200))
    assert min(Counter(chosen).values()) > 60


@pytest.mark.parametrize("encapsulation", list(Encapsulation))
def test_each_member_gets_what_it_expects(encapsulation: Encapsulation) -> None:
    """Its own VPN label, by its own LSP or tunnel."""
    outcome = compiled(
        intent(VPN_RED, RED_WEST), routes=TWO, pe=provider_edge(encapsulation=encapsulation)
    )
    switch = switch_with(outcome)
    found = set()
    for switch.chosen in (0, 1):
        (sent,) = switch.receive(RED_PORT, TO_PREFIX).sent
        found.add((*(entry.label for entry in sent.packet.labels), sent.packet.tun_dst))
    if encapsulation is Encapsulation.MPLS:
        assert found == {
            (transport_label_to(PE2).value, 500, None),
            (transport_label_to(PE3).value, 501, None),
        }
    else:
        assert found == {(500, PE2), (501, PE3)}


def test_a_path_that_is_added_takes_its_share_alone() -> None:
    """Highest random weight: what does not go to the new path stays where it is."""
    before = labels_of(switch_with(red(*TWO)), connections(300))
    third = route(PREFIX, PE3, 502)
    after = labels_of(switch_with(red(*TWO, third)), connections(300))
    moved = [(old, new) for old, new in zip(before, after, strict=True) if old != new]
    assert {new for _, new in moved} == {502}
    assert 50 < len(moved) < 150


def test_a_path_that_goes_leaves_the_other_alone() -> None:
    """Its connections move, and no others."""
    before = labels_of(switch_with(red(*TWO)), connections(100))
    (left,) = (each for each in TWO if each.label.value == 501)
    after = labels_of(switch_with(red(left)), connections(100))
    assert set(after) == {501}
    assert 501 in before


def test_a_change_of_one_prefixs_paths_touches_no_other_flow() -> None:
    """Counters and connections of other prefixes go on."""
    other = [route("203.0.113.0/24", PE2, 600), route("203.0.113.0/24", PE3, 601)]
    before, after = red(*TWO, *other), red(*TWO, *other, route(PREFIX, PE3, 502))
    touched = before.flows ^ after.flows
    assert touched <= flows_of(before, PREFIX) | flows_of(after, PREFIX)
    assert len(flows_of(after, PREFIX)) == 1 + 3


def test_the_longest_prefix_decides_before_its_paths_do() -> None:
    """Each may have several."""
    longer = "198.51.100.0/28"
    routes = [*TWO, route(longer, PE2, 600), route(longer, PE3, 601)]
    switch = switch_with(red(*routes, route("0.0.0.0/0", PE2, 700), route("0.0.0.0/0", PE3, 701)))
    for switch.chosen in (0, 1):
        labels = labels_of(
            switch,
            (
                ipv4("10.1.0.5", dst, "red-west")
                for dst in ("198.51.100.9", "198.51.100.99", "9.9.9.9")
            ),
        )
        assert labels == [600 + switch.chosen, 500 + switch.chosen, 700 + switch.chosen]


def test_ports_that_announce_one_prefix_share_its_traffic() -> None:
    """From other networks and from the core alike."""
    network = circuit("red-west", "10.1.0.0/24")
    for name in ("ce-red-2", "ce-red-3"):
        network = behind(network, PREFIX, name)
    switch = switch_with(red(network=network))
    found = {}
    for switch.chosen in (0, 1):
        for port, packet in (
            (RED_PORT, TO_PREFIX),
            (CORE_PORT, labelled(1000, dst="198.51.100.9")),
        ):
            (sent,) = switch.receive(port, packet).sent
            found[switch.chosen, port] = sent.port, sent.packet.eth_dst
    assert found[0, RED_PORT] == found[0, CORE_PORT]
    assert {mac for _, mac in found.values()} == {mac_of("ce-red-2"), mac_of("ce-red-3")}
    assert {port for port, _ in found.values()} == {RED_PORT}


def test_the_core_delivers_to_own_ports_though_others_are_preferred() -> None:
    """While preference moves a prefix to another PE, what is still sent here arrives."""
    network = behind(RED_WEST, PREFIX, "ce-red-2", local_pref=50)
    network = behind(network, PREFIX, "ce-red-3", local_pref=50)
    for better in ([route(PREFIX, PE3, 501)], list(TWO)):
        switch = switch_with(red(*better, network=network))
        receivers = set()
        for switch.chosen in (0, 1):
            (out,) = switch.receive(RED_PORT, TO_PREFIX).sent
            assert out.port == CORE_PORT
            (sent,) = switch.receive(CORE_PORT, labelled(1000, dst="198.51.100.9")).sent
            assert sent.port == RED_PORT
            receivers.add(sent.packet.eth_dst)
        assert receivers <= {mac_of("ce-red-2"), mac_of("ce-red-3")}
        assert len(receivers) == len(better)


def test_the_core_delivers_into_no_other_vrf_than_its_label_says() -> None:
    """Another VRF of this PE has the prefix too, as good, and the sender may not import it."""
    blue = named(behind(circuit("blue-west", "10.3.0.0/24"), PREFIX, "ce-blue-1"))
    for preference, reached in ((100, 2), (200, 1)):
        outcome = compiled(
            intent(VPN_RED, behind(RED_WEST, PREFIX, "ce-red-2"), imports=RED | BLUE, exports=RED),
            replace(intent(VPN_BLUE, blue, imports=BLUE), local_pref=preference),
            plugged=frozenset({"ce-red-2", "ce-blue-1"}),
        )
        switch = switch_with(outcome)
        (label,) = {each.label.value for each in outcome.routes if each.route_targets == RED}
        receivers = set()
        for switch.chosen in (0, 1):
            (sent,) = switch.receive(CORE_PORT, labelled(label, dst="198.51.100.9")).sent
            assert sent.packet.eth_dst == mac_of("ce-red-2")
            (sent,) = switch.receive(RED_PORT, TO_PREFIX).sent
            receivers.add(sent.packet.eth_dst)
        assert len(receivers) == reached
        assert mac_of("ce-blue-1") in receivers


def test_the_gateways_answer_takes_the_preferred_way() -> None:
    """It is the PE's own packet, whoever asked."""
    network = behind(RED_WEST, PREFIX, "ce-red-2", local_pref=50)
    switch = switch_with(red(route(PREFIX, PE3, 501), network=network))
    asked = labelled(1000, dst="10.1.0.1")
    assert isinstance(asked.payload, Ipv4Packet)
    echo = replace(asked.payload, src=IPv4Address("198.51.100.9"), proto=1, icmp_type=8)
    (sent,) = switch.receive(CORE_PORT, replace(asked, payload=echo)).sent
    assert (sent.port, sent.packet.labels[-1].label) == (CORE_PORT, 501)


def test_the_mtu_told_gets_through_by_every_path() -> None:
    """Own ports on networks of different sizes, and what the core brings."""
    small = circuit("red-small", "10.3.0.0/24", host("ce-red-3", "10.3.0.5"), mtu=1300)
    outcome = compiled(
        intent(VPN_RED, behind(RED_WEST, PREFIX, "ce-red-2"), behind(small, PREFIX, "ce-red-3")),
        circuit_ports={"pe-red-west": 2, "pe-red-small": 4},
        plugged=frozenset(PORTS),
        routes=frozenset({route("203.0.113.0/24")}),
    )
    told = outcome.punts[1].mtu_towards
    assert told(IPv4Address("198.51.100.9")) == 1300
    assert told(IPv4Address("10.1.0.5")) == 1442
    assert told(IPv4Address("203.0.113.9")) == outcome.punts[1].path_mtu == 1442
    lower = behind(small, PREFIX, "ce-red-3", local_pref=1)
    outcome = compiled(
        intent(VPN_RED, RED_WEST, lower),
        circuit_ports={"pe-red-west": 2, "pe-red-small": 4},
        plugged=frozenset(PORTS),
        routes=TWO,
    )
    assert outcome.punts[1].mtus[IPv4Network(PREFIX)] == 1300


def test_a_packet_too_big_for_its_path_is_not_sent() -> None:
    """On each of them."""
    switch = switch_with(red(*TWO))
    big = ipv4("10.1.0.5", "198.51.100.9", "red-west", octets=1443)
    for switch.chosen in (0, 1):
        outcome = switch.receive(RED_PORT, big)
        assert [each.reason for each in outcome.punted] == ["too_big"]
        assert outcome.sent == []


def test_a_prefix_nobody_has_any_more_is_dropped() -> None:
    """And counted."""
    switch = switch_with(red(*TWO))
    switch.apply(red().flows)
    assert_dropped(switch, switch.receive(RED_PORT, TO_PREFIX), DropCookie.NO_ROUTE)
