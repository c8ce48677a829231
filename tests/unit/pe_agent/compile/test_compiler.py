# SPDX-License-Identifier: Apache-2.0
"""The compiler as a whole: golden cases, laws that hold for any state, and what it complains of."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from ipaddress import IPv4Network, IPv6Address
from random import Random
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from isthmus.model.flow import Action, Flow, SetField, ToAgent
from isthmus.model.ids import Label, RouteDistinguisher
from isthmus.model.intent import VrfIntent
from isthmus.model.ip import AddressFamily, ip_order
from isthmus.model.provider_edge import ProviderEdge
from isthmus.model.route import VpnRoute
from isthmus.pe_agent.compile.compiler import compile_pe
from isthmus.pe_agent.compile.icmp import injection_mac
from isthmus.pe_agent.compile.inputs import Compiled, Inputs, Numbers
from isthmus.pe_agent.compile.pipeline import VPN_LABEL, check_flows
from tests.actors import (
    BLUE,
    BLUE_WEST,
    CORE_PORT,
    HOSTS,
    LABELS,
    NOBODY,
    PE1,
    PORTS,
    RED,
    RED_WEST,
    VPN_BLUE,
    VPN_RED,
    compiled,
    intent,
    mac_of,
    provider_edge,
)
from tests.cases.case import Case, all_cases, render
from tests.fakes.packet import ICMP, ICMPV6, Packet, ip_packet
from tests.strategies import Topology, pes, states, topologies

thorough = settings(max_examples=60)


@pytest.mark.parametrize("case", all_cases(), ids=lambda case: case.folder.name)
def test_golden_case(case: Case) -> None:
    """What a network engineer wrote down, or read and agreed to, is what comes out."""
    assert render(case.compile()) == case.expected()


# Laws


def travel(pe: ProviderEdge, path: list[Inputs]) -> Compiled:
    """Go through ``path`` as an agent does, which hands on the numbers it has given out."""
    numbers = Numbers()
    for inputs in path:
        outcome = compile_pe(pe, LABELS, replace(inputs, numbers=numbers))
        numbers = outcome.numbers
    return outcome


def without_numbers(outcome: Compiled) -> tuple[object, ...]:
    """Write down an outcome with the VPNs of a VRF in place of its number and label."""
    numbers = {number: "+".join(key) for key, number in outcome.numbers.by_vrf.items()}
    labels = {
        label: f"{family} {'+'.join(key)}"
        for (key, family), label in outcome.numbers.labels.items()
    }
    macs = {injection_mac(number): name for number, name in numbers.items()}

    def name_match(name: str, value: str) -> tuple[str, str]:
        if name == "metadata":
            return name, numbers[int(value)]
        if name == "mpls_label":
            return name, labels.get(int(value), value)
        return name, macs.get(value, value)

    def name_action(action: Action) -> object:
        if isinstance(action, SetField) and action.field == "metadata":
            return numbers[int(action.value)]
        if isinstance(action, ToAgent) and action.meter is not None:
            return replace(action, meter=None), numbers[action.meter]
        return action

    def name_flow(flow: Flow) -> tuple[object, ...]:
        match = tuple(name_match(name, value) for name, value in flow.match)
        actions = tuple(name_action(action) for action in flow.actions)
        return flow.table, flow.priority, match, actions, numbers.get(flow.cookie, flow.cookie)

    routes = frozenset(
        (route.prefix, route.next_hop, labels[route.label.value], route.route_targets)
        for route in outcome.routes
    )
    punts = {numbers[number]: context for number, context in outcome.punts.items()}
    flows = frozenset(map(name_flow, outcome.flows))
    return routes, flows, outcome.problems, punts, outcome.links


@given(pes, st.lists(states(), max_size=4), states())
@thorough
def test_the_state_decides_and_not_the_way_to_it(
    pe: ProviderEdge, path: list[Inputs], last: Inputs
) -> None:
    """Whatever was before, repeated, split or squashed: only numbers given on the way differ."""
    assert without_numbers(travel(pe, [*path, last])) == without_numbers(travel(pe, [last]))


@given(pes, st.lists(states(), min_size=1, max_size=4))
@thorough
def test_compiling_again_changes_nothing(pe: ProviderEdge, path: list[Inputs]) -> None:
    """A repeated input, and a restart with the numbers kept, are non-events."""
    assert travel(pe, [*path, path[-1]]) == travel(pe, path)


@given(pes, states(), st.randoms(use_true_random=False))
@thorough
def test_the_order_of_things_does_not_matter(
    pe: ProviderEdge, inputs: Inputs, random: Random
) -> None:
    """VPNs, circuits and hosts are sets, however they are written down."""

    def shuffled(each: VrfIntent) -> VrfIntent:
        circuits = [
            replace(circuit, hosts=tuple(random.sample(circuit.hosts, len(circuit.hosts))))
            for circuit in each.circuits
        ]
        return replace(each, circuits=tuple(random.sample(circuits, len(circuits))))

    names = random.sample(sorted(inputs.intents), len(inputs.intents))
    mixed = replace(inputs, intents={name: shuffled(inputs.intents[name]) for name in names})
    assert compile_pe(pe, LABELS, mixed) == compile_pe(pe, LABELS, inputs)


@given(pes, st.lists(states(), min_size=2, max_size=5))
@thorough
def test_a_vrf_that_stays_keeps_its_number_and_label(pe: ProviderEdge, path: list[Inputs]) -> None:
    """What neighbors have stays true while other VRFs come and go; no two share a number."""
    before = Numbers()
    for inputs in path:
        after = compile_pe(pe, LABELS, replace(inputs, numbers=before)).numbers
        _assert_kept(before.by_vrf, after.by_vrf)
        _assert_kept(before.labels, after.labels)
        before = after


def _assert_kept(before: Mapping[Any, int], after: Mapping[Any, int]) -> None:
    assert all(after[key] == before[key] for key in before.keys() & after.keys())
    assert len(set(after.values())) == len(after)


@given(pes, states())
@thorough
def test_every_flow_keeps_to_the_pipeline(pe: ProviderEdge, inputs: Inputs) -> None:
    """And no two match the same packets."""
    check_flows(compile_pe(pe, LABELS, inputs).flows)


@given(pes, states())
@thorough
def test_exactly_the_advertised_labels_are_accepted(pe: ProviderEdge, inputs: Inputs) -> None:
    """Only a label that a neighbor may use leads anywhere."""
    outcome = compile_pe(pe, LABELS, inputs)
    accepted = {
        int(value)
        for flow in outcome.flows
        if flow.table == VPN_LABEL
        for name, value in flow.match
        if name == "mpls_label"
    }
    assert accepted == {route.label.value for route in outcome.routes}


@given(pes, states())
@thorough
def test_every_route_carries_what_its_vpns_export_and_nothing_else(
    pe: ProviderEdge, inputs: Inputs
) -> None:
    """No VPN-IPv4 route without a route target, none with a foreign one."""
    outcome = compile_pe(pe, LABELS, inputs)
    exported = {
        label: frozenset().union(*(inputs.intents[vpn].export_rts for vpn in key))
        for (key, _), label in outcome.numbers.labels.items()
    }
    for route in outcome.routes:
        assert route.route_targets
        assert route.route_targets == exported[route.label.value]


def probes(topology: Topology, sender: str) -> list[Packet]:
    """Make everything a host can try: every address there is, dying packets, pings, big ones."""
    circuit = topology.circuits[sender]
    targets = {
        address
        for each in topology.circuits.values()
        for ce in each.hosts
        for address in ce.addresses
    }
    targets |= {each.gateway for one in topology.circuits.values() for each in one.subnets}
    targets |= {IPv6Address("ff02::1"), IPv6Address("fe80::1")}
    ping4, ping6 = {"proto": ICMP, "icmp_type": 8}, {"proto": ICMPV6, "icmp_type": 128}
    packets = [
        ip_packet(source, target, **kind)
        for source in circuit.hosts[0].addresses
        for target in sorted(targets, key=ip_order)
        for ping in [ping4 if target.version == 4 else ping6]
        for kind in [{"ttl": 64}, {"ttl": 1}, {"ttl": 2}, ping, {"octets": 1600}]
        if source.version == target.version
    ]
    return [Packet(mac_of("any"), circuit.mac, packet, mark=sender) for packet in packets]


@given(topologies(overlapping=True))
@settings(thorough, max_examples=40)
def test_whoever_receives_is_in_a_vrf_that_is_imported(topology: Topology) -> None:
    """No way leads from one VRF into another that it does not import, even with equal addresses.

    An answer to a dying or big packet is routed by the VRF where it died.
    """
    for (pe, port), sender in topology.attached.items():
        for packet in probes(topology, sender):
            for delivery in topology.backbone.send(pe, port, packet):
                receiver = topology.attached[delivery.pe, delivery.port]
                is_answer = delivery.packet.mark.startswith("about")
                through = [sender] + [
                    other
                    for other in topology.circuits
                    if is_answer and topology.knows(sender, other)
                ]
                assert any(topology.knows(vrf, receiver) for vrf in through)


@given(topologies(overlapping=False))
@settings(thorough, max_examples=40)
def test_whoever_is_imported_receives_once(topology: Topology) -> None:
    """With addresses of their own, hosts get what is for them exactly when RTs say so."""
    for (pe, port), sender in topology.attached.items():
        own = topology.circuits[sender]
        for receiver, circuit in topology.circuits.items():
            ce = circuit.hosts[0]
            # IPv4 to IPv4, then IPv6 to IPv6.
            for source, target in zip(own.hosts[0].addresses, ce.addresses, strict=True):
                packet = Packet(mac_of("any"), own.mac, ip_packet(source, target))
                got = topology.backbone.send(pe, port, packet)
                expected = [ce.mac] if topology.knows(sender, receiver) else []
                assert [delivery.packet.eth_dst for delivery in got] == expected


# What it advertises, and what it complains of


def test_each_vrf_advertises_its_plugged_hosts_with_its_own_rd_and_label() -> None:
    """One /32 per host; RD of type 1 made of PE address and VRF number (RFC 4364 §4.2)."""
    outcome = compiled(
        intent(VPN_RED, RED_WEST), intent(VPN_BLUE, BLUE_WEST, imports=BLUE, exports=BLUE)
    )
    assert outcome.routes == {
        VpnRoute(
            RouteDistinguisher.parse("192.0.2.11:1"),
            IPv4Network("10.1.0.5/32"),
            PE1,
            Label(1000),
            BLUE,
        ),
        VpnRoute(
            RouteDistinguisher.parse("192.0.2.11:2"),
            IPv4Network("10.1.0.5/32"),
            PE1,
            Label(1001),
            RED,
        ),
    }
    assert outcome.problems == {}


def test_a_vpn_that_exports_nothing_advertises_nothing() -> None:
    """A route without RT would be imported by nobody."""
    outcome = compiled(intent(VPN_RED, RED_WEST, exports=NOBODY))
    assert outcome.routes == frozenset()


def test_a_vpn_without_attachments_here_takes_nothing() -> None:
    """No VRF, no number, no label."""
    outcome = compiled(intent(VPN_RED))
    assert outcome.numbers == Numbers()
    assert outcome.routes == frozenset()
    assert outcome.problems == {}


def test_an_attachment_that_is_not_plugged_is_a_problem() -> None:
    """Its hosts are not advertised, and the operator is told."""
    outcome = compiled(intent(VPN_RED, RED_WEST), circuit_ports={})
    assert outcome.routes == frozenset()
    assert outcome.problems == {VPN_RED: "The attachment of network red-west is not plugged."}


def test_a_core_too_small_for_a_network_is_named_with_both_figures_and_still_served() -> None:
    """The figures are what the core carries and what the network would need."""
    outcome = compiled(intent(VPN_RED, RED_WEST), pe=provider_edge(core_mtu=1400))
    assert outcome.problems == {
        VPN_RED: "Network red-west has an MTU of 1442, which with labels makes 1450 octets, but "
        "the core link carries 1400; larger packets are answered with ICMP."
    }
    assert outcome.routes


def test_two_vpns_that_would_advertise_the_same_nlri_are_told() -> None:
    """BGP would take the second for a change of the first (RFC 4364 §4.1)."""
    rd = RouteDistinguisher.parse("64500:7")
    outcome = compiled(
        intent(VPN_RED, RED_WEST, rd=rd), intent(VPN_BLUE, BLUE_WEST, imports=BLUE, rd=rd)
    )
    assert {each.route_targets for each in outcome.routes} == {BLUE}
    assert outcome.problems == {
        VPN_RED: "Another VPN already advertises 10.1.0.5/32 with the RD 64500:7; "
        "give them different RDs."
    }


def test_a_vrf_without_a_label_is_not_served_and_the_others_are() -> None:
    """The range is the operator's to widen."""
    outcome = compiled(
        intent(VPN_BLUE, BLUE_WEST, imports=BLUE), intent(VPN_RED, RED_WEST), labels=range(16, 17)
    )
    assert {each.route_targets for each in outcome.routes} == {BLUE}
    assert outcome.problems == {VPN_RED: "This PE has no label left between 16 and 16 for IPv4."}


