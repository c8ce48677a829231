# SPDX-License-Identifier: Apache-2.0
"""Routers in VPNs: what is asked of Neutron and of PEs, and what is left in the end."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tests.contract.associations import RED, VPNS, associate, dissociate, prefixes, wanted
from tests.contract.routers import (
    AGGREGATES,
    connect,
    joined,
    router,
    routes,
    subnet_of,
    transit_networks,
)

if TYPE_CHECKING:
    from tests.cloud import Cloud
    from tests.fakes.driver import FlakyDriver


def test_the_vms_behind_a_router_are_reached_by_the_routers_mac(
    cloud: Cloud, driver: FlakyDriver
) -> None:
    """Of all its networks, each VM on its own host; its subnets as prefixes, everywhere."""
    one, two = cloud.network("10.1.0.0/24"), cloud.network("10.2.0.0/24")
    ports = [cloud.port(one, "pe-1"), cloud.port(two, "pe-2")]
    router_id = router(cloud, one, two)
    vpn_id = joined(cloud, router_id)
    assert cloud.status(vpn_id)[0] == "PENDING"
    cloud.dispatch()
    attachment = wanted(driver)
    (transit,) = transit_networks(cloud)
    assert attachment.network_id == transit["id"]
    interface = cloud.request("GET", f"/ports?network_id={transit['id']}&device_id={router_id}")
    (router_port,) = interface["ports"]
    assert {(b.host_name, b.host.port_id, b.host.mac) for b in attachment.hosts} == {
        ("pe-1", ports[0]["id"], router_port["mac_address"]),
        ("pe-2", ports[1]["id"], router_port["mac_address"]),
    }
    assert {str(a) for bound in attachment.hosts for a in bound.host.addresses} == {
        port["fixed_ips"][0]["ip_address"] for port in ports
    }
    assert prefixes(driver) == ["10.1.0.0/24", "10.2.0.0/24"]
    assert {(b.host_name, b.prefix.mac, b.prefix.port_id) for b in attachment.prefixes} == {
        ("", router_port["mac_address"], None)
    }
    assert cloud.status(vpn_id) == ("ACTIVE", "")


def test_the_pe_has_the_second_address_of_the_transit_network(
    cloud: Cloud, driver: FlakyDriver
) -> None:
    """The router the first; nothing of it is a tenant's."""
    router_id = router(cloud, cloud.network("10.1.0.0/24"))
    joined(cloud, router_id)
    cloud.dispatch()
    (subnet,) = wanted(driver).subnets
    assert (str(subnet.prefix), str(subnet.gateway)) == ("169.254.0.0/29", "169.254.0.2")
    (transit,) = transit_networks(cloud)
    assert transit["name"] == f"isthmus-transit-{router_id}"
    assert transit["project_id"] == ""
    (attachment,) = cloud.attachments()
    assert attachment["id"] == wanted(driver).port_id
    assert {ip["ip_address"] for ip in attachment["fixed_ips"]} == {
        "169.254.0.2",
        "fd69:7374:686d::2",
    }
    subnets = cloud.request("GET", f"/subnets?network_id={transit['id']}")["subnets"]
    assert [subnet["enable_dhcp"] for subnet in subnets] == [False, False]
    assert cloud.request("GET", "/networks", project=RED)["networks"] != []
    for collection in ("networks", "subnets", "ports"):
        shown = cloud.request("GET", f"/{collection}", project=RED)[collection]
        assert not any(thing["project_id"] == "" for thing in shown)


def test_a_dual_stack_router_is_carried_whole(cloud: Cloud, driver: FlakyDriver) -> None:
    """Both families of the transit network, and each VM with both its addresses."""
    network_id = cloud.network("10.1.0.0/24")
    modes = {"ipv6_ra_mode": "slaac", "ipv6_address_mode": "slaac"}
    cloud.made(cloud.subnet(network_id, "2001:db8:1::/64", **modes), "subnet")
    cloud.port(network_id, "pe-1")
    router_id = router(cloud, network_id)
    joined(cloud, router_id)
    cloud.dispatch()
    assert [str(s.gateway) for s in wanted(driver).subnets] == ["169.254.0.2", "fd69:7374:686d::2"]
    (bound,) = wanted(driver).hosts
    assert [address.version for address in bound.host.addresses] == [4, 6]
    assert prefixes(driver) == ["10.1.0.0/24", "2001:db8:1::/64"]
    assert set(routes(cloud, router_id)) == AGGREGATES | {"fc00::/7", "0.0.0.0/0", "::/0"}
    assert routes(cloud, router_id)["::/0"] == "fd69:7374:686d::2"


