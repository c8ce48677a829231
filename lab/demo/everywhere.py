# SPDX-License-Identifier: Apache-2.0
"""The story's part about virtual tenant networks: asked for once, in one cloud, and there in all.

Asked     one request of a tenant's; every site makes its own part
Used      a VM of each cloud on it, each reaching all others
Measured  again and again: from the request to the first packet
Gone      refused while there are servers; then removed everywhere by one request
"""

from __future__ import annotations

from functools import partial
from ipaddress import IPv4Network
from typing import Any

from lab.demo import command, traffic
from lab.demo.cloud import Cloud, RequestRefused
from lab.demo.stage import Stage, side_by_side
from lab.demo.tenants import Server, Tenant
from lab.demo.terminal import Failed, Teller
from lab.waiting import wait_until

_PATH = "/vtn/virtual_tenant_networks"
_PREFIX = IPv4Network("10.9.0.0/16")
_CONVERGENCE_S = 60
_ROUNDS = 5
_CONFLICT = 409


def tell(teller: Teller, stage: Stage) -> None:
    """Tell it, for the first tenant."""
    _Everywhere(teller, stage, stage.plan.tenants[0]).tell()


def remove(stage: Stage) -> None:
    """Remove what an earlier telling left."""
    tenant = stage.plan.tenants[0]
    part = _Everywhere(Teller(), stage, tenant)
    part.remove_servers()
    part.remove_network()


class _Everywhere:
    def __init__(self, teller: Teller, stage: Stage, tenant: Tenant) -> None:
        self._step = teller.step
        self._chapter = teller.chapter
        self._stage = stage
        self._tenant = tenant
        self._sites = [site.name for site in stage.topology.sites]
        self._name = f"{tenant.name}-everywhere"

    def tell(self) -> None:
        """Tell it from the beginning to the end."""
        home, others = self._sites[0], ", ".join(self._sites)
        self._chapter(f"{self._tenant.name} asks in {home}, once, for a network over {others}")
        self._ask()
        for site in self._sites:
            self._wait_for_member(site)
        servers = self._boot()
        for near in servers:
            for far in servers:
                if near is not far:
                    traffic.ping(self._step, near, far, _CONVERGENCE_S)
        self._chapter("From such a request to the first packet between the clouds")
        self._measure()
        self._chapter("One request, and it is gone everywhere")
        self._refused_with_servers()
        self._end()

    # -- asked ----------------------------------------------------------------------------------

    def _ask(self) -> None:
        members = " ".join(f"--member {site}" for site in self._sites)
        words = f"vtn create --ip-prefix {_PREFIX} {members} {self._name}"
        with self._step(f"$ {command.typed(self._home.name, words)}", essential=True):
            command.run(self._home.name, words)

    def _wait_for_member(self, site: str) -> None:
        with self._step(f"{site} has made its part", essential=True) as told:
            is_active = partial(self._is_active, site)
            wait_until(is_active, _CONVERGENCE_S, f"{site}'s part to be ACTIVE", every_s=0.2)
            told.result = f"network {self._name} with {self._prefix_at(site)}"

    def _is_active(self, site: str) -> bool:
        return self._member(site).get("status") == "ACTIVE"

    def _member(self, site: str) -> dict[str, Any]:
        """What a site says of its own part; empty while it has not heard of it."""
        found = self._find(site)
        if found is None:
            return {}
        path = f"{_PATH}/{found['id']}/members?site={site}"
        members = self._cloud(site).call("GET", path)["members"]
        return dict(members[0]) if members else {}

    def _find(self, site: str) -> dict[str, Any] | None:
        answer = self._cloud(site).call("GET", f"{_PATH}?name={self._name}")
        found = answer["virtual_tenant_networks"]
        staying = [each for each in found if each["status"] != "PENDING_DELETE"]
        return dict(staying[0]) if staying else None

    def _prefix_at(self, site: str) -> IPv4Network:
        return IPv4Network(self._member(site)["prefixes"][0])

    # -- used -----------------------------------------------------------------------------------

    def _boot(self) -> list[Server]:
        servers = [self._server(site) for site in self._sites]
        size = (self._stage.topology.flavor.name, self._stage.topology.image)
        with self._step("a server asked for in each", essential=True):
            for server in servers:
                cloud = self._cloud(server.site)
                group = cloud.ensure_security_group([_PREFIX], self._name)
                cloud.start_server(server, cloud.network_id(self._name), group, size)

        def boot(server: Server) -> None:
            title = f"{server.name} runs on {server.host} and is {server.address}"
            with self._step(title, essential=True):
                self._stage.wait_for_server(self._tenant, server)

        side_by_side(boot, servers)
        return servers

    def _server(self, site_name: str) -> Server:
        site = self._stage.topology.site(site_name)
        address = self._prefix_at(site_name)[10]
        return Server(f"{self._name}-{site_name}", site_name, site.hosts[0].name, address)

    # -- measured -------------------------------------------------------------------------------

    def _measure(self) -> None:
        from bench import vtn

        with self._step(f"{_ROUNDS} networks, one after the other") as told:
            outcome = vtn.measure(_ROUNDS)
            told.lines = outcome.text.splitlines()

    # -- gone -----------------------------------------------------------------------------------

    def _refused_with_servers(self) -> None:
        found = self._find(self._home.site)
        with self._step("refused while there are servers on it") as told:
            try:
                self._home.call("DELETE", f"{_PATH}/{(found or {}).get('id')}")
            except RequestRefused as refusal:
                told.result = refusal.message
                if refusal.status != _CONFLICT:
                    raise
            else:
                raise Failed("it was not refused")

    def _end(self) -> None:
        with self._step("its servers deleted"):
            self.remove_servers()
        with self._step(f"deleted in {self._home.site}, gone in {', '.join(self._sites)}"):
            self.remove_network()

    def remove_servers(self) -> None:
        """Delete the servers on it, and their ports."""
        for site in self._sites:
            cloud = self._cloud(site)
            network = cloud.network.find_network(self._name)
            if network is None:
                continue
            for server in cloud.connection.compute.servers(name=f"^{self._name}-{site}$"):
                cloud.connection.compute.delete_server(server.id)
                cloud.connection.compute.wait_for_delete(server, interval=0.5, wait=60)
            for port in cloud.network.ports(network_id=network.id, name=f"{self._name}-{site}"):
                cloud.network.delete_port(port.id)

    def remove_network(self) -> None:
        """Delete it where it was asked for, and wait for its end everywhere."""
        wait_until(self._is_deleted, _CONVERGENCE_S, "the sites to know of no port", every_s=0.2)
        for site in self._sites:
            is_gone = partial(self._is_gone, site)
            wait_until(is_gone, _CONVERGENCE_S, f"its end in {site}", every_s=0.2)

    def _is_deleted(self) -> bool:
        found = self._find(self._home.site)
        if found is None:
            return True
        try:
            self._home.call("DELETE", f"{_PATH}/{found['id']}")
        except RequestRefused as refusal:
            if refusal.status != _CONFLICT:
                raise
            return False
        return True

    def _is_gone(self, site: str) -> bool:
        return self._cloud(site).network.find_network(self._name) is None

    @property
    def _home(self) -> Cloud:
        return self._cloud(self._sites[0])

    def _cloud(self, site: str) -> Cloud:
        return self._stage.cloud(site, self._tenant.name)
