# SPDX-License-Identifier: Apache-2.0
"""Which member takes over by itself, and when."""

from __future__ import annotations

from collections.abc import Collection

import pytest

from isthmus.model.vtn import membership, ownership
from isthmus.model.vtn.documents import Acceptance, Change, Operation
from isthmus.model.vtn.succession import succeed, wait_s
from tests.unit.model.vtn.west_and_east import Sites, vtn_red

EVERYBODY = ("west", "east", "north", "south")


@pytest.fixture
def sites() -> Sites:
    """Four, members of a network of west's."""
    sites = Sites(vtn_red("198.51.100.0/24", members=EVERYBODY))
    sites.rest(*EVERYBODY)
    return sites


def waits(sites: Sites, up: Collection[str]) -> dict[str, float | None]:
    """How long each site waits, if all see the same."""
    return {name: wait_s(sites.view(name), set(up) - {name}, 60.0) for name in EVERYBODY}


def test_one_after_the_other_by_name(sites: Sites) -> None:
    """Two that see the same never act at once; the owner never does."""
    every = waits(sites, EVERYBODY)
    assert every == {"west": None, "east": 60.0, "north": 120.0, "south": 180.0}


def test_who_is_not_there_is_not_waited_for(sites: Sites) -> None:
    """So the next one is the first."""
    assert waits(sites, ("north", "south"))["north"] == 60.0
    assert waits(sites, ("south",))["south"] == 60.0


def test_only_members_that_accepted_succeed(sites: Sites) -> None:
    """Nor one that leaves."""
    refused = membership.speak(sites.view("east"), acceptance=Acceptance.REFUSED)
    sites.put("east", refused)
    leave = Change(member="north")
    sites.put("west", ownership.change(sites.view("west"), Operation.REMOVE_MEMBER, leave))
    assert waits(sites, EVERYBODY) == {"west": None, "east": None, "north": None, "south": 60.0}


def test_a_new_owner_is_an_owner(sites: Sites) -> None:
    """As after an operator's take-over; and what is deleted is left alone."""
    sites.put("east", succeed(sites.view("east")))
    document = sites.view("south").document
    assert document is not None
    assert (document.owner, document.epoch, document.vouched_gone) == ("east", 2, ())
    assert waits(sites, EVERYBODY)["west"] == 180.0
    sites.put("east", ownership.change(sites.view("east"), Operation.DELETE, Change()))
    assert set(waits(sites, EVERYBODY).values()) == {None}


def test_who_knows_of_a_newer_owner_waits_for_its_word(sites: Sites) -> None:
    """Or for its own memory."""
    sites.cut("north")
    sites.put("east", succeed(sites.view("east")))
    sites.put("south", membership.speak(sites.view("south")))
    seen = [each for each in sites.view("south").members if each.document is not None]
    from isthmus.model.vtn.documents import Published
    from isthmus.model.vtn.merge import merge

    words = [Published(each.site, each.document) for each in seen if each.document]
    old = Published("west", vtn_red("198.51.100.0/24", members=EVERYBODY))
    assert wait_s(merge("north", "vtn-red", [old, *words]), (), 60.0) is None
    assert wait_s(merge("south", "vtn-red", [old, *words]), (), 60.0) is None
    assert wait_s(merge("south", "vtn-red", words), (), 60.0) is None
