# SPDX-License-Identifier: Apache-2.0
"""Comparing what sites keep finds every document that is not as its writer has it."""

from __future__ import annotations

from dataclasses import replace

import pytest

from tests.scenario.vtn.kept import Kept, unlike

WEST, EAST = {"vtn/1": "red", "member/1/west": "done"}, {"member/1/east": "done"}


def kept(**changes: dict[str, str]) -> list[Kept]:
    """Both sites, as they are to be but for the changes."""
    west = Kept("west", WEST, changes.get("published", WEST), {"east": EAST})
    east = Kept("east", EAST, EAST, {"west": changes.get("heard", WEST)})
    return [west, east]


def test_there_is_nothing_to_say_of_what_is_the_same_everywhere() -> None:
    """In databases and etcds."""
    assert list(unlike(kept())) == []


@pytest.mark.parametrize(
    ("where", "name"), [("published", "west's etcd"), ("heard", "east's database")]
)
@pytest.mark.parametrize(
    ("there", "sentence"),
    [
        ({"vtn/1": "red"}, "member/1/west of west is not in {}"),
        ({**WEST, "vtn/2": "old"}, "vtn/2 is in {}, and west has it no more"),
        ({**WEST, "vtn/1": "old"}, "vtn/1 of west is in {} as old, not red"),
    ],
)
def test_what_is_missing_left_or_old_is_told(
    where: str, name: str, there: dict[str, str], sentence: str
) -> None:
    """Of etcd and of the other's database."""
    assert list(unlike(kept(**{where: there}))) == [sentence.format(name)]


def test_a_site_that_was_never_heard_is_told() -> None:
    """What is kept of a site that is not looked into is not."""
    west, east = kept()
    found = list(unlike([west, replace(east, heard={"north": {"vtn/3": "blue"}})]))
    missing = "{} of west is not in east's database"
    assert found == [missing.format(key) for key in sorted(WEST)]
