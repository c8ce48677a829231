# SPDX-License-Identifier: Apache-2.0
"""Figures of rounds in which a network over two sites was asked for."""

from __future__ import annotations

from bench import vtn

MILESTONES = ("request", "answer", "near", "far", "known", "plugged", "reply")


def _round(*milliseconds: float) -> dict[str, float]:
    return dict(zip(MILESTONES, milliseconds, strict=True))


def test_each_stage_has_its_share_of_what_the_tenant_waits() -> None:
    """Members are made side by side; the rest is one after the other."""
    outcome = vtn.report([_round(0, 40, 900, 1200, 1300, 2300, 2400)])
    stages = outcome.figures["stages_ms"]
    assert isinstance(stages, dict)
    found = {name: spread["p50"] for name, spread in stages.items()}
    assert found == {
        "API": 40,
        "near member": 860,
        "far member": 1160,
        "known": 100,
        "ports": 1000,
        "first packet": 100,
        "all": 2400,
    }


def test_a_round_that_takes_too_long_misses_the_target() -> None:
    """The slowest in twenty counts, and the one in the middle."""
    slow = _round(0, 40, 900, 1200, 1300, 2300, 12_000)
    assert [target.is_met for target in vtn.report([slow]).targets] == [False, False]
    quick = _round(0, 40, 900, 1200, 1300, 2300, 2400)
    assert vtn.report([quick]).missed == []
