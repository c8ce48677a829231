# SPDX-License-Identifier: Apache-2.0
"""Laws of the compiler that hold for any state of a PE, and for any backbone."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from ipaddress import IPv6Address
from random import Random
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from isthmus.model.flow import Action, Flow, SetField, ToAgent
from isthmus.model.intent import VrfIntent
from isthmus.model.ip import ip_order
from isthmus.model.provider_edge import ProviderEdge
from isthmus.pe_agent.compile.compiler import compile_pe
from isthmus.pe_agent.compile.icmp import injection_mac
from isthmus.pe_agent.compile.inputs import Compiled, Inputs, Numbers
from isthmus.pe_agent.compile.pipeline import CLASSIFY, VPN_LABEL, check_flows
from tests.actors import (
    LABELS,
    mac_of,
)
from tests.fakes.dual_stack import switch_with
from tests.fakes.packet import ICMP, ICMPV6, Packet, ip_packet
from tests.fakes.switch import FakeSwitch
from tests.strategies import OUTSIDE, Ce, Topology, pes, states, tells, topologies

thorough = settings(max_examples=60)
of_backbones = settings(max_examples=20)


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
            replace(
                circuit,
                hosts=tuple(random.sample(circuit.hosts, len(circuit.hosts))),
                prefixes=tuple(random.sample(circuit.prefixes, len(circuit.prefixes))),
            )
            for circuit in each.circuits
        ]
        return replace(each, circuits=tuple(random.sample(circuits, len(circuits))))

    names = random.sample(sorted(inputs.intents), len(inputs.intents))
    mixed = replace(inputs, intents={name: shuffled(inputs.intents[name]) for name in names})
    assert compile_pe(pe, LABELS, mixed) == compile_pe(pe, LABELS, inputs)


@given(pes, states())
@thorough
def test_what_this_pe_tells_depends_on_nothing_it_hears_of_others(
    pe: ProviderEdge, inputs: Inputs
) -> None:
    """An agent that may not write flows yet leaves what it hears for later."""
    hearing, deaf = (compile_pe(pe, LABELS, each) for each in (inputs, inputs.without_others()))
    assert told(hearing) == told(deaf)


def told(outcome: Compiled) -> tuple[object, ...]:
    """What an agent does with an outcome while it may not write flows."""
    return (
        outcome.routes,
        outcome.import_rts,
        outcome.numbers,
        outcome.links,
        outcome.announcements,
        outcome.arriving,
        outcome.punts.keys(),
    )


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
def test_every_route_is_told_to_vpns_of_its_vrf_that_have_it_and_to_nobody_else(
    pe: ProviderEdge, inputs: Inputs
) -> None:
    """No route without a route target; none with one of a VPN that does not advertise it."""
    outcome = compile_pe(pe, LABELS, inputs)
    key_of = {label: key for (key, _), label in outcome.numbers.labels.items()}
    for route in outcome.routes:
        members = [inputs.intents[vpn] for vpn in key_of[route.label.value]]
        telling = [each.export_rts for each in members if tells(each, route.prefix)]
        assert route.route_targets
        assert route.route_targets <= frozenset().union(*telling)


@given(pes, states())
@thorough
def test_no_frame_gets_into_a_vrf_its_sender_is_not_in(pe: ProviderEdge, inputs: Inputs) -> None:
    """Its VRF is of its network's VPNs and its own; without any it is dropped."""
    outcome = compile_pe(pe, LABELS, inputs)
    switch = switch_with(outcome)
    keys = {number: set(key) for key, number in outcome.numbers.by_vrf.items()}
    for port_id, port in inputs.circuit_ports.items():
        said = [
            (vpn, circuit)
            for vpn, each in inputs.intents.items()
            for circuit in each.circuits
            if circuit.port_id == port_id
        ]
        whole = {vpn for vpn, circuit in said if circuit.is_whole}
        macs = {ce.mac: ce for _, circuit in said for ce in circuit.hosts}
        for mac, ce in macs.items():
            allowed = whole | {
                vpn for vpn, circuit in said for each in circuit.hosts if each.mac == mac
            }
            vrf = vrf_of(switch, port, mac)
            expected = allowed if ce.port_id in inputs.plugged_hosts else whole
            assert (keys[vrf] if vrf else set()) == expected
        vrf = vrf_of(switch, port, mac_of("stranger"))
        assert (keys[vrf] if vrf else set()) == whole


