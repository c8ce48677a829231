# SPDX-License-Identifier: Apache-2.0
"""Quotas of VPNs and of what projects have in them."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from tests.cloud import Cloud

VPNS = "/bgpvpn/bgpvpns"
RED, BLUE = "red-project", "blue-project"


def limit(cloud: Cloud, **limits: int) -> None:
    """Have an operator limit what the red project may have."""
    assert cloud.request("PUT", f"/quotas/{RED}", {"quota": limits}).status == 200


def test_a_project_has_as_many_vpns_as_its_quota(cloud: Cloud) -> None:
    """409 beyond, as of Neutron's own resources; every project has its own."""
    assert cloud.request("GET", f"/quotas/{RED}")["quota"]["mpls_vpn"] == -1
    limit(cloud, mpls_vpn=1)
    first = cloud.vpn()
    refused = cloud.request("POST", VPNS, {"bgpvpn": {"project_id": RED}})
    assert refused.status == 409
    assert refused["NeutronError"]["type"] == "OverQuota"
    assert refused.sentence == "Quota exceeded for resources: ['mpls_vpn']."
    cloud.vpn(BLUE)
    assert cloud.request("DELETE", f"{VPNS}/{first['id']}").status == 204
    cloud.vpn()


def test_several_at_once_are_counted_together(cloud: Cloud) -> None:
    """All or none."""
    limit(cloud, mpls_vpn=2)
    three = {"bgpvpns": [{"project_id": RED} for _ in range(3)]}
    assert cloud.request("POST", VPNS, three).status == 409
    assert cloud.leftovers() == {}
    mixed = {"bgpvpns": [{"project_id": project} for project in (RED, RED, BLUE)]}
    assert cloud.request("POST", VPNS, mixed).status == 201


def test_networks_routers_and_ports_in_vpns_are_counted_together(cloud: Cloud) -> None:
    """One in two VPNs counts twice; whose they are counts, not whose the VPN is."""
    limit(cloud, mpls_vpn_association=2)
    cloud.host("west-1")
    networks = [cloud.network(f"10.{n}.0.0/24") for n in range(3)]
    router = cloud.route(networks[0])
    port = cloud.port(networks[2], "west-1")["id"]
    vpn, other = cloud.vpn()["id"], cloud.vpn(route_targets=["64500:2"])["id"]
    assert cloud.associate(vpn, networks[1]).status == 201
    body = {"router_association": {"router_id": router}}
    assert cloud.request("POST", f"{VPNS}/{vpn}/router_associations", body, RED).status == 201
    for answer in (
        cloud.request(
            "POST", f"{VPNS}/{vpn}/port_associations", {"port_association": {"port_id": port}}, RED
        ),
        cloud.associate(other, networks[1]),
    ):
        assert answer.status == 409
        assert answer.sentence == "Quota exceeded for resources: ['mpls_vpn_association']."
    cloud.dissociate(vpn)
    assert cloud.associate(other, networks[1]).status == 201


def test_the_quota_api_shows_what_is_used(cloud: Cloud) -> None:
    """With the limits."""
    limit(cloud, mpls_vpn=5)
    cloud.associate(cloud.vpn()["id"], cloud.network("10.1.0.0/24"))
    shown = cloud.request("GET", f"/quotas/{RED}/details.json")["quota"]
    assert shown["mpls_vpn"] == {"limit": 5, "used": 1, "reserved": 0}
    assert shown["mpls_vpn_association"] == {"limit": -1, "used": 1, "reserved": 0}


@pytest.mark.parametrize("attempt", ["vpn", "association"])
def test_without_a_limit_nothing_is_counted(cloud: Cloud, attempt: str) -> None:
    """A project has as many as it likes, at one statement each time."""
    vpn, network = cloud.vpn()["id"], cloud.network("10.1.0.0/24")
    with cloud.statements() as statements:
        cloud.vpn() if attempt == "vpn" else cloud.associate(vpn, network)
    about_quotas = [text for text in statements if "quota" in text or "reservation" in text]
    assert len(about_quotas) == 1
