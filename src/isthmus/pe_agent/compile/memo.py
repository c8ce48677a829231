# SPDX-License-Identifier: Apache-2.0
"""What was compiled before, kept with what it was compiled from.

A part is compiled again only if something it depends on has another value: one more route costs
its own VRF, not all of them. Values are compared, and what is the same object counts as equal at
once, so that a memo never changes what comes out, only how long that takes.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterable
from typing import Any, TypeVar

from isthmus.pe_agent.compile.rib import Candidate

_Value = TypeVar("_Value")


class Memo:
    """What the last compilation was made of, part by part."""

    def __init__(self) -> None:
        self._before: dict[Hashable, tuple[tuple[Any, ...], Any]] = {}
        self._now: dict[Hashable, tuple[tuple[Any, ...], Any]] = {}

    def begin(self) -> None:
        """Begin a compilation; parts that the last one did not have are forgotten."""
        self._before, self._now = {**self._now}, {}

    def recall(self, part: Hashable, given: tuple[Any, ...], make: Callable[[], _Value]) -> _Value:
        """Return what ``make`` returned for this part last, or now.

        Args:
            part: names it.
            given: everything ``make`` depends on; equal values are as good as the same.
            make: pure.
        """
        known = self._before.get(part)
        if known is None or known[0] != given:
            known = given, make()
        self._now[part] = known
        value: _Value = known[1]
        return value


class SameRoutes:
    """Candidate routes as a thing to compare by: equal if they are the same objects.

    Looking into each would take as long as compiling them. Those of a neighbor stay the same
    objects until it sends others.
    """

    def __init__(self, candidates: Iterable[Candidate]) -> None:
        # Kept, so that no other route gets the identity of one of them.
        self._candidates = list(candidates)
        self._identities = frozenset((id(each.route), each.path) for each in self._candidates)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, SameRoutes) and self._identities == other._identities

    __hash__ = None  # type: ignore[assignment]  # nothing is looked up by it