def test_a_vrf_without_a_number_is_not_served() -> None:
    """There are 65535 of them on one PE."""
    outcome = compile_pe(
        provider_edge(),
        LABELS,
        Inputs(
            {
                VPN_BLUE: intent(VPN_BLUE, BLUE_WEST, imports=BLUE),
                VPN_RED: intent(VPN_RED, RED_WEST),
            },
            frozenset(),
            CORE_PORT,
            PORTS,
            HOSTS,
            Numbers(),
        ),
        vrf_numbers=range(1, 2),
    )
    assert {each.route_targets for each in outcome.routes} == {BLUE}
    assert outcome.problems == {VPN_RED: "This PE has no VRF number left."}


def test_numbers_given_before_are_given_again() -> None:
    """A restarted PE advertises what its neighbors already have."""
    ipv4 = AddressFamily.IPV4
    before = Numbers({(VPN_RED,): 7}, {((VPN_RED,), ipv4): 1234}, 9, 1300)
    outcome = compiled(
        intent(VPN_RED, RED_WEST), intent(VPN_BLUE, BLUE_WEST, imports=BLUE), numbers=before
    )
    assert outcome.numbers == Numbers(
        {(VPN_RED,): 7, (VPN_BLUE,): 10},
        {((VPN_RED,), ipv4): 1234, ((VPN_BLUE,), ipv4): 1301},
        10,
        1301,
    )
