# SPDX-License-Identifier: Apache-2.0
"""A virtual tenant network that is deleted is seen until it is gone at every site."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from isthmus.model.vtn import ownership
from isthmus.model.vtn.documents import Change, Operation
from tests.contract.test_vtn_api import RED, VTNS, create, members, show

if TYPE_CHECKING:
    from tests.cloud import Cloud
    from tests.vtn_site import Peer, Region


@pytest.fixture
def east() -> Peer:
    """Another site."""
    from tests.vtn_site import Peer

    return Peer("east")


def test_a_deleted_one_is_seen_until_it_is_gone_everywhere(
    cloud: Cloud, west: Region, east: Peer
) -> None:
    """Who waits for its end reads who has still to remove something."""
    from tests.vtn_site import exchange

    made = create(cloud, members=["west", "east"])
    exchange(west, east)
    path = f"{VTNS}/{made['id']}"
    assert cloud.request("DELETE", path, project=RED).status == 204
    west.work()
    shown = show(cloud, made["id"])
    assert (shown["status"], shown["network_id"]) == ("PENDING_DELETE", None)
    assert shown["status_reason"].startswith("It is being removed at east. east: The site")
    listed = cloud.request("GET", f"{VTNS}?status=PENDING_DELETE", project=RED)
    assert [each["id"] for each in listed["virtual_tenant_networks"]] == [made["id"]]
    assert cloud.request("GET", f"{VTNS}?status=ACTIVE")["virtual_tenant_networks"] == []
    assert members(cloud, made["id"])["west"]["status"] == "DOWN"
    generation = cloud.request("GET", path)["virtual_tenant_network"]["generation"]
    assert cloud.request("DELETE", path, project=RED).status == 204
    assert cloud.request("GET", path)["virtual_tenant_network"]["generation"] == generation
    exchange(west, east)
    assert cloud.request("GET", path, project=RED).status == 404
    assert west.networks() == []
    assert (west.published(), east.store) == ([], {})


def test_what_is_being_deleted_cant_be_changed(cloud: Cloud, west: Region, east: Peer) -> None:
    """Nor joined; and its prefixes may be had by another."""
    west.trust("north")
    made = create(cloud, members=["west", "east"])
    path = f"{VTNS}/{made['id']}"
    cloud.request("DELETE", path, project=RED)
    for method, where, body in (
        ("PUT", path, {"virtual_tenant_network": {"name": "new"}}),
        ("POST", f"{path}/members", {"member": {"site": "north"}}),
        ("DELETE", f"{path}/members/east", None),
        ("PUT", f"{path}/members/west/accept", {}),
    ):
        more: dict[str, Any] = {} if body is None else {"body": body}
        answer = cloud.request(method, where, project=RED, **more)
        assert (answer.status, "delete" in answer.sentence) == (409, True), (method, where, answer)
    assert create(cloud)["prefixes"] == made["prefixes"]


def test_elsewhere_a_deletion_waits_for_the_owner(cloud: Cloud, west: Region, east: Peer) -> None:
    """It is seen at once that it was asked for, once; the owner's refusal ends that."""
    from tests.vtn_site import exchange, new_vtn

    document = new_vtn("east", ["east", "west"], ["10.0.0.0/16"])
    east.put(document)
    exchange(west, east)
    path = f"{VTNS}/{document.vtn_id}"
    for _ in range(2):
        assert cloud.request("DELETE", path, project=RED).status == 204
        shown = show(cloud, document.vtn_id)
        assert shown["status"] == "PENDING_DELETE"
        assert shown["status_reason"].startswith("Its deletion waits for the site east.")
        assert len(west.view(document.vtn_id).requests) == 1
    exchange(west, east)
    assert cloud.request("GET", path, project=RED).status == 404


def test_what_its_owner_has_forgotten_is_gone_before_the_view_says_so(
    cloud: Cloud, west: Region, east: Peer
) -> None:
    """What is heard is stored a moment before views follow."""
    from tests.vtn_site import exchange, new_vtn

    west.trust("north")
    document = new_vtn("east", ["east", "west"], ["10.0.0.0/16"])
    east.put(document)
    exchange(west, east)
    east.put(ownership.change(east.view(document.vtn_id), Operation.DELETE, Change()))
    west.hear(east)
    west.work()
    east.hear(west.published())
    changed = west.overhear(east)
    shown = show(cloud, document.vtn_id)
    assert (shown["status"], shown["status_reason"]) == ("PENDING_DELETE", "It has been removed.")
    path = f"{VTNS}/{document.vtn_id}"
    for method, where, more in (
        ("PUT", path, {"body": {"virtual_tenant_network": {"description": "new"}}}),
        ("DELETE", path, {}),
        ("POST", f"{path}/members", {"body": {"member": {"site": "north"}}}),
        ("DELETE", f"{path}/members/east", {}),
    ):
        answer = cloud.request(method, where, project=RED, **more)  # type: ignore[arg-type]
        assert answer.status == 404, (method, where, answer)
    west.refresh(changed)
    assert cloud.request("GET", path, project=RED).status == 404
    assert (west.published(), east.store) == ([], {})


def test_an_operator_may_take_over_what_is_being_deleted(
    cloud: Cloud, west: Region, east: Peer
) -> None:
    """Where the owner died before it was gone; deleted it stays."""
    from tests.vtn_site import exchange, new_vtn

    document = new_vtn("east", ["east", "west"], ["10.0.0.0/16"])
    east.put(document)
    exchange(west, east)
    east.put(ownership.change(east.view(document.vtn_id), Operation.DELETE, Change()))
    west.hear(east)
    path = f"{VTNS}/{document.vtn_id}"
    assert cloud.request("PUT", f"{path}/take_over", {}).status == 200
    assert show(cloud, document.vtn_id)["status"] == "PENDING_DELETE"
    exchange(west, east)
    assert cloud.request("GET", path, project=RED).status == 404
