# SPDX-License-Identifier: Apache-2.0
"""What somebody changes by hand of a virtual tenant network is put back, or left and told."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from isthmus.model.report import Status
from isthmus.model.vtn.documents import Operation

if TYPE_CHECKING:
    from tests.cloud import Cloud
    from tests.vtn_site import Region

RED = "red-project"
VPNS = "/bgpvpn/bgpvpns"


@pytest.fixture
def vtn_id(west: Region) -> str:
    """One that is realised."""
    vtn_id = west.create()
    west.work()
    return vtn_id


def rename(cloud: Cloud, network_id: str, name: str) -> None:
    """Do what a tenant may do with a network of its own."""
    answer = cloud.request("PUT", f"/networks/{network_id}", {"network": {"name": name}}, RED)
    assert answer.status == 200


def test_a_network_that_was_renamed_gets_its_name_back(
    cloud: Cloud, west: Region, vtn_id: str
) -> None:
    """At once: Neutron tells."""
    (network,) = west.networks()
    rename(cloud, network["id"], "mine")
    west.work()
    assert west.networks()[0]["name"] == "red"
    assert west.said(vtn_id).drift == ()


def test_a_name_that_is_left_is_told(cloud: Cloud, west: Region, vtn_id: str) -> None:
    """The rest goes on."""
    (network,) = west.networks()
    west.start(drift="leave")
    rename(cloud, network["id"], "mine")
    west.work()
    assert west.networks()[0]["name"] == "mine"
    said = west.said(vtn_id)
    assert said.drift == (f"Network {network['id']} was renamed from 'red' to 'mine'.",)
    assert said.status is Status.ACTIVE
    west.change(vtn_id, Operation.UPDATE, admin_state_up=False)
    west.work()
    assert west.said(vtn_id).status is Status.DOWN


def test_a_vpn_that_was_deleted_is_made_again(cloud: Cloud, west: Region, vtn_id: str) -> None:
    """At once, with the id it had; only operators can delete it."""
    (vpn,) = cloud.request("GET", VPNS)["bgpvpns"]
    assert cloud.request("DELETE", f"{VPNS}/{vpn['id']}").status == 204
    west.work()
    (again,) = cloud.request("GET", VPNS)["bgpvpns"]
    assert (again["id"], again["networks"]) == (vpn["id"], vpn["networks"])
    assert west.said(vtn_id).status is Status.ACTIVE


def test_a_network_and_a_vpn_that_were_deleted_are_made_again(
    cloud: Cloud, west: Region, vtn_id: str
) -> None:
    """All of it."""
    (network,) = west.networks()
    assert cloud.request("DELETE", f"{VPNS}/{west.said(vtn_id).bgpvpn_id}").status == 204
    assert cloud.request("DELETE", f"/networks/{network['id']}", project=RED).status == 204
    west.check_all()
    (again,) = west.networks()
    assert again["id"] == network["id"]
    assert sorted(again["subnets"]) == sorted(network["subnets"])
    assert west.said(vtn_id).status is Status.ACTIVE


def test_what_is_missing_and_left_is_an_error(cloud: Cloud, west: Region, vtn_id: str) -> None:
    """The tenant reads that somebody did it, the operator what."""
    west.start(drift="leave")
    said = west.said(vtn_id)
    assert cloud.request("DELETE", f"{VPNS}/{said.bgpvpn_id}").status == 204
    west.check_all()
    assert cloud.request("GET", VPNS)["bgpvpns"] == []
    said = west.said(vtn_id)
    assert (said.status, said.reason) == (Status.ERROR, "It was changed by hand at this site.")
    assert said.drift == (f"BGP VPN {said.bgpvpn_id} was deleted.",)
    west.start(drift="repair")
    west.check_all()
    assert west.said(vtn_id).status is Status.ACTIVE


def test_a_network_taken_out_of_the_vpn_is_put_back(
    cloud: Cloud, west: Region, vtn_id: str
) -> None:
    """At once; by an operator, who alone sees the VPN."""
    path = f"{VPNS}/{west.said(vtn_id).bgpvpn_id}/network_associations"
    (association,) = cloud.request("GET", path)["network_associations"]
    assert cloud.request("DELETE", f"{path}/{association['id']}").status == 204
    west.work()
    (again,) = cloud.request("GET", path)["network_associations"]
    body = {"network_association": {"admin_state_up": False}}
    assert cloud.request("PUT", f"{path}/{again['id']}", body).status == 200
    west.work()
    (again,) = cloud.request("GET", path)["network_associations"]
    assert again["admin_state_up"] is True


def test_a_network_that_was_deleted_is_made_again_at_once(
    cloud: Cloud, west: Region, vtn_id: str
) -> None:
    """Once an operator has taken it out of the VPN: while that is left, it is told at once."""
    said = west.said(vtn_id)
    path = f"{VPNS}/{said.bgpvpn_id}/network_associations"
    west.start(drift="leave")
    (association,) = cloud.request("GET", path)["network_associations"]
    assert cloud.request("DELETE", f"{path}/{association['id']}").status == 204
    west.work()
    assert west.said(vtn_id).drift == (
        f"Network {said.network_id} was taken out of BGP VPN {said.bgpvpn_id}.",
    )
    body = {"network_association": {"network_id": said.network_id}}
    cloud.made(cloud.request("POST", path, body), "network_association")
    west.work()
    assert west.said(vtn_id).drift == ()
    (association,) = cloud.request("GET", path)["network_associations"]
    assert cloud.request("DELETE", f"{path}/{association['id']}").status == 204
    west.start(drift="repair")
    assert cloud.request("DELETE", f"/networks/{said.network_id}", project=RED).status == 204
    west.work()
    (again,) = west.networks()
    assert again["id"] == said.network_id
    assert west.said(vtn_id).status is Status.ACTIVE


def test_a_subnet_that_was_added_stays_and_is_told(cloud: Cloud, west: Region, vtn_id: str) -> None:
    """It is the tenant's, and there may be servers on it."""
    (network,) = west.networks()
    subnet = cloud.made(cloud.subnet(network["id"], "172.16.0.0/24"), "subnet")
    west.work()
    sentence = (
        f"Subnet {subnet['id']} (172.16.0.0/24) was added; it is carried to the other members."
    )
    assert west.said(vtn_id).drift == (sentence,)
    assert west.said(vtn_id).status is Status.ACTIVE
    assert len(west.networks()[0]["subnets"]) == 3
