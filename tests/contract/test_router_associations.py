# SPDX-License-Identifier: Apache-2.0
"""Routers in VPNs: what is asked of Neutron and of PEs, and what is refused."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from isthmus.model.intent import NetworkAttachment

if TYPE_CHECKING:
    from tests.cloud import Answer, Cloud
    from tests.fakes.driver import FlakyDriver

RED, BLUE = "red-project", "blue-project"
VPNS = "/bgpvpn/bgpvpns"
AGGREGATES = {"10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "100.64.0.0/10"}


@pytest.fixture
def driver(cloud: Cloud) -> FlakyDriver:
    """Every host is a PE; what it is given is kept."""
    from tests.fakes.driver import FlakyDriver

    for host in ("pe-1", "pe-2"):
        cloud.host(host)
    driver = FlakyDriver(cloud.load_driver("noop"))
    cloud.use_driver(driver)
    return driver


def router(cloud: Cloud, *network_ids: str, project: str = RED, **attributes: Any) -> str:
    """Make a router with the networks behind it; return its id."""
    body = {"router": attributes}
    made = cloud.made(cloud.request("POST", "/routers", body, project), "router")
    for network_id in network_ids:
        for subnet in cloud.request("GET", f"/subnets?network_id={network_id}")["subnets"]:
            assert connect(cloud, made["id"], subnet["id"]).status == 200
    return str(made["id"])


def connect(cloud: Cloud, router_id: str, subnet_id: str, verb: str = "add") -> Answer:
    """Give a router an interface on a subnet, or take it away."""
    path = f"/routers/{router_id}/{verb}_router_interface"
    return cloud.request("PUT", path, {"subnet_id": subnet_id}, RED)


def associate(cloud: Cloud, vpn_id: str, router_id: str, **attributes: Any) -> Answer:
    """Ask for a router association, as a member of the project."""
    body = {"router_association": {"router_id": router_id, **attributes}}
    return cloud.request("POST", f"{VPNS}/{vpn_id}/router_associations", body, RED)


def dissociate(cloud: Cloud, vpn_id: str) -> None:
    """Take every router out of a VPN."""
    path = f"{VPNS}/{vpn_id}/router_associations"
    for association in cloud.request("GET", path)["router_associations"]:
        assert cloud.request("DELETE", f"{path}/{association['id']}", project=RED).status == 204


def associated(cloud: Cloud, router_id: str, **attributes: Any) -> str:
    """Put a router into a VPN of its own; return the VPN's id."""
    vpn = cloud.vpn()
    cloud.made(associate(cloud, vpn["id"], router_id, **attributes), "router_association")
    return str(vpn["id"])


def wanted(driver: FlakyDriver) -> NetworkAttachment:
    """What was last asked of PEs for the one router there is."""
    (attachment,) = driver.applied[-1].attachments
    return attachment


def prefixes(driver: FlakyDriver) -> list[str]:
    """What PEs are to know behind the one router there is."""
    return [str(bound.prefix.prefix) for bound in wanted(driver).prefixes]


def subnet_of(cloud: Cloud, network_id: str) -> str:
    """The id of the first subnet of a network."""
    return str(cloud.request("GET", f"/subnets?network_id={network_id}")["subnets"][0]["id"])


def routes(cloud: Cloud, router_id: str) -> dict[str, str]:
    """A router's extra routes, next hop by destination."""
    found = cloud.request("GET", f"/routers/{router_id}")["router"]["routes"]
    return {route["destination"]: route["nexthop"] for route in found}


def transit_networks(cloud: Cloud) -> list[dict[str, Any]]:
    """The networks between routers and PEs there are."""
    found: list[dict[str, Any]] = cloud.request("GET", "/networks")["networks"]
    return [network for network in found if network["name"].startswith("isthmus-transit-")]


def external(cloud: Cloud) -> str:
    """Make a network to the outside; return its id."""
    body = {"network": {"name": "outside", "router:external": True}}
    network_id = str(cloud.made(cloud.request("POST", "/networks", body), "network")["id"])
    subnet = {"network_id": network_id, "cidr": "203.0.113.0/24", "ip_version": 4}
    cloud.made(cloud.request("POST", "/subnets", {"subnet": subnet}), "subnet")
    return network_id


def set_gateway(cloud: Cloud, router_id: str, network_id: str | None) -> None:
    """Give a router its way out, or take it."""
    info = {"network_id": network_id} if network_id else {}
    body = {"router": {"external_gateway_info": info}}
    assert cloud.request("PUT", f"/routers/{router_id}", body).status == 200


# What PEs are asked


