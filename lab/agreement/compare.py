# SPDX-License-Identifier: Apache-2.0
"""Compare what is asked, what is held and what is installed. Pure."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

Tables = Mapping[str, Sequence[Mapping[str, Any]]]
# What only the host can know: where a circuit ends, and whether a port is there.
_LOCAL = frozenset({"of", "plugged"})


@dataclass(frozen=True, slots=True)
class Asked:
    """What a region's database says.

    Attributes:
        journal: VPNs whose changes have not been carried out.
        intents: by PE, as tables of rows.
        reported: PE and VPN → generation, and whether it is in force.
    """

    journal: tuple[str, ...]
    intents: Mapping[str, Tables]
    reported: Mapping[tuple[str, str], tuple[int, bool]]


@dataclass(frozen=True, slots=True)
class Held:
    """What the agent of a PE says.

    Attributes:
        intents: as tables of rows; None if the agent does not answer.
        differences: rows of what is not installed as compiled.
        unread: what could not be read, in sentences.
    """

    intents: Tables | None
    differences: Sequence[Mapping[str, Any]] = ()
    unread: Sequence[str] = ()


def disagreements(asked: Asked, held: Mapping[str, Held]) -> list[str]:
    """Return a line for everything on which database, agents and switches do not agree."""
    lines = [f"database: a change of VPN {vpn} waits in the journal" for vpn in asked.journal]
    for pe in sorted({*asked.intents, *held}):
        theirs = held.get(pe, Held(None))
        lines += [f"{pe}: not known: {sentence}" for sentence in theirs.unread]
        if theirs.intents is None:
            lines.append(f"{pe}: its agent does not answer")
            continue
        wanted = asked.intents.get(pe, {})
        lines += [f"{pe} agent: {line}" for line in _differing(wanted, theirs.intents)]
        lines += [
            f"{pe} installed: {row['where']} {row['what']}: {row['value']}"
            for row in theirs.differences
        ]
    return lines + list(_misreported(asked))


def _differing(wanted: Tables, there: Tables) -> Iterator[str]:
    for table in sorted({*wanted, *there}):
        ours, theirs = (_facts(tables.get(table, ())) for tables in (wanted, there))
        yield from (f"{table} missing: {fact}" for fact in sorted(ours - theirs))
        yield from (f"{table} unexpected: {fact}" for fact in sorted(theirs - ours))


def _facts(rows: Sequence[Mapping[str, Any]]) -> set[str]:
    return {
        json.dumps({k: v for k, v in row.items() if k not in _LOCAL}, sort_keys=True)
        for row in rows
    }


def _misreported(asked: Asked) -> Iterator[str]:
    wanted = {
        (pe, row["vpn"]): row["generation"]
        for pe, tables in asked.intents.items()
        for row in tables.get("vpns", ())
    }
    for (pe, vpn), generation in sorted(wanted.items()):
        reported, is_in_force = asked.reported.get((pe, vpn), (None, False))
        if reported != generation:
            yield f"database: {pe} reported generation {reported} of VPN {vpn}, not {generation}"
        elif not is_in_force:
            yield f"database: {pe} reported that generation {generation} of {vpn} is not in force"
    for pe, vpn in sorted(asked.reported.keys() - wanted.keys()):
        yield f"database: {pe} reports VPN {vpn}, in which it has no part"
