# SPDX-License-Identifier: Apache-2.0
"""A router in a VPN: what is behind it is reached from the other region, and it stays a router.

west   10.95.1.0/24, 2001:db8:95:1::/64 ─┐
       10.95.2.0/24 ─────────────────────┴ router ─ VPN ─ 10.95.9.0/24, 2001:db8:95:9::/64   east
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import dataclass
from ipaddress import IPv4Interface
from typing import Any

import pytest

from lab.demo.stage import Stage
from lab.waiting import wait_until
from tests.scenario import figures
from tests.scenario.rig import CONVERGENCE_S, Host, Outside, Rig, refused, rigs

ROUTE_TARGET = "64500:6950"
OUTSIDE = IPv4Interface("203.0.113.10/24")
pytestmark = pytest.mark.timeout(400)


@dataclass(frozen=True, slots=True)
class Scene:
    """Two hosts behind a router in the west, one on a network in the east."""

    west: Rig
    east: Rig
    router_id: str
    vpn_id: str
    one: Host
    two: Host
    far: Host
    network_ids: tuple[str, str]

    def association_id(self) -> str:
        """The one of the router with the VPN."""
        path = f"/bgpvpn/bgpvpns/{self.vpn_id}/router_associations"
        (association,) = self.west.cloud.call("GET", path)["router_associations"]
        return str(association["id"])


@pytest.fixture(scope="module")
def scene(stage: Stage) -> Iterator[Scene]:
    """All of it, the VPN ACTIVE in both regions; a test leaves it so, but for the last."""
    with rigs(stage, "routers") as (west, east):
        networks = (
            west.make_network("10.95.1.0/24", "2001:db8:95:1::/64"),
            west.make_network("10.95.2.0/24"),
        )
        router_id = west.make_router(*networks)
        one, two = west.make_host(networks[0], 0), west.make_host(networks[1], 1)
        far_network = east.make_network("10.95.9.0/24", "2001:db8:95:9::/64")
        far = east.make_host(far_network, 0)
        west_vpn, east_vpn = west.make_vpn(ROUTE_TARGET), east.make_vpn(ROUTE_TARGET)
        start = time.monotonic()
        west.associate(west_vpn, "router", router_id)
        east.associate(east_vpn, "network", far_network)
        west.settle()
        figures.add(f"{time.monotonic() - start:.1f} s from association of a router to ACTIVE")
        east.settle()
        yield Scene(west, east, router_id, west_vpn, one, two, far, networks)


def test_what_is_behind_a_router_and_the_other_region_reach_each_other(scene: Scene) -> None:
    """Both families, both directions, from each of its networks; and each other, as before."""
    pairs = [
        (scene.one, scene.far, 4),
        (scene.one, scene.far, 6),
        (scene.two, scene.far, 4),
        (scene.one, scene.two, 4),
    ]
    for near, far, family in pairs:
        near.must_reach(far.addresses[family])
        far.must_reach(near.addresses[family])
    for near, far, family in pairs:
        for source, target in ((near, far), (far, near)):
            pinged = source.ping(target.addresses[family], 20)
            assert (pinged.sent, pinged.received) == (20, 20)
            figures.add(f"IPv{family} {source.address} to {target.addresses[family]}: {pinged}")


def test_an_interface_that_goes_takes_its_network_out_and_the_rest_stays(scene: Scene) -> None:
    """And brings it back."""
    scene.far.must_reach(scene.two.address)
    subnet: Any = next(iter(scene.west.network.subnets(network_id=scene.network_ids[1])))
    interface = {"subnet_id": subnet.id}
    with scene.far.pinging(scene.one.address, 0.05) as counts:
        scene.west.network.remove_interface_from_router(scene.router_id, **interface)
        scene.far.must_miss(scene.two.address)
        scene.west.network.add_interface_to_router(scene.router_id, **interface)
        scene.far.must_reach(scene.two.address)
    assert counts[0].lost == 0
    figures.add(f"the router's other network meanwhile: {counts[0]}")


def test_extra_routes_are_advertised_and_followed(scene: Scene) -> None:
    """A host behind the router is the next hop; the tenant may keep them to itself."""
    west, target = scene.west, "198.51.100.1"
    scene.far.must_reach(scene.one.address)
    scene.one.own(f"{target}/32")
    pairs = {"allowed_address_pairs": [{"ip_address": "198.51.100.0/24"}]}
    west.network.update_port(scene.one.port_id, **pairs)
    route = {"destination": "198.51.100.0/24", "nexthop": str(scene.one.address)}
    path = f"/routers/{scene.router_id}/add_extraroutes"
    west.cloud.call("PUT", path, {"router": {"routes": [route]}})
    scene.far.must_reach(target)
    pinged = scene.far.ping(target, 20)
    assert pinged.lost == 0
    association_id = scene.association_id()
    west.change(scene.vpn_id, "router", association_id, advertise_extra_routes=False)
    scene.far.must_miss(target)
    assert scene.far.ping(scene.one.address, 10).lost == 0
    west.change(scene.vpn_id, "router", association_id, advertise_extra_routes=True)
    scene.far.must_reach(target)
    path = f"/routers/{scene.router_id}/remove_extraroutes"
    west.cloud.call("PUT", path, {"router": {"routes": [route]}})
    scene.far.must_miss(target)


def test_routes_towards_the_vpn_come_back_when_a_tenant_clears_them(scene: Scene) -> None:
    """And the router can't be deleted while it is in the VPN."""
    scene.one.must_reach(scene.far.address)
    path = f"/routers/{scene.router_id}"
    start = time.monotonic()
    scene.west.cloud.call("PUT", path, {"router": {"routes": []}})
    scene.one.must_reach(scene.far.address)
    figures.add(f"{time.monotonic() - start:.1f} s from routes cleared to an answer again")
    assert "still attached" in refused(lambda: scene.west.cloud.call("DELETE", path))


