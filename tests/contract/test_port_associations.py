# SPDX-License-Identifier: Apache-2.0
"""Ports in VPNs, and what they have behind them: what PEs are asked, and what is refused."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from tests.contract.associations import BLUE, RED, VPNS, associate, associated, change, wanted

if TYPE_CHECKING:
    from tests.cloud import Cloud
    from tests.fakes.driver import FlakyDriver


def prefix(text: str, **attributes: Any) -> dict[str, Any]:
    """A route of type ``prefix``."""
    return {"type": "prefix", "prefix": text, **attributes}


def behind(driver: FlakyDriver) -> list[tuple[str, str, int | None]]:
    """What PEs are to know behind ports: host, prefix, preference."""
    return [
        (bound.host_name, str(bound.prefix.prefix), bound.prefix.local_pref)
        for bound in wanted(driver).prefixes
    ]


def test_a_port_is_in_the_vpn_and_its_network_is_not(cloud: Cloud, driver: FlakyDriver) -> None:
    """The network gets its attachment; of its ports only the one is named."""
    network_id = cloud.network("10.1.0.0/24")
    port, _ = cloud.port(network_id, "pe-1"), cloud.port(network_id, "pe-2")
    vpn_id, _ = associated(cloud, "port", port["id"])
    assert cloud.status(vpn_id)[0] == "PENDING"
    cloud.dispatch()
    attachment = wanted(driver)
    assert (attachment.network_id, attachment.is_whole) == (network_id, False)
    (bound,) = attachment.hosts
    assert (bound.host_name, bound.host.port_id) == ("pe-1", port["id"])
    assert bound.host.is_advertised
    (attached,) = cloud.attachments()
    assert [ip["ip_address"] for ip in attached["fixed_ips"]] == ["10.1.0.1"]
    assert cloud.request("GET", f"{VPNS}/{vpn_id}")["bgpvpn"]["ports"] == [port["id"]]
    assert cloud.status(vpn_id) == ("ACTIVE", "")


def test_what_is_behind_a_port_is_told_with_its_preference(
    cloud: Cloud, driver: FlakyDriver
) -> None:
    """And follows every change; its own addresses need not be advertised."""
    port = cloud.port(cloud.network("10.1.0.0/24"), "pe-1")
    routes = [prefix("198.51.100.0/24", local_pref=200), prefix("2001:db8:9::/48")]
    vpn_id, association_id = associated(
        cloud, "port", port["id"], routes=routes, advertise_fixed_ips=False
    )
    cloud.dispatch()
    assert behind(driver) == [("pe-1", "198.51.100.0/24", 200), ("pe-1", "2001:db8:9::/48", None)]
    assert {(b.prefix.mac, b.prefix.port_id) for b in wanted(driver).prefixes} == {
        (port["mac_address"], port["id"])
    }
    assert [bound.host.is_advertised for bound in wanted(driver).hosts] == [False]
    routes = [prefix("0.0.0.0/0", local_pref=0)]
    answer = change(cloud, vpn_id, "port", association_id, routes=routes)
    assert answer["port_association"]["routes"] == [prefix("0.0.0.0/0", local_pref=0)]
    assert answer["port_association"]["advertise_fixed_ips"] is False
    cloud.dispatch()
    assert behind(driver) == [("pe-1", "0.0.0.0/0", 0)]
    answer = change(cloud, vpn_id, "port", association_id, advertise_fixed_ips=True)
    assert len(answer["port_association"]["routes"]) == 1
    cloud.dispatch()
    assert [bound.host.is_advertised for bound in wanted(driver).hosts] == [True]


def test_a_port_that_moves_takes_what_is_behind_it_along(cloud: Cloud, driver: FlakyDriver) -> None:
    """To its new host."""
    port = cloud.port(cloud.network("10.1.0.0/24"), "pe-1")
    associated(cloud, "port", port["id"], routes=[prefix("198.51.100.0/24")])
    cloud.dispatch()
    body = {"port": {"binding:host_id": "pe-2"}}
    assert cloud.request("PUT", f"/ports/{port['id']}", body).status == 200
    cloud.dispatch()
    assert behind(driver) == [("pe-2", "198.51.100.0/24", None)]
    assert [bound.host_name for bound in wanted(driver).hosts] == ["pe-2"]


def test_a_vm_that_nova_moves_live_is_expected_where_it_will_be(
    cloud: Cloud, driver: FlakyDriver
) -> None:
    """Nova says so in the binding's profile, long before the binding itself moves."""
    from tests.cloud import Caller

    nova = Caller("service", ("service", "admin"))
    port = cloud.port(cloud.network("10.1.0.0/24"), "pe-1")
    associated(cloud, "port", port["id"], routes=[prefix("198.51.100.0/24")])
    cloud.dispatch()
    for profile, expected in (
        ({"migrating_to": "pe-2"}, [("pe-1", "leaving"), ("pe-2", "arriving")]),
        ({}, [("pe-1", "none")]),
    ):
        body = {"port": {"binding:profile": profile}}
        assert cloud.request("PUT", f"/ports/{port['id']}", body, nova).status == 200
        cloud.dispatch()
        intent = wanted(driver)
        assert [(b.host_name, b.host.migration) for b in intent.hosts] == expected
        assert [(b.host_name, b.prefix.migration) for b in intent.prefixes] == expected


