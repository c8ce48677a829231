# SPDX-License-Identifier: Apache-2.0
"""Whose token was given for a signature."""

from __future__ import annotations

from typing import Any

import pytest

from isthmus.heat.translate.tokens import is_of_signed_query


@pytest.mark.parametrize("methods", [["ec2credential"], ["token", "ec2credential"]])
def test_a_token_says_by_its_methods_that_it_was_given_for_a_signature(methods: list[str]) -> None:
    """Whatever else was in play."""
    assert is_of_signed_query({"token": {"methods": methods}})


@pytest.mark.parametrize(
    "token_info",
    [
        {"token": {"methods": ["password"]}},
        {"token": {"methods": []}},
        {"token": {"methods": None}},
        {"token": {}},
        {},
        None,
    ],
)
def test_any_other_token_was_not(token_info: Any) -> None:
    """Whatever it says, or does not."""
    assert not is_of_signed_query(token_info)
