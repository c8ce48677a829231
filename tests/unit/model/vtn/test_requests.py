# SPDX-License-Identifier: Apache-2.0
"""Requests of sites that do not own a VTN, and what becomes of them."""

from __future__ import annotations

import pytest

from isthmus.model.errors import IntentConflict, NotPermitted
from isthmus.model.report import Status
from isthmus.model.vtn import membership, ownership, requests
from isthmus.model.vtn.documents import Acceptance, Change, Kind, Operation
from isthmus.model.vtn.merge import merge
from tests.unit.model.vtn.west_and_east import Sites, vtn_red


def _sites() -> Sites:
    sites = Sites(vtn_red())
    sites.rest()
    return sites


def _ask(sites: Sites, request_id: str, operation: Operation, **values: object) -> None:
    change = Change(**values)  # type: ignore[arg-type]
    sites.put("east", requests.ask(sites.view("east"), request_id, 1.0, operation, change))


def test_each_is_carried_out_once_and_answered() -> None:
    """In the order in which they were asked."""
    sites = _sites()
    _ask(sites, "z", Operation.UPDATE, name="first", rate_kbps=1)
    _ask(sites, "a", Operation.UPDATE, name="second")
    sites.rest()
    document = sites.view("west").document
    assert document is not None
    assert (document.name, document.rate_kbps) == ("second", 1)
    assert document.answered_up_to("east") == 2
    assert document.answered_up_to("west") == 0
    assert sites.settled == [("east", "done", ""), ("east", "done", "")]
    for store in sites.stores.values():
        assert not {kind for kind, _ in store} & {Kind.REQUEST, Kind.ANSWER}


def test_a_refusal_has_the_owners_sentences() -> None:
    """And the next request is answered all the same."""
    sites = _sites()
    _ask(sites, "r1", Operation.ADD_MEMBER)
    _ask(sites, "r2", Operation.UPDATE, name="new")
    sites.rest()
    assert [result for _, result, _ in sites.settled] == ["refused", "done"]
    assert sites.settled[0][2] == "Which member is not said."


def test_a_site_that_is_no_member_can_not_ask() -> None:
    """It would not be heard of when the network is deleted."""
    with pytest.raises(NotPermitted):
        requests.ask(_sites().view("south"), "r", 1.0, Operation.DELETE, Change())


def test_when_the_network_is_deleted_its_requests_are_over() -> None:
    """Whoever asked for just that has got it."""
    sites = _sites()
    sites.cut("east")
    _ask(sites, "r1", Operation.DELETE)
    _ask(sites, "r2", Operation.UPDATE, name="new")
    west = sites.view("west")
    sites.put("west", ownership.change(west, Operation.DELETE, Change()))
    sites.heal()
    sites.rest()
    assert sites.settled == [
        ("east", "done", ""),
        ("east", "refused", "The network is deleted."),
    ]
    assert not any(sites.stores.values())


def test_a_new_owner_repeats_the_answers_of_the_former() -> None:
    """Which may not be there any more."""
    sites = Sites(vtn_red(members=("west", "east", "south")))
    everybody = ("west", "east", "south")
    sites.rest(*everybody)
    _ask(sites, "r1", Operation.ADD_MEMBER)
    _ask(sites, "r2", Operation.UPDATE, name="new")
    sites.keep_up("west")
    sites.keep_up("west")
    lost = sites.stores["west"].pop((Kind.ANSWER, "r2"))
    sites.put("south", ownership.take_over(sites.view("south")))
    due = list(requests.repeat_answers(sites.view("south")))
    assert [(each.request_id, each.result) for each in due] == [("r1", "refused"), ("r2", "done")]
    assert "lost" in due[1].for_operator
    assert lost not in due
    sites.rest(*everybody)
    assert [result for _, result, _ in sites.settled] == ["refused", "done"]
    assert list(requests.repeat_answers(sites.view("east"))) == []
    assert requests.settled_up_to(merge("west", "v", []), "west") == 0


def test_a_request_waits_until_the_one_before_was_heard() -> None:
    """However it came to be late."""
    sites = _sites()
    _ask(sites, "r1", Operation.UPDATE, name="first")
    _ask(sites, "r2", Operation.UPDATE, name="second")
    first = sites.stores["east"].pop((Kind.REQUEST, "r1"))
    assert requests.answer(sites.view("west")) is None
    sites.put("east", first)
    found = requests.answer(sites.view("west"))
    assert found is not None
    assert found[0].name == "first"
    sites.put("west", *found)
    del sites.stores["west"][Kind.ANSWER, "r1"]
    again = requests.answer(sites.view("west"))
    assert again is not None
    sites.put("west", *again)
    assert requests.settle(sites.view("east")) == ()


def test_what_was_settled_is_not_answered_again() -> None:
    """Though the request is still to be seen, as in an old copy."""
    sites = _sites()
    _ask(sites, "r1", Operation.UPDATE, name="new")
    old = sites.stores["east"][Kind.REQUEST, "r1"]
    sites.rest()
    sites.put("east", old)
    assert list(requests.repeat_answers(sites.view("west"))) == []
    assert requests.answer(sites.view("west")) is None


def test_a_site_says_what_it_knows_and_what_it_has() -> None:
    """Nothing before it knows of anything, and of a newer version it never forgets."""
    sites = _sites()
    with pytest.raises(IntentConflict):
        membership.speak(merge("west", "vtn-blue", []))
    said = sites.view("east").own_member
    assert said is not None
    assert said.network_id == "n"
    away = merge("east", said.vtn_id, [])
    assert not away.is_owner
    sites.stores["west"].clear()
    view = sites.view("east")
    assert view.is_behind
    assert membership.speak(view).follows == said.follows
    assert (view.wanted, view.is_to_be_removed) == (None, False)


def test_a_site_that_refuses_removes_what_it_has() -> None:
    """And is asked again only by its own accepting."""
    sites = _sites()
    said = membership.speak(sites.view("east"), acceptance=Acceptance.REFUSED)
    sites.put("east", said)
    assert sites.view("east").is_to_be_removed
    sites.rest()
    refused = sites.view("east").own_member
    assert refused is not None
    assert refused.is_removed
    assert (refused.prefixes, refused.network_id) == ((), None)
    again = membership.speak(sites.view("east"), acceptance=Acceptance.ACCEPTED)
    sites.put("east", again)
    sites.rest()
    assert sites.view("east").own_member.status is Status.ACTIVE  # type: ignore[union-attr]


def test_removing_is_not_over_if_the_site_has_become_a_member_again() -> None:
    """Somebody may just be at it."""
    sites = _sites()
    said = membership.speak(sites.view("east"), is_removed=True)
    assert not said.is_removed
    assert said.prefixes


def test_a_site_may_be_asked_before_it_is_a_member() -> None:
    """If it does not accept by itself."""
    sites = Sites(vtn_red())
    sites.keep_up("east", accepts=False)
    assert sites.view("east").awaits_acceptance
    assert sites.view("east").wanted is None
    assert sites.keep_up("east", accepts=False).is_empty
