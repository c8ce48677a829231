# SPDX-License-Identifier: Apache-2.0
"""Which VPNs a network, a router, or a compute host concerns."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Mapping
from typing import Any

import sqlalchemy as sa
from neutron.db import models_v2
from neutron.db.models import l3 as l3_models
from neutron_lib.context import Context

from isthmus.db import models, neutron_facts

_NETWORKS, _ROUTERS = models.NetworkAssociation, models.RouterAssociation
_PORTS = models.PortAssociation


def read_vpns_of_network(context: Context, network_id: str) -> list[str]:
    """Return the VPNs a network itself is in."""
    query: Any = sa.select(_NETWORKS.vpn_id).where(_NETWORKS.network_id == network_id)
    return list(context.session.execute(query).scalars())


def read_vpns_of_router(context: Context, router_id: str) -> list[str]:
    """Return the VPNs a router is in."""
    query: Any = sa.select(_ROUTERS.vpn_id).where(_ROUTERS.router_id == router_id)
    return list(context.session.execute(query).scalars())


def read_vpns_of_networks(
    context: Context, network_ids: Collection[str]
) -> Mapping[str, list[str]]:
    """Return the VPNs that networks themselves are in, by network."""
    query: Any = (
        sa.select(_NETWORKS.network_id, _NETWORKS.vpn_id)
        .where(_NETWORKS.network_id.in_(network_ids))
        .order_by(_NETWORKS.network_id, _NETWORKS.vpn_id)
    )
    found: dict[str, list[str]] = defaultdict(list)
    for row in context.session.execute(query):
        found[row.network_id].append(row.vpn_id)
    return found


def read_attached_vpns(context: Context, network_id: str) -> list[str]:
    """Return the VPNs that a network's attachment serves: those of itself and of its ports."""
    query = sa.union(_of_network(network_id), _of_ports_of(network_id))
    return sorted(context.session.execute(query).scalars())


def read_concerned_vpns(context: Context, network_id: str) -> list[str]:
    """Return the VPNs whose intent may change with anything of a network: its routers' too."""
    interface, port = l3_models.RouterPort, models_v2.Port
    behind: Any = (
        sa.select(_ROUTERS.vpn_id)
        .join(interface, interface.router_id == _ROUTERS.router_id)
        .join(port, port.id == interface.port_id)
        .where(port.network_id == network_id)
    )
    query = sa.union(_of_network(network_id), _of_ports_of(network_id), behind)
    return sorted(context.session.execute(query).scalars())


def _of_network(network_id: str) -> Any:
    return sa.select(_NETWORKS.vpn_id).where(_NETWORKS.network_id == network_id)


def _of_ports_of(network_id: str) -> Any:
    port = models_v2.Port
    return (
        sa.select(_PORTS.vpn_id)
        .join(port, port.id == _PORTS.port_id)
        .where(port.network_id == network_id)
    )


def read_vpns_on_host(context: Context, host_name: str) -> frozenset[str]:
    """Return the VPNs that have CEs bound to a compute host."""
    here = (
        neutron_facts.select_customers(models_v2.Port.id, models_v2.Port.network_id)
        .where(neutron_facts.is_bound_to(host_name))
        .subquery()
    )
    interface, port = l3_models.RouterPort, models_v2.Port
    query: Any = sa.union(
        sa.select(_NETWORKS.vpn_id).join(here, here.c.network_id == _NETWORKS.network_id),
        sa.select(_PORTS.vpn_id).join(here, here.c.id == _PORTS.port_id),
        sa.select(_ROUTERS.vpn_id)
        .join(interface, interface.router_id == _ROUTERS.router_id)
        .join(port, port.id == interface.port_id)
        .join(here, here.c.network_id == port.network_id),
    )
    return frozenset(context.session.execute(query).scalars())
