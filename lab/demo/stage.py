# SPDX-License-Identifier: Apache-2.0
"""Put on stage what the story is about: tenants' networks and VMs, and their VPNs."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from functools import cached_property, partial
from typing import TypeVar

from lab.demo import guest
from lab.demo.cloud import ADMIN, Cloud
from lab.demo.tenants import Plan, Server, Tenant
from lab.topology import Site, Topology
from lab.waiting import wait_until

_T = TypeVar("_T")
_R = TypeVar("_R")
_BOOT_S = 120
_CONVERGENCE_S = 60


def side_by_side(work: Callable[[_T], _R], items: Iterable[_T]) -> list[_R]:
    """Do the same to several things at once; the first failure is raised when all have ended."""
    with ThreadPoolExecutor(8) as pool:
        return [future.result() for future in [pool.submit(work, item) for item in items]]


class Stage:
    """Everybody in the lab.

    Attributes:
        topology: what the lab consists of.
        plan: who uses it.
    """

    def __init__(self, topology: Topology, plan: Plan) -> None:
        self.topology = topology
        self.plan = plan

    @cached_property
    def clouds(self) -> dict[tuple[str, str], Cloud]:
        """Every project in every region, by (site, project)."""
        projects = (ADMIN, *(tenant.name for tenant in self.plan.tenants))
        return {
            (site.name, project): Cloud(site.name, project)
            for site in self.topology.sites
            for project in projects
        }

    def cloud(self, site: str, project: str = ADMIN) -> Cloud:
        """One project in one region."""
        return self.clouds[site, project]

    @property
    def homes(self) -> list[tuple[Site, Tenant]]:
        """Each tenant in each region."""
        return [(site, tenant) for tenant in self.plan.tenants for site in self.topology.sites]

    # -- before there is a VPN ------------------------------------------------------------------

    def ensure_zones(self) -> None:
        """An availability zone per compute host."""
        side_by_side(
            lambda site: self.cloud(site.name).ensure_zones(host.name for host in site.hosts),
            self.topology.sites,
        )

    def ensure_networks(self) -> None:
        """A network per tenant and region, and a security group that lets the others in."""

        def ensure(site: Site) -> None:
            for tenant in self.plan.tenants:
                cloud = self.cloud(site.name, tenant.name)
                cloud.ensure_network(tenant.name, self.plan.prefixes[site.name])
                cloud.ensure_security_group(self.plan.prefixes.values())

        # One after the other within a region: two first requests of a kind at once make Neutron
        # refuse one of them ("disallowed by policy").
        side_by_side(ensure, self.topology.sites)

    def start_servers(self) -> int:
        """Ask for every server that is not there. Returns how many were asked for."""
        size = (self.topology.flavor.name, self.topology.image)

        def start(site: Site) -> int:
            return sum(
                self._start(site, tenant, server, size)
                for tenant in self.plan.tenants
                for server in tenant.at(site.name)
            )

        return sum(side_by_side(start, self.topology.sites))

    def _start(self, site: Site, tenant: Tenant, server: Server, size: tuple[str, str]) -> bool:
        cloud = self.cloud(site.name, tenant.name)
        group = cloud.ensure_security_group(self.plan.prefixes.values())
        return cloud.start_server(server, cloud.network_id(tenant.name), group, size)

    def wait_for_server(self, tenant: Tenant, server: Server) -> None:
        """Return once nova has started a server and its guest has its address from DHCP."""
        self.cloud(server.site, tenant.name).wait_for_server(server)
        wait_until(
            partial(guest.has_address, server), _BOOT_S, f"{server.name}'s address", every_s=0.5
        )

    # -- VPNs -----------------------------------------------------------------------------------

    def remove_vpns(self) -> int:
        """Delete the tenants' VPNs in every region. Returns how many there were."""
        names = {tenant.name for tenant in self.plan.tenants}

        def remove(site: Site) -> int:
            cloud = self.cloud(site.name)
            found = [vpn for vpn in cloud.vpns() if vpn["name"] in names]
            for vpn in found:
                cloud.delete_vpn(vpn["id"])
            return len(found)

        return sum(side_by_side(remove, self.topology.sites))

    def ensure_vpn(self, home: tuple[Site, Tenant]) -> None:
        """A tenant's VPN in one region with the tenant's network in it, ACTIVE."""
        site, tenant = home
        operator, cloud = self.cloud(site.name), self.cloud(site.name, tenant.name)
        found = operator.vpns(tenant.name)
        if found:
            vpn_id = str(found[0]["id"])
        else:
            project = operator.project_id_of(tenant.name)
            vpn_id = operator.create_vpn(tenant.name, project, route_targets=[tenant.route_target])
        network = cloud.network_id(tenant.name)
        if network not in {a["network_id"] for a in cloud.associations(vpn_id)}:
            cloud.associate(vpn_id, network)
        cloud.wait_for_vpn(tenant.name)

    def ensure_all(self) -> None:
        """Everything: networks, servers up with their addresses, VPNs ACTIVE, all reached."""
        self.ensure_zones()
        self.ensure_networks()
        self.start_servers()
        side_by_side(
            lambda pair: self.wait_for_server(*pair),
            [(tenant, server) for tenant in self.plan.tenants for server in tenant.servers],
        )
        side_by_side(self.ensure_vpn, self.homes)
        for tenant in self.plan.tenants:
            for near, far in tenant.pairs_across():
                wait_until(
                    partial(guest.reaches, near, far.address),
                    _CONVERGENCE_S,
                    f"an answer of {far.name} to {near.name}",
                )
