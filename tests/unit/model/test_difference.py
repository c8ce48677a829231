# SPDX-License-Identifier: Apache-2.0
"""The difference is complete, empty where nothing differs, and replaces in place."""

from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st

from isthmus.model.difference import Difference, apply, difference
from isthmus.model.flow import Drop, Flow, Goto
from isthmus.pe_agent.compile.compiler import compile_pe
from isthmus.pe_agent.compile.inputs import Inputs
from tests.actors import LABELS, provider_edge
from tests.strategies import states

Table = frozenset[Flow]


def _key(flow: Flow) -> object:
    return flow.key


tables = st.lists(
    st.builds(
        Flow.of,
        st.sampled_from([0, 20]),
        st.sampled_from([1, 2]),
        st.sampled_from([{}, {"metadata": 1}]),
        st.sampled_from([Drop(), Goto(21)]),
        cookie=st.sampled_from([0, 1]),
    ),
    unique_by=_key,
).map(frozenset)


@given(tables, tables)
def test_applying_the_difference_of_a_and_b_to_a_gives_b(a: Table, b: Table) -> None:
    """From any state to any other."""
    assert apply(difference(a, b, _key), a, _key) == b


@given(states(), states())
@settings(max_examples=30)
def test_the_law_holds_between_compiled_states(a: Inputs, b: Inputs) -> None:
    """As the agent meets them."""
    before, after = (compile_pe(provider_edge(), LABELS, state).flows for state in (a, b))
    assert apply(difference(before, after, _key), before, _key) == after


@given(tables, tables)
def test_what_stays_is_not_touched(a: Table, b: Table) -> None:
    """Traffic on it is not disturbed."""
    change = difference(a, b, _key)
    assert not (change.new | change.gone) & a & b
    assert difference(a, a, _key) == Difference(frozenset(), frozenset())


def test_what_changes_under_its_key_is_replaced_and_not_taken_away() -> None:
    """There is no moment without it."""
    old, new = Flow.of(20, 1, {"metadata": 1}, Drop()), Flow.of(20, 1, {"metadata": 1}, Goto(21))
    change = difference(frozenset({old}), frozenset({new}), _key)
    assert change == Difference(frozenset({new}), frozenset())
