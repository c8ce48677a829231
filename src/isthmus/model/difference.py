# SPDX-License-Identifier: Apache-2.0
"""The difference between what is installed and what is wanted, of things that have a key.

``apply(difference(a, b, key), a, key) == b`` for any ``a`` and ``b`` with one value per key.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable
from dataclasses import dataclass
from typing import Generic, TypeVar

_Value = TypeVar("_Value")


@dataclass(frozen=True, slots=True)
class Difference(Generic[_Value]):
    """What to add and what to take away.

    Attributes:
        new: to be added; one with the key of an installed value takes its place.
        gone: to be taken away; nothing in ``new`` shares their key.
    """

    new: frozenset[_Value]
    gone: frozenset[_Value]


def difference(
    installed: frozenset[_Value],
    wanted: frozenset[_Value],
    key: Callable[[_Value], Hashable],
) -> Difference[_Value]:
    """Return what turns ``installed`` into ``wanted``; its cost grows with what differs."""
    new = wanted - installed
    replaced = {key(value) for value in new}
    gone = (value for value in installed - wanted if key(value) not in replaced)
    return Difference(new, frozenset(gone))


def apply(
    change: Difference[_Value],
    installed: frozenset[_Value],
    key: Callable[[_Value], Hashable],
) -> frozenset[_Value]:
    """Return what is installed once ``change`` has been carried out."""
    by_key = {key(value): value for value in installed - change.gone}
    by_key |= {key(value): value for value in change.new}
    return frozenset(by_key.values())