def test_one_prefix_may_be_behind_several_ports(cloud: Cloud, driver: FlakyDriver) -> None:
    """Each with its preference, or the VPN's."""
    network_id = cloud.network("10.1.0.0/24")
    ports = [cloud.port(network_id, host) for host in ("pe-1", "pe-2")]
    vpn = cloud.vpn(local_pref=150)
    assert vpn["local_pref"] == 150
    for port, attributes in zip(ports, ({"local_pref": 300}, {}), strict=True):
        routes = [prefix("198.51.100.0/24", **attributes)]
        answer = associate(cloud, vpn["id"], "port", port["id"], routes=routes)
        cloud.made(answer, "port_association")
    cloud.dispatch()
    assert sorted(behind(driver)) == [
        ("pe-1", "198.51.100.0/24", 300),
        ("pe-2", "198.51.100.0/24", None),
    ]
    assert driver.applied[-1].local_pref == 150
    for value in (0, 2**32 - 1, None):
        body = {"bgpvpn": {"local_pref": value}}
        assert cloud.request("PUT", f"{VPNS}/{vpn['id']}", body)["bgpvpn"]["local_pref"] == value
        cloud.dispatch()
        assert driver.applied[-1].local_pref == value


def test_a_network_in_the_vpn_stays_whole_beside_its_port(
    cloud: Cloud, driver: FlakyDriver
) -> None:
    """The port adds what is behind it; without the network it is alone again."""
    network_id = cloud.network("10.1.0.0/24")
    port, _ = cloud.port(network_id, "pe-1"), cloud.port(network_id, "pe-2")
    vpn_id, _ = associated(
        cloud, "port", port["id"], routes=[prefix("198.51.100.0/24")], advertise_fixed_ips=False
    )
    cloud.made(cloud.associate(vpn_id, network_id), "network_association")
    cloud.dispatch()
    assert wanted(driver).is_whole
    assert [bound.host.is_advertised for bound in wanted(driver).hosts] == [True, True]
    assert behind(driver) == [("pe-1", "198.51.100.0/24", None)]
    cloud.dissociate(vpn_id)
    cloud.dispatch()
    assert not wanted(driver).is_whole
    assert len(wanted(driver).hosts) == 1
    assert len(cloud.attachments()) == 1


def test_the_attachment_goes_with_the_last_association(cloud: Cloud, driver: FlakyDriver) -> None:
    """Of the port; a port that is deleted takes its association along."""
    network_id = cloud.network("10.1.0.0/24")
    ports = [cloud.port(network_id, "pe-1"), cloud.port(network_id, "pe-2")]
    vpn_id, association_id = associated(cloud, "port", ports[0]["id"])
    cloud.made(associate(cloud, vpn_id, "port", ports[1]["id"]), "port_association")
    cloud.dispatch()
    path = f"{VPNS}/{vpn_id}/port_associations"
    assert cloud.request("DELETE", f"{path}/{association_id}", project=RED).status == 204
    cloud.dispatch()
    assert len(cloud.attachments()) == 1
    assert cloud.request("DELETE", f"/ports/{ports[1]['id']}").status == 204
    assert cloud.request("GET", path)["port_associations"] == []
    cloud.dispatch()
    assert cloud.attachments() == []
    assert driver.applied[-1].attachments == ()


