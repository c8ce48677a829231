# SPDX-License-Identifier: Apache-2.0
"""What came of moving in, thing by thing: for people as text, for programs as JSON.

Pure.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from enum import StrEnum


class Fate(StrEnum):
    """What became of one thing of theirs."""

    TAKEN = "taken over"
    REPLACED = "replaced"
    SAME = "here already"
    DIFFERENT = "here, but different"
    REFUSED = "not taken over"


@dataclass(frozen=True, slots=True)
class Item:
    """One VPN or association.

    Attributes:
        kind: ``vpn``, or the kind of association.
        name: of a VPN; of an association the VPN and the target.
        reason: why it is not as theirs; empty if it is.
    """

    kind: str
    id: str
    name: str
    fate: Fate
    reason: str = ""


@dataclass(frozen=True, slots=True)
class Report:
    """Everything there was, and what to look at."""

    items: tuple[Item, ...]
    notes: tuple[str, ...] = ()

    @property
    def is_complete(self) -> bool:
        """Whether everything of theirs is here as it was there."""
        return all(item.fate not in (Fate.REFUSED, Fate.DIFFERENT) for item in self.items)


def shared_target_notes(shared: Mapping[str, Sequence[str]]) -> Iterable[str]:
    """Say of each route target that several projects share which VPNs those are."""
    for target, vpn_ids in shared.items():
        yield (
            f"Route target {target} is shared by BGP VPNs of several projects: {', '.join(vpn_ids)}"
        )


def render(report: Report, *, is_rehearsal: bool) -> str:
    """Return the report as text: what needs a person first, then the counts."""
    lines = [
        f"{item.fate}: {_describe(item)}{': ' if item.reason else ''}{item.reason}"
        for item in report.items
        if item.fate is not Fate.SAME
    ]
    lines.extend(f"note: {note}" for note in report.notes)
    counts = Counter((item.kind, item.fate) for item in report.items)
    for kind in ("vpn", "network", "router", "port"):
        told = [f"{counts[kind, fate]} {fate}" for fate in Fate if counts[kind, fate]]
        if told:
            lines.append(f"{_PLURALS[kind]}: {', '.join(told)}")
    if not report.items:
        lines.append("networking-bgpvpn's tables are empty.")
    if is_rehearsal:
        lines.append("Nothing was written: this was a dry run.")
    return "\n".join(lines) + "\n"


_PLURALS = {
    "vpn": "BGP VPNs",
    "network": "Network associations",
    "router": "Router associations",
    "port": "Port associations",
}


def _describe(item: Item) -> str:
    if item.kind == "vpn":
        return f"BGP VPN {item.id}" + (f" ({item.name})" if item.name else "")
    return f"{item.kind} association {item.id} ({item.name})"


def to_json(report: Report, *, is_rehearsal: bool) -> dict[str, object]:
    """Return the report for programs."""
    return {
        "dry_run": is_rehearsal,
        "complete": report.is_complete,
        "items": [asdict(item) | {"fate": item.fate.value} for item in report.items],
        "notes": list(report.notes),
    }
