# SPDX-License-Identifier: Apache-2.0
"""Allocation as a value: (what was given, who wants one, the range) → (what is given, who is left).

A number that was given stays with its owner. A new owner gets the next one above the number last
given, and the range is gone through before any is used again: a label must not lead into another
VRF while a distant PE may still hold the withdrawn route that carried it.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Generic, Protocol, TypeVar

from isthmus.model.ip import AddressFamily

VrfKey = tuple[str, ...]
"""The VPNs whose attachments share a VRF on this PE, in order."""

LabelKey = tuple[VrfKey, AddressFamily]
"""What a VPN label stands for: popping one must tell what is below (RFC 4659 §3.1)."""

VRF_NUMBERS = range(1, 2**16)
"""What fits in the number of an RD of type 1 (RFC 4364 §4.2)."""


class _Ordered(Protocol):
    def __lt__(self, other: Any, /) -> bool: ...
    def __hash__(self) -> int: ...


_Owner = TypeVar("_Owner", bound=_Ordered)


@dataclass(frozen=True, slots=True)
class Allocation(Generic[_Owner]):
    """The outcome of one allocation.

    Attributes:
        given: owner → its number.
        last: the number given last, whether or not its owner still exists.
        refused: owners for which the range had none left, in order.
    """

    given: Mapping[_Owner, int]
    last: int
    refused: tuple[_Owner, ...]


def allocate(
    kept: Mapping[_Owner, int],
    last: int,
    wanted: Iterable[_Owner],
    pool: range,
    reserved: Collection[int] = (),
) -> Allocation[_Owner]:
    """Give everything in ``wanted`` a number of its own.

    Args:
        kept: what was given before; numbers of what is not wanted any more become free.
        last: the number given last; 0 if none was.
        wanted: what exists and is to have a number, in any order.
        pool: what may be given to an owner that has none. A number outside it that was given before
            a change of configuration stays valid.
        reserved: numbers never given, such as the PE's own transport label.
    """
    owners: dict[int, _Owner] = {}
    new: list[_Owner] = []
    for key in sorted(set(wanted)):
        number = kept.get(key)
        # A damaged memory could name one number twice; two VRFs must never share a label.
        if number is None or number in owners or number in reserved:
            new.append(key)
        else:
            owners[number] = key
    refused: list[_Owner] = []
    for key in new:
        number = _next_free(last, pool, owners.keys() | set(reserved))
        if number is None:
            refused.append(key)
        else:
            owners[number] = key
            last = number
    given = {key: number for number, key in sorted(owners.items())}
    return Allocation(given, last, tuple(refused))


def _next_free(last: int, pool: range, taken: Collection[int]) -> int | None:
    """The first number of ``pool`` above ``last`` that is not taken, going round once."""
    start = min(max(last + 1, pool.start), pool.stop)
    for part in (range(start, pool.stop), range(pool.start, start)):
        for number in part:
            if number not in taken:
                return number
    return None
