# SPDX-License-Identifier: Apache-2.0
"""What is known of a VTN, how old it is, and what differs between sites."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime

import pytest

from isthmus.model.report import Status
from isthmus.model.vtn import membership, ownership, requests
from isthmus.model.vtn.documents import Acceptance, Change, Operation, Published
from isthmus.model.vtn.merge import merge
from isthmus.model.vtn.recovery import differences, losses, report
from isthmus.model.vtn.status import Liveness, SiteState, VtnStatus, compile_status
from tests.unit.model.vtn.west_and_east import VTN_RED, Sites, prefixes, vtn_red

NOON = datetime(2026, 1, 1, 12, tzinfo=UTC)
UP = SiteState(Liveness.UP, NOON, NOON)
AWAY = SiteState(Liveness.UNREACHABLE, NOON, NOON)
DEAD = SiteState(Liveness.DOWN, None, NOON)


def _sites() -> Sites:
    sites = Sites(vtn_red())
    sites.rest()
    return sites


def _change(sites: Sites, operation: Operation, **values: object) -> None:
    sites.put("west", ownership.change(sites.view("west"), operation, Change(**values)))  # type: ignore[arg-type]


def _status(sites: Sites, east: SiteState | None = UP) -> VtnStatus:
    return compile_status(sites.view("west"), {"east": east} if east else {})


def test_it_is_active_when_every_member_has_carried_it_out() -> None:
    """And pending until then."""
    sites = Sites(vtn_red())
    assert _status(sites).reason == "east: It has said nothing yet. west: It has said nothing yet."
    sites.rest()
    assert _status(sites) == compile_status(sites.view("west"), {"east": UP})
    assert (_status(sites).status, _status(sites).reason) == (Status.ACTIVE, "")
    _change(sites, Operation.UPDATE, name="new")
    assert _status(sites).status is Status.PENDING
    assert "east: The change is being carried out." in _status(sites).reason


@pytest.mark.parametrize(
    ("site", "status", "reason"),
    [
        (UP, Status.ACTIVE, ""),
        (AWAY, Status.DEGRADED, "The site can't be reached since 2026-01-01 12:00:00 UTC."),
        (DEAD, Status.DEGRADED, "The site can't be reached."),
        (None, Status.ACTIVE, "The site has never been heard."),
        (SiteState(Liveness.DOWN), Status.ACTIVE, "The site has never been heard."),
    ],
)
def test_it_says_since_when_nothing_was_heard(
    site: SiteState | None, status: Status, reason: str
) -> None:
    """What a site said last stays known."""
    found = _status(_sites(), site)
    assert (found.status, found.members[0].reason) == (status, reason)
    assert found.members[0].last_heard_at == (site.last_heard_at if site else None)


def test_what_a_member_says_of_itself_is_told() -> None:
    """Failure before silence, silence before waiting."""
    sites = _sites()
    said = sites.view("east").own_member
    assert said is not None
    for document, site, status, words in [
        (replace(said, status=Status.ERROR, reason="Quota."), UP, Status.ERROR, "Quota."),
        (replace(said, status=Status.ERROR, reason="Quota."), DEAD, Status.ERROR, "last: Quota."),
        (replace(said, status=Status.DOWN), UP, Status.DOWN, ""),
        (replace(said, acceptance=Acceptance.REFUSED), UP, Status.ERROR, "has refused"),
        (replace(said, acceptance=Acceptance.PENDING), UP, Status.PENDING, "not accepted"),
        (replace(said, acceptance=Acceptance.PENDING), AWAY, Status.PENDING, "can't be reached"),
        (replace(said, carried_out=None), UP, Status.PENDING, "being carried out"),
    ]:
        sites.put("east", document)
        east = _status(sites, site).members[0]
        assert (east.status, words in east.reason) == (status, True)
    sites.put("east", replace(said, status=Status.ERROR))
    assert _status(sites).status is Status.ERROR


def test_all_down_is_down_and_one_down_is_degraded() -> None:
    """And what an administrator took down is."""
    sites = _sites()
    for name, status in (("east", Status.DEGRADED), ("west", Status.DOWN)):
        sites.put(name, membership.speak(sites.view(name), status=Status.DOWN))
        assert _status(sites).status is status
    _change(sites, Operation.UPDATE, admin_state_up=False)
    assert _status(sites).reason == "It is administratively down."


def test_who_leaves_is_pending_and_what_is_deleted_says_so() -> None:
    """Until everything is removed."""
    sites = _sites()
    _change(sites, Operation.REMOVE_MEMBER, member="east")
    assert (
        _status(sites).reason == "east: It is being removed. west: The change is being carried out."
    )
    _change(sites, Operation.DELETE)
    found = _status(sites, AWAY)
    assert found.status is Status.PENDING_DELETE
    assert found.reason == (
        "It is being removed at east, west. east: The site can't be reached since "
        "2026-01-01 12:00:00 UTC."
    )
    assert _status(sites, None).reason.endswith("west. east: The site has never been heard.")
    assert report(sites.view("west"))[0] == f"east has not removed {VTN_RED} yet."
    sites.put("west", membership.speak(sites.view("west"), status=Status.DOWN, reason="A port."))
    assert _status(sites).reason == "It is being removed at east, west. west: A port."
    assert _status(sites).members[1].reason == "It is being removed. A port."
    for name in ("east", "west"):
        sites.put(name, membership.speak(sites.view(name), is_removed=True, reason=""))
    assert _status(sites).reason == "It has been removed."
    assert {each.reason for each in _status(sites).members} == {"It has been removed."}
    found = compile_status(sites.view("east"), {"west": AWAY})
    assert found.reason.startswith("It has been removed; west has to say so. west: The site can't")


def test_a_deletion_is_not_over_before_a_former_owner_knows() -> None:
    """It might bring the network back."""
    sites = _sites()
    sites.cut("east")
    sites.put("east", ownership.take_over(sites.view("east")))
    sites.put("east", ownership.change(sites.view("east"), Operation.DELETE, Change()))
    sites.work("east")
    sites.heal()
    sites.put("west", membership.speak(sites.view("west"), is_removed=True))
    found = compile_status(sites.view("east"), {"west": UP})
    assert found.reason == "It has been removed; west has to hear of it."


def test_a_deletion_that_waits_for_the_owner_says_so() -> None:
    """From the moment it is asked for."""
    sites = _sites()
    sites.put("east", requests.ask(sites.view("east"), "r", 1.0, Operation.DELETE, Change()))
    found = compile_status(sites.view("east"), {"west": AWAY})
    assert found.status is Status.PENDING_DELETE
    assert found.reason.startswith("Its deletion waits for the site west. The site can't be")


def test_a_change_that_waits_for_the_owner_says_so() -> None:
    """And whether the owner is there."""
    sites = _sites()
    east = sites.view("east")
    sites.put("east", requests.ask(east, "r", 1.0, Operation.UPDATE, Change(name="new")))
    for state, words in ((UP, "site west."), (AWAY, "site west. The site can't be reached since")):
        found = compile_status(sites.view("east"), {"west": state})
        assert words in found.reason
    assert compile_status(sites.view("east"), {"west": UP}).status is Status.PENDING


def test_without_the_owners_document_nothing_is_known() -> None:
    """And nobody is told to remove anything."""
    sites = _sites()
    sites.stores["west"].clear()
    found = compile_status(sites.view("east"), {})
    assert (found.status, found.members) == (Status.PENDING, ())
    assert report(sites.view("east")) == (
        "No site has a document of vtn-red any more, which west owned; east keeps what it made of "
        "it. If west will not bring it back, have that removed: openstack interconnect recover "
        "east --abandon vtn-red",
    )
    behind = merge("east", VTN_RED, [])
    assert losses(behind) == differences(behind) == ()


def test_sites_that_agree_have_nothing_to_report() -> None:
    """And those that do not say what is missing."""
    sites = _sites()
    assert report(sites.view("west")) == ()
    said = sites.view("east").own_member
    assert said is not None
    del sites.stores["east"][next(iter(sites.stores["east"]))]
    assert differences(sites.view("west")) == (f"east has not said anything of {VTN_RED} yet.",)
    sites.put("east", replace(said, carried_out=None, drift=("It is called blue.",)))
    assert differences(sites.view("west")) == (
        f"east has not carried out 1/west/1 of {VTN_RED} yet.",
        f"east, {VTN_RED}: It is called blue.",
    )


def test_what_a_former_owner_wrote_unheard_is_reported() -> None:
    """Once it is back, at every site."""
    sites = _sites()
    sites.cut("east")
    more = prefixes("198.51.100.0/23")
    _change(sites, Operation.UPDATE, name="lost", prefixes=more)
    _change(sites, Operation.ADD_MEMBER, member="south")
    _change(sites, Operation.REMOVE_MEMBER, member="east")
    _change(sites, Operation.DELETE)
    sites.put("east", ownership.take_over(sites.view("east")))
    sites.heal()
    words = report(sites.view("east"))
    assert "west has not said yet that east owns vtn-red now." in words
    sites.rest()
    (lost,) = losses(sites.view("west"))
    assert lost == (
        "What west wrote of vtn-red as its owner, up to generation 5 of epoch 1, does not count "
        "since east took it over: it deleted it; name 'lost' (is 'red'); "
        "prefixes 198.51.100.0/23; member south added; member east missing."
    )


def test_what_differs_only_in_its_generation_is_said_to_be_the_same() -> None:
    """And what was heard before the take-over is no loss."""
    sites = _sites()
    sites.cut("east")
    _change(sites, Operation.UPDATE)
    sites.put("east", ownership.take_over(sites.view("east")))
    sites.heal()
    assert "nothing in it differs" in losses(sites.view("east"))[0]
    sites.rest()
    sites.put("west", ownership.take_over(sites.view("west")))
    assert losses(sites.view("west")) == ()


def test_a_version_that_is_still_on_its_way_is_reported() -> None:
    """With who has it."""
    sites = _sites()
    _change(sites, Operation.UPDATE, name="new")
    sites.keep_up("west")
    old = vtn_red()
    rest = [Published("west", each) for each in sites.stores["west"].values() if each is not old]
    published = [each for each in rest if not hasattr(each.document, "owner")]
    found = differences(merge("east", VTN_RED, [Published("west", old), *published]))
    assert "east has 1/west/1 of vtn-red; 1/west/2 was heard of and has to come from west." in found


def test_a_document_of_somebody_else_is_ignored_and_reported() -> None:
    """Only its writer may publish it."""
    sites = _sites()
    sites.put("south", replace(vtn_red(), epoch=9, name="stolen"))
    view = sites.view("west")
    assert view.document is not None
    assert view.document.name == "red"
    assert report(view) == (
        f"south publishes {VTN_RED}, which only another site may write; it is ignored.",
    )


def test_a_site_waits_for_whoever_still_has_what_it_is_given() -> None:
    """As after an owner was restored from a copy that did not know of that."""
    sites = Sites(vtn_red(members=("west", "east")))
    sites.rest()
    stranger = sites.view("east").own_member
    given = sites.view("west").grant
    assert stranger is not None
    assert given is not None
    sites.put("south", replace(stranger, site="south", prefixes=given.prefixes))
    assert sites.view("west").wanted is None
    assert "west waits until south has removed what it was given of vtn-red." in report(
        sites.view("west")
    )
    assert sites.view("east").wanted is not None
    sites.rest("south")
    assert sites.view("west").wanted is not None
