# SPDX-License-Identifier: Apache-2.0
"""Hold what became of networking-bgpvpn's tests against the list of those that can't pass.

Pure. A test that fails must be on the list with its reason; one on the list that passes, or that
there is not, must be taken off it.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

PASSED = "passed"


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of one test; ``reason`` is the end of what it said."""

    test: str
    became: str
    reason: str


def read_exceptions(groups: Iterable[Mapping[str, object]]) -> dict[str, str]:
    """Return the reason for each test of a list of reasons and their tests.

    Raises:
        ValueError: a test is listed twice, or a group has no reason.
    """
    reasons: dict[str, str] = {}
    for group in groups:
        reason, tests = str(group.get("reason") or ""), group["tests"]
        if not reason:
            raise ValueError(f"no reason is given for {tests}")
        assert isinstance(tests, list)
        for test in tests:
            if test in reasons:
                raise ValueError(f"{test} is listed twice")
            reasons[test] = reason
    return reasons


def complaints(outcomes: Sequence[Outcome], exceptions: Mapping[str, str]) -> list[str]:
    """Return a sentence for each test whose outcome is not what the list says."""
    found = []
    known = {outcome.test for outcome in outcomes}
    for outcome in outcomes:
        if outcome.became == PASSED and outcome.test in exceptions:
            found.append(f"{outcome.test} passes: take it off the list")
        if outcome.became != PASSED and outcome.test not in exceptions:
            found.append(f"{outcome.test} {outcome.became}: {outcome.reason}")
    found.extend(f"{test}: there is no such test" for test in sorted(set(exceptions) - known))
    return found
