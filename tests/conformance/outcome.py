# SPDX-License-Identifier: Apache-2.0
"""What became of a suite, and how the table tells it."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

PASSED, FAILED, SKIPPED = "passed", "failed", "skipped"


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of one test.

    Attributes:
        test: its name.
        became: ``passed``, ``failed`` or ``skipped``.
        reason: in a line, unless it passed.
    """

    test: str
    became: str
    reason: str = ""


@dataclass(frozen=True, slots=True)
class Suite:
    """What became of all tests of somebody else's suite.

    Attributes:
        name: of the package and the part of it.
        outcomes: one for each test.
        seconds: how long it took.
    """

    name: str
    outcomes: tuple[Outcome, ...]
    seconds: float

    @property
    def passed(self) -> int:
        """How many tests passed."""
        return sum(outcome.became == PASSED for outcome in self.outcomes)

    @property
    def is_whole(self) -> bool:
        """Whether there are tests and every one passed."""
        return 0 < self.passed == len(self.outcomes)


def table(suites: Iterable[Suite]) -> str:
    """Return a line per suite, below it one for each test that did not pass."""
    lines = []
    for suite in suites:
        mark = "✓" if suite.is_whole else "✗"
        share = f"{suite.passed}/{len(suite.outcomes)}"
        lines.append(f"{mark} {suite.name:<52}{share:>8}{suite.seconds:7.0f} s")
        for outcome in suite.outcomes:
            if outcome.became != PASSED:
                lines.append(f"    {outcome.became} {outcome.test}: {outcome.reason}")
    return "\n".join(lines)