def test_the_gateway_of_an_associated_port_stays_the_pes(cloud: Cloud, driver: FlakyDriver) -> None:
    """No router gets it, and nobody deletes the attachment."""
    network_id = cloud.network("10.1.0.0/24")
    port = cloud.port(network_id, "pe-1")
    associated(cloud, "port", port["id"])
    router = cloud.made(cloud.request("POST", "/routers", {"router": {}}, RED), "router")
    (subnet,) = cloud.request("GET", f"/subnets?network_id={network_id}")["subnets"]
    path = f"/routers/{router['id']}/add_router_interface"
    assert cloud.request("PUT", path, {"subnet_id": subnet["id"]}, RED).status == 409
    cloud.dispatch()
    (attached,) = cloud.attachments()
    assert cloud.request("DELETE", f"/ports/{attached['id']}").status == 409
    assert cloud.request("DELETE", f"/networks/{network_id}").status == 409
    assert len(cloud.attachments()) == 1


@pytest.mark.parametrize(
    ("routes", "sentence"),
    [
        ([prefix("10.0.0.1/8")], "10.0.0.1/8"),
        ([prefix("fe80::/64")], "never routed"),
        ([prefix("10.0.0.0/8"), prefix("10.0.0.0/8", local_pref=1)], "twice"),
        ([prefix("10.0.0.0/8", local_pref=2**32)], "local_pref"),
        ([prefix("10.0.0.0/8", local_pref=-1)], "local_pref"),
        ([{"type": "prefix"}], "prefix"),
        ([{"type": "magic", "prefix": "10.0.0.0/8"}], "type"),
        ([prefix(f"10.{n}.0.0/16") for n in range(101)], "more than 100"),
    ],
)
def test_routes_that_cannot_be_are_refused(
    cloud: Cloud, routes: list[dict[str, Any]], sentence: str
) -> None:
    """When they are made and when they are changed."""
    port = cloud.port(cloud.network("10.1.0.0/24"), "pe-1")
    vpn_id, association_id = associated(cloud, "port", port["id"])
    other = cloud.vpn()["id"]
    for refused in (
        associate(cloud, other, "port", port["id"], routes=routes),
        change(cloud, vpn_id, "port", association_id, routes=routes),
    ):
        assert refused.status == 400
        assert sentence in refused.sentence


def test_a_port_passes_on_what_another_vpn_has_here(cloud: Cloud, driver: FlakyDriver) -> None:
    """Its networks, and what is behind its ports, as they come; and no more when it is deleted."""
    other = cloud.vpn()["id"]
    cloud.made(cloud.associate(other, cloud.network("10.7.0.0/24")), "network_association")
    port = cloud.port(cloud.network("10.1.0.0/24"), "pe-1")
    route = {"type": "bgpvpn", "bgpvpn_id": other, "local_pref": 5}
    vpn_id, association_id = associated(cloud, "port", port["id"], routes=[route])
    cloud.dispatch()

    def passed_on() -> list[tuple[str, int | None]]:
        intents = [intent for intent in driver.applied if intent.vpn_id == vpn_id]
        (attachment,) = intents[-1].attachments
        return [(str(b.prefix.prefix), b.prefix.local_pref) for b in attachment.prefixes]

    assert passed_on() == [("10.7.0.0/24", 5)]
    path = f"{VPNS}/{vpn_id}/port_associations/{association_id}"
    shown = cloud.request("GET", path)["port_association"]["routes"]
    assert shown == [route]
    router = cloud.port(cloud.network("10.8.0.0/24"), "pe-1")
    routes = [prefix("198.51.100.0/24")]
    cloud.made(associate(cloud, other, "port", router["id"], routes=routes), "port_association")
    cloud.dispatch()
    address = f"{router['fixed_ips'][0]['ip_address']}/32"
    assert sorted(passed_on()) == [("10.7.0.0/24", 5), (address, 5), ("198.51.100.0/24", 5)]
    assert cloud.request("DELETE", f"{VPNS}/{other}").status == 204
    cloud.dispatch()
    assert passed_on() == []
    assert cloud.request("GET", path)["port_association"]["routes"] == []


