# SPDX-License-Identifier: Apache-2.0
"""Networks that chosen gateways serve: their ports in Neutron, and what PEs are asked."""

from __future__ import annotations

from ipaddress import IPv4Address
from typing import TYPE_CHECKING, Any

import pytest

from isthmus.model.intent import NetworkAttachment
from isthmus.model.report import PeReport

if TYPE_CHECKING:
    from tests.cloud import Cloud
    from tests.fakes.driver import FlakyDriver

GATEWAYS = {"gw-1": IPv4Address("192.0.2.31"), "gw-2": IPv4Address("192.0.2.32")}
RED = "red-project"
DISTRIBUTED, GATEWAY = "distributed", "gateway"
ADDRESS_OWNER, GATEWAY_OWNER = "isthmus:pe-gateway", "isthmus:pe"


def make_gateway(cloud: Cloud, name: str, *, is_gateway: bool = True) -> None:
    """Have a PE's agent tell that it may be a gateway."""
    cloud.host(name)
    cloud.report(PeReport(name, GATEWAYS[name], (), (), is_gateway=is_gateway))


@pytest.fixture
def driver(cloud: Cloud) -> FlakyDriver:
    """A region in gateway mode with two gateways and a compute host that is no PE."""
    for name in GATEWAYS:
        make_gateway(cloud, name)
    cloud.host("compute-1")
    return use_mode(cloud, GATEWAY)


def use_mode(cloud: Cloud, mode: str) -> FlakyDriver:
    """Restart the service in a mode, with a driver that speaks for no PE."""
    from isthmus.drivers.base import DriverSetup
    from isthmus.drivers.noop import NoopDriver
    from tests.fakes.driver import FlakyDriver

    setup = DriverSetup(transport=lambda: None, record_report=lambda _: None)
    driver = FlakyDriver(NoopDriver(setup))
    cloud.use_driver(driver, mode)
    return driver


def associated(cloud: Cloud, prefix: str = "10.1.0.0/24") -> tuple[str, str]:
    """Make a network with a VM in a VPN; return the VPN's and the network's id."""
    network_id = cloud.network(prefix)
    cloud.port(network_id, "compute-1")
    vpn = cloud.vpn()
    cloud.made(cloud.associate(vpn["id"], network_id), "network_association")
    return str(vpn["id"]), network_id


def allowed(port: dict[str, Any]) -> set[str]:
    """The addresses a port may use beside its own."""
    return {pair["ip_address"] for pair in port["allowed_address_pairs"]}


def wanted(driver: FlakyDriver) -> NetworkAttachment:
    """What was last asked of PEs for the one network there is."""
    (attachment,) = driver.applied[-1].attachments
    return attachment


def test_each_gateway_gets_a_port_of_its_own_that_may_use_the_gateways_address(
    cloud: Cloud, driver: FlakyDriver
) -> None:
    """Bound to its host, in nobody's quota; the gateway address itself is on an unbound port."""
    associated(cloud)
    cloud.dispatch()
    (address,) = cloud.attachments(ADDRESS_OWNER)
    assert [ip["ip_address"] for ip in address["fixed_ips"]] == ["10.1.0.1"]
    assert not address["binding:host_id"]
    ports = cloud.attachments(GATEWAY_OWNER)
    assert sorted(port["binding:host_id"] for port in ports) == ["gw-1", "gw-2"]
    for port in ports:
        assert allowed(port) == {"10.1.0.1", "0.0.0.0/0", "2000::/3", "fc00::/7"}
        assert port["port_security_enabled"]
        (group_id,) = port["security_groups"]
        group = cloud.request("GET", f"/security-groups/{group_id}")["security_group"]
        # What comes in by one gateway and goes out by another is half of a connection to each.
        assert group["stateful"] is False
        assert port["project_id"] == ""
    assert not cloud.attachments()


def test_a_second_subnets_gateway_is_allowed_as_well(cloud: Cloud, driver: FlakyDriver) -> None:
    """Else OVN would drop what a gateway says of it."""
    _, network_id = associated(cloud)
    cloud.dispatch()
    cloud.made(cloud.subnet(network_id, "10.2.0.0/24"), "subnet")
    cloud.dispatch()
    for port in cloud.attachments(GATEWAY_OWNER):
        assert {"10.1.0.1", "10.2.0.1"} < allowed(port)


