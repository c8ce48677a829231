# SPDX-License-Identifier: Apache-2.0
"""The list of tests that can't pass is held against what became of them."""

import pytest

from tests.peers.judge import Outcome, complaints, read_exceptions

GREEN = Outcome("TestApi.test_green", "passed", "")
RED = Outcome("TestApi.test_red", "failed", "AssertionError: 404 != 400")


def test_what_is_as_listed_is_no_complaint() -> None:
    """Passed and not listed, failed and listed."""
    assert complaints([GREEN, RED], {RED.test: "it says 404"}) == []


def test_a_failure_must_be_listed() -> None:
    """With its end."""
    assert complaints([RED], {}) == ["TestApi.test_red failed: AssertionError: 404 != 400"]


def test_a_test_that_starts_to_pass_must_leave_the_list() -> None:
    """Else the list would grow stale."""
    assert complaints([GREEN], {GREEN.test: "a reason"}) == [
        "TestApi.test_green passes: take it off the list"
    ]


def test_a_test_that_is_gone_must_leave_the_list() -> None:
    """A new release renames tests."""
    assert complaints([], {"TestApi.test_gone": "a reason"}) == [
        "TestApi.test_gone: there is no such test"
    ]


def test_the_list_gives_each_test_one_reason() -> None:
    """A test without one, or with two, is a mistake."""
    assert read_exceptions([{"reason": "why", "tests": ["a", "b"]}]) == {"a": "why", "b": "why"}
    with pytest.raises(ValueError, match="no reason"):
        read_exceptions([{"reason": "", "tests": ["a"]}])
    with pytest.raises(ValueError, match="twice"):
        read_exceptions([{"reason": "why", "tests": ["a", "a"]}])
