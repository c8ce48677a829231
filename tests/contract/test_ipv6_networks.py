# SPDX-License-Identifier: Apache-2.0
"""Networks with IPv6 subnets of every mode Neutron knows: what is asked of Neutron and of PEs."""

from __future__ import annotations

from ipaddress import IPv6Address, ip_address
from typing import TYPE_CHECKING, Any

import pytest

from isthmus.model.intent import RouterAdvertisement
from tests.contract.associations import RED, associated, wanted

if TYPE_CHECKING:
    from tests.cloud import Cloud
    from tests.fakes.driver import FlakyDriver

# Neutron's usual gateway is the first address of all (RFC 4291 §2.6.1), which no port may have.
PREFIX, USUAL, GATEWAY = "2001:db8:1::/64", "2001:db8:1::", "2001:db8:1::1"
AUTO = ("slaac", "dhcpv6-stateless")
STATEFUL = "dhcpv6-stateful"


def modes(mode: str | None) -> dict[str, Any]:
    """Both modes of a subnet, as tenants set them; or neither."""
    return {} if mode is None else {"ipv6_ra_mode": mode, "ipv6_address_mode": mode}


def subnet(cloud: Cloud, network_id: str, prefix: str = PREFIX, **attributes: Any) -> str:
    """Make a subnet; return its id."""
    return str(cloud.made(cloud.subnet(network_id, prefix, **attributes), "subnet")["id"])


def eui64(prefix: str, mac: str) -> str:
    """The address a host makes of its MAC (RFC 4291 §2.5.1)."""
    octets = bytes.fromhex(mac.replace(":", ""))
    identifier = bytes((octets[0] ^ 2,)) + octets[1:3] + b"\xff\xfe" + octets[3:]
    start = int(ip_address(prefix.partition("/")[0]))
    return str(IPv6Address(start | int.from_bytes(identifier, "big")))


def addresses(port: dict[str, Any]) -> set[str]:
    """A port's addresses."""
    return {fixed["ip_address"] for fixed in port["fixed_ips"]}


@pytest.mark.parametrize("mode", [*AUTO, STATEFUL, None])
def test_a_dual_stack_network_is_carried_whole(
    cloud: Cloud, driver: FlakyDriver, mode: str | None
) -> None:
    """Both subnets, and each host with both its addresses, IPv4 first."""
    network_id = cloud.network("10.1.0.0/24")
    subnet(cloud, network_id, **modes(mode))
    port = cloud.port(network_id, "pe-1")
    vpn_id = associated(cloud, "network", network_id)[0]
    cloud.dispatch()
    first, second = wanted(driver).subnets
    assert (str(first.prefix), str(second.prefix)) == ("10.1.0.0/24", PREFIX)
    assert first.advertisement is RouterAdvertisement.NONE
    assert second.advertisement is RouterAdvertisement(mode or "none")
    assert str(second.gateway) == USUAL
    (bound,) = wanted(driver).hosts
    assert [address.version for address in bound.host.addresses] == [4, 6]
    assert {str(address) for address in bound.host.addresses} == addresses(port)
    assert cloud.status(vpn_id) == ("ACTIVE", "")


@pytest.mark.parametrize("mode", [*AUTO, STATEFUL, None])
@pytest.mark.parametrize("gateway", [USUAL, GATEWAY])
def test_an_attachment_has_what_neutron_lets_it_have_and_stays_as_it_is(
    cloud: Cloud, driver: FlakyDriver, gateway: str, mode: str | None
) -> None:
    """The gateway address, or the one made of its MAC; no pass after the first touches it."""
    network_id = cloud.network()
    subnet(cloud, network_id, gateway_ip=gateway, **modes(mode))
    associated(cloud, "network", network_id)
    cloud.dispatch()
    (port,) = cloud.attachments()
    if mode in AUTO:
        assert addresses(port) == {eui64(PREFIX, port["mac_address"])}
    else:
        assert addresses(port) == {gateway} - {USUAL}
    assert [str(s.gateway) for s in wanted(driver).subnets][-1] == gateway
    assert wanted(driver).mac == port["mac_address"]
    cloud.check_all()
    assert cloud.attachments() == [port]