def test_gateways_are_told_of_each_other_and_of_every_host(
    cloud: Cloud, driver: FlakyDriver
) -> None:
    """In one order, so that they agree on who serves."""
    associated(cloud)
    cloud.dispatch()
    attachment = wanted(driver)
    assert {port.host_name: port.address for port in attachment.gateways} == GATEWAYS
    own = {port["id"]: port["mac_address"] for port in cloud.attachments(GATEWAY_OWNER)}
    assert {port.port_id: port.mac for port in attachment.gateways} == own
    assert [bound.host_name for bound in attachment.hosts] == ["compute-1"]


def test_a_gateways_port_is_no_host_of_the_network(cloud: Cloud, driver: FlakyDriver) -> None:
    """Though it is bound and has an address there."""
    associated(cloud)
    cloud.dispatch()
    cloud.check_all()
    assert len(wanted(driver).hosts) == 1


def test_all_of_it_goes_with_the_association(cloud: Cloud, driver: FlakyDriver) -> None:
    """Ports and rows."""
    vpn_id, network_id = associated(cloud)
    cloud.dispatch()
    cloud.dissociate(vpn_id)
    cloud.dispatch()
    assert not cloud.attachments(ADDRESS_OWNER) + cloud.attachments(GATEWAY_OWNER)
    assert cloud.request("DELETE", f"/bgpvpn/bgpvpns/{vpn_id}").status == 204
    cloud.dispatch()
    assert cloud.leftovers() == {}
    ports = cloud.request("GET", f"/ports?network_id={network_id}")["ports"]
    for port in ports:
        assert cloud.request("DELETE", f"/ports/{port['id']}").status == 204
    assert cloud.request("DELETE", f"/networks/{network_id}").status == 204


def test_another_gateway_joins_and_one_leaves(cloud: Cloud, driver: FlakyDriver) -> None:
    """As its agent tells; the others keep their ports."""
    make_gateway(cloud, "gw-2", is_gateway=False)
    associated(cloud)
    cloud.dispatch()
    (first,) = wanted(driver).gateways
    make_gateway(cloud, "gw-2")
    cloud.dispatch()
    assert first in wanted(driver).gateways
    assert len(wanted(driver).gateways) == 2
    make_gateway(cloud, "gw-2", is_gateway=False)
    cloud.dispatch()
    assert wanted(driver).gateways == (first,)
    assert len(cloud.attachments(GATEWAY_OWNER)) == 1


@pytest.mark.parametrize("owner", [ADDRESS_OWNER, GATEWAY_OWNER])
def test_a_tenant_can_neither_delete_nor_change_the_ports(
    cloud: Cloud, driver: FlakyDriver, owner: str
) -> None:
    """They would cut off their own network, and not know why."""
    associated(cloud)
    cloud.dispatch()
    path = f"/ports/{cloud.attachments(owner)[0]['id']}"
    assert cloud.request("DELETE", path).status == 409
    assert cloud.request("PUT", path, {"port": {"name": "mine"}}).status == 409


def test_an_operator_moves_one_network_and_its_tenant_does_not_see_how(
    cloud: Cloud, driver: FlakyDriver
) -> None:
    """The mode is the provider's business; it is the network's, whichever VPN it was said in."""
    driver = use_mode(cloud, DISTRIBUTED)
    vpn_id, network_id = associated(cloud)
    other = cloud.vpn()["id"]
    cloud.made(cloud.associate(other, network_id), "network_association")
    path = f"/bgpvpn/bgpvpns/{vpn_id}/network_associations"
    (association,) = cloud.request("GET", path)["network_associations"]
    assert association["attachment_mode"] is None
    item = f"{path}/{association['id']}"
    body: dict[str, dict[str, str | None]] = {"network_association": {"attachment_mode": GATEWAY}}
    assert cloud.request("PUT", item, body, RED).status == 403
    assert "attachment_mode" not in cloud.request("GET", item, project=RED)["network_association"]
    assert cloud.request("PUT", item, body).status == 200
    cloud.dispatch()
    assert wanted(driver).gateways
    (same,) = cloud.request("GET", path.replace(vpn_id, other))["network_associations"]
    assert same["attachment_mode"] == GATEWAY
    assert (
        cloud.request("PUT", item, {"network_association": {"attachment_mode": "x"}}).status == 400
    )
    body["network_association"]["attachment_mode"] = None
    assert cloud.request("PUT", item, body, RED).status == 403
    assert cloud.request("PUT", item, body).status == 200
    cloud.dispatch()
    assert not wanted(driver).gateways


