# SPDX-License-Identifier: Apache-2.0
"""Intent from casts and syncs: the last value wins, generations decide what is last."""

from __future__ import annotations

import dataclasses

from hypothesis import given
from hypothesis import strategies as st

from isthmus.model.intent import VrfIntent
from isthmus.pe_agent.inputs import Intents
from tests.actors import circuit, host, intent

WAKES: list[int] = []


def intents(*generations: int) -> Intents:
    """Make what is known: the red VPN at one of ``generations``, or nothing."""
    WAKES.clear()
    return Intents([red(generation) for generation in generations], lambda: WAKES.append(1))


def red(generation: int) -> VrfIntent:
    """Make the red VPN's intent."""
    return intent("red", generation=generation)


def test_an_older_generation_never_replaces_a_newer_one() -> None:
    """Messages may come in any order."""
    known = intents(5)
    assert known.apply(red(4)) is False
    assert known.snapshot()["red"].generation == 5
    assert WAKES == []


def test_a_newer_generation_replaces_an_older_one() -> None:
    """And wakes the loop."""
    known = intents(5)
    assert known.apply(red(6)) is True
    assert known.snapshot()["red"].generation == 6
    assert WAKES == [1]


def test_a_repeated_message_is_no_news() -> None:
    """Delivery at least once is as good as once."""
    known = intents(5)
    assert known.apply(red(5)) is False
    assert WAKES == []


def test_the_same_generation_with_other_content_counts() -> None:
    """The sender is the authority; what came last is what it meant."""
    known = intents(5)
    other = dataclasses.replace(
        red(5), circuits=(circuit("net", "10.1.0.0/24", host("vm1", "10.1.0.5")),)
    )
    assert known.apply(other) is True
    assert known.snapshot()["red"] == other


def test_a_message_from_before_a_removal_does_not_bring_a_vpn_back() -> None:
    """Unless it is as new as what was removed."""
    known = intents(5)
    assert known.remove("red") is True
    assert known.apply(red(4)) is False
    assert known.apply(red(5)) is True


def test_removing_what_is_not_there_is_no_news() -> None:
    """Idempotent."""
    known = intents()
    assert known.remove("red") is False
    assert WAKES == []


def test_the_server_that_knows_what_we_have_may_say_something_older() -> None:
    """Its database may have been restored from a backup."""
    known = intents(9)
    assert known.accept_sync({"red": 9}, [red(3)], []) is True
    assert known.snapshot()["red"].generation == 3


def test_an_answer_that_a_cast_overtook_does_not_undo_it() -> None:
    """The server did not know of generation 9 when it answered."""
    known = intents(9)
    assert known.accept_sync({"red": 7}, [red(8)], []) is False
    assert known.accept_sync({"red": 7}, [], ["red"]) is False
    assert known.snapshot()["red"].generation == 9


def test_what_the_server_does_not_have_is_removed() -> None:
    """A VPN deleted while this PE was away."""
    known = intents(9)
    assert known.accept_sync({"red": 9}, [], ["red"]) is True
    assert known.snapshot() == {}


@given(st.lists(st.integers(0, 6), min_size=1))
def test_in_whatever_order_messages_come_the_newest_one_counts(order: list[int]) -> None:
    """The outcome depends on the newest generation, not on the path to it."""
    known = intents()
    for generation in order:
        known.apply(red(generation))
    assert known.snapshot()["red"].generation == max(order)