@pytest.mark.parametrize("mode", [*AUTO, STATEFUL])
def test_a_subnet_that_comes_later_is_carried(cloud: Cloud, driver: FlakyDriver, mode: str) -> None:
    """Neutron gives existing ports, ours among them, their addresses made of MACs by itself."""
    network_id = cloud.network("10.1.0.0/24")
    associated(cloud, "network", network_id)
    cloud.dispatch()
    subnet(cloud, network_id, gateway_ip=GATEWAY, **modes(mode))
    cloud.dispatch()
    (port,) = cloud.attachments()
    ours = eui64(PREFIX, port["mac_address"]) if mode in AUTO else GATEWAY
    assert addresses(port) == {ours, "10.1.0.1"}
    assert len(wanted(driver).subnets) == 2
    cloud.check_all()
    assert cloud.attachments() == [port]


@pytest.mark.parametrize("mode", ["slaac", STATEFUL])
def test_either_mode_alone_says_how_hosts_get_addresses(
    cloud: Cloud, driver: FlakyDriver, mode: str
) -> None:
    """Neutron takes one without the other."""
    network_id = cloud.network()
    subnet(cloud, network_id, ipv6_ra_mode=mode)
    subnet(cloud, network_id, "2001:db8:2::/64", ipv6_address_mode=mode)
    associated(cloud, "network", network_id)
    cloud.dispatch()
    assert [s.advertisement for s in wanted(driver).subnets] == [RouterAdvertisement(mode)] * 2


@pytest.mark.parametrize("mode", ["slaac", STATEFUL])
def test_a_link_local_gateway_is_the_pes_alone(
    cloud: Cloud, driver: FlakyDriver, mode: str
) -> None:
    """Neutron gives no port such an address."""
    network_id = cloud.network()
    subnet(cloud, network_id, gateway_ip="fe80::1", **modes(mode))
    vpn_id = associated(cloud, "network", network_id)[0]
    cloud.dispatch()
    (port,) = cloud.attachments()
    assert "fe80::1" not in addresses(port)
    assert [str(s.gateway) for s in wanted(driver).subnets] == ["fe80::1"]
    cloud.check_all()
    assert cloud.attachments() == [port]
    assert cloud.status(vpn_id) == ("ACTIVE", "")


@pytest.mark.parametrize("mode", ["slaac", STATEFUL])
def test_a_subnet_without_a_gateway_is_left_out(
    cloud: Cloud, driver: FlakyDriver, mode: str
) -> None:
    """Alone it keeps the network from being attached at all; the tenant reads why."""
    network_id = cloud.network()
    subnet_id = subnet(cloud, network_id, gateway_ip=None, **modes(mode))
    vpn_id = associated(cloud, "network", network_id)[0]
    cloud.dispatch()
    assert cloud.attachments() == []
    assert "no subnet with a gateway address" in cloud.status(vpn_id, RED)[1]
    subnet(cloud, network_id, "10.1.0.0/24")
    cloud.dispatch()
    assert [str(s.prefix) for s in wanted(driver).subnets] == ["10.1.0.0/24"]
    assert PREFIX in cloud.status(vpn_id, RED)[1]
    # Nothing serves it, so the association does not hold it.
    assert cloud.request("DELETE", f"/subnets/{subnet_id}", project=RED).status == 204
    cloud.dispatch()
    assert cloud.status(vpn_id) == ("ACTIVE", "")


