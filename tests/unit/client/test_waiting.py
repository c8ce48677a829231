# SPDX-License-Identifier: Apache-2.0
"""Waiting: what is told, when it ends, how."""

from __future__ import annotations

import argparse
from collections.abc import Iterable

import pytest

from isthmus.client import waiting
from isthmus.client.waiting import Failed, Sight, TimedOut, say, wait


class Clock:
    """Time that passes by sleeping alone."""

    def __init__(self) -> None:
        self.now = 0.0
        self.pauses: list[float] = []

    def sleep(self, seconds: float) -> None:
        """Let time pass."""
        self.now += seconds
        self.pauses.append(seconds)


def wait_through(sights: Iterable[Sight], timeout_s: float = 60.0) -> tuple[list[str], Clock]:
    """Wait while one sight follows the other; return what was told."""
    told: list[str] = []
    clock = Clock()
    looks = iter(sights)
    wait(
        lambda: next(looks),
        timeout_s,
        told.append,
        "Look there.",
        clock=lambda: clock.now,
        sleep=clock.sleep,
    )
    return told, clock


def test_each_change_is_told_once() -> None:
    """However often it is looked."""
    sights = [Sight("a"), Sight("a"), Sight("b"), Sight("b"), Sight("c", is_done=True)]
    told, _ = wait_through(sights)
    assert told == ["a", "b", "c"]


def test_it_looks_more_and_more_seldom() -> None:
    """Soon at first; never a long time between two."""
    _, clock = wait_through([*[Sight("a")] * 8, Sight("b", is_done=True)])
    assert clock.pauses == sorted(clock.pauses)
    assert clock.pauses[0] < 1
    assert max(clock.pauses) <= 3


def test_what_is_done_already_is_not_waited_for() -> None:
    """Not a moment."""
    _, clock = wait_through([Sight("a", is_done=True)], timeout_s=0)
    assert clock.pauses == []


def test_a_failure_ends_it_with_the_reason_and_what_to_do() -> None:
    """Time that is left would change nothing."""
    with pytest.raises(Failed, match=r"^red: ERROR\. No room\. Look there\.$"):
        wait_through([Sight("a"), Sight("red: ERROR. No room.", is_failed=True)])


def test_in_the_end_time_is_up() -> None:
    """It looks a last time when it is; then says where that stands and what to do."""
    with pytest.raises(TimedOut, match=r"^After 5 s: red: PENDING\. It goes on .* Look there\.$"):
        wait_through([Sight("red: PENDING.")] * 100, timeout_s=5)


@pytest.mark.parametrize("text", ["-1", "soon", "nan", "inf", ""])
def test_seconds_are_a_number(text: str) -> None:
    """And none that never ends."""
    parser = argparse.ArgumentParser(exit_on_error=False)
    waiting.add_options(parser, "it is done")
    with pytest.raises(argparse.ArgumentError, match="is no number of seconds"):
        parser.parse_args(["--timeout", text])
    assert parser.parse_args(["--timeout", "1.5"]).timeout == 1.5


def test_a_status_is_a_sentence() -> None:
    """With a reason or without."""
    assert say("red", "ACTIVE") == "red: ACTIVE."
    assert say("red", "PENDING", "It waits.") == "red: PENDING. It waits."
    assert say("red", "PENDING", None) == "red: PENDING."
