# SPDX-License-Identifier: Apache-2.0
"""Read ``tenants.yaml`` into frozen values."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv4Network
from pathlib import Path
from typing import Any

import yaml

from lab.topology import Topology

SHIPPED = Path(__file__).with_name("tenants.yaml")


class TenantsInvalid(ValueError):
    """The file says something the topology has no place for; the text says what."""


@dataclass(frozen=True, slots=True)
class Server:
    """A VM that serves a page with its own name.

    Attributes:
        name: used once in the whole lab, as its page is how one knows who answered.
    """

    name: str
    site: str
    host: str
    address: IPv4Address


@dataclass(frozen=True, slots=True)
class Tenant:
    """A project, its VPN's route target and its VMs. Its networks and VPNs bear its name."""

    name: str
    route_target: str
    servers: tuple[Server, ...]

    def at(self, site: str) -> tuple[Server, ...]:
        """Its servers of one site, in the file's order."""
        return tuple(server for server in self.servers if server.site == site)

    def pairs_across(self) -> list[tuple[Server, Server]]:
        """Each of its servers with each of its servers in other sites."""
        return [(a, b) for a in self.servers for b in self.servers if a.site != b.site]


@dataclass(frozen=True, slots=True)
class Plan:
    """Everything tenants have in the lab."""

    prefixes: Mapping[str, IPv4Network]
    tenants: tuple[Tenant, ...]

    @property
    def servers(self) -> tuple[Server, ...]:
        """Every server of every tenant, in the file's order."""
        return tuple(server for tenant in self.tenants for server in tenant.servers)

    def tenant(self, name: str) -> Tenant:
        """The tenant of that name."""
        return next(tenant for tenant in self.tenants if tenant.name == name)

    def server(self, name: str) -> Server:
        """The server of that name."""
        return next(server for server in self.servers if server.name == name)


def load(topology: Topology, path: Path = SHIPPED) -> Plan:
    """Read a file of tenants.

    Raises:
        TenantsInvalid: a site, host or project is not in the topology, an address is outside its
            site's prefix, or a server's name is used twice.
    """
    return parse(topology, yaml.safe_load(path.read_text(encoding="utf-8")))


def parse(topology: Topology, document: Mapping[str, Any]) -> Plan:
    """Turn a parsed YAML document into a `Plan`. Same errors as `load`."""
    prefixes = {site: IPv4Network(prefix) for site, prefix in document["prefixes"].items()}
    tenants = tuple(
        Tenant(
            entry["name"],
            entry["route_target"],
            tuple(_server(topology, server) for server in entry["servers"]),
        )
        for entry in document["tenants"]
    )
    plan = Plan(prefixes, tenants)
    _refuse(topology, plan)
    return plan


def _server(topology: Topology, entry: Mapping[str, Any]) -> Server:
    host = entry["host"]
    if host not in {known.name for known in topology.hosts}:
        raise TenantsInvalid(f"{entry['name']}: the topology has no host {host}")
    return Server(entry["name"], topology.site_of(host).name, host, IPv4Address(entry["address"]))


def _refuse(topology: Topology, plan: Plan) -> None:
    for site in topology.sites:
        if site.name not in plan.prefixes:
            raise TenantsInvalid(f"no prefix for site {site.name}")
    for tenant in plan.tenants:
        if tenant.name not in topology.projects:
            raise TenantsInvalid(f"the topology has no project {tenant.name}")
    names: set[str] = set()
    for server in plan.servers:
        if server.name in names:
            raise TenantsInvalid(f"server name {server.name} is used twice")
        names.add(server.name)
        if server.address not in plan.prefixes[server.site]:
            raise TenantsInvalid(f"{server.name}: {server.address} is outside its site's prefix")
