# SPDX-License-Identifier: Apache-2.0
"""Tables are aligned, and say what is not in them."""

from __future__ import annotations

from isthmus.pe_agent.look.tables import render, render_table

AGENT = {"host": "west-1", "address": "192.0.2.11", "waits_for": [], "failures": []}


def answer(part: str = "rib", **changes: object) -> dict[str, object]:
    """An answer without anything in it."""
    empty: dict[str, object]
    empty = {"part": part, "vpn": None, "agent": AGENT, "unread": [], "tables": {}, "left_out": {}}
    return empty | changes


def test_a_table_is_aligned_numbers_to_the_right() -> None:
    """A column that nobody fills is left out."""
    rows = [
        {"prefix": "10.0.0.0/8", "label": 16, "rd": None, "rts": ["64500:1", "64500:2"]},
        {"prefix": "::/0", "label": 1000, "rd": None, "rts": []},
    ]
    assert render_table("routes", rows) == [
        "routes: 2",
        "  prefix      label  rts",
        "  10.0.0.0/8     16  64500:1 64500:2",
        "  ::/0         1000",
    ]


def test_a_table_without_rows_says_so() -> None:
    """Nothing is an answer too."""
    assert render_table("routes", []) == ["routes: none"]


def test_what_is_waited_for_is_said_first() -> None:
    """And what failed."""
    agent = AGENT | {"waits_for": ["Waiting for BGP."], "failures": ["The switch is down."]}
    assert render(answer(agent=agent)).splitlines() == [
        "west-1 192.0.2.11: rib",
        "Waiting for BGP.",
        "The switch is down.",
    ]


def test_what_was_left_out_is_said() -> None:
    """With what to do about it."""
    tables = {"routes": [{"prefix": "::/0"}]}
    assert "and 7 more; --vpn" in render(answer(tables=tables, left_out={"routes": 7}))


def test_no_difference_is_a_sentence_unless_something_could_not_be_read() -> None:
    """Silence about an unread switch would be a lie."""
    tables: dict[str, object] = {"differences": []}
    assert "No difference" in render(answer("difference", tables=tables))
    unread = render(answer("difference", tables=tables, unread=["The switch is down."]))
    assert "No difference" not in unread
    assert "The switch is down." in unread
