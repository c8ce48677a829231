# SPDX-License-Identifier: Apache-2.0
"""32 clients write at once for a while, to two API processes: nothing breaks, nothing differs."""

from __future__ import annotations

import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from functools import partial
from statistics import quantiles
from typing import Any

import pytest

from lab import database
from lab.agreement.read import read_disagreements
from lab.demo.cloud import Cloud, RequestRefused
from lab.demo.stage import Stage, side_by_side
from tests.scenario import figures, length
from tests.scenario.tally import Tally
from tests.scenario.writers import VPNS, Account, Pool, Writer

NAME = "writers"
CLIENTS, SETTLED_S = 32, 120
WRITE_S = length.choose(short=30, long=60)
NETWORKS, ROUTERS = 6, 2
COUNT = "SELECT COUNT(*) FROM"
OWN_TABLES = "isthmus_vpns", "isthmus_network_associations", "isthmus_attachments"


class Region:
    """The west, with networks, hosts and routers for each tenant to write about."""

    def __init__(self, stage: Stage) -> None:
        self.site = stage.topology.sites[0]
        self._hosts = [host.name for host in self.site.hosts]
        self._stage = stage
        self.operator = stage.cloud(self.site.name)

    @property
    def url(self) -> str:
        """Of Neutron, with its version."""
        return f"http://{self.site.api}:9696/v2.0"

    def account(self, cloud: Cloud) -> Account:
        """Return who a cloud's requests come from."""
        return Account(str(cloud.connection.auth_token), cloud.project_id)

    def tenants(self) -> list[Account]:
        """Make what each tenant has."""
        found = []
        for number, tenant in enumerate(self._stage.plan.tenants):
            cloud = self._stage.cloud(self.site.name, tenant.name)
            made = side_by_side(partial(self._network, cloud, number), range(NETWORKS))
            routers = side_by_side(partial(self._router, cloud, number), range(ROUTERS))
            account = replace(
                self.account(cloud),
                networks=[network for network, _ in made],
                ports=[port for _, port in made],
                routers=routers,
            )
            found.append(account)
        return found

    def kinds(self, account: Account) -> list[str]:
        """Return the kinds of association this release makes."""
        vpn = self.operator.create_vpn(f"{NAME}-kinds", account.project_id)
        bodies = {"router": account.routers[0], "port": account.ports[0]}
        kinds = ["network", "network"]
        for kind, what in bodies.items():
            body = {f"{kind}_association": {f"{kind}_id": what}}
            try:
                self.operator.call("POST", f"{VPNS}/{vpn}/{kind}_associations", body)
            except RequestRefused:
                continue
            kinds.append(kind)
        self.operator.call("DELETE", f"{VPNS}/{vpn}")
        return kinds

    def remove(self) -> None:
        """Delete everything made here, VPNs first."""
        operator = self.operator
        for vpn in operator.vpns():
            if str(vpn["name"]).startswith(NAME):
                operator.call("DELETE", f"{VPNS}/{vpn['id']}")
        for find, remove in (
            (operator.network.routers, self._remove_router),
            (operator.network.networks, self._remove_network),
        ):
            side_by_side(remove, [each for each in find() if each.name.startswith(NAME)])

    def _remove_network(self, network: Any) -> None:
        for port in self.operator.network.ports(network_id=network.id):
            if port.device_owner == f"compute:{NAME}":
                self.operator.network.delete_port(port)
        self.operator.network.delete_network(network)

    def _remove_router(self, router: Any) -> None:
        network = self.operator.network
        for port in network.ports(device_id=router.id):
            # The one towards the PE is nobody's, and goes with the association.
            if port.project_id:
                network.remove_interface_from_router(router, port_id=port.id)
        network.delete_router(router)

    def _network(self, cloud: Cloud, tenant: int, number: int) -> tuple[str, str]:
        name, prefix = f"{NAME}-{tenant}-{number}", f"10.{210 + tenant}.{number}.0/24"
        return self._made_network(cloud, name, prefix, self._hosts[number % len(self._hosts)])

    def _router(self, cloud: Cloud, tenant: int, number: int) -> str:
        name, prefix = f"{NAME}-r{tenant}-{number}", f"10.{220 + tenant}.{number}.0/24"
        network, _ = self._made_network(cloud, name, prefix, self._hosts[number % 2])
        router = cloud.network.create_router(name=name)
        subnet = next(iter(cloud.network.subnets(network_id=network)))
        cloud.network.add_interface_to_router(router, subnet_id=subnet.id)
        return str(router.id)

    def _made_network(self, cloud: Cloud, name: str, prefix: str, host: str) -> tuple[str, str]:
        network = cloud.network.create_network(name=name)
        cloud.network.create_subnet(network_id=network.id, ip_version=4, cidr=prefix)
        port = self.operator.network.create_port(
            network_id=network.id,
            project_id=cloud.project_id,
            device_owner=f"compute:{NAME}",
            binding_host_id=host,
        )
        return str(network.id), str(port.id)


@pytest.fixture
def region(stage: Stage) -> Iterator[Region]:
    """A region that is as it was before once the test is over."""
    region = Region(stage)
    region.remove()
    yield region
    region.remove()


def deadlocks(region: Region) -> int:
    """Return how often the database has ended a transaction for a deadlock."""
    told = database.of_site(region.site).execute("SHOW GLOBAL STATUS LIKE 'Innodb_deadlocks'")
    return int(told.split()[1]) if told else 0


def rows(region: Region) -> list[str]:
    """Return how many rows our tables have."""
    execute = database.of_site(region.site).execute
    return [execute(f"USE neutron; {COUNT} {table}") for table in OWN_TABLES]


@pytest.mark.timeout(600)
def test_32_clients_writing_at_once_break_nothing(region: Region) -> None:
    """No 5xx; then database, agents and switches say the same; then nothing is left."""
    assert read_disagreements(region.site, SETTLED_S) == []
    before = rows(region)
    operator, tenants = region.account(region.operator), region.tenants()
    kinds = region.kinds(tenants[0])
    pool, tally, dead = Pool(), Tally(), deadlocks(region)
    writers = [Writer(n, region.url, operator, tenants, kinds) for n in range(CLIENTS)]
    until = time.monotonic() + WRITE_S
    with ThreadPoolExecutor(CLIENTS) as clients:
        for done in [clients.submit(each.write, until, pool, tally) for each in writers]:
            done.result()
    written = time.monotonic()
    assert tally.wrong == []
    assert read_disagreements(region.site, SETTLED_S) == []
    settled = time.monotonic() - written
    cuts = quantiles(tally.seconds, n=100)
    figures.add(
        f"{CLIENTS} clients for {WRITE_S} s, associations of {', '.join(sorted(set(kinds)))}: "
        f"{tally}; {tally.changes} changes; p50 {cuts[49]:.2f} s, p99 {cuts[98]:.2f} s; "
        f"{deadlocks(region) - dead} deadlocks in the database, all retried; "
        f"database, agents and switches the same {settled:.0f} s later"
    )
    region.remove()
    assert read_disagreements(region.site, SETTLED_S) == []
    assert rows(region) == before
