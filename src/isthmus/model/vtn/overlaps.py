# SPDX-License-Identifier: Apache-2.0
"""Virtual tenant networks of one project whose prefixes overlap.

A site refuses to make one that overlaps another it knows. Two sites that have not heard of each
other may each make one: both are good by themselves, and carry their tenant's packets, so neither
yields. Each says so, at every site in the same words, and the tenant decides which one is to go.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from isthmus.model.ip import IpPrefix


@dataclass(frozen=True, slots=True)
class Placed:
    """A prefix of a VTN.

    Attributes:
        project: whose it is, at the site that looks.
        vtn_id: the VTN.
        name: of the VTN.
        owner: of the VTN, a site.
        prefix: one of its own.
    """

    project: str
    vtn_id: str
    name: str
    owner: str
    prefix: IpPrefix


@dataclass(frozen=True, slots=True)
class Overlap:
    """Two prefixes of two VTNs of a project.

    Attributes:
        own: of the VTN that is spoken of.
        other: of another.
    """

    own: Placed
    other: Placed

    @property
    def sentence(self) -> str:
        """What its tenant reads, and what to do."""
        other = self.other
        return (
            f"{self.own.prefix} overlaps {other.prefix} of your virtual tenant network "
            f"{other.name or other.vtn_id} ({other.vtn_id}) of the site {other.owner}, made before "
            "the sites had heard of each other. Both go on, but nothing can be joined with both: "
            "delete one of them."
        )


def find(placed: Iterable[Placed]) -> dict[str, tuple[Overlap, ...]]:
    """Return what overlaps, by VTN; in any order of ``placed`` the same."""
    by_family: dict[tuple[str, int], set[Placed]] = defaultdict(set)
    for each in placed:
        by_family[each.project, each.prefix.version].add(each)
    found: dict[str, set[Overlap]] = defaultdict(set)
    for together in by_family.values():
        for wide, narrow in _pairs(together):
            found[wide.vtn_id].add(Overlap(wide, narrow))
            found[narrow.vtn_id].add(Overlap(narrow, wide))
    return {vtn_id: tuple(sorted(some, key=_order)) for vtn_id, some in found.items()}


def _pairs(placed: Iterable[Placed]) -> Iterator[tuple[Placed, Placed]]:
    """Yield prefixes of two VTNs of which one contains the other; else they are apart."""
    around: list[Placed] = []
    for each in sorted(placed, key=_place):
        start = int(each.prefix.network_address)
        while around and int(around[-1].prefix.broadcast_address) < start:
            around.pop()
        for wide in around:
            if wide.vtn_id != each.vtn_id:
                yield wide, each
        around.append(each)


def _place(placed: Placed) -> tuple[int, int, str]:
    prefix = placed.prefix
    return int(prefix.network_address), prefix.prefixlen, placed.vtn_id


def _order(overlap: Overlap) -> tuple[tuple[int, int, str], tuple[int, int, str], int]:
    return _place(overlap.own), _place(overlap.other), overlap.own.prefix.version