def vrf_of(switch: FakeSwitch, port: int, mac: str) -> int:
    """Return the number of the VRF into which a sender's frames lead; 0 if they are dropped."""
    frames = [flow for flow in switch.installed if flow.table == CLASSIFY]
    best = 0, 0
    for flow in frames:
        match = dict(flow.match)
        if match.get("in_port") == str(port) and match.get("eth_src", mac) == mac:
            best = max(best, (flow.priority, flow.cookie))
    return best[1]


def probes(topology: Topology, sender: Ce) -> list[Packet]:
    """Make everything a host can try: every address there is, dying packets, pings, big ones."""
    circuit = topology.circuits[sender.network]
    targets = {address for each in topology.ces.values() for address in each.host.addresses}
    targets |= {each.gateway for one in topology.circuits.values() for each in one.subnets}
    targets |= {IPv6Address("ff02::1"), IPv6Address("fe80::1")}
    targets |= {prefix[9] for prefix in OUTSIDE}
    ping4, ping6 = {"proto": ICMP, "icmp_type": 8}, {"proto": ICMPV6, "icmp_type": 128}
    packets = [
        ip_packet(source, target, **kind)
        for source in sender.host.addresses
        for target in sorted(targets, key=ip_order)
        for ping in [ping4 if target.version == 4 else ping6]
        for kind in [{"ttl": 64}, {"ttl": 1}, {"ttl": 2}, ping, {"octets": 1600}]
        if source.version == target.version
    ]
    return [Packet(sender.host.mac, circuit.mac, packet, mark="sent") for packet in packets]


def may_send(topology: Topology, sender: Ce, receiver: Ce) -> bool:
    """Tell whether anything of one CE's may be delivered to another."""
    return topology.knows(sender, receiver) or any(
        topology.preference_behind(sender, receiver, prefix) is not None for prefix in OUTSIDE
    )


@given(topologies(overlapping=True))
@of_backbones
def test_whoever_receives_is_in_a_vrf_that_is_imported(topology: Topology) -> None:
    """No way leads from one VRF into another that it does not import, even with equal addresses.

    An answer to a dying or big packet is routed by the VRF where it died.
    """
    for sender in topology.senders():
        known = [each for each in topology.ces.values() if may_send(topology, sender, each)]
        for packet in probes(topology, sender):
            for delivery in topology.backbone.send(sender.pe, sender.port, packet):
                receiver = topology.ces[delivery.packet.eth_dst]
                assert (delivery.pe, delivery.port) == (receiver.pe, receiver.port)
                is_answer = delivery.packet.mark.startswith("about")
                through = [sender, *known] if is_answer else [sender]
                assert any(may_send(topology, each, receiver) for each in through)


@given(topologies(overlapping=False))
@of_backbones
def test_whoever_is_imported_receives_once(topology: Topology) -> None:
    """With addresses of their own, hosts get what is for them exactly when RTs say so."""
    for sender in topology.senders():
        mac = topology.circuits[sender.network].mac
        for receiver in topology.ces.values():
            # IPv4 to IPv4, then IPv6 to IPv6.
            pairs = zip(sender.host.addresses, receiver.host.addresses, strict=True)
            for source, target in pairs:
                packet = Packet(sender.host.mac, mac, ip_packet(source, target))
                got = topology.backbone.send(sender.pe, sender.port, packet)
                expected = [receiver.host.mac] if topology.knows(sender, receiver) else []
                assert [delivery.packet.eth_dst for delivery in got] == expected


@given(topologies(overlapping=True))
@of_backbones
def test_a_prefix_leads_to_one_of_the_most_preferred_that_are_imported(topology: Topology) -> None:
    """Once; and nowhere if nobody who has it is imported."""
    for sender in topology.senders():
        mac = topology.circuits[sender.network].mac
        for source, prefix in zip(sender.host.addresses, OUTSIDE, strict=True):
            preferences = {
                ce.host.mac: preference
                for ce in topology.ces.values()
                if (preference := topology.preference_behind(sender, ce, prefix)) is not None
            }
            packet = Packet(sender.host.mac, mac, ip_packet(source, prefix[9]))
            got = topology.backbone.send(sender.pe, sender.port, packet)
            assert len(got) == bool(preferences)
            for delivery in got:
                most = max(preferences.values())
                assert preferences[delivery.packet.eth_dst] == most
