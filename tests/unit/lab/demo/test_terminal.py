# SPDX-License-Identifier: Apache-2.0
"""Lines of the story: ✓ or ✗, and the time it took."""

from __future__ import annotations

import io

import pytest

from lab.demo.terminal import Failed, StoryEnds, Teller


def told() -> tuple[Teller, io.StringIO]:
    """A teller whose clock advances a second and a half at each look."""
    out, ticks = io.StringIO(), iter(range(0, 1000, 3))
    return Teller(out, lambda: next(ticks) / 2), out


def test_a_step_that_goes_well_is_one_line_with_its_result_and_time() -> None:
    """What the step found stands in the same line."""
    teller, out = told()
    with teller.step("ping") as step:
        step.result = "20 of 20"
    assert out.getvalue().split() == ["✓", "ping:", "20", "of", "20", "1.5", "s"]
    assert teller.failures == []


def test_a_step_that_fails_is_told_with_its_reason_and_the_story_goes_on() -> None:
    """The reason stands below, and the failure is remembered."""
    teller, out = told()
    with teller.step("ping"):
        raise Failed("nobody answered")
    assert out.getvalue().startswith("  ✗ ping ")
    assert "nobody answered" in out.getvalue()
    assert teller.failures == ["ping"]


def test_without_an_essential_step_the_story_ends() -> None:
    """As what follows would only fail in other words."""
    teller, _ = told()
    with pytest.raises(StoryEnds), teller.step("networks", essential=True):
        raise Failed("no quota")
    assert teller.failures == ["networks"]
