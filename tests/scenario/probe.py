# SPDX-License-Identifier: Apache-2.0
"""Neutron ports without VMs, plugged on a compute host like one."""

from __future__ import annotations

from dataclasses import dataclass
from ipaddress import IPv4Address, IPv4Interface

from lab.demo.cloud import Cloud
from lab.demo.stage import Stage
from lab.demo.tenants import Tenant
from lab.endpoint import Endpoint
from lab.machine import Machine

_OWNER = "compute:probe"


@dataclass(frozen=True, slots=True)
class Probe:
    """A port of a tenant, with somewhere to send from."""

    endpoint: Endpoint
    gateway: IPv4Address

    @property
    def mac(self) -> str:
        """Its own MAC address."""
        return self.endpoint.mac

    @property
    def address(self) -> IPv4Address:
        """Its own address."""
        return self.endpoint.address.ip


class Probes:
    """Makes probes and removes them."""

    def __init__(self, stage: Stage) -> None:
        self._stage = stage
        self._plugged: list[tuple[Cloud, Endpoint]] = []

    def plug(self, tenant: Tenant, host: str, *, is_trusted: bool = False) -> Probe:
        """A port of ``tenant`` in its network, plugged on ``host``.

        Args:
            tenant: whose network it is in, and whose port.
            host: the compute host.
            is_trusted: without port security, so that anything it sends gets past Neutron.
        """
        site = self._stage.topology.site_of(host).name
        operator = self._stage.cloud(site)
        network_id = self._stage.cloud(site, tenant.name).network_id(tenant.name)
        network = operator.network.get_network(network_id)
        subnet = operator.network.get_subnet(network.subnet_ids[0])
        port = operator.network.create_port(
            network_id=network_id,
            name=f"probe-{tenant.name}-{host}",
            project_id=network.project_id,
            device_owner=_OWNER,
            binding_host_id=host,
            is_port_security_enabled=not is_trusted,
        )
        prefix_len = subnet.cidr.partition("/")[2]
        endpoint = Endpoint(
            machine=Machine(host),
            port_id=port.id,
            mac=port.mac_address,
            address=IPv4Interface(f"{port.fixed_ips[0]['ip_address']}/{prefix_len}"),
            gateway=IPv4Address(subnet.gateway_ip),
            mtu=network.mtu,
        )
        self._plugged.append((operator, endpoint))
        endpoint.plug()
        return Probe(endpoint, IPv4Address(subnet.gateway_ip))

    def remove(self) -> None:
        """Unplug and delete every probe."""
        while self._plugged:
            operator, endpoint = self._plugged.pop()
            endpoint.unplug()
            operator.network.delete_port(endpoint.port_id)
