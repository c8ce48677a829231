# SPDX-License-Identifier: Apache-2.0
"""What Neutron's own tables say of networks, subnets and ports, in a few statements.

Read beside our own rows in one transaction, so that intent is one consistent picture.
"""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Collection, Mapping
from ipaddress import ip_address, ip_network
from typing import Any

import sqlalchemy as sa
from neutron.db import models_v2
from neutron.plugins.ml2 import models as ml2_models
from neutron_lib import constants
from neutron_lib.api.definitions import portbindings
from neutron_lib.context import Context

from isthmus.db.records import CustomerPort, NetworkRecord, SubnetRecord
from isthmus.model.intent import RouterAdvertisement
from isthmus.model.ip import IpAddress

# Ports that are part of the network, not customers of it.
_NOT_CUSTOMERS = ("network:%", "neutron:%", "ovn-lb-hm%", "isthmus:%")
# Those that Neutron makes by itself, and removes with a network.
PARTS_OF_NETWORKS = frozenset(
    {
        constants.DEVICE_OWNER_DHCP,
        constants.DEVICE_OWNER_DISTRIBUTED,
        constants.DEVICE_OWNER_AGENT_GW,
    }
)
DEFAULT_MTU = 1500
# In a binding's profile: the host to which nova is moving the VM, live.
MIGRATING_TO = "migrating_to"
SUBNET_COLUMNS = (
    models_v2.Subnet.id,
    models_v2.Subnet.network_id,
    models_v2.Subnet.cidr,
    models_v2.Subnet.gateway_ip,
    models_v2.Subnet.ipv6_ra_mode,
    models_v2.Subnet.ipv6_address_mode,
)


def read_networks(context: Context, network_ids: Collection[str]) -> Mapping[str, NetworkRecord]:
    """Return the networks that exist, with their subnets."""
    if not network_ids:
        return {}
    subnets: dict[str, list[SubnetRecord]] = defaultdict(list)
    query: Any = sa.select(*SUBNET_COLUMNS).where(models_v2.Subnet.network_id.in_(network_ids))
    for row in context.session.execute(query):
        subnets[row.network_id].append(to_subnet(row))
    networks = sa.select(models_v2.Network.id, models_v2.Network.mtu).where(
        models_v2.Network.id.in_(network_ids)
    )
    return {
        row.id: NetworkRecord(
            row.id,
            row.mtu or DEFAULT_MTU,
            tuple(sorted(subnets[row.id], key=lambda s: (s.prefix.version, str(s.prefix)))),
        )
        for row in context.session.execute(networks)
    }


def to_subnet(row: Any) -> SubnetRecord:
    """Return a row of ``SUBNET_COLUMNS`` as a value."""
    # Neutron lets either mode be set alone, and both only if they are equal.
    mode = row.ipv6_ra_mode or row.ipv6_address_mode or RouterAdvertisement.NONE
    gateway = ip_address(row.gateway_ip) if row.gateway_ip else None
    return SubnetRecord(row.id, ip_network(row.cidr), gateway, RouterAdvertisement(mode))


def _are_customers() -> tuple[Any, ...]:
    port, binding = models_v2.Port, ml2_models.PortBinding
    return (
        port.admin_state_up.is_(True),
        binding.host != "",
        binding.status == constants.ACTIVE,
        binding.vif_type != portbindings.VIF_TYPE_BINDING_FAILED,
        *(port.device_owner.not_like(owner) for owner in _NOT_CUSTOMERS),
    )


def select_customers(*columns: Any) -> Any:
    """Return a selection of columns and ``host`` from ports that are up and bound to a host."""
    port, binding = models_v2.Port, ml2_models.PortBinding
    return (
        sa.select(*columns, binding.host)
        .select_from(port)
        .join(binding, binding.port_id == port.id)
        .where(*_are_customers())
    )


def is_bound_to(host_name: str) -> Any:
    """Return the condition that a port of ``select_customers`` is on a host, or moving there."""
    binding = ml2_models.PortBinding
    moving = json.dumps({MIGRATING_TO: host_name})[1:-1]
    return sa.or_(binding.host == host_name, binding.profile.contains(moving, autoescape=True))


def read_hosts(context: Context, network_ids: Collection[str]) -> dict[str, frozenset[str]]:
    """Return the compute hosts that have CEs with an address that is carried, by network."""
    if not network_ids:
        return {}
    port = models_v2.Port
    address, subnet = models_v2.IPAllocation, models_v2.Subnet
    query: Any = (
        select_customers(port.network_id)
        .join(address, address.port_id == port.id)
        .join(subnet, subnet.id == address.subnet_id)
        .where(port.network_id.in_(network_ids), subnet.gateway_ip.is_not(None))
        .distinct()
    )
    found: dict[str, set[str]] = defaultdict(set)
    for row in context.session.execute(query):
        found[row.network_id].add(row.host)
    return {network_id: frozenset(hosts) for network_id, hosts in found.items()}


