# SPDX-License-Identifier: Apache-2.0
"""What is shown, filtered and left out."""

from __future__ import annotations

import pytest

from isthmus.plugin import views

RESOURCES: list[views.View] = [
    {"id": "1", "name": "a", "networks": ["n1", "n2"], "vni": None},
    {"id": "2", "name": "b", "networks": [], "vni": 5},
]


@pytest.mark.parametrize(
    ("filters", "ids"),
    [
        (None, ["1", "2"]),
        ({}, ["1", "2"]),
        ({"name": ["a", "b"]}, ["1", "2"]),
        ({"name": ["a"], "id": ["2"]}, []),
        ({"networks": ["n2"]}, ["1"]),
        ({"networks": [["n2"]]}, ["1"]),
        ({"vni": [5]}, ["2"]),
        ({"vni": [None]}, ["1"]),
    ],
)
def test_every_filter_has_to_match_one_of_its_values(
    filters: dict[str, list[object]] | None, ids: list[str]
) -> None:
    """A list matches by what it holds."""
    assert [view["id"] for view in views.select(RESOURCES, filters, None)] == ids


def test_only_the_fields_asked_for_are_shown() -> None:
    """All of them if none are named."""
    assert views.select(RESOURCES, None, ["name"]) == [{"name": "a"}, {"name": "b"}]
    assert views.select(RESOURCES, None, []) == RESOURCES


@pytest.mark.parametrize(
    ("fields", "filters", "wanted"),
    [
        ([], None, True),
        (["status"], None, True),
        (["name"], None, False),
        (["name"], {"status": ["DOWN"]}, True),
    ],
)
def test_statuses_are_read_only_when_somebody_looks(
    fields: list[str], filters: dict[str, list[str]] | None, *, wanted: bool
) -> None:
    """They cost statements of their own."""
    assert views.wants_status(fields, filters) is wanted
