# SPDX-License-Identifier: Apache-2.0
"""What the table of conformance says of a suite."""

from tests.conformance.outcome import FAILED, PASSED, SKIPPED, Outcome, Suite, table


def test_the_table_names_what_did_not_pass_and_why() -> None:
    """A suite of which one test was skipped is not whole."""
    outcomes = (
        Outcome("test_a", PASSED),
        Outcome("test_b", FAILED, "404: no such thing"),
        Outcome("test_c", SKIPPED, "no such extension"),
    )
    told = table([Suite("suite", outcomes, 3.2)])
    assert told.splitlines()[0].startswith("✗ suite")
    assert " 1/3 " in told
    assert "failed test_b: 404: no such thing" in told
    assert "skipped test_c: no such extension" in told
    assert "test_a" not in told


def test_a_suite_that_ran_nothing_is_not_whole() -> None:
    """Nothing passed is not everything passed."""
    assert not Suite("suite", (), 0.1).is_whole
    assert Suite("suite", (Outcome("test_a", PASSED),), 0.1).is_whole
