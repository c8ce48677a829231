# SPDX-License-Identifier: Apache-2.0
"""What is in a VPN already, as far as its addresses matter."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import replace
from ipaddress import ip_network

from neutron_lib.context import Context

from isthmus.db import neutron_facts, router_facts
from isthmus.db.records import Kind, SubnetRecord, VpnRecord
from isthmus.plugin.validate import Member
from isthmus.plugin.viewer import Viewer


def read_members(context: Context, vpn: VpnRecord, viewer: Viewer) -> list[Member]:
    """Return a VPN's networks, routers and ports in a fixed number of statements.

    Those that ``viewer`` may not see are marked.
    """
    return [
        replace(member, is_hidden=not viewer.may_see(vpn, member.id))
        for kind in Kind
        for member in read_some(context, kind, vpn.ids_of(kind))
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