def test_the_vms_behind_a_router_are_reached_by_the_routers_mac(
    cloud: Cloud, driver: FlakyDriver
) -> None:
    """Of all its networks, each VM on its own host; its subnets as prefixes, everywhere."""
    one, two = cloud.network("10.1.0.0/24"), cloud.network("10.2.0.0/24")
    ports = [cloud.port(one, "pe-1"), cloud.port(two, "pe-2")]
    router_id = router(cloud, one, two)
    vpn_id = associated(cloud, router_id)
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
    associated(cloud, router_id)
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
    associated(cloud, router_id)
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
        cloud.made(associate(cloud, vpn["id"], router_id), "router_association")
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
    associated(cloud, router_id)
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
    associated(cloud, router_id)
    cloud.dispatch()
    port = cloud.port(network_id, "pe-1")
    cloud.dispatch()
    assert [bound.host.port_id for bound in wanted(driver).hosts] == [port["id"]]
    assert cloud.request("DELETE", f"/ports/{port['id']}").status == 204
    cloud.dispatch()
    assert wanted(driver).hosts == ()


# The router's routes


def test_a_router_without_a_way_out_sends_everything_to_the_pe(
    cloud: Cloud, driver: FlakyDriver
) -> None:
    """One with a gateway what is configured; as the gateway comes and goes."""
    router_id = router(cloud, cloud.network("10.1.0.0/24"))
    outside = external(cloud)
    associated(cloud, router_id)
    cloud.dispatch()
    everything = dict.fromkeys(AGGREGATES | {"0.0.0.0/0"}, "169.254.0.2")
    assert routes(cloud, router_id) == everything
    set_gateway(cloud, router_id, outside)
    cloud.dispatch()
    assert routes(cloud, router_id) == dict.fromkeys(AGGREGATES, "169.254.0.2")
    set_gateway(cloud, router_id, None)
    cloud.dispatch()
    assert routes(cloud, router_id) == everything


def test_a_tenants_own_routes_stay_and_ours_come_back(cloud: Cloud, driver: FlakyDriver) -> None:
    """Whatever the tenant sets: its route to one of our destinations wins, ours are added again."""
    network_id = cloud.network("10.1.0.0/24")
    router_id = router(cloud, network_id)
    own = [
        {"destination": "192.168.0.0/16", "nexthop": "10.1.0.9"},
        {"destination": "198.51.100.0/24", "nexthop": "10.1.0.8"},
    ]
    body = {"router": {"routes": own}}
    assert cloud.request("PUT", f"/routers/{router_id}", body, RED).status == 200
    associated(cloud, router_id)
    for _ in range(2):
        cloud.dispatch()
        found = routes(cloud, router_id)
        assert found["192.168.0.0/16"] == "10.1.0.9"
        assert found["198.51.100.0/24"] == "10.1.0.8"
        assert found["10.0.0.0/8"] == "169.254.0.2"
        assert cloud.request("PUT", f"/routers/{router_id}", body, RED).status == 200
    assert cloud.request("PUT", f"/routers/{router_id}", {"router": {"routes": []}}).status == 200
    cloud.dispatch()
    assert set(routes(cloud, router_id)) == AGGREGATES | {"0.0.0.0/0"}


def test_extra_routes_are_advertised_unless_the_tenant_says_otherwise(
    cloud: Cloud, driver: FlakyDriver
) -> None:
    """Those of the tenant, never ours; it can change its mind."""
    router_id = router(cloud, cloud.network("10.1.0.0/24"))
    vpn_id = associated(cloud, router_id)
    route = {"destination": "198.51.100.0/24", "nexthop": "10.1.0.8"}
    cloud.dispatch()
    path = f"/routers/{router_id}/add_extraroutes"
    body: dict[str, Any] = {"router": {"routes": [route]}}
    assert cloud.request("PUT", path, body, RED).status == 200
    cloud.dispatch()
    assert prefixes(driver) == ["10.1.0.0/24", "198.51.100.0/24"]
    path = f"{VPNS}/{vpn_id}/router_associations"
    (association,) = cloud.request("GET", path, project=RED)["router_associations"]
    assert association["advertise_extra_routes"] is True
    for value, expected in ((False, ["10.1.0.0/24"]), (True, ["10.1.0.0/24", "198.51.100.0/24"])):
        body = {"router_association": {"advertise_extra_routes": value}}
        changed = cloud.request("PUT", f"{path}/{association['id']}", body, RED)
        assert changed["router_association"]["advertise_extra_routes"] is value
        cloud.dispatch()
        assert prefixes(driver) == expected


# The end


