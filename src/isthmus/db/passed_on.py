# SPDX-License-Identifier: Apache-2.0
"""Routes of type ``bgpvpn``: a port passes on, in one VPN, what another VPN has at this site."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Mapping
from ipaddress import ip_network
from typing import Any

import sqlalchemy as sa
from neutron_lib.context import Context

from isthmus.db import associations, models, neutron_facts, router_facts, vpns
from isthmus.db.records import Kind
from isthmus.model.ip import IpPrefix


def read_prefixes(context: Context, vpn_ids: Collection[str]) -> Mapping[str, frozenset[IpPrefix]]:
    """Return the prefixes VPNs have at this site, by VPN.

    Subnets of networks and routers, extra routes, ports' addresses and what is behind them; not
    what ports pass on there in turn.
    """
    found: dict[str, set[IpPrefix]] = defaultdict(set)
    for found_vpn in vpns.read(context, vpn_ids=vpn_ids) if vpn_ids else ():
        vpn = found_vpn.carried()
        prefixes = found[vpn.id]
        for network in neutron_facts.read_networks(context, vpn.network_ids).values():
            prefixes.update(subnet.prefix for subnet in network.subnets if subnet.is_carried)
        prefixes.update(_read_routed(context, vpn.id, vpn.router_ids))
        prefixes.update(_read_ported(context, vpn.id, vpn.port_ids))
    return {vpn_id: frozenset(prefixes) for vpn_id, prefixes in found.items()}


def _read_routed(context: Context, vpn_id: str, router_ids: Collection[str]) -> set[IpPrefix]:
    """Return subnets of routers and, where they are advertised, their tenants' own routes."""
    if not router_ids:
        return set()
    routers = router_facts.read_routers(context, router_ids)
    prefixes = {routed.subnet.prefix for r in routers.values() for routed in r.subnets}
    for association in associations.read(context, Kind.ROUTER, vpn_id=vpn_id):
        router = routers.get(association.target_id)
        if router is None or not (association.is_up and association.is_advertising):
            continue
        own = [routed.subnet.prefix for routed in router.subnets]
        prefixes |= {to for to, via in router.routes if any(via in subnet for subnet in own)}
    return prefixes


def _read_ported(context: Context, vpn_id: str, port_ids: Collection[str]) -> set[IpPrefix]:
    if not port_ids:
        return set()
    addresses = neutron_facts.read_port_addresses(context, port_ids)
    prefixes: set[IpPrefix] = set()
    for association in associations.read(context, Kind.PORT, vpn_id=vpn_id):
        if not association.is_up:
            continue
        prefixes |= {route.prefix for route in association.routes if route.prefix is not None}
        if association.is_advertising:
            prefixes |= {ip_network(a) for _, a in addresses.get(association.target_id, ())}
    return prefixes


def read_dependents(context: Context, vpn_id: str) -> list[str]:
    """Return the VPNs in which ports pass on what a VPN has."""
    route, association = models.PortAssociationRoute, models.PortAssociation
    query: Any = (
        sa.select(association.vpn_id)
        .join(route, route.association_id == association.id)
        .where(route.bgpvpn_id == vpn_id)
    )
    return list(context.session.execute(query.distinct()).scalars())