@pytest.mark.parametrize("mode", ["slaac", STATEFUL])
def test_a_gateway_that_goes_takes_the_subnet_along(
    cloud: Cloud, driver: FlakyDriver, mode: str
) -> None:
    """And one that comes back brings it back."""
    network_id = cloud.network("10.1.0.0/24")
    subnet_id = subnet(cloud, network_id, **modes(mode))
    associated(cloud, "network", network_id)
    cloud.dispatch()
    for gateway, carried in ((None, 1), (USUAL, 2)):
        change = {"subnet": {"gateway_ip": gateway}}
        assert cloud.request("PUT", f"/subnets/{subnet_id}", change, RED).status == 200
        cloud.dispatch()
        assert len(wanted(driver).subnets) == carried


@pytest.mark.parametrize("mode", ["slaac", STATEFUL])
def test_a_served_subnet_goes_after_its_association(
    cloud: Cloud, driver: FlakyDriver, mode: str
) -> None:
    """Whatever address of it the attachment has."""
    network_id = cloud.network()
    subnet_id = subnet(cloud, network_id, **modes(mode))
    vpn_id = associated(cloud, "network", network_id)[0]
    cloud.dispatch()
    assert cloud.request("DELETE", f"/subnets/{subnet_id}", project=RED).status == 409
    cloud.dissociate(vpn_id)
    assert cloud.request("DELETE", f"/subnets/{subnet_id}", project=RED).status == 204
    cloud.dispatch()
    assert cloud.attachments() == []


@pytest.mark.parametrize("mode", ["slaac", STATEFUL])
@pytest.mark.parametrize("gateway", [USUAL, GATEWAY])
def test_a_gateway_address_is_the_routers_or_the_pes(cloud: Cloud, gateway: str, mode: str) -> None:
    """Also where Neutron itself would let both have it."""
    network_id = cloud.network()
    subnet_id = subnet(cloud, network_id, gateway_ip=gateway, **modes(mode))
    router = cloud.made(cloud.request("POST", "/routers", {"router": {}}, RED), "router")
    path, body = f"/routers/{router['id']}", {"subnet_id": subnet_id}
    assert cloud.request("PUT", f"{path}/add_router_interface", body, RED).status == 200
    vpn_id = cloud.vpn()["id"]
    refused = cloud.associate(vpn_id, network_id)
    assert refused.status == 409
    assert f"{gateway} of network {network_id} belongs to a router" in refused.sentence
    assert cloud.request("PUT", f"{path}/remove_router_interface", body, RED).status == 200
    assert cloud.associate(vpn_id, network_id).status == 201
    cloud.dispatch()
    assert cloud.request("PUT", f"{path}/add_router_interface", body, RED).status == 409
    assert len(cloud.attachments()) == 1


def test_a_router_that_was_there_first_is_an_error(cloud: Cloud, driver: FlakyDriver) -> None:
    """As after an upgrade from a release that did not look at IPv6; IPv4 goes on."""
    from isthmus.model.errors import IntentConflict

    network_id = cloud.network("10.1.0.0/24")
    subnet_id = subnet(cloud, network_id, **modes("slaac"))
    vpn_id = associated(cloud, "network", network_id)[0]
    cloud.dispatch()
    router = cloud.made(cloud.request("POST", "/routers", {"router": {}}, RED), "router")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("isthmus.db.membership.read_attached_vpns", lambda *_: [])
        path = f"/routers/{router['id']}/add_router_interface"
        assert cloud.request("PUT", path, {"subnet_id": subnet_id}, RED).status == 200
    with pytest.raises(IntentConflict, match=f"{USUAL} .*in use by another port") as refusal:
        cloud.check_all()
    cloud.refuse(vpn_id, refusal.value)
    assert cloud.status(vpn_id, RED)[0] == "ERROR"
    assert [str(s.prefix) for s in wanted(driver).subnets] == ["10.1.0.0/24"]
    path = f"/routers/{router['id']}/remove_router_interface"
    assert cloud.request("PUT", path, {"subnet_id": subnet_id}, RED).status == 200
    cloud.check_all()
    assert len(wanted(driver).subnets) == 2
    assert cloud.status(vpn_id) == ("ACTIVE", "")
