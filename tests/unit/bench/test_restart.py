# SPDX-License-Identifier: Apache-2.0
"""What is said of growth follows from the figures."""

from __future__ import annotations

import pytest

from bench.restart import SIZES, Grown, outcome


def grown(factor: float) -> dict[str, float]:
    """Figures of a PE that grows by a factor."""
    return Grown(
        agent_s=[factor],
        agent_cpu_s=[factor],
        first_s=[factor],
        last_s=[factor, 3 * factor, 2 * factor],
        host_cpu_s=[factor],
        route_ms=[factor],
        route_cpu_ms=[10 * factor],
        memory_kib=[100_000 + 1024 * factor],
    ).medians()


def test_growth_is_told_as_a_ratio() -> None:
    """Of medians; memory by VRF."""
    found = outcome(dict(zip(SIZES, map(grown, (1, 2, 4)), strict=True)), rounds=3)
    assert [target.figure for target in found.targets] == [4.0, 2.0]
    assert not found.missed
    assert found.figures["memory_kib_per_vrf"] == pytest.approx(3 * 1024 / 990, abs=0.1)
    assert "1,000" in found.text


def test_growth_that_is_worse_than_the_state_misses() -> None:
    """Both targets."""
    found = outcome(dict(zip(SIZES, map(grown, (1, 2, 100)), strict=True)), rounds=1)
    assert len(found.missed) == 2
