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
