# SPDX-License-Identifier: Apache-2.0
"""How often is answered, and whose flood is whose loss."""

from __future__ import annotations

from itertools import count

from hypothesis import given
from hypothesis import strategies as st

from isthmus.pe_agent.limits import ALL_PER_S, PER_S, Limits, TokenBucket, Work


def test_a_bucket_lets_a_burst_through_and_then_its_rate() -> None:
    """Whatever was not used before is lost beyond the burst."""
    bucket = TokenBucket(10, 5, 0.0)
    assert [bucket.take(0.0) for _ in range(7)] == [True] * 5 + [False] * 2
    assert [bucket.take(0.1) for _ in range(2)] == [True, False]
    assert sum(bucket.take(100.0) for _ in range(20)) == 5


def test_a_flood_in_one_vrf_takes_no_answer_from_another() -> None:
    """Both have their own bucket."""
    limits = Limits()
    assert sum(limits.allow(1, Work.ANSWER, 0.0) for _ in range(5000)) == PER_S[Work.ANSWER]
    assert limits.allow(2, Work.ANSWER, 0.0)


def test_packets_to_be_fragmented_take_no_answer() -> None:
    """Two kinds of work."""
    limits = Limits()
    assert sum(limits.allow(1, Work.FRAGMENT, 0.0) for _ in range(5000)) == PER_S[Work.FRAGMENT]
    assert limits.allow(1, Work.ANSWER, 0.0)


@given(st.lists(st.tuples(st.integers(1, 50), st.sampled_from(Work)), max_size=3000))
def test_all_vrfs_together_never_get_more_than_the_agent_can_do(
    wanted: list[tuple[int, Work]],
) -> None:
    """In one second: what the bucket holds, and what flows in."""
    limits = Limits()
    done = sum(limits.allow(vrf, work, at / 3000) for at, (vrf, work) in zip(count(), wanted))
    assert done <= 2 * ALL_PER_S


def test_many_vrfs_at_once_share_what_there_is() -> None:
    """More than all of them may have at the same instant is left."""
    limits = Limits()
    assert sum(limits.allow(vrf, Work.ANSWER, 0.0) for vrf in range(1, 3001)) == ALL_PER_S


def test_what_was_done_and_left_is_counted_by_vrf() -> None:
    """Operators read it."""
    limits = Limits()
    for _ in range(103):
        limits.allow(7, Work.ANSWER, 0.0)
    limits.allow(3, Work.FRAGMENT, 0.0)
    assert limits.counts() == {3: {"fragmented": 1}, 7: {"answered": 100, "limited": 3}}


def test_a_vrf_that_is_gone_leaves_nothing_to_the_next_of_its_number() -> None:
    """Neither counts nor an empty bucket."""
    limits = Limits()
    for _ in range(103):
        limits.allow(7, Work.ANSWER, 0.0)
        limits.allow(8, Work.FRAGMENT, 0.0)
    limits.forget_others(frozenset({8}))
    assert limits.counts() == {8: {"fragmented": 103}}
    assert limits.allow(7, Work.ANSWER, 0.0)
