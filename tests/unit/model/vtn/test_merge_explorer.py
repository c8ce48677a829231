# SPDX-License-Identifier: Apache-2.0
"""Every world that three sites can come to keeps the laws, and a wrong rule is seen.

Where little may happen, all worlds are looked at. Where more may, the nearest ones are:
``ISTHMUS_EXPLORE=100000`` looks at so many of each scenario. ``pytest -s`` shows how many it were.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from dataclasses import replace
from ipaddress import ip_network

import pytest

from isthmus.model.vtn import (
    membership,
    merge,
    ownership,
    requests,
    slices,
    succession,
    upkeep,
)
from isthmus.model.vtn.documents import MemberGrant, VtnDocument
from tests.unit.model.vtn.explorer import Objection, explore
from tests.unit.model.vtn.laws import at_rest
from tests.unit.model.vtn.world import VTN, World, begin, steps, with_copies

WORLDS = int(os.environ.get("ISTHMUS_EXPLORE", "70"))
NARROW = ip_network("198.51.100.0/28")
"""Has room for two members."""


def world(members: str, sites: str = "abc", *, torn: bool = False, **budget: int) -> World:
    """Some sites at rest; the first made a VTN with some members."""
    document = ownership.create(VTN, "a", "red", prefixes=[NARROW], members=dict.fromkeys(members))
    return replace(with_copies(at_rest(begin(document, sites, **budget))), is_torn=torn)


def later(world: World, *words: str) -> World:
    """What a world comes to by some steps, at rest after each."""
    for each in words:
        world = at_rest(next(after for step, after in steps(world) if step == each))
    return world


WHOLE: Mapping[str, Callable[[], World]] = {
    "two sites, a take-over and a deletion": lambda: world(
        "ab", "ab", torn=True, take_over=1, delete=1
    ),
    "two sites, take-overs": lambda: world("ab", "ab", torn=True, take_over=2),
    "two sites, a take-over and a request": lambda: world("ab", "ab", take_over=1, ask=1),
    "two sites, one leaves and comes": lambda: world("ab", "ab", torn=True, remove=1, add=1),
    "two sites, a deletion and a loss": lambda: world("ab", "ab", torn=True, delete=1, restart=1),
    "two sites, a deletion and a restored database": lambda: world("ab", "ab", delete=1, restore=1),
    "two sites, one succeeds the other, and again": lambda: world("ab", "ab", torn=True, succeed=2),
    "two sites, a succession and a deletion": lambda: world("ab", "ab", succeed=1, delete=1),
    "three sites, a succession": lambda: world("ab", torn=True, succeed=1),
    "three sites, a take-over": lambda: world("ab", torn=True, take_over=1),
    "three sites, two take-overs": lambda: world("ab", take_over=2),
    "three sites, a deletion": lambda: world("ab", torn=True, delete=1),
    "three sites, a request": lambda: world("ab", ask=1),
    "three sites, one leaves": lambda: world("ab", remove=1),
}

SCENARIOS: Mapping[str, Callable[[], World]] = {
    "two take-overs": lambda: world("bc", take_over=2),
    "take-over while members are added": lambda: world("b", take_over=1, add=2),
    "take-over while members leave and come": lambda: world("ab", take_over=1, remove=1, add=1),
    "members leave and come": lambda: world("ab", remove=2, add=2),
    "take-over while it is deleted": lambda: world("ab", take_over=1, delete=1),
    "deletion, and sites that lose what they heard": lambda: world("ab", delete=1, restart=2),
    "take-over, and sites that lose what they heard": lambda: world("ab", take_over=2, restart=1),
    "requests": lambda: world("ab", ask=3),
    "requests while it is taken over": lambda: world("ab", take_over=1, ask=2),
    "requests while it is deleted": lambda: world("ab", delete=1, ask=1, take_over=1),
    "a restored database": lambda: world("ab", restore=1, add=1, remove=1),
    "a restored database and requests": lambda: world("ab", restore=1, ask=2),
    "a restored database and a take-over": lambda: world("ab", restore=1, take_over=1, add=1),
    "a restored database and a deletion": lambda: world("ab", restore=1, delete=1, take_over=1),
    "a restored database, after what it has was given to another": lambda: later(
        world("ab", restore=1, remove=1, add=1), "a: remove a", "a: add c"
    ),
    "successions at once": lambda: world("bc", succeed=2),
    "succession while members are added": lambda: world("b", succeed=1, add=2),
    "succession and an operator's take-over": lambda: world("ab", succeed=1, take_over=1, add=1),
    "succession, requests and a deletion": lambda: world("ab", succeed=1, ask=1, delete=1),
    "succession, and sites that lose what they heard": lambda: world("ab", succeed=2, restart=1),
    "succession and a restored database": lambda: world("ab", succeed=1, restore=1, add=1),
    "everything, torn": lambda: world(
        "ab", torn=True, take_over=1, add=1, remove=1, ask=1, delete=1, restart=1
    ),
}


@pytest.mark.parametrize("scenario", WHOLE)
@pytest.mark.timeout(600)
def test_the_laws_hold_in_every_world(
    scenario: str, record_property: Callable[[str, object], None]
) -> None:
    """All that can happen to a few sites to which little may happen."""
    explored = explore(WHOLE[scenario](), 100_000, outcome_of_each=20)
    print(f"{scenario}: {explored}")  # noqa: T201
    record_property("explored", str(explored))
    assert explored.is_all


@pytest.mark.parametrize("scenario", SCENARIOS)
@pytest.mark.timeout(3600)
def test_the_laws_hold_in_the_nearest_worlds(
    scenario: str, record_property: Callable[[str, object], None]
) -> None:
    """Breadth first, as far as time allows; how far is printed."""
    explored = explore(SCENARIOS[scenario](), WORLDS, outcome_of_each=7)
    print(f"{scenario}: {explored}")  # noqa: T201
    record_property("explored", str(explored))
    assert explored.is_all or explored.states == WORLDS


def _let_all_go(view: merge.VtnView, revoked: object = ()) -> tuple[MemberGrant, ...]:
    members = view.document.members if view.document else ()
    return tuple(each for each in members if not each.is_leaving)


def _let_go_whoever_left(view: merge.VtnView, revoked: object = ()) -> tuple[MemberGrant, ...]:
    members = view.document.members if view.document else ()
    return tuple(
        each for each in members if not (each.is_leaving and ownership._has_left(view, each))
    )


def _take_over_within_the_epoch(view: merge.VtnView) -> VtnDocument:
    assert view.document is not None
    return replace(TAKE_OVER(view), epoch=view.document.epoch)


def _oldest_first(heard: merge._Heard) -> list[VtnDocument]:
    return sorted(heard.vtns.values(), key=lambda each: each.version)


def _forget_at_once(view: merge.VtnView, revoked: object = ()) -> bool:
    return view.is_owner and view.document is not None and view.document.is_deleted


def _mark_nothing(document: VtnDocument, site: str, number: int) -> VtnDocument:
    return document


TAKE_OVER = ownership.take_over
NEVER = property(lambda view: False)

MUTATIONS: Mapping[str, tuple[str, object, str, object]] = {
    "a new owner gives at once": (
        "take-over while members are added", ownership, "silent_sites", lambda view: (),
    ),
    "nobody is asked what others hold": (
        "take-over while members are added", slices, "involved", lambda view: set(),
    ),
    "what a member leaves is given at once": (
        "members leave and come", upkeep, "let_go", _let_all_go,
    ),
    "it is given again as soon as that member has left": (
        "take-over while members leave and come", upkeep, "let_go", _let_go_whoever_left,
    ),
    "the former owner wins": (
        "two sites, take-overs", merge._Heard, "newest_first", _oldest_first,
    ),
    "a take-over raises no epoch": (
        "take-over while members are added", ownership, "take_over", _take_over_within_the_epoch,
    ),
    "a tombstone is forgotten at once": (
        "take-over while it is deleted", upkeep, "may_forget", _forget_at_once,
    ),
    "an overruled document is kept for ever": (
        "take-over while it is deleted", merge.VtnView, "own_document", property(lambda view: None),
    ),
    "a site that lost what it heard goes on": (
        "take-over, and sites that lose what they heard", merge.VtnView, "is_behind", NEVER,
    ),
    "an owner restored from a copy goes on as it was": (
        "a restored database", merge.VtnView, "has_lost_versions", NEVER,
    ),
    "it does not ask who has what it is given": (
        "a restored database, after what it has was given to another",
        merge.VtnView, "in_the_way", property(lambda view: ()),
    ),
    "it does not believe that its network is deleted": (
        "two sites, a deletion and a restored database",
        ownership, "_is_known_to_be_deleted", lambda view, document: False,
    ),
    "who succeeds by itself takes the former owner for gone": (
        "succession while members are added", succession, "succeed",
        lambda view: TAKE_OVER(view, [view.document.owner]),
    ),
    "requests are not marked as answered": (
        "requests", requests, "answered", _mark_nothing,
    ),
    "answers are withdrawn at once": (
        "requests", upkeep, "_read_answers", lambda view: view.answers,
    ),
}  # fmt: skip


@pytest.mark.parametrize("mutation", MUTATIONS)
@pytest.mark.timeout(600)
def test_a_wrong_rule_is_objected_to(mutation: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """The explorer that finds nothing is one that would have."""
    scenario, where, name, wrong = MUTATIONS[mutation]
    monkeypatch.setattr(where, name, wrong)
    with pytest.raises(Objection) as objection:
        explore({**WHOLE, **SCENARIOS}[scenario](), 20_000, outcome_of_each=3)
    print(f"{mutation}:\n{objection.value}")  # noqa: T201


def test_what_a_site_is_given_counts_as_in_use_from_then_on() -> None:
    """Since its worker may be at it."""
    first = SCENARIOS["requests"]()
    said = first.view("b").own_member
    assert said is not None
    assert said.prefixes == tuple(first.site("b").in_use)
    assert membership.speak(first.view("b")) == said