def read_customer_ports(context: Context, network_ids: Collection[str]) -> list[CustomerPort]:
    """Return the CEs of networks: addresses of ports that are up and bound to a host."""
    if not network_ids:
        return []
    port, address = models_v2.Port, models_v2.IPAllocation
    query: Any = (
        select_customers(
            *(port.network_id, port.id, port.mac_address, address.subnet_id, address.ip_address),
            ml2_models.PortBinding.profile,
        )
        .join(address, address.port_id == port.id)
        .where(port.network_id.in_(network_ids))
        .order_by(port.id, address.ip_address)
    )
    return [
        CustomerPort(
            row.network_id,
            row.id,
            row.mac_address.lower(),
            row.host,
            row.subnet_id,
            ip_address(row.ip_address),
            _destination(row.profile, row.host),
        )
        for row in context.session.execute(query)
    ]


def _destination(profile: str, host: str) -> str | None:
    """Return where a binding's VM is moving to."""
    if MIGRATING_TO not in (profile or ""):
        return None
    try:
        destination = json.loads(profile).get(MIGRATING_TO)
    except (AttributeError, ValueError):
        return None
    return destination if isinstance(destination, str) and destination != host else None


def read_hosts_of_ports(context: Context, port_ids: Collection[str]) -> dict[str, frozenset[str]]:
    """Return the compute host that each CE among ports is bound to, by port."""
    if not port_ids:
        return {}
    port = models_v2.Port
    query: Any = select_customers(port.id).where(port.id.in_(port_ids))
    return {row.id: frozenset({row.host}) for row in context.session.execute(query)}


def read_port_networks(context: Context, port_ids: Collection[str]) -> dict[str, str]:
    """Return the network of each port."""
    if not port_ids:
        return {}
    port = models_v2.Port
    query: Any = sa.select(port.id, port.network_id).where(port.id.in_(port_ids))
    return {row.id: row.network_id for row in context.session.execute(query)}


def read_port_addresses(
    context: Context, port_ids: Collection[str]
) -> dict[str, list[tuple[str, IpAddress]]]:
    """Return the addresses of ports, each with its subnet."""
    if not port_ids:
        return {}
    table = models_v2.IPAllocation
    query: Any = (
        sa.select(table.port_id, table.subnet_id, table.ip_address)
        .where(table.port_id.in_(port_ids))
        .order_by(table.port_id, table.ip_address)
    )
    found: dict[str, list[tuple[str, IpAddress]]] = defaultdict(list)
    for row in context.session.execute(query):
        found[row.port_id].append((row.subnet_id, ip_address(row.ip_address)))
    return found


def read_routed_subnets(context: Context, network_ids: Collection[str]) -> frozenset[str]:
    """Return the subnets of networks whose gateway address is a router's."""
    if not network_ids:
        return frozenset()
    subnet, address, port = models_v2.Subnet, models_v2.IPAllocation, models_v2.Port
    query: Any = (
        sa.select(subnet.id)
        .join(
            address,
            sa.and_(address.subnet_id == subnet.id, address.ip_address == subnet.gateway_ip),
        )
        .join(port, port.id == address.port_id)
        .where(
            subnet.network_id.in_(network_ids),
            port.device_owner.in_(constants.ROUTER_INTERFACE_OWNERS),
        )
    )
    return frozenset(context.session.execute(query).scalars())


def read_network_of_subnet(context: Context, subnet_id: str) -> str | None:
    """Return the network a subnet is on, or None if there is no such subnet."""
    query: Any = sa.select(models_v2.Subnet.network_id).where(models_v2.Subnet.id == subnet_id)
    network_id: str | None = context.session.execute(query).scalar_one_or_none()
    return network_id


def read_owner_of_address(context: Context, subnet_id: str, address: str) -> tuple[str, str] | None:
    """Return port id and device owner of whoever holds an address of a subnet."""
    table = models_v2.IPAllocation
    query: Any = (
        sa.select(models_v2.Port.id, models_v2.Port.device_owner)
        .join(table, table.port_id == models_v2.Port.id)
        .where(table.subnet_id == subnet_id, table.ip_address == address)
    )
    row = context.session.execute(query).first()
    return None if row is None else (row.id, row.device_owner)


def release_addresses_of_port(context: Context, port_id: str, subnet_id: str) -> None:
    """Take a subnet's addresses from a port, so that the subnet can go before the port does."""
    table = models_v2.IPAllocation
    context.session.execute(
        sa.delete(table).where(table.port_id == port_id, table.subnet_id == subnet_id)
    )
