# SPDX-License-Identifier: Apache-2.0
"""A difference in any place is told, each in its own words."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from lab.agreement.compare import Asked, Held, disagreements


def tables(*targets: str, plugged: bool = False) -> dict[str, Any]:
    """Make the tables of one VPN with one host."""
    vpn = {"vpn": "v", "generation": 3, "import": list(targets), "export": []}
    return {"vpns": [vpn], "hosts": [{"vpn": "v", "port": "p", "plugged": plugged}]}


ASKED = Asked((), {"pe-1": tables()}, {("pe-1", "v"): (3, True)})
HELD = {"pe-1": Held(tables(plugged=True))}


def test_what_agrees_is_silent() -> None:
    """What only the host can know is no disagreement."""
    assert disagreements(ASKED, HELD) == []


def test_a_change_that_was_not_carried_out_is_told() -> None:
    """The journal has to be empty."""
    (line,) = disagreements(replace(ASKED, journal=("v",)), HELD)
    assert "journal" in line


def test_an_agent_that_holds_something_else_is_told() -> None:
    """Both what it lacks and what it has."""
    missing, unexpected = disagreements(ASKED, {"pe-1": Held(tables("64500:1"))})
    assert missing.startswith("pe-1 agent: vpns missing:")
    assert unexpected.startswith("pe-1 agent: vpns unexpected:")


def test_what_the_agent_finds_different_in_switch_or_bgp_is_told() -> None:
    """And what it could not read is not taken for agreement."""
    row = {"where": "flow", "what": "missing", "value": "table=20"}
    held = Held(tables(), (row,), ("The switch is away.",))
    assert disagreements(ASKED, {"pe-1": held}) == [
        "pe-1: not known: The switch is away.",
        "pe-1 installed: flow missing: table=20",
    ]
    assert disagreements(ASKED, {}) == ["pe-1: its agent does not answer"]


def test_reports_of_another_generation_or_vpn_are_told() -> None:
    """What the API shows as status comes from them."""
    late = replace(ASKED, reported={("pe-1", "v"): (2, True)})
    assert disagreements(late, HELD) == ["database: pe-1 reported generation 2 of VPN v, not 3"]
    refused = replace(ASKED, reported={("pe-1", "v"): (3, False)})
    assert "not in force" in disagreements(refused, HELD)[0]
    more = replace(ASKED, reported={**ASKED.reported, ("pe-1", "w"): (1, True)})
    assert "has no part" in disagreements(more, HELD)[0]
