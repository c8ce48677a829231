# SPDX-License-Identifier: Apache-2.0
"""A memo changes how long compiling takes, and nothing else."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from ipaddress import IPv4Address

from hypothesis import given, settings
from hypothesis import strategies as st

from isthmus.model.ids import Label
from isthmus.model.intent import Migration, VrfIntent
from isthmus.model.provider_edge import ProviderEdge
from isthmus.model.route import LabelledRoute
from isthmus.pe_agent.compile.compiler import compile_pe
from isthmus.pe_agent.compile.inputs import Inputs, Numbers
from isthmus.pe_agent.compile.memo import Memo, SameRoutes
from isthmus.pe_agent.compile.rib import Candidate, RemotePath
from tests.actors import LABELS, PE3, circuit, host, intent, provider_edge, route
from tests.strategies import pes, states

P = IPv4Address("192.0.2.1")


def nearby(inputs: Inputs) -> Iterator[Inputs]:
    """States that differ in one thing from ``inputs``, and ``inputs`` again after each."""
    for learnt in sorted(inputs.routes, key=str)[:2]:
        yield replace(inputs, routes=inputs.routes - {learnt})
        yield replace(inputs, routes=inputs.routes - {learnt} | {replace(learnt, local_pref=7)})
        yield inputs
    for port_id in sorted(inputs.plugged_hosts)[:2]:
        yield replace(inputs, plugged_hosts=inputs.plugged_hosts - {port_id})
        yield inputs
    for vpn_id in sorted(inputs.intents)[:2]:
        others = {key: each for key, each in inputs.intents.items() if key != vpn_id}
        yield replace(inputs, intents=others)
        changed = replace(inputs.intents[vpn_id], export_rts=frozenset(), local_pref=300)
        yield replace(inputs, intents={**inputs.intents, vpn_id: changed})
        yield inputs
    for port_id in sorted(inputs.circuit_ports)[:2]:
        moved = {**inputs.circuit_ports, port_id: 4242}
        yield replace(inputs, circuit_ports=moved)
        del moved[port_id]
        yield replace(inputs, circuit_ports=moved)
        yield inputs
    moving = {vpn_id: arriving(each) for vpn_id, each in inputs.intents.items()}
    yield replace(inputs, intents=moving)
    yield replace(inputs, intents=moving, arrived=inputs.plugged_hosts)
    yield inputs
    yield replace(inputs, core_port=None)
    told = LabelledRoute(PE3, P, Label(1016))
    yield replace(inputs, labelled=frozenset({told}), next_hop_macs={P: "02:00:5e:00:00:f1"})
    yield replace(inputs, labelled=frozenset({told}))
    yield inputs


def arriving(wanted: VrfIntent) -> VrfIntent:
    """The same while all of its VMs are on their way here."""
    return replace(
        wanted,
        circuits=tuple(
            replace(
                each,
                hosts=tuple(replace(ce, migration=Migration.ARRIVING) for ce in each.hosts),
            )
            for each in wanted.circuits
        ),
    )


@settings(max_examples=25, deadline=None)
@given(pes, st.lists(states(), min_size=1, max_size=3))
def test_what_is_compiled_with_a_memo_is_what_is_compiled_without(
    pe: ProviderEdge, path: list[Inputs]
) -> None:
    """From any state to any other, and back, in steps small and large."""
    memo, numbers = Memo(), Numbers()
    for begin in path:
        for state in (begin, *nearby(begin)):
            inputs = replace(state, numbers=numbers)
            fresh = compile_pe(pe, LABELS, inputs)
            assert compile_pe(pe, LABELS, inputs, memo=memo) == fresh
            numbers = fresh.numbers


def test_a_part_is_made_again_only_for_another_value() -> None:
    """Equal is as good as the same; what a compilation did not ask for is forgotten."""
    memo = Memo()
    made: list[int] = []

    def make(number: int) -> int:
        made.append(number)
        return number

    for given_value in ([1], [1], [2], [2], [1]):
        memo.begin()
        assert memo.recall("part", (given_value,), lambda: make(given_value[0])) == given_value[0]  # noqa: B023
    assert made == [1, 2, 1]
    memo.begin()
    memo.begin()
    memo.recall("part", ([1],), lambda: make(1))
    assert made == [1, 2, 1, 1]


def test_one_more_route_leaves_the_flows_of_other_vrfs_as_they_are() -> None:
    """The very same objects: comparing them costs nothing."""
    red = intent("red", circuit("red", "10.1.0.0/24", host("vm1", "10.1.0.5")))
    inputs = Inputs({"red": red}, frozenset(), 1, {"pe-red": 2}, frozenset({"vm1"}), Numbers())
    memo = Memo()
    before = compile_pe(provider_edge(), LABELS, inputs, memo=memo)
    other = route("10.9.0.0/24")
    after = compile_pe(
        provider_edge(), LABELS, replace(inputs, routes=frozenset({other}), numbers=before.numbers),
        memo=memo,
    )  # fmt: skip
    known = {id(each) for each in before.routes}
    assert {id(each) for each in after.routes} == known
    assert len(after.flows) == len(before.flows) + 1


def test_routes_are_the_same_if_they_are_the_same_objects() -> None:
    """In any order; an equal one that is another object only costs time."""
    one, two = (
        Candidate(each, RemotePath(each.next_hop, each.label))
        for each in (route("10.1.0.0/24"), route("10.2.0.0/24"))
    )
    assert SameRoutes([one, two]) == SameRoutes([two, one])
    assert SameRoutes([one, two]) != SameRoutes([one])
    again = Candidate(replace(one.route), one.path)
    assert SameRoutes([one]) != SameRoutes([again])
