# SPDX-License-Identifier: Apache-2.0
"""What a site made of a virtual tenant network of which nobody has a document any more."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING
from uuid import uuid4

import pytest

if TYPE_CHECKING:
    from tests.cloud import Answer, Cloud
    from tests.vtn_site import Peer, Region

VTNS, SITES = "/vtn/virtual_tenant_networks", "/vtn/interconnect_sites"


@pytest.fixture
def own(west: Region) -> str:
    """This site, as isthmus-interconnect introduced it."""
    from tests.vtn_site import introduce

    return introduce(west)


@pytest.fixture
def lost(west: Region, own: str) -> str:
    """A network of east's that west realised and east knows nothing of any more."""
    from tests.vtn_site import Peer, exchange, new_vtn

    east: Peer = Peer("east")
    document = new_vtn("east", ["east", "west"], ["10.0.0.0/16"])
    east.put(document)
    exchange(west, east)
    east.store.clear()
    west.hear(east)
    return document.vtn_id


def abandon(cloud: Cloud, site: str, *vtn_ids: str) -> Answer:
    """Have what is left of networks removed, as an operator."""
    return cloud.request("PUT", f"{SITES}/{site}/recover", {"abandon": list(vtn_ids)})


def test_what_its_owner_lost_stays_as_it_is(cloud: Cloud, west: Region) -> None:
    """With and without servers on it, however often the worker looks."""
    from tests.vtn_site import Peer, exchange, new_vtn

    east = Peer("east")
    document = new_vtn("east", ["east", "west"], ["10.0.0.0/16"])
    east.put(document)
    exchange(west, east)
    (network,) = west.networks()
    lost = dict(east.store)
    east.store.clear()
    west.hear(east)
    assert west.view(document.vtn_id).is_behind
    west.check_all()
    assert [each["id"] for each in west.networks()] == [network["id"]]
    east.store.update(lost)
    exchange(west, east)
    west.check_all()
    assert [each["id"] for each in west.networks()] == [network["id"]]


def test_operators_read_what_to_do(cloud: Cloud, west: Region, own: str, lost: str) -> None:
    """Of this site and of the one that owned it."""
    west.check_all()
    sentence = f"openstack interconnect recover west --abandon {lost}"
    for site in (own, "east"):
        shown = cloud.request("GET", f"{SITES}/{site}")["interconnect_site"]
        assert shown["recovery"].startswith(f"No site has a document of {lost} any more")
        assert shown["recovery"].endswith(sentence)
    shown = cloud.request("GET", f"{VTNS}/{lost}")["virtual_tenant_network"]
    assert (shown["status"], shown["status_reason"]) == (
        "PENDING",
        "The owner of the network has to be heard first.",
    )


def test_what_is_abandoned_goes_wholly(cloud: Cloud, west: Region, own: str, lost: str) -> None:
    """Once servers have left it."""
    cloud.host("pe-1")
    port = cloud.port(str(west.said(lost).network_id), "pe-1")
    assert abandon(cloud, own, lost).status == 200
    west.check_all()
    assert len(west.networks()) == 1
    assert cloud.request("DELETE", f"/ports/{port['id']}").status == 204
    west.check_all()
    assert (west.networks(), west.published()) == ([], [])
    assert cloud.request("GET", f"{VTNS}/{lost}").status == 404
    assert west.record(lost) is None
    shown = cloud.request("GET", f"{SITES}/{own}")["interconnect_site"]
    assert shown["recovery"] == ""


def test_nothing_else_is_abandoned(cloud: Cloud, west: Region, own: str, lost: str) -> None:
    """What there is is deleted; what another site made is its own."""
    ours = west.create()
    for site, vtn_id, words in (
        (own, ours, "delete it"),
        (own, str(uuid4()), "there is nothing of it"),
        ("east", lost, "Only what west made"),
    ):
        answer = abandon(cloud, site, lost, vtn_id)
        assert (answer.status, words in answer.sentence) == (409, True), answer
    assert west.view(lost).own_member is not None
    assert cloud.request("PUT", f"{SITES}/{own}/recover", {"abandon": "all"}).status == 400


def test_one_that_turns_up_again_is_joined_anew(
    cloud: Cloud, west: Region, own: str, lost: str
) -> None:
    """Its owner may have been restored after all."""
    from tests.vtn_site import Peer, exchange, new_vtn

    former = west.said(lost)
    assert abandon(cloud, own, lost).status == 200
    west.check_all()
    east = Peer("east")
    east.put(replace(new_vtn("east", ["east", "west"], ["10.0.0.0/16"]), vtn_id=lost))
    exchange(west, east)
    assert west.said(lost).network_id not in (None, former.network_id)
