# SPDX-License-Identifier: Apache-2.0
"""What a VPN carries, as its PEs report it and the API shows it."""

from __future__ import annotations

from dataclasses import replace
from ipaddress import IPv4Address
from typing import TYPE_CHECKING, Any

from isthmus.model.report import PeReport, VrfReport

if TYPE_CHECKING:
    from tests.cloud import Cloud

RED = "red-project"
PES = {"pe-1": IPv4Address("192.0.2.11"), "pe-2": IPv4Address("192.0.2.12")}


def tell(cloud: Cloud, vpn_id: str, **payloads: int | None) -> None:
    """Have PEs report what their core links carry, and that all is in force."""
    report = PeReport("", IPv4Address(0), (VrfReport(vpn_id, 99, is_in_force=True),), ())
    for name, payload in payloads.items():
        pe = name.replace("_", "-")
        cloud.report(replace(report, pe=pe, address=PES[pe], core_payload=payload))


def associated(cloud: Cloud, mtu: int) -> str:
    """Make a network with a VM on two PEs, in a VPN; return the VPN's id."""
    network_id = cloud.network("10.1.0.0/24", mtu=mtu)
    for pe in PES:
        cloud.host(pe)
        cloud.port(network_id, pe)
    vpn = cloud.vpn()
    cloud.made(cloud.associate(vpn["id"], network_id), "network_association")
    cloud.dispatch()
    return str(vpn["id"])


def shown(cloud: Cloud, vpn_id: str, query: str = "") -> dict[str, Any]:
    """Show a VPN."""
    answer = cloud.request("GET", f"/bgpvpn/bgpvpns/{vpn_id}{query}")
    return dict(answer["bgpvpn"])


def test_a_vpn_carries_what_the_least_of_its_pes_does(cloud: Cloud) -> None:
    """Not known until all have told."""
    vpn_id = associated(cloud, 1450)
    assert shown(cloud, vpn_id)["mtu"] is None
    tell(cloud, vpn_id, pe_1=1492, pe_2=None)
    assert shown(cloud, vpn_id)["mtu"] is None
    tell(cloud, vpn_id, pe_2=1472)
    assert shown(cloud, vpn_id, "?fields=mtu") == {"mtu": 1472}


def test_a_network_that_is_larger_is_named_in_the_reason(cloud: Cloud) -> None:
    """To tenant and operator alike; the VPN is active."""
    vpn_id = associated(cloud, 1500)
    tell(cloud, vpn_id, pe_1=1442, pe_2=1492)
    for project in (None, RED):
        status, reason = cloud.status(vpn_id, project)
        assert status == "ACTIVE"
        assert "has an MTU of 1500" in reason
        assert "carries packets of 1442 octets" in reason
    tell(cloud, vpn_id, pe_1=1592, pe_2=1592)
    assert cloud.status(vpn_id) == ("ACTIVE", "")


def test_vpns_are_filtered_and_sorted_by_it(cloud: Cloud) -> None:
    """As by any other attribute."""
    vpn_id = associated(cloud, 1450)
    tell(cloud, vpn_id, pe_1=1492, pe_2=1492)
    found = cloud.request("GET", "/bgpvpn/bgpvpns?mtu=1492&fields=id")
    assert found["bgpvpns"] == [{"id": vpn_id}]
    assert cloud.request("GET", "/bgpvpn/bgpvpns?mtu=1493")["bgpvpns"] == []
    assert cloud.request("GET", "/bgpvpn/bgpvpns?sort_key=mtu&sort_dir=desc").status == 200


def test_nobody_sets_it(cloud: Cloud) -> None:
    """It is what the backbone leaves."""
    vpn = cloud.vpn()
    body = {"bgpvpn": {"mtu": 9000}}
    assert cloud.request("PUT", f"/bgpvpn/bgpvpns/{vpn['id']}", body).status == 400
