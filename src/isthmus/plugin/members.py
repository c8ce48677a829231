# SPDX-License-Identifier: Apache-2.0
"""What is in a VPN already, as far as its addresses matter."""

from __future__ import annotations

from collections.abc import Collection
from ipaddress import ip_network

from neutron_lib.context import Context

from isthmus.db import neutron_facts, router_facts
from isthmus.db.records import Kind, SubnetRecord, VpnRecord
from isthmus.plugin.validate import Member


def read_members(context: Context, vpn: VpnRecord) -> list[Member]:
    """Return a VPN's networks, routers and ports in a fixed number of statements."""
    return [
        *read_some(context, Kind.NETWORK, vpn.network_ids),
        *read_some(context, Kind.ROUTER, vpn.router_ids),
        *read_some(context, Kind.PORT, vpn.port_ids),
    ]


def read_some(context: Context, kind: Kind, ids: Collection[str]) -> list[Member]:
    """Return networks, routers or ports with the subnets they stand for; a port its addresses."""
    if kind is Kind.NETWORK:
        networks = neutron_facts.read_networks(context, ids).values()
        return [Member(kind, network.id, network.subnets) for network in networks]
    if kind is Kind.ROUTER:
        routers = router_facts.read_routers(context, ids).values()
        return [Member(kind, r.id, tuple(routed.subnet for routed in r.subnets)) for r in routers]
    addresses = neutron_facts.read_port_addresses(context, ids)
    return [
        Member(
            kind,
            port_id,
            tuple(SubnetRecord(s, ip_network(address), None) for s, address in found),
        )
        for port_id, found in addresses.items()
    ]
