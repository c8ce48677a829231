# SPDX-License-Identifier: Apache-2.0
"""VPNs shared with other projects by Neutron's RBAC."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from tests.cloud import Answer, Cloud

VPNS = "/bgpvpn/bgpvpns"
RED = "red-project"
# RBAC takes projects by UUID alone.
GUEST, STRANGER = "6d2f8a7c-0000-4000-8000-000000000001", "6d2f8a7c-0000-4000-8000-000000000002"
NOBODY = "00000000-0000-4000-8000-000000000000"


def share(cloud: Cloud, vpn_id: str, target: str, project: str | None = RED) -> Answer:
    """Share a VPN."""
    body: dict[str, Any] = {"object_type": "bgpvpn", "object_id": vpn_id}
    body |= {"action": "access_as_shared", "target_tenant": target}
    return cloud.request("POST", "/rbac-policies", {"rbac_policy": body}, project)


def test_a_project_sees_and_uses_a_vpn_shared_with_it(cloud: Cloud) -> None:
    """Without what is the operator's, and of what is in it its own alone."""
    vpn_id = cloud.vpn(name="common")["id"]
    own, theirs = cloud.network("10.1.0.0/24"), cloud.network("10.2.0.0/24", project=GUEST)
    cloud.associate(vpn_id, own)
    assert cloud.request("GET", f"{VPNS}/{vpn_id}", project=GUEST).status == 404
    assert cloud.associate(vpn_id, theirs, GUEST).status == 404
    assert share(cloud, vpn_id, GUEST).status == 201
    shown = cloud.request("GET", f"{VPNS}/{vpn_id}", project=GUEST)["bgpvpn"]
    assert (shown["name"], shown["shared"], shown["networks"]) == ("common", True, [])
    assert "route_targets" not in shown
    made = cloud.associate(vpn_id, theirs, GUEST)
    assert (made.status, made["network_association"]["project_id"]) == (201, GUEST)
    assert cloud.associate(vpn_id, own, GUEST).status == 404
    path = f"{VPNS}/{vpn_id}/network_associations"
    mine = cloud.request("GET", path, project=GUEST)["network_associations"]
    assert [each["network_id"] for each in mine] == [theirs]
    (listed,) = cloud.request("GET", VPNS, project=GUEST)["bgpvpns"]
    assert listed["networks"] == [theirs]
    owners = cloud.request("GET", f"{VPNS}/{vpn_id}", project=RED)["bgpvpn"]
    assert (sorted(owners["networks"]), owners["shared"]) == (sorted([own, theirs]), False)
    assert cloud.request("GET", VPNS, project=STRANGER)["bgpvpns"] == []
    assert cloud.request("PUT", f"{VPNS}/{vpn_id}", {"bgpvpn": {"name": "x"}}, GUEST).status == 403


def test_a_vpn_is_not_taken_from_a_project_that_uses_it(cloud: Cloud) -> None:
    """409 until its associations are gone, or it may use the VPN otherwise."""
    vpn_id = cloud.vpn()["id"]
    policy = share(cloud, vpn_id, GUEST)["rbac_policy"]
    path = f"/rbac-policies/{policy['id']}"
    cloud.associate(vpn_id, cloud.network("10.2.0.0/24", project=GUEST), GUEST)
    assert cloud.request("DELETE", path, project=RED).status == 409
    body = {"rbac_policy": {"target_tenant": STRANGER}}
    assert cloud.request("PUT", path, body, RED).status == 409
    everybody = share(cloud, vpn_id, "*", None)["rbac_policy"]
    assert cloud.request("DELETE", path, project=RED).status == 204
    assert cloud.request("DELETE", f"/rbac-policies/{everybody['id']}").status == 409
    assert len(cloud.request("GET", VPNS, project=STRANGER)["bgpvpns"]) == 1
    cloud.dissociate(vpn_id, GUEST)
    assert cloud.request("DELETE", f"/rbac-policies/{everybody['id']}").status == 204