def test_without_any_gateway_the_status_says_what_to_do(cloud: Cloud, driver: FlakyDriver) -> None:
    """The tenant is told whom to tell, the operator which option."""
    from isthmus.model.errors import IsthmusError

    for name in GATEWAYS:
        make_gateway(cloud, name, is_gateway=False)
    vpn_id, _ = associated(cloud)
    with pytest.raises(IsthmusError, match="gateway = true") as refusal:
        cloud.dispatch()
    cloud.refuse(vpn_id, refusal.value)
    assert cloud.status(vpn_id)[0] == "ERROR"
    assert "tell the operator" in cloud.status(vpn_id, "red-project")[1]


def test_a_network_moves_to_gateways_and_back(cloud: Cloud, driver: FlakyDriver) -> None:
    """The gateway address stays where hosts look for it; nothing is left of the other mode."""
    associated(cloud)
    owners = (ADDRESS_OWNER, GATEWAY_OWNER, "ovn-lb-hm:distributed")
    numbers: list[tuple[int, ...]] = []
    for mode in (DISTRIBUTED, GATEWAY, DISTRIBUTED):
        moving = use_mode(cloud, mode)
        cloud.check_all()
        numbers.append(tuple(len(cloud.attachments(owner)) for owner in owners))
        assert bool(wanted(moving).gateways) is (mode == GATEWAY)
    assert numbers == [(0, 0, 1), (1, 2, 0), (0, 0, 1)]


def test_a_router_is_attached_as_ever_in_a_region_of_gateways(
    cloud: Cloud, driver: FlakyDriver
) -> None:
    """It is on every host, and its transit network has no addresses to spare."""
    network_id = cloud.network("10.1.0.0/24")
    router = cloud.route(network_id)
    cloud.port(network_id, "compute-1")
    vpn = cloud.vpn()
    path = f"/bgpvpn/bgpvpns/{vpn['id']}/router_associations"
    body = {"router_association": {"router_id": router}}
    cloud.made(cloud.request("POST", path, body, RED), "router_association")
    cloud.dispatch()
    assert len(cloud.attachments()) == 1
    assert not cloud.attachments(GATEWAY_OWNER)


def test_ports_that_no_row_knows_of_go(cloud: Cloud, driver: FlakyDriver) -> None:
    """Made by a worker that was taken for dead; those that are known stay."""
    from isthmus.db import attachments, gateways
    from isthmus.plugin import transactions

    _, network_id = associated(cloud)
    _, other_id = associated(cloud, "10.9.0.0/24")
    cloud.dispatch()

    def ports_on(network: str) -> set[str]:
        ours = cloud.attachments(ADDRESS_OWNER) + cloud.attachments(GATEWAY_OWNER)
        return {port["id"] for port in ours if port["network_id"] == network}

    before, others = ports_on(network_id), ports_on(other_id)
    (address,) = (port["id"] for port in cloud.attachments(ADDRESS_OWNER) if port["id"] in before)
    transactions.write(attachments.forget, network_id, address)
    for port in transactions.read(gateways.read_ports, [network_id])[network_id]:
        transactions.write(gateways.forget, port.port_id)
    cloud.check_all()
    assert len(ports_on(network_id)) == len(before) == 3
    assert not ports_on(network_id) & before
    assert ports_on(other_id) == others


def test_a_worker_that_is_late_forgets_no_port_made_since(
    cloud: Cloud, driver: FlakyDriver
) -> None:
    """Two may remove the same ports; the slower one comes when there are others already."""
    from isthmus.db import gateways
    from isthmus.plugin import gateway_ports, transactions

    _, network_id = associated(cloud)
    cloud.dispatch()
    old = transactions.read(gateways.read_ports, [network_id])[network_id]
    gateway_ports.remove(old)
    cloud.check_all()
    new = transactions.read(gateways.read_ports, [network_id])[network_id]
    gateway_ports.remove(old)
    assert transactions.read(gateways.read_ports, [network_id])[network_id] == new
    assert {port.port_id for port in new}.isdisjoint(port.port_id for port in old)


def test_a_port_that_a_former_version_made_is_put_into_the_group_of_today(
    cloud: Cloud, driver: FlakyDriver
) -> None:
    """That version's group tracked connections, of which a hand-over loses packets."""
    from isthmus.plugin.attach import own_context

    associated(cloud)
    cloud.dispatch()
    before = {port["id"]: port["security_groups"] for port in cloud.attachments(GATEWAY_OWNER)}
    for port_id in before:
        change: dict[str, Any] = {"port": {"security_groups": []}}
        cloud.core.update_port(own_context(), port_id, change)
    cloud.check_all()
    after = {port["id"]: port["security_groups"] for port in cloud.attachments(GATEWAY_OWNER)}
    assert after == before