def test_every_router_has_a_prefix_of_its_own(cloud: Cloud, driver: FlakyDriver) -> None:
    """Several may be in one VPN; one in several VPNs has one transit network."""
    vpns = [cloud.vpn(), cloud.vpn()]
    routers = [router(cloud, cloud.network(f"10.{n}.0.0/24")) for n in (1, 2)]
    for vpn, router_id in ((vpns[0], routers[0]), (vpns[0], routers[1]), (vpns[1], routers[0])):
        cloud.made(associate(cloud, vpn["id"], "router", router_id), "router_association")
    cloud.dispatch()
    assert len(transit_networks(cloud)) == 2
    by_vpn = {intent.vpn_id: intent for intent in driver.applied}
    both = [str(a.subnets[0].prefix) for a in by_vpn[vpns[0]["id"]].attachments]
    assert sorted(both) == ["169.254.0.0/29", "169.254.0.8/29"]
    shown = cloud.request("GET", f"{VPNS}/{vpns[0]['id']}")["bgpvpn"]["routers"]
    assert shown == sorted(routers)
    for vpn in vpns:
        assert cloud.status(vpn["id"]) == ("ACTIVE", "")


def test_interfaces_that_come_and_go_are_followed(cloud: Cloud, driver: FlakyDriver) -> None:
    """And subnets' VMs with them."""
    one, two = cloud.network("10.1.0.0/24"), cloud.network("10.2.0.0/24")
    cloud.port(two, "pe-2")
    router_id = router(cloud, one)
    joined(cloud, router_id)
    cloud.dispatch()
    assert prefixes(driver) == ["10.1.0.0/24"]
    for verb, expected, hosts in (
        ("add", ["10.1.0.0/24", "10.2.0.0/24"], ["pe-2"]),
        ("remove", ["10.1.0.0/24"], []),
    ):
        assert connect(cloud, router_id, subnet_of(cloud, two), verb).status == 200
        cloud.dispatch()
        assert prefixes(driver) == expected
        assert [bound.host_name for bound in wanted(driver).hosts] == hosts


def test_a_vm_that_comes_behind_the_router_is_told_of(cloud: Cloud, driver: FlakyDriver) -> None:
    """And one that goes."""
    network_id = cloud.network("10.1.0.0/24")
    router_id = router(cloud, network_id)
    joined(cloud, router_id)
    cloud.dispatch()
    port = cloud.port(network_id, "pe-1")
    cloud.dispatch()
    assert [bound.host.port_id for bound in wanted(driver).hosts] == [port["id"]]
    assert cloud.request("DELETE", f"/ports/{port['id']}").status == 204
    cloud.dispatch()
    assert wanted(driver).hosts == ()


def test_nothing_is_left_of_a_router_that_was_dissociated(
    cloud: Cloud, driver: FlakyDriver
) -> None:
    """At once, so that it can be deleted; the tenant's own routes stay."""
    network_id = cloud.network("10.1.0.0/24")
    router_id = router(cloud, network_id)
    vpn_id = joined(cloud, router_id)
    cloud.dispatch()
    assert cloud.request("DELETE", f"/routers/{router_id}", project=RED).status == 409
    own = {"router": {"routes": [{"destination": "198.51.100.0/24", "nexthop": "10.1.0.8"}]}}
    assert cloud.request("PUT", f"/routers/{router_id}/add_extraroutes", own, RED).status == 200
    dissociate(cloud, vpn_id, "router")
    assert transit_networks(cloud) == []
    assert cloud.attachments() == []
    assert routes(cloud, router_id) == {"198.51.100.0/24": "10.1.0.8"}
    cloud.dispatch()
    assert driver.applied[-1].attachments == ()
    cloud.request("PUT", f"/routers/{router_id}", {"router": {"routes": []}}, RED)
    assert connect(cloud, router_id, subnet_of(cloud, network_id), "remove").status == 200
    assert cloud.request("DELETE", f"/routers/{router_id}", project=RED).status == 204
    assert cloud.request("DELETE", f"{VPNS}/{vpn_id}").status == 204
    cloud.dispatch()
    assert cloud.leftovers() == {}


def test_a_router_goes_at_once_when_its_vpn_was_deleted(cloud: Cloud, driver: FlakyDriver) -> None:
    """Before the worker has looked."""
    router_id = router(cloud)
    vpn_id = joined(cloud, router_id)
    cloud.dispatch()
    assert cloud.request("DELETE", f"{VPNS}/{vpn_id}").status == 204
    assert cloud.request("DELETE", f"/routers/{router_id}", project=RED).status == 204
    cloud.dispatch()
    assert cloud.leftovers() == {}


def test_a_router_that_is_in_another_vpn_keeps_its_transit_network(
    cloud: Cloud, driver: FlakyDriver
) -> None:
    """Until it is in none."""
    router_id = router(cloud, cloud.network("10.1.0.0/24"))
    first, second = joined(cloud, router_id), joined(cloud, router_id)
    cloud.dispatch()
    dissociate(cloud, first, "router")
    cloud.dispatch()
    assert len(transit_networks(cloud)) == 1
    assert routes(cloud, router_id)
    dissociate(cloud, second, "router")
    assert transit_networks(cloud) == []
