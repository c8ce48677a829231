# SPDX-License-Identifier: Apache-2.0
"""What owners write, and who becomes one."""

from __future__ import annotations

from dataclasses import replace

import pytest

from isthmus.model.errors import IntentConflict, InvalidValue, NotPermitted
from isthmus.model.vtn import membership, ownership
from isthmus.model.vtn.documents import (
    Acceptance,
    Change,
    Kind,
    MemberGrant,
    Operation,
    SiteDocument,
    VtnType,
)
from isthmus.model.vtn.merge import merge
from tests.unit.model.vtn.west_and_east import VTN_RED, Sites, prefixes, vtn_red


def _sites(*texts: str, members: tuple[str, ...] = ("west", "east")) -> Sites:
    sites = Sites(vtn_red(*texts, members=members))
    sites.rest()
    return sites


def _change(sites: Sites, operation: Operation, **values: object) -> None:
    sites.put("west", ownership.change(sites.view("west"), operation, Change(**values)))  # type: ignore[arg-type]


def _grant(sites: Sites, site: str) -> MemberGrant | None:
    document = sites.view("west").document
    assert document is not None
    return document.grant(site)


def test_a_vtn_without_named_members_is_the_owners_alone() -> None:
    """And members of other types are given no slices."""
    alone = ownership.create("v", "west", "red", prefixes=prefixes("198.51.100.0/24"))
    assert [(each.site, each.project) for each in alone.members] == [("west", "red")]
    for type_ in (VtnType.SUBNET, VtnType.L2):
        assert {each.prefixes for each in vtn_red(type_=type_).members} == {()}


def test_prefixes_that_overlap_are_refused() -> None:
    """One could be given twice."""
    with pytest.raises(InvalidValue, match="overlap"):
        vtn_red("198.51.100.0/24", "198.51.100.128/25")


def test_only_the_owner_changes_a_vtn() -> None:
    """Others have to ask."""
    sites = _sites()
    with pytest.raises(NotPermitted, match="owned by west"):
        ownership.change(sites.view("east"), Operation.DELETE, Change())
    with pytest.raises(NotPermitted, match="nobody"):
        ownership.change(merge("west", "vtn-blue", []), Operation.DELETE, Change())


def test_what_is_not_said_stays() -> None:
    """Each change is the next generation."""
    sites = _sites()
    _change(sites, Operation.UPDATE, name="new", admin_state_up=False, rate_kbps=5)
    _change(sites, Operation.UPDATE, description="A net.", prefixes=prefixes("198.51.100.0/24"))
    document = sites.view("west").document
    assert document is not None
    assert (document.name, document.description, document.admin_state_up) == (
        "new",
        "A net.",
        False,
    )
    assert (document.rate_kbps, document.generation) == (5, 3)


def test_a_member_that_is_one_is_not_added_again() -> None:
    """Nor one that left given something else, if it comes back before it has removed all."""
    sites = _sites()
    before = _grant(sites, "east")
    _change(sites, Operation.ADD_MEMBER, member="east")
    assert _grant(sites, "east") == before
    _change(sites, Operation.REMOVE_MEMBER, member="east")
    leaving = _grant(sites, "east")
    assert leaving is not None
    assert leaving.is_leaving
    _change(sites, Operation.REMOVE_MEMBER, member="east")
    assert _grant(sites, "east") == leaving
    _change(sites, Operation.ADD_MEMBER, member="east")
    assert _grant(sites, "east") == before


def test_a_member_leaves_once_it_has_removed_everything() -> None:
    """Then another may be given what it had."""
    sites = _sites("198.51.100.0/28")
    before = _grant(sites, "east")
    _change(sites, Operation.REMOVE_MEMBER, member="east")
    with pytest.raises(IntentConflict, match="no room"):
        _change(sites, Operation.ADD_MEMBER, member="south")
    sites.rest()
    assert _grant(sites, "east") is None
    _change(sites, Operation.ADD_MEMBER, member="south", member_project="theirs")
    assert before is not None
    assert _grant(sites, "south") == MemberGrant("south", "theirs", before.prefixes)
    _change(sites, Operation.REMOVE_MEMBER, member="nowhere")