def test_nothing_is_left_of_a_router_that_was_dissociated(
    cloud: Cloud, driver: FlakyDriver
) -> None:
    """At once, so that it can be deleted; the tenant's own routes stay."""
    network_id = cloud.network("10.1.0.0/24")
    router_id = router(cloud, network_id)
    vpn_id = associated(cloud, router_id)
    cloud.dispatch()
    assert cloud.request("DELETE", f"/routers/{router_id}", project=RED).status == 409
    own = {"router": {"routes": [{"destination": "198.51.100.0/24", "nexthop": "10.1.0.8"}]}}
    assert cloud.request("PUT", f"/routers/{router_id}/add_extraroutes", own, RED).status == 200
    dissociate(cloud, vpn_id)
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
    vpn_id = associated(cloud, router_id)
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
    first, second = associated(cloud, router_id), associated(cloud, router_id)
    cloud.dispatch()
    dissociate(cloud, first)
    cloud.dispatch()
    assert len(transit_networks(cloud)) == 1
    assert routes(cloud, router_id)
    dissociate(cloud, second)
    assert transit_networks(cloud) == []


# What is refused


def test_a_network_of_an_associated_router_is_refused_and_the_other_way_round(
    cloud: Cloud,
) -> None:
    """In whatever VPNs, and an interface that would make it so."""
    network_id = cloud.network("10.1.0.0/24")
    subnet_id = subnet_of(cloud, network_id)
    router_id = router(cloud, network_id)
    vpn_id, other = associated(cloud, router_id), cloud.vpn()["id"]
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
    refused = associate(cloud, cloud.vpn()["id"], router_id)
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
    refused = associate(cloud, vpn_id, router(cloud, behind))
    assert refused.status == 409
    assert "overlaps" in refused.sentence
    empty = router(cloud)
    assert associate(cloud, vpn_id, empty).status == 201
    refused = connect(cloud, empty, subnet_of(cloud, cloud.network("10.1.0.128/25")))
    assert refused.status == 409
    assert "overlaps" in refused.sentence


def test_somebody_elses_router_is_not_found_and_not_permitted(cloud: Cloud) -> None:
    """Not by its project's neighbor, nor by an administrator into another project's VPN."""
    vpn_id = cloud.vpn()["id"]
    router_id = router(cloud, project=BLUE)
    assert associate(cloud, vpn_id, router_id).status == 404
    body = {"router_association": {"router_id": router_id}}
    refused = cloud.request("POST", f"{VPNS}/{vpn_id}/router_associations", body)
    assert refused.status == 403


def test_the_same_router_twice_is_refused(cloud: Cloud) -> None:
    """One association says it all."""
    router_id = router(cloud)
    vpn_id = associated(cloud, router_id)
    refused = associate(cloud, vpn_id, router_id)
    assert refused.status == 409
    assert "already associated" in refused.sentence


def test_what_is_ours_is_guarded(cloud: Cloud, driver: FlakyDriver) -> None:
    """Against administrators too, who see it."""
    router_id = router(cloud, cloud.network("10.1.0.0/24"))
    associated(cloud, router_id)
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


def test_a_router_that_may_have_no_more_routes_is_an_error_that_says_so(
    cloud: Cloud, driver: FlakyDriver, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The operator reads Neutron's own reason; PEs know of the router nevertheless."""
    from neutron_lib.exceptions import BadRequest

    from isthmus.model.errors import IntentConflict
    from isthmus.plugin import transit

    class Full:
        """The L3 plug-in of a router that is full."""

        def __getattr__(self, name: str) -> Any:
            def call(*arguments: Any, **named: Any) -> Any:
                if name == "add_extraroutes":
                    raise BadRequest(resource="router", msg="quota")
                return getattr(l3, name)(*arguments, **named)

            return call

    l3 = transit._l3()
    monkeypatch.setattr(transit, "_l3", Full)
    router_id = router(cloud, cloud.network("10.1.0.0/24"))
    vpn_id = associated(cloud, router_id)
    with pytest.raises(IntentConflict, match="quota") as refusal:
        cloud.dispatch()
    cloud.refuse(vpn_id, refusal.value)
    status, reason = cloud.status(vpn_id, RED)
    assert status == "ERROR"
    assert "quota" not in reason
    assert "quota" in cloud.status(vpn_id)[1]
    assert prefixes(driver) == ["10.1.0.0/24"]


def test_a_process_that_serves_no_api_gives_a_router_its_routes(
    cloud: Cloud, driver: FlakyDriver
) -> None:
    """The worker's: Neutron's extensions, which register quotas, are loaded by the API alone."""
    from neutron.quota import resource_registry

    routed = router(cloud, cloud.network("10.1.0.0/24"))
    vpn_id = associated(cloud, routed)
    resource_registry.ResourceRegistry.get_instance()._resources.pop("router_route")
    cloud.dispatch()
    assert cloud.status(vpn_id) == ("ACTIVE", "")
    shown = cloud.request("GET", f"/routers/{routed}")["router"]["routes"]
    assert {route["destination"] for route in shown} >= AGGREGATES
