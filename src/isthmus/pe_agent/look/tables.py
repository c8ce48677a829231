# SPDX-License-Identifier: Apache-2.0
"""An answer of the looking glass as text for a terminal. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any


def render(answer: Mapping[str, Any]) -> str:
    """Return what to print for a person."""
    return "\n".join(_lines(answer)) + "\n"


def render_table(name: str, rows: Sequence[Mapping[str, Any]]) -> list[str]:
    """Return the lines of one table: a title, a head, a row each; columns that are empty go."""
    if not rows:
        return [f"{name}: none"]
    head = [key for key in rows[0] if any(_cell(row.get(key)) for row in rows)]
    cells = [[_cell(row.get(key)) for key in head] for row in rows]
    is_number = [all(_is_number(row.get(key)) for row in rows) for key in head]
    widths = [max(map(len, column)) for column in zip(head, *cells, strict=True)]
    lines = []
    for line in [head, *cells]:
        parts = [
            cell.rjust(width) if right else cell.ljust(width)
            for cell, width, right in zip(line, widths, is_number, strict=True)
        ]
        lines.append(("  " + "  ".join(parts)).rstrip())
    return [f"{name}: {len(rows)}", *lines]


def _lines(answer: Mapping[str, Any]) -> Iterator[str]:
    agent = answer["agent"]
    about = f" VPN {answer['vpn']}" if answer.get("vpn") else ""
    yield f"{agent['host']} {agent['address']}: {answer['part']}{about}"
    yield from agent["waits_for"]
    yield from agent["failures"]
    yield from answer["unread"]
    tables = answer["tables"]
    if answer["part"] == "difference" and not tables["differences"]:
        # What could not be read was said above.
        if not answer["unread"]:
            yield "No difference: what was compiled is what the switch and the BGP daemon have."
        return
    for name, rows in tables.items():
        yield ""
        yield from render_table(name, rows)
        if left_out := answer["left_out"].get(name):
            yield f"  and {left_out} more; --vpn shows one VPN alone"


def _is_number(value: Any) -> bool:
    return value is None or (isinstance(value, int | float) and not isinstance(value, bool))


def _cell(value: Any) -> str:
    if value is None:
        return ""
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, list):
        return " ".join(map(str, value))
    return str(value)