def test_a_vpn_passed_on_is_another_of_the_same_project(cloud: Cloud) -> None:
    """Or none at all."""
    port = cloud.port(cloud.network("10.1.0.0/24"), "pe-1")
    vpn_id, association_id = associated(cloud, "port", port["id"])
    for other, status in (
        (vpn_id, 409),
        (cloud.vpn(project=BLUE)["id"], 404),
        ("00000000-0000-4000-8000-000000000000", 404),
    ):
        routes = [{"type": "bgpvpn", "bgpvpn_id": other}]
        assert change(cloud, vpn_id, "port", association_id, routes=routes).status == status
    blue = {"routes": [{"type": "bgpvpn", "bgpvpn_id": cloud.vpn(project=BLUE)["id"]}]}
    path = f"{VPNS}/{vpn_id}/port_associations/{association_id}"
    assert cloud.request("PUT", path, {"port_association": blue}).status == 403


@pytest.mark.parametrize("value", [-1, 2**32, "x", True, 1.5, float("inf")])
def test_a_preference_out_of_range_is_refused(cloud: Cloud, value: object) -> None:
    """Of a whole VPN."""
    body = {"bgpvpn": {"project_id": RED, "local_pref": value}}
    assert cloud.request("POST", VPNS, body).status == 400


def test_a_port_behind_a_router_is_refused_with_the_way_that_works(cloud: Cloud) -> None:
    """Its packets leave by the router; and the router's own port is none to associate."""
    network_id = cloud.network("10.1.0.0/24")
    cloud.route(network_id)
    port = cloud.port(network_id, "pe-1")
    refused = associate(cloud, cloud.vpn()["id"], "port", port["id"])
    assert refused.status == 409
    assert "Associate the router instead" in refused.sentence
    (interface,) = cloud.request("GET", "/ports?fixed_ips=ip_address%3D10.1.0.1")["ports"]
    refused = associate(cloud, cloud.vpn()["id"], "port", interface["id"])
    assert refused.status == 409
    assert "Associate the router instead" in refused.sentence


def test_overlaps_twice_and_somebody_elses_are_refused(cloud: Cloud) -> None:
    """As of networks."""
    vpn_id = cloud.vpn()["id"]
    cloud.made(cloud.associate(vpn_id, cloud.network("10.1.0.0/24")), "network_association")
    other = cloud.port(cloud.network("10.1.0.0/24"), "pe-1")
    refused = associate(cloud, vpn_id, "port", other["id"])
    assert refused.status == 409
    assert "overlaps" in refused.sentence
    port = cloud.port(cloud.network("10.2.0.0/24"), "pe-1")
    assert associate(cloud, vpn_id, "port", port["id"]).status == 201
    assert "already associated" in associate(cloud, vpn_id, "port", port["id"]).sentence
    blue = cloud.port(cloud.network("10.3.0.0/24", project=BLUE), "pe-1", project=BLUE)
    assert associate(cloud, vpn_id, "port", blue["id"]).status == 404
    body = {"port_association": {"port_id": blue["id"]}}
    assert cloud.request("POST", f"{VPNS}/{vpn_id}/port_associations", body).status == 403


def test_a_port_association_has_a_status_of_its_own_host(cloud: Cloud, driver: FlakyDriver) -> None:
    """What is wrong elsewhere in the VPN is not its business."""
    ports = [
        cloud.port(cloud.network(f"10.{n}.0.0/24"), host)
        for n, host in ((1, "pe-1"), (2, "nowhere"))
    ]
    vpn_id, _ = associated(cloud, "port", ports[0]["id"])
    cloud.made(associate(cloud, vpn_id, "port", ports[1]["id"]), "port_association")
    cloud.dispatch()
    path = f"{VPNS}/{vpn_id}/port_associations"
    statuses = {a["port_id"]: a["status"] for a in cloud.request("GET", path)["port_associations"]}
    assert statuses[ports[0]["id"]] == "ACTIVE"
