# SPDX-License-Identifier: Apache-2.0
"""Numbers stay with who has them, and come back late."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from isthmus.pe_agent.compile.numbers import Allocation, VrfKey, allocate

A, B, C, D = KEYS = list[VrfKey]([("a",), ("b",), ("b", "c"), ("d",)])
POOL = range(1000, 1003)


def test_the_first_ones_are_given_from_the_bottom_in_order_of_name() -> None:
    """So that the same state gives the same numbers at the first start of any PE."""
    assert allocate({}, 0, [C, A, B, A], POOL) == Allocation({A: 1000, B: 1001, C: 1002}, 1002, ())


def test_what_was_given_is_given_again() -> None:
    """Even out of the range, after the operator changed that."""
    assert allocate({A: 1001, B: 7}, 1001, [A, B], POOL) == Allocation({A: 1001, B: 7}, 1001, ())


def test_a_number_that_became_free_is_given_last() -> None:
    """A distant PE may still hold the route that carried it."""
    assert allocate({A: 1000}, 1000, [B], POOL).given == {B: 1001}
    assert allocate({A: 1002}, 1002, [B], POOL).given == {B: 1000}


def test_who_gets_none_is_named() -> None:
    """The others keep theirs."""
    outcome = allocate({D: 1000}, 1000, [A, B, C, D], POOL)
    assert outcome == Allocation({D: 1000, A: 1001, B: 1002}, 1002, (C,))


def test_reserved_numbers_are_never_given() -> None:
    """Nor kept: such as a label that became the PE's transport label."""
    assert allocate({A: 1001}, 1001, [A, B], POOL, {1001}).given == {A: 1002, B: 1000}


def test_two_owners_of_one_number_are_parted() -> None:
    """A damaged memory must not join two VRFs."""
    assert allocate({A: 1000, B: 1000}, 1000, [A, B], POOL).given == {A: 1000, B: 1001}


def test_a_memory_beyond_the_range_starts_again_at_its_bottom() -> None:
    """The operator moved the range down."""
    assert allocate({}, 5000, [A], POOL).given == {A: 1000}


@given(
    st.dictionaries(st.sampled_from(KEYS), st.integers(998, 1004)),
    st.integers(0, 1005),
    st.sets(st.sampled_from(KEYS)),
)
def test_no_two_share_a_number_and_nobody_goes_without_while_there_is_one(
    kept: dict[tuple[str, ...], int], last: int, wanted: set[tuple[str, ...]]
) -> None:
    """For any memory, however damaged."""
    outcome = allocate(kept, last, wanted, POOL)
    assert len(set(outcome.given.values())) == len(outcome.given)
    assert outcome.given.keys() | set(outcome.refused) == wanted
    assert not outcome.refused or set(POOL) <= set(outcome.given.values())
