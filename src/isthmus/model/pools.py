# SPDX-License-Identifier: Apache-2.0
"""Ranges of route targets that an operator gave away to be given out."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import dataclass
from itertools import pairwise

from isthmus.model.errors import InvalidValue, PoolExhausted
from isthmus.model.ids import RouteTarget


@dataclass(frozen=True, slots=True)
class TargetRange:
    """Route targets of one administrator, from ``first`` to ``last``."""

    first: RouteTarget
    last: RouteTarget

    @classmethod
    def parse(cls, text: str) -> TargetRange:
        """Read ``ASN:low-high`` or ``IPv4-address:low-high``.

        >>> str(TargetRange.parse("64500:100-199").last)
        '64500:199'

        Raises:
            InvalidValue: not of that form, or from a greater number to a lesser.
        """
        administrator, _, numbers = text.strip().rpartition(":")
        low, dash, high = numbers.partition("-")
        if not dash:
            raise InvalidValue(f"'{text}' is not of the form ASN:low-high, as in 64500:100-199.")
        first = RouteTarget.parse(f"{administrator}:{low.strip()}")
        last = RouteTarget.parse(f"{administrator}:{high.strip()}")
        if first.number > last.number:
            raise InvalidValue(f"'{text}' ends before it begins.")
        return cls(first, last)

    def __len__(self) -> int:
        return self.last.number - self.first.number + 1

    def __getitem__(self, place: int) -> RouteTarget:
        return RouteTarget(self.first.kind, self.first.administrator, self.first.number + place)


@dataclass(frozen=True, slots=True)
class TargetPool:
    """All ranges, in order, as one."""

    ranges: tuple[TargetRange, ...] = ()

    @classmethod
    def parse(cls, texts: Iterable[str]) -> TargetPool:
        """Read ranges.

        Raises:
            InvalidValue: one of them is none, or two overlap.
        """
        ranges = tuple(TargetRange.parse(text) for text in texts)
        ordered = sorted(ranges, key=lambda each: each.first)
        for one, other in pairwise(ordered):
            if other.first <= one.last:
                raise InvalidValue(
                    f"The ranges that begin with {one.first} and {other.first} overlap."
                )
        return cls(ranges)

    def __len__(self) -> int:
        return sum(len(each) for each in self.ranges)

    def __getitem__(self, place: int) -> RouteTarget:
        for each in self.ranges:
            if place < len(each):
                return each[place]
            place -= len(each)
        raise IndexError(place)

    def choose(self, taken: Collection[str], start: int) -> RouteTarget:
        """Return the first from a place on that is not taken, going round once.

        Raises:
            PoolExhausted: all are.
        """
        size = len(self)
        for step in range(size):
            chosen = self[(start + step) % size]
            if str(chosen) not in taken:
                return chosen
        raise PoolExhausted(
            "The provider has no route target left to give.",
            f"All {size} route targets of [isthmus] route_target_pool are in use; add a range.",
        )


def number_of(target: RouteTarget) -> int:
    """Return the eight octets of a route target as one number."""
    width = 32 if target.kind == 0 else 16
    return target.kind << 48 | target.administrator << width | target.number