def test_floating_ip_and_source_nat_of_the_router_go_on(scene: Scene) -> None:
    """To and from the outside, while the VPN works."""
    west = scene.west
    outside = west.network.create_network(
        name=west.name,
        is_router_external=True,
        provider_network_type="flat",
        provider_physical_network="physnet1",
    )
    west.network.create_subnet(
        network_id=outside.id,
        name=west.name,
        ip_version=4,
        cidr=str(OUTSIDE.network),
        gateway_ip=str(OUTSIDE.ip),
        is_dhcp_enabled=False,
    )
    info = {"external_gateway_info": {"network_id": outside.id}}
    west.cloud.call("PUT", f"/routers/{scene.router_id}", {"router": info})
    floating = west.network.create_ip(
        floating_network_id=outside.id, port_id=scene.one.port_id, description=west.name
    )
    gateway = wait_for_gateway(west, scene.router_id)
    host = Outside(gateway, OUTSIDE)
    host.plug()
    try:
        scene.two.must_reach(OUTSIDE.ip)
        scene.one.must_reach(OUTSIDE.ip)
        wait_until(
            lambda: host.reaches(floating.floating_ip_address), CONVERGENCE_S, "the floating IP"
        )
        for near in (scene.one, scene.two):
            near.must_reach(scene.far.address)
            assert near.ping(scene.far.address, 10).lost == 0
            assert near.ping(OUTSIDE.ip, 10).lost == 0
        assert scene.one.ping(scene.two.address, 10).lost == 0
    finally:
        host.unplug()


def wait_for_gateway(rig: Rig, router_id: str) -> str:
    """Return the compute host that has the router's gateway port, once OVN has chosen it."""

    def find() -> str:
        ports = rig.network.ports(device_id=router_id, device_owner="network:router_gateway")
        return next((str(p.binding_host_id) for p in ports if p.binding_host_id), "")

    wait_until(find, CONVERGENCE_S, "a host for the router's gateway port")
    return find()


def test_nothing_is_left_when_the_router_is_dissociated(scene: Scene) -> None:
    """No answer, no transit network, no route; the router goes at once."""
    west = scene.west
    scene.far.must_reach(scene.one.address)
    west.dissociate(scene.vpn_id, "router", scene.association_id())
    router = west.cloud.call("GET", f"/routers/{scene.router_id}")["router"]
    assert router["routes"] == []
    assert not list(west.network.networks(name=f"isthmus-transit-{scene.router_id}"))
    scene.far.must_miss(scene.one.address)
    assert scene.one.ping(scene.two.address, 10).lost == 0