@pytest.mark.parametrize("action", ["access_as_external", "anything"])
def test_what_can_not_be_shared_is_refused(cloud: Cloud, action: str) -> None:
    """400: no such VPN, another project's, or another action."""
    vpn_id = cloud.vpn()["id"]
    assert share(cloud, NOBODY, GUEST).status == 400
    assert share(cloud, vpn_id, STRANGER, GUEST).status == 400
    body = {"object_type": "bgpvpn", "object_id": vpn_id, "action": action, "target_tenant": GUEST}
    assert cloud.request("POST", "/rbac-policies", {"rbac_policy": body}, RED).status == 400


@pytest.fixture
def shared(cloud: Cloud) -> tuple[str, str]:
    """A VPN with a network of its owner's, shared with a guest; return both ids."""
    vpn_id, network_id = cloud.vpn()["id"], cloud.network("10.1.0.0/24")
    cloud.associate(vpn_id, network_id)
    share(cloud, vpn_id, GUEST)
    return vpn_id, network_id


def test_a_guest_is_not_told_what_its_network_overlaps(
    cloud: Cloud, shared: tuple[str, str]
) -> None:
    """Neither when it joins nor when a subnet comes later; owner and operator are."""
    vpn_id, theirs = shared
    mine = cloud.network("10.1.0.128/25", project=GUEST)
    refused = cloud.associate(vpn_id, mine, GUEST)
    assert refused.status == 409
    assert "overlaps something of another project" in refused.sentence
    assert theirs not in refused.sentence
    other = cloud.network("10.2.0.0/24", project=GUEST)
    assert cloud.associate(vpn_id, other, GUEST).status == 201
    late = cloud.subnet(other, "10.1.0.0/25", project=GUEST)
    assert (late.status, theirs in late.sentence) == (409, False)
    owners = cloud.associate(vpn_id, cloud.network("10.2.0.0/25"), RED)
    assert (owners.status, other in owners.sentence) == (409, True)
    assert theirs in cloud.associate(vpn_id, mine, None).sentence


def test_a_guest_reads_of_its_own_networks_alone_why_a_status_is_as_it_is(
    cloud: Cloud, shared: tuple[str, str]
) -> None:
    """Remarks and refusals on others' are the owner's."""
    from isthmus.model.errors import IntentConflict

    vpn_id, theirs = shared
    empty, mine = cloud.network(), cloud.network(project=GUEST)
    cloud.associate(vpn_id, empty)
    cloud.associate(vpn_id, mine, GUEST)
    cloud.dispatch()
    told = cloud.status(vpn_id, GUEST)[1]
    assert (empty in told, mine in told) == (False, True)
    for project in (RED, None):
        told = cloud.status(vpn_id, project)[1]
        assert (empty in told, mine in told) == (True, True)
    for about, is_told in ((theirs, False), (mine, True)):
        cloud.refuse(vpn_id, IntentConflict(f"The gateway of network {about} is in use."))
        status, told = cloud.status(vpn_id, GUEST)
        assert (status, about in told) == ("ERROR", is_told)
        assert is_told or "the owner of the BGP VPN can see" in told
        assert about in cloud.status(vpn_id, RED)[1]


def test_vpns_of_other_projects_are_not_named(cloud: Cloud) -> None:
    """Where a router that is in one meets a network of somebody else's that is in another."""
    network_id = cloud.network("10.1.0.0/24")
    body = {"network": {"shared": True}}
    assert cloud.request("PUT", f"/networks/{network_id}", body).status == 200
    theirs, mine = cloud.vpn()["id"], cloud.vpn(GUEST, route_targets=["64500:2"])["id"]
    cloud.made(cloud.associate(theirs, network_id), "network_association")
    router = cloud.made(cloud.request("POST", "/routers", {"router": {}}, GUEST), "router")["id"]
    joins = {"router_association": {"router_id": router}}
    assert cloud.request("POST", f"{VPNS}/{mine}/router_associations", joins, GUEST).status == 201
    on_it = {"port": {"network_id": network_id}}
    port = cloud.made(cloud.request("POST", "/ports", on_it, GUEST), "port")
    path = f"/routers/{router}/add_router_interface"
    refused = cloud.request("PUT", path, {"port_id": port["id"]}, GUEST)
    assert refused.status == 409
    assert "is associated with a BGP VPN of another project" in refused.sentence
    assert mine in refused.sentence
    assert theirs not in refused.sentence
    assert theirs in cloud.request("PUT", path, {"port_id": port["id"]}).sentence
