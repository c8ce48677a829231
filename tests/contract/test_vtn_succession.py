# SPDX-License-Identifier: Apache-2.0
"""Networks of a site that has been DOWN for long are taken over by themselves."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from isthmus.model.vtn import membership, ownership
from isthmus.model.vtn.documents import Acceptance, Change, Operation
from tests.contract.test_vtn_api import VTNS, update

if TYPE_CHECKING:
    from isthmus.interconnect.neutron_estate import NeutronEstate
    from tests.cloud import Cloud
    from tests.vtn_site import Peer, Region

EVENTS = "/vtn/interconnect_events"
woken: list[bool] = []


@pytest.fixture
def estate() -> NeutronEstate:
    """What west may take over after a minute."""
    from isthmus.interconnect.neutron_estate import NeutronEstate

    woken.clear()
    return NeutronEstate("west", 60.0, lambda: woken.append(True))


@pytest.fixture
def east() -> Peer:
    """Another site."""
    from tests.vtn_site import Peer

    return Peer("east")


def test_after_the_delay_what_it_owned_is_ours(
    cloud: Cloud, west: Region, east: Peer, estate: NeutronEstate
) -> None:
    """Once, with an event; it follows when it returns, and what it did unheard is told."""
    from tests.vtn_site import exchange, new_vtn

    vtns = [new_vtn("east", ["east", "west"], [f"10.{each}.0.0/16"]) for each in range(3)]
    alone = new_vtn("east", ["east"], ["10.9.0.0/16"])
    east.put(*vtns, alone)
    exchange(west, east)
    deleted = ownership.change(east.view(vtns[2].vtn_id), Operation.DELETE, Change())
    east.put(deleted)
    west.hear(east)
    assert estate.take_over("east", 59.0, {"north"}) == ()
    assert estate.take_over("north", 99.0, ()) == []
    wanted = sorted(each.vtn_id for each in vtns[:2])
    assert estate.take_over("east", 61.0, {"north"}) == wanted
    assert estate.take_over("east", 66.0, {"north"}) == []
    assert woken == [True]
    path = f"{VTNS}/{wanted[0]}"
    shown = cloud.request("GET", path)["virtual_tenant_network"]
    assert (shown["owner_site"], shown["epoch"]) == ("west", 2)
    told = cloud.request("GET", f"{EVENTS}?virtual_tenant_network_id={wanted[0]}")
    (sentence,) = [
        each["sentence"] for each in told["interconnect_events"] if "by itself" in each["sentence"]
    ]
    assert sentence == (
        "Taken over from east by itself, with epoch 2: it has been DOWN for 61 seconds, and "
        "take_over_after_s is 60."
    )
    assert update(cloud, wanted[0], name="ours").status == 200
    renamed = ownership.change(east.view(wanted[0]), Operation.UPDATE, Change(name="unheard"))
    east.put(renamed)
    exchange(west, east)
    assert east.view(wanted[0]).document == west.view(wanted[0]).document
    notice = cloud.request("GET", path)["virtual_tenant_network"]["notice"]
    assert "name 'unheard' (is 'ours')" in notice


def test_of_several_members_the_first_by_name_is_first(
    cloud: Cloud, west: Region, east: Peer, estate: NeutronEstate
) -> None:
    """As long as it is there."""
    from tests.vtn_site import Peer, exchange, new_vtn

    west.trust("north")
    north = Peer("north")
    document = new_vtn("east", ["east", "north", "west"], ["10.0.0.0/16"])
    east.put(document)
    exchange(west, east, north)
    assert estate.take_over("east", 61.0, {"north"}) == []
    assert estate.take_over("east", 121.0, {"north"}) == [document.vtn_id]
    exchange(west, east, north)
    owners = {each.view(document.vtn_id).document.owner for each in (west, east, north)}  # type: ignore[union-attr]
    assert owners == {"west"}


def test_whoever_did_not_accept_takes_nothing_over(
    cloud: Cloud, west: Region, east: Peer, estate: NeutronEstate
) -> None:
    """Nor what has a newer owner."""
    from tests.vtn_site import exchange, new_vtn

    document = new_vtn("east", ["east", "west"], ["10.0.0.0/16"])
    east.put(document)
    exchange(west, east)
    said = membership.speak(west.view(document.vtn_id), acceptance=Acceptance.REFUSED)
    west.put(said)
    assert estate.take_over("east", 61.0, ()) == []
