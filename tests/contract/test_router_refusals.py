# SPDX-License-Identifier: Apache-2.0
"""What routers in VPNs, and networks beside them, are refused."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tests.contract.associations import BLUE, RED, VPNS, associate
from tests.contract.routers import (
    connect,
    joined,
    router,
    subnet_of,
    transit_networks,
)

if TYPE_CHECKING:
    from tests.cloud import Cloud
    from tests.fakes.driver import FlakyDriver


def test_a_network_of_an_associated_router_is_refused_and_the_other_way_round(
    cloud: Cloud,
) -> None:
    """In whatever VPNs, and an interface that would make it so."""
    network_id = cloud.network("10.1.0.0/24")
    subnet_id = subnet_of(cloud, network_id)
    router_id = router(cloud, network_id)
    vpn_id, other = joined(cloud, router_id), cloud.vpn()["id"]
    refused = cloud.associate(other, network_id)
    assert refused.status == 409
    assert f"attached to router {router_id}" in refused.sentence
    assert vpn_id in refused.sentence
    assert connect(cloud, router_id, subnet_id, "remove").status == 200
    assert cloud.associate(other, network_id).status == 201
    refused = connect(cloud, router_id, subnet_id)
    assert refused.status == 409
    assert "Delete one of the associations" in refused.sentence


def test_a_router_with_an_associated_network_is_refused(cloud: Cloud) -> None:
    """Where the network has a gateway of its own and the router is another way."""
    network_id = cloud.network("10.1.0.0/24")
    body = {"network_id": network_id, "fixed_ips": [{"ip_address": "10.1.0.200"}]}
    port = cloud.made(cloud.request("POST", "/ports", {"port": body}, RED), "port")
    router_id = router(cloud)
    path = f"/routers/{router_id}/add_router_interface"
    assert cloud.request("PUT", path, {"port_id": port["id"]}, RED).status == 200
    assert cloud.associate(cloud.vpn()["id"], network_id).status == 201
    refused = associate(cloud, cloud.vpn()["id"], "router", router_id)
    assert refused.status == 409
    assert f"attached to network {network_id}" in refused.sentence


def test_a_gateway_that_is_a_routers_names_the_router_association(cloud: Cloud) -> None:
    """The way that works."""
    network_id = cloud.network("10.1.0.0/24")
    router(cloud, network_id)
    refused = cloud.associate(cloud.vpn()["id"], network_id)
    assert refused.status == 409
    assert "Associate the router instead" in refused.sentence


def test_overlaps_are_refused_when_a_router_joins_and_when_it_gets_an_interface(
    cloud: Cloud,
) -> None:
    """The sentence names both."""
    vpn_id = cloud.vpn()["id"]
    cloud.made(cloud.associate(vpn_id, cloud.network("10.1.0.0/24")), "network_association")
    behind = cloud.network("10.1.0.0/25")
    refused = associate(cloud, vpn_id, "router", router(cloud, behind))
    assert refused.status == 409
    assert "overlaps" in refused.sentence
    empty = router(cloud)
    assert associate(cloud, vpn_id, "router", empty).status == 201
    refused = connect(cloud, empty, subnet_of(cloud, cloud.network("10.1.0.128/25")))
    assert refused.status == 409
    assert "overlaps" in refused.sentence


def test_somebody_elses_router_is_not_found_and_not_permitted(cloud: Cloud) -> None:
    """Not by its project's neighbor, nor by an administrator into another project's VPN."""
    vpn_id = cloud.vpn()["id"]
    router_id = router(cloud, project=BLUE)
    assert associate(cloud, vpn_id, "router", router_id).status == 404
    body = {"router_association": {"router_id": router_id}}
    refused = cloud.request("POST", f"{VPNS}/{vpn_id}/router_associations", body)
    assert refused.status == 403


def test_the_same_router_twice_is_refused(cloud: Cloud) -> None:
    """One association says it all."""
    router_id = router(cloud)
    vpn_id = joined(cloud, router_id)
    refused = associate(cloud, vpn_id, "router", router_id)
    assert refused.status == 409
    assert "already associated" in refused.sentence


def test_what_is_ours_is_guarded(cloud: Cloud, driver: FlakyDriver) -> None:
    """Against administrators too, who see it."""
    router_id = router(cloud, cloud.network("10.1.0.0/24"))
    joined(cloud, router_id)
    cloud.dispatch()
    (transit,) = transit_networks(cloud)
    path = f"/routers/{router_id}"
    assert cloud.request("PUT", path, {"router": {"routes": []}}).status == 200
    remove = f"{path}/remove_router_interface"
    for subnet in cloud.request("GET", f"/subnets?network_id={transit['id']}")["subnets"]:
        refused = cloud.request("PUT", remove, {"subnet_id": subnet["id"]})
        assert refused.status == 409
        assert "Delete the association of the router" in refused.sentence
    refused = cloud.request("DELETE", f"/networks/{transit['id']}")
    assert refused.status == 409
    for port in cloud.request("GET", f"/ports?network_id={transit['id']}")["ports"]:
        assert cloud.request("DELETE", f"/ports/{port['id']}").status == 409
        renamed = cloud.request("PUT", f"/ports/{port['id']}", {"port": {"name": "x"}})
        assert renamed.status == 409
    assert cloud.request("DELETE", f"/routers/{router_id}").status == 409
