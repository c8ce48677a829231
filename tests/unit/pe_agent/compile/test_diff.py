# SPDX-License-Identifier: Apache-2.0
"""The difference is complete, empty where nothing differs, and in an order that harms nobody."""

from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st

from isthmus.model.flow import Drop, Flow, Goto
from isthmus.model.route import VpnRoute
from isthmus.pe_agent.compile.compiler import compile_pe
from isthmus.pe_agent.compile.diff import Change, Installed, apply, diff
from isthmus.pe_agent.compile.inputs import Inputs
from tests.actors import LABELS, PE2, provider_edge, route
from tests.strategies import states, vpn_routes

_flows = st.builds(
    Flow.of,
    st.sampled_from([0, 20]),
    st.sampled_from([1, 2]),
    st.sampled_from([{}, {"metadata": 1}]),
    st.sampled_from([Drop(), Goto(21)]),
    cookie=st.sampled_from([0, 1]),
)


def _route_key(each: VpnRoute) -> object:
    return each.rd, each.prefix


anything = st.builds(
    Installed,
    routes=st.lists(vpn_routes, unique_by=_route_key).map(frozenset),
    flows=st.lists(_flows, unique_by=lambda flow: flow.key).map(frozenset),
)


@given(anything, anything)
def test_applying_the_difference_of_a_and_b_to_a_gives_b(a: Installed, b: Installed) -> None:
    """From any state to any other."""
    assert apply(diff(a, b), a) == b


@given(states(), states())
@settings(max_examples=30)
def test_the_law_holds_between_compiled_states(a: Inputs, b: Inputs) -> None:
    """As the agent meets them."""
    before, after = (
        Installed(outcome.routes, outcome.flows)
        for outcome in (compile_pe(provider_edge(), LABELS, state) for state in (a, b))
    )
    assert apply(diff(before, after), before) == after


@given(anything)
def test_there_is_nothing_to_do_where_nothing_differs(a: Installed) -> None:
    """An empty change is false."""
    assert not diff(a, a)
    assert diff(a, a) == Change()


@given(anything, anything)
def test_what_stays_is_not_touched(a: Installed, b: Installed) -> None:
    """Traffic on it is not disturbed."""
    change = diff(a, b)
    touched = {*change.add, *change.advertise, *change.withdraw, *change.delete}
    assert not touched & ((a.flows & b.flows) | (a.routes & b.routes))


def test_a_flow_that_changes_its_actions_is_replaced_and_not_deleted() -> None:
    """There is no moment without it."""
    old, new = Flow.of(20, 1, {"metadata": 1}, Drop()), Flow.of(20, 1, {"metadata": 1}, Goto(21))
    assert diff(Installed(flows=frozenset({old})), Installed(flows=frozenset({new}))) == Change(
        add=(new,)
    )


def test_a_route_that_changes_its_label_is_advertised_and_not_withdrawn() -> None:
    """The new one takes its place (RFC 4271 §3.1)."""
    old, new = route("10.2.0.7/32", label=1000), route("10.2.0.7/32", label=1001)
    change = diff(Installed(frozenset({old})), Installed(frozenset({new})))
    assert change == Change(advertise=(new,))


def test_flows_are_added_from_the_last_table_and_deleted_from_the_first() -> None:
    """No flow ever leads where there is nothing yet, or nothing any more."""
    flows = [Flow.of(table, 1, {}, Drop()) for table in (0, 6, 20)]
    gone = route("10.2.0.7/32", PE2)
    filled, empty = Installed(frozenset({gone}), frozenset(flows)), Installed()
    assert diff(empty, filled) == Change(add=tuple(reversed(flows)), advertise=(gone,))
    assert diff(filled, empty) == Change(withdraw=(gone,), delete=tuple(flows))
