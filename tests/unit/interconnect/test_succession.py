# SPDX-License-Identifier: Apache-2.0
"""When the networks of a site that is DOWN are looked through."""

from __future__ import annotations

import threading
from collections.abc import Collection

from isthmus.interconnect.database import DatabaseAway
from isthmus.interconnect.liveness import Sightings
from isthmus.interconnect.succession import Succession


class _Estate:
    """Notes what is asked."""

    def __init__(self) -> None:
        self.asked: list[tuple[str, float, frozenset[str]]] = []
        self.is_away = False

    def take_over(self, owner: str, down_s: float, up: Collection[str]) -> Collection[str]:
        if self.is_away:
            raise DatabaseAway("away")
        self.asked.append((owner, down_s, frozenset(up)))
        return ["vtn"]


class _Day:
    """A clock, and what is seen by it."""

    def __init__(self) -> None:
        self.now = 1000.0
        self.seen = Sightings(frozenset({"north"}), frozenset())
        self.estate = _Estate()
        self.succession = Succession(self.estate, lambda: self.seen, 0.01, lambda: self.now)

    def after(self, seconds: float, *down: str) -> list[tuple[str, float, frozenset[str]]]:
        self.now += seconds
        self.seen = Sightings(self.seen.up, frozenset(down))
        self.estate.asked.clear()
        self.succession.look_once()
        return list(self.estate.asked)


def test_how_long_a_site_was_down_is_counted_without_a_break() -> None:
    """Whatever was noted before this process began."""
    day, up = _Day(), frozenset({"north"})
    assert day.after(1, "east") == [("east", 0.0, up)]
    assert day.after(50, "east") == [("east", 50.0, up)]
    assert day.after(10) == []
    assert day.after(10, "east", "south") == [("east", 0.0, up), ("south", 0.0, up)]
    assert day.after(5, "south") == [("south", 5.0, up)]


def test_who_does_not_lead_counts_nothing() -> None:
    """And the database may be away."""
    day = _Day()
    day.seen = Sightings(frozenset(), frozenset({"east"}))
    is_stopping, turns = threading.Event(), iter([True, False, True])

    def may_act() -> bool:
        turn = next(turns, None)
        if turn is None:
            is_stopping.set()
        day.now += 10
        day.estate.is_away = len(day.estate.asked) == 1
        return turn is not None and turn

    day.succession.run(is_stopping, may_act)
    assert [down_s for _, down_s, _ in day.estate.asked] == [0.0]
