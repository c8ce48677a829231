# SPDX-License-Identifier: Apache-2.0
"""Ranges of route targets and distinguishers that an operator gave away to be given out."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import dataclass
from itertools import pairwise
from typing import Generic, TypeVar

from isthmus.model.errors import InvalidValue, PoolExhausted
from isthmus.model.ids import AdministeredNumber

_Number = TypeVar("_Number", bound=AdministeredNumber)


@dataclass(frozen=True, slots=True)
class NumberRange(Generic[_Number]):
    """Numbers of one administrator, from ``first`` to ``last``."""

    first: _Number
    last: _Number

    @classmethod
    def parse(cls, kind: type[_Number], text: str) -> NumberRange[_Number]:
        """Read ``ASN:low-high`` or ``IPv4-address:low-high``.

        >>> from isthmus.model.ids import RouteTarget
        >>> str(NumberRange.parse(RouteTarget, "64500:100-199").last)
        '64500:199'

        Raises:
            InvalidValue: not of that form, or from a greater number to a lesser.
        """
        administrator, _, numbers = text.strip().rpartition(":")
        low, dash, high = numbers.partition("-")
        if not dash:
            raise InvalidValue(f"'{text}' is not of the form ASN:low-high, as in 64500:100-199.")
        first = kind.parse(f"{administrator}:{low.strip()}")
        last = kind.parse(f"{administrator}:{high.strip()}")
        if first.number > last.number:
            raise InvalidValue(f"'{text}' ends before it begins.")
        return NumberRange(first, last)

    def __len__(self) -> int:
        return self.last.number - self.first.number + 1

    def __getitem__(self, place: int) -> _Number:
        first = self.first
        return type(first)(first.kind, first.administrator, first.number + place)


@dataclass(frozen=True, slots=True)
class NumberPool(Generic[_Number]):
    """All ranges of a kind of numbers, in order, as one."""

    kind: type[_Number]
    ranges: tuple[NumberRange[_Number], ...] = ()

    @classmethod
    def parse(cls, kind: type[_Number], texts: Iterable[str]) -> NumberPool[_Number]:
        """Read ranges.

        Raises:
            InvalidValue: one of them is none, or two overlap.
        """
        ranges = tuple(NumberRange.parse(kind, text) for text in texts)
        ordered = sorted(ranges, key=lambda each: each.first)
        for one, other in pairwise(ordered):
            if other.first <= one.last:
                raise InvalidValue(
                    f"The ranges that begin with {one.first} and {other.first} overlap."
                )
        return NumberPool(kind, ranges)

    @property
    def option(self) -> str:
        """The option that configures it."""
        return f"{self.kind.words.replace(' ', '_')}_pool"

    def __len__(self) -> int:
        return sum(len(each) for each in self.ranges)

    def __getitem__(self, place: int) -> _Number:
        for each in self.ranges:
            if place < len(each):
                return each[place]
            place -= len(each)
        raise IndexError(place)

    def choose(self, taken: Collection[str], start: int) -> _Number:
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
            f"The provider has no {self.kind.words} left to give.",
            f"All {size} {self.kind.words}s of [isthmus] {self.option} are in use; add a range.",
        )