def test_a_member_of_a_revoked_site_has_left() -> None:
    """Nothing is expected of it."""
    sites = _sites()
    _change(sites, Operation.ADD_MEMBER, member="south")
    _change(sites, Operation.REMOVE_MEMBER, member="south")
    sites.rest()
    assert _grant(sites, "south") is not None
    sites.revoked.add("south")
    sites.rest()
    assert _grant(sites, "south") is None
    assert ownership.let_go(merge("west", "vtn-blue", [])) == ()


def test_what_makes_no_sense_is_refused() -> None:
    """With what to do instead."""
    sites = _sites()
    with pytest.raises(InvalidValue, match="not said"):
        _change(sites, Operation.ADD_MEMBER)
    east = sites.view("east")
    sites.put("east", membership.speak(east, ports=2))
    with pytest.raises(IntentConflict, match="2 ports"):
        _change(sites, Operation.REMOVE_MEMBER, member="east")
    sites.put("east", membership.speak(east, acceptance=Acceptance.REFUSED))
    with pytest.raises(IntentConflict, match="refused"):
        _change(sites, Operation.ADD_MEMBER, member="east")
    alone = _sites(members=("west",))
    with pytest.raises(IntentConflict, match="only member"):
        _change(alone, Operation.REMOVE_MEMBER, member="west")


def test_new_prefixes_are_cut_for_those_who_have_none_of_the_family() -> None:
    """What is given has to stay inside."""
    sites = _sites()
    more = prefixes("2001:db8::/48", "198.51.100.0/23")
    _change(sites, Operation.UPDATE, prefixes=more)
    east = _grant(sites, "east")
    assert east is not None
    assert east.prefixes == prefixes("198.51.100.0/26", "2001:db8::/64")
    with pytest.raises(IntentConflict, match="remove that member first"):
        _change(sites, Operation.UPDATE, prefixes=prefixes("203.0.113.0/24"))
    _change(sites, Operation.UPDATE, prefixes=(*more, *prefixes("2001:db8:1::/48")))
    assert _grant(sites, "east") == east


def test_deleting_is_for_good() -> None:
    """Deleting again is no error; changing is."""
    sites = _sites()
    _change(sites, Operation.DELETE)
    _change(sites, Operation.DELETE)
    with pytest.raises(IntentConflict, match="deleted"):
        _change(sites, Operation.UPDATE, name="new")
    sites.rest()
    assert not any(sites.stores.values())


def test_what_a_revoked_owner_left_brings_nothing_back() -> None:
    """As long as its document is kept, so is the tombstone."""
    everybody = ("west", "east", "south")
    sites = Sites(vtn_red(members=everybody))
    sites.rest(*everybody)
    old = sites.stores["west"]
    sites.stores["west"] = {}
    sites.put("west", *(each for key, each in old.items() if key[0] is Kind.VTN))
    sites.put("east", ownership.take_over(sites.view("east")))
    sites.put("east", ownership.change(sites.view("east"), Operation.DELETE, Change()))
    sites.revoked.add("west")
    sites.rest("east", "south")
    assert (Kind.VTN, VTN_RED) in sites.stores["east"]
    assert sites.view("south").document.grant("west") is None  # type: ignore[union-attr]
    tombstone = sites.stores["east"].pop((Kind.VTN, VTN_RED))
    assert sites.view("south").document == old[Kind.VTN, VTN_RED]
    assert ownership.take_over(sites.view("south")).is_deleted
    sites.put("east", tombstone)
    del sites.stores["west"]
    sites.rest("east", "south")
    assert not any(sites.stores.values())


def test_a_former_owner_is_waited_for_even_if_its_document_was_lost() -> None:
    """It may still live by it."""
    sites = Sites(vtn_red(members=("east",)))
    sites.rest()
    sites.cut("west")
    sites.put("east", ownership.take_over(sites.view("east")))
    sites.stores["west"], lost = {}, sites.stores["west"]
    sites.heal()
    sites.put("east", ownership.change(sites.view("east"), Operation.DELETE, Change()))
    sites.rest("east")
    assert (Kind.VTN, VTN_RED) in sites.stores["east"]
    sites.stores["west"] = lost
    sites.rest()
    assert not any(sites.stores.values())


