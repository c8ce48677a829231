# SPDX-License-Identifier: Apache-2.0
"""How a peer is, by what is heard of it."""

from __future__ import annotations

import pytest

from isthmus.interconnect.liveness import Echo, Probe, Signs, State, explain, judge
from isthmus.model.vtn.status import Liveness

UP = State(Liveness.UP, 10.0)
SILENT_AFTER_S = 5.0


def test_a_peer_whose_heartbeat_is_heard_is_up() -> None:
    """Since it was heard for the first time, however often since."""
    before = State(Liveness.DOWN, 0.0, "It has not been heard yet.")
    up = judge(before, Signs(0.0, 20.0), 21.0, SILENT_AFTER_S)
    assert up == State(Liveness.UP, 20.0)
    assert judge(up, Signs(0.0, 24.0), 24.5, SILENT_AFTER_S) == up


def test_listening_alone_is_no_sign_of_life() -> None:
    """A peer stays what it was until it is heard, or its silence is explained."""
    for before in (UP, State(Liveness.DOWN, 0.0, "x"), State(Liveness.UNREACHABLE, 0.0, "x")):
        assert judge(before, Signs(20.0), 21.0, SILENT_AFTER_S) == before
        assert judge(before, Signs(20.0), 99.0, SILENT_AFTER_S) == before


@pytest.mark.parametrize(
    ("echo", "liveness"),
    [
        (Echo.ANSWERS, Liveness.DOWN),
        (Echo.REFUSES, Liveness.DOWN),
        (Echo.NOTHING, Liveness.UNREACHABLE),
    ],
)
def test_silence_is_explained_by_reaching_out(echo: Echo, liveness: Liveness) -> None:
    """Since when: since it was heard for the last time."""
    state = judge(UP, Signs(0.0, 20.0, Probe(echo, 26.0)), 26.1, SILENT_AFTER_S)
    assert (state.liveness, state.since) == (liveness, 20.0)
    assert state.reason


def test_what_was_found_out_before_it_was_heard_again_explains_nothing() -> None:
    """An old probe says nothing of a new silence."""
    old = Probe(Echo.REFUSES, 15.0)
    assert judge(UP, Signs(0.0, 20.0, old), 30.0, SILENT_AFTER_S) == UP


def test_from_down_to_unreachable_it_has_been_away_since_the_beginning() -> None:
    """Its machine was reached at first, then the link was cut."""
    down = judge(UP, Signs(0.0, 20.0, Probe(Echo.REFUSES, 26.0)), 26.0, SILENT_AFTER_S)
    away = judge(down, Signs(0.0, 20.0, Probe(Echo.NOTHING, 40.0)), 40.0, SILENT_AFTER_S)
    assert (away.liveness, away.since) == (Liveness.UNREACHABLE, 20.0)


def test_a_reason_in_other_words_is_no_news() -> None:
    """So that nothing is written every second."""
    one = judge(UP, Signs(0.0, 20.0, Probe(Echo.NOTHING, 26.0, "a")), 26.0, SILENT_AFTER_S)
    assert judge(one, Signs(0.0, 20.0, Probe(Echo.NOTHING, 27.0, "b")), 27.0, SILENT_AFTER_S) == one


def test_a_peer_whose_heartbeat_goes_on_has_not_stopped() -> None:
    """After a cut its etcd answers before anybody follows it again."""
    found = Probe(Echo.ANSWERS, 40.0, beat=7)
    alive = explain(found, 5, found, SILENT_AFTER_S)
    away = State(Liveness.UNREACHABLE, 20.0, "x")
    assert judge(away, Signs(0.0, 20.0, alive), 40.0, SILENT_AFTER_S) == away
    assert not Signs(0.0, 20.0, alive).has_refused
    unheard = judge(UP, Signs(0.0, 20.0, alive), 40.0, SILENT_AFTER_S)
    assert unheard.liveness is Liveness.UNREACHABLE
    assert unheard.reason


@pytest.mark.parametrize(
    ("beat", "first_at"),
    [(7, 40.0), (0, 40.0), (8, 30.0)],
    ids=["it was heard", "there is none", "it has stood there for long"],
)
def test_a_peer_whose_heartbeat_stands_still_has_stopped(beat: int, first_at: float) -> None:
    """Its etcd answers alone."""
    found = Probe(Echo.ANSWERS, 40.0, beat=beat)
    stopped = explain(found, 7, Probe(Echo.ANSWERS, first_at, beat=beat), SILENT_AFTER_S)
    signs = Signs(0.0, 20.0, stopped)
    assert judge(UP, signs, 40.0, SILENT_AFTER_S).liveness is Liveness.DOWN
    assert signs.has_refused
