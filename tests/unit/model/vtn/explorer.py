# SPDX-License-Identifier: Apache-2.0
"""Looks at every world that a few sites can come to, the nearest first."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass

from tests.unit.model.vtn.laws import Broken, check, check_outcome
from tests.unit.model.vtn.world import Endless, World, forget_rules, steps


class Objection(AssertionError):
    """A law was broken; the message tells how to come there."""


@dataclass(frozen=True)
class Explored:
    """How much was looked at.

    Attributes:
        states: different worlds.
        steps: ways from one to another.
        outcomes: worlds from which sites were let come to rest.
        depth: greatest number of steps from the first.
        is_all: nothing was left to look at.
    """

    states: int
    steps: int
    outcomes: int
    depth: int
    is_all: bool


def explore(first: World, at_most: int, outcome_of_each: int = 1) -> Explored:
    """Look at all worlds that can come of one, breadth first.

    Args:
        first: where to begin.
        at_most: so many worlds.
        outcome_of_each: let sites come to rest from one in so many worlds.

    Raises:
        Objection: a law is broken on the way.
    """
    forget_rules()
    came_from: dict[World, tuple[World | None, str, int]] = {first: (None, "begins", 0)}
    queue = deque([first])
    taken = outcomes = looked_at = 0
    while queue and looked_at < at_most:
        world = queue.popleft()
        depth = came_from[world][2]
        words = ""
        try:
            check(world)
            if looked_at % outcome_of_each == 0:
                outcomes += 1
                check_outcome(world)
            looked_at += 1
            for words, after in steps(world):
                taken += 1
                if after not in came_from:
                    came_from[after] = world, words, depth + 1
                    queue.append(after)
        except (Broken, Endless) as broken:
            raise Objection("\n".join([*_way(world, came_from), f"=> {broken}"])) from broken
    return Explored(looked_at, taken, outcomes, depth, not queue)


def _way(world: World, came_from: dict[World, tuple[World | None, str, int]]) -> list[str]:
    words = []
    at: World | None = world
    while at is not None:
        at, how, _ = came_from[at]
        words.append(how)
    return words[::-1]
