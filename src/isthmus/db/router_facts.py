# SPDX-License-Identifier: Apache-2.0
"""What Neutron's own tables say of routers, their interfaces and what is behind them.

The interfaces and routes that are ours are left out.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Mapping
from ipaddress import ip_address, ip_network
from typing import Any

import sqlalchemy as sa
from neutron.db import models_v2
from neutron.db.models import l3 as l3_models
from neutron_lib import constants
from neutron_lib.context import Context

from isthmus.db import models, neutron_facts
from isthmus.db.records import RoutedSubnet, RouterRecord
from isthmus.model.ip import IpAddress, IpPrefix, ip_order


def read_routers(context: Context, router_ids: Collection[str]) -> Mapping[str, RouterRecord]:
    """Return the routers that exist, in a fixed number of statements."""
    if not router_ids:
        return {}
    gateways = _read_gateway_families(context, router_ids)
    subnets = _read_subnets(context, router_ids)
    routes = read_routes(context, router_ids)
    return {
        router_id: RouterRecord(
            router_id,
            tuple(sorted(subnets[router_id], key=lambda routed: ip_order(routed.subnet.prefix))),
            tuple(routes.get(router_id, ())),
            families,
        )
        for router_id, families in gateways.items()
    }


def _read_gateway_families(
    context: Context, router_ids: Collection[str]
) -> Mapping[str, frozenset[int]]:
    router, address = l3_models.Router, models_v2.IPAllocation
    query: Any = (
        sa.select(router.id, address.ip_address)
        .outerjoin(address, address.port_id == router.gw_port_id)
        .where(router.id.in_(router_ids))
    )
    found: dict[str, set[int]] = defaultdict(set)
    for row in context.session.execute(query):
        families = found[row.id]
        if row.ip_address is not None:
            families.add(ip_address(row.ip_address).version)
    return {router_id: frozenset(families) for router_id, families in found.items()}


def _interfaces() -> Any:
    """Return the join of routers' interfaces with their subnets, transit networks left out."""
    interface, transit = l3_models.RouterPort, models.TransitNetwork
    address, subnet = models_v2.IPAllocation, models_v2.Subnet
    ours: Any = sa.select(transit.network_id)
    return (
        sa.select(interface.router_id, *neutron_facts.SUBNET_COLUMNS)
        .join(address, address.port_id == interface.port_id)
        .join(subnet, subnet.id == address.subnet_id)
        .where(
            interface.port_type.in_(constants.ROUTER_INTERFACE_OWNERS),
            subnet.network_id.not_in(ours),
        )
    )


def _read_subnets(
    context: Context, router_ids: Collection[str]
) -> Mapping[str, list[RoutedSubnet]]:
    query = _interfaces().where(l3_models.RouterPort.router_id.in_(router_ids))
    found: dict[str, list[RoutedSubnet]] = defaultdict(list)
    for row in context.session.execute(query):
        found[row.router_id].append(RoutedSubnet(row.network_id, neutron_facts.to_subnet(row)))
    return found


def read_routes(
    context: Context, router_ids: Collection[str]
) -> Mapping[str, list[tuple[IpPrefix, IpAddress]]]:
    """Return the extra routes of routers, ours among them."""
    table = l3_models.RouterRoute
    query: Any = sa.select(table.router_id, table.destination, table.nexthop).where(
        table.router_id.in_(router_ids)
    )
    found: dict[str, list[tuple[IpPrefix, IpAddress]]] = defaultdict(list)
    for row in context.session.execute(query):
        destination = ip_network(row.destination, strict=False)
        found[row.router_id].append((destination, ip_address(row.nexthop)))
    for routes in found.values():
        routes.sort(key=lambda route: (ip_order(route[0]), ip_order(route[1])))
    return found


def read_hosts_behind(
    context: Context, router_ids: Collection[str]
) -> Mapping[str, frozenset[str]]:
    """Return the compute hosts that have CEs behind routers, by router."""
    if not router_ids:
        return {}
    behind = _interfaces().where(l3_models.RouterPort.router_id.in_(router_ids)).subquery()
    address = models_v2.IPAllocation
    query: Any = (
        neutron_facts.select_customers(behind.c.router_id)
        .join(address, address.port_id == models_v2.Port.id)
        .join(behind, behind.c.id == address.subnet_id)
        .distinct()
    )
    found: dict[str, set[str]] = defaultdict(set)
    for row in context.session.execute(query):
        found[row.router_id].add(row.host)
    return {router_id: frozenset(hosts) for router_id, hosts in found.items()}


def read_associated_routers(context: Context, network_id: str) -> Mapping[str, list[str]]:
    """Return the VPNs of the routers with an interface on a network, by router."""
    interface, port = l3_models.RouterPort, models_v2.Port
    association = models.RouterAssociation
    query: Any = (
        sa.select(association.router_id, association.vpn_id)
        .join(interface, interface.router_id == association.router_id)
        .join(port, port.id == interface.port_id)
        .where(
            port.network_id == network_id,
            interface.port_type.in_(constants.ROUTER_INTERFACE_OWNERS),
        )
        .order_by(association.router_id, association.vpn_id)
        .distinct()
    )
    found: dict[str, list[str]] = defaultdict(list)
    for row in context.session.execute(query):
        found[row.router_id].append(row.vpn_id)
    return found