def test_a_member_takes_over_and_the_former_owner_follows() -> None:
    """With the greater epoch."""
    sites = _sites()
    sites.put("east", ownership.take_over(sites.view("east")))
    sites.rest()
    for name in ("west", "east"):
        view = sites.view(name)
        assert view.document is not None
        assert (view.document.owner, view.document.epoch) == ("east", 2)
        assert view.is_owner == (name == "east")
    assert [str(each) for each in sites.view("east").document.took_over] == ["1/west/1"]  # type: ignore[union-attr]


def test_who_may_not_take_over_is_told_why() -> None:
    """Only members may, and only what there is and is not theirs."""
    sites = _sites()
    with pytest.raises(IntentConflict, match="already"):
        ownership.take_over(sites.view("west"))
    with pytest.raises(NotPermitted, match="no member"):
        ownership.take_over(sites.view("south"))
    with pytest.raises(IntentConflict, match="Nothing is known"):
        ownership.take_over(merge("west", "vtn-blue", []))
    assert not ownership.may_take_over(merge("west", "vtn-blue", []))


def test_a_new_owner_gives_nothing_until_the_former_has_spoken() -> None:
    """Unless an operator vouches for it."""
    sites = _sites()
    sites.cut("west")
    sites.put("east", ownership.take_over(sites.view("east")))
    sites.rest("east")
    add = Change(member="south")
    with pytest.raises(IntentConflict, match="west"):
        ownership.change(sites.view("east"), Operation.ADD_MEMBER, add)
    sites.put("east", ownership.take_over(sites.view("east"), ["west"]))
    vouched = ownership.change(sites.view("east"), Operation.ADD_MEMBER, add)
    assert (vouched.vouched_gone, vouched.epoch) == (("west",), 3)
    more = Change(prefixes=(*prefixes("198.51.100.0/24", "2001:db8::/48"),))
    assert ownership.change(sites.view("east"), Operation.UPDATE, more).prefixes == more.prefixes
    sites.heal()
    sites.rest()
    sites.put("west", ownership.take_over(sites.view("west")))
    assert sites.view("west").document.vouched_gone == ()  # type: ignore[union-attr]


def test_members_that_only_a_former_owner_knew_of_leave() -> None:
    """What it gave them stays reserved until they say so."""
    sites = _sites()
    sites.cut("east")
    _change(sites, Operation.ADD_MEMBER, member="south")
    south = _grant(sites, "south")
    sites.put("east", ownership.take_over(sites.view("east")))
    sites.heal()
    sites.rest()
    sites.put("west", ownership.take_over(sites.view("west")))
    after = _grant(sites, "south")
    assert south is not None
    assert after is not None
    assert after.prefixes == south.prefixes
    assert str(after.leaving_since) == "3/west/3"


def test_an_owner_that_lost_what_it_wrote_takes_over_from_itself() -> None:
    """As after its database was restored from a backup: others know of newer versions."""
    sites = _sites()
    backup = sites.view("west").own_document
    assert backup is not None
    _change(sites, Operation.UPDATE, name="lost")
    sites.rest()
    sites.put("west", backup)
    assert sites.view("west").has_lost_versions
    sites.rest()
    for name in ("west", "east"):
        document = sites.view(name).document
        assert document is not None
        assert (document.name, document.epoch) == ("red", 2)


def test_a_site_that_is_no_member_knows_nothing_of_its_own() -> None:
    """But what the VTN is."""
    sites = _sites()
    sites.put("west", replace(vtn_red(), vtn_id="vtn-blue"), SiteDocument("west", "i", 1, 64500))
    view = sites.view("south")
    assert view.document is not None
    assert view.document.vtn_id == VTN_RED
    assert (view.grant, view.wanted, view.own_member, view.own_document) == (None,) * 4
