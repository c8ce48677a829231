# SPDX-License-Identifier: Apache-2.0
"""50 associations made and removed by 8 clients at once leave nothing behind."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from ipaddress import IPv4Network

import pytest

from lab import control, database
from lab.demo import provider_edge
from lab.demo.cloud import Cloud
from lab.demo.evidence import ATTACHMENT_OWNER
from lab.demo.stage import Stage, side_by_side
from lab.waiting import wait_until
from tests.scenario import figures

NAME = "load"
VPNS, NETWORKS, CLIENTS = 5, 10, 8
SITE = "west"
COUNT = "SELECT COUNT(*) FROM"
TABLES = (
    "isthmus_vpns", "isthmus_route_targets", "isthmus_route_distinguishers",
    "isthmus_network_associations", "isthmus_attachments", "isthmus_journal",
)  # fmt: skip
SETTLED_S = 60


@pytest.fixture
def operator(stage: Stage) -> Iterator[Cloud]:
    """The operator of the west; what the test made is removed."""
    cloud = stage.cloud(SITE)
    yield cloud
    for vpn in cloud.vpns():
        if str(vpn["name"]).startswith(f"{NAME}-"):
            cloud.delete_vpn(vpn["id"])
    networks = cloud.network.networks(project_id=cloud.project_id)
    mine = [network.id for network in networks if network.name.startswith(f"{NAME}-")]
    side_by_side(partial(_delete_network, cloud), mine)


@dataclass(frozen=True)
class Footprint:
    """Everything VPNs occupy in the region."""

    rows: dict[str, str]
    neutron_ports: list[str]
    circuits: dict[str, set[str]]
    flows: dict[str, int]
    routes: dict[str, list[provider_edge.VpnRoute]]


def footprint(stage: Stage, operator: Cloud) -> Footprint:
    """Read it from the database, Neutron, Open vSwitch and GoBGP."""
    site = stage.topology.site(SITE)
    hosts = [host.name for host in site.hosts]
    execute = database.of_site(site).execute
    return Footprint(
        rows={table: execute(f"USE neutron; {COUNT} {table}") for table in TABLES},
        neutron_ports=sorted(
            port.id for port in operator.network.ports(device_owner=ATTACHMENT_OWNER)
        ),
        circuits={host: provider_edge.circuits(host) for host in hosts},
        flows={host: len(provider_edge.flows(host)) for host in hosts},
        routes={host: provider_edge.routes(host) for host in hosts},
    )


@pytest.mark.timeout(400)
def test_fifty_associations_by_eight_clients_at_once_leave_nothing_behind(
    stage: Stage, operator: Cloud
) -> None:
    """Five VPNs times ten networks with a host in each; no 5xx, then everything as before."""
    host = stage.topology.sites[0].hosts[0].name
    before = footprint(stage, operator)
    networks = side_by_side(partial(_network, operator), range(NETWORKS))
    interfaces = side_by_side(partial(_plug_host, operator, host), networks)
    vpns = [
        operator.create_vpn(
            f"{NAME}-{number}", operator.project_id, route_targets=[f"64500:{7000 + number}"]
        )
        for number in range(VPNS)
    ]
    pairs = [(vpn, network) for network in networks for vpn in vpns]
    try:
        # Any answer but a 2xx is raised here.
        with ThreadPoolExecutor(CLIENTS) as clients:
            made = list(clients.map(lambda pair: operator.associate(*pair), pairs))
        for number in range(VPNS):
            operator.wait_for_vpn(f"{NAME}-{number}", seconds=SETTLED_S)
        added = len(provider_edge.circuits(host)) - len(before.circuits[host])
        assert added == 2 * NETWORKS, "a patch has two ends, and each network one patch"
        with ThreadPoolExecutor(CLIENTS) as clients:
            list(clients.map(operator.dissociate, [vpn for vpn, _ in pairs], made))
        for vpn in vpns:
            operator.call("DELETE", f"/bgpvpn/bgpvpns/{vpn}")
        wait_until(
            lambda: footprint(stage, operator) == before,
            SETTLED_S,
            "the state as it was before",
            every_s=1,
        )
    finally:
        for interface in interfaces:
            control.run_in(host, ["ovs-vsctl", "--if-exists", "del-port", "br-int", interface])
    figures.add(f"{len(made)} associations made and removed by {CLIENTS} clients at once")


def _network(operator: Cloud, number: int) -> str:
    return operator.ensure_network(f"{NAME}-{number}", IPv4Network(f"10.80.{number}.0/24"))


def _delete_network(operator: Cloud, network_id: str) -> None:
    for port in operator.network.ports(network_id=network_id):
        if port.device_owner != ATTACHMENT_OWNER:
            operator.network.delete_port(port.id)
    operator.network.delete_network(network_id)


def _plug_host(operator: Cloud, host: str, network_id: str) -> str:
    """A port in the network, bound and plugged, so that there is something to carry."""
    port = operator.network.create_port(
        network_id=network_id, device_owner="compute:load", binding_host_id=host
    )
    interface = f"ld{port.id[:8]}"
    words = ["ovs-vsctl", "add-port", "br-int", interface, "--", "set", "interface", interface]
    words += ["type=internal", f"external_ids:iface-id={port.id}"]
    control.run_in(host, [*words, f"external_ids:attached-mac={port.mac_address}"])
    return interface
