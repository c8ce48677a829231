# SPDX-License-Identifier: Apache-2.0
"""Transit networks: which network of ours is between a router and the PEs.

The row comes before the network and goes after it, with all ids chosen. Each has an IPv4 prefix
of its own in the region, so that any two routers may be in one VPN.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from ipaddress import IPv4Network, ip_network
from typing import Any

import sqlalchemy as sa
from neutron.db import models_v2
from neutron.db.models import l3 as l3_models
from neutron_lib.constants import DEVICE_OWNER_ROUTER_INTF as ROUTER_INTERFACE
from neutron_lib.context import Context
from oslo_utils import uuidutils

from isthmus.db import claims, models
from isthmus.db.records import TransitRecord

PREFIX_LENGTH = 29


def read(
    context: Context,
    *,
    router_ids: Collection[str] | None = None,
    network_ids: Collection[str] | None = None,
) -> Mapping[str, TransitRecord]:
    """Return transit networks by router, narrowed down by what is given."""
    table, port, interface = models.TransitNetwork, models_v2.Port, l3_models.RouterPort
    query: Any = (
        sa.select(table.__table__, port.mac_address)
        .outerjoin(interface, interface.port_id == table.router_port_id)
        .outerjoin(port, port.id == interface.port_id)
    )
    if router_ids is not None:
        query = query.where(table.router_id.in_(router_ids))
    if network_ids is not None:
        query = query.where(table.network_id.in_(network_ids))
    return {
        row.router_id: TransitRecord(
            row.router_id,
            row.network_id,
            row.router_port_id,
            IPv4Network(row.ipv4_prefix),
            row.claimed_at,
            None if row.mac_address is None else row.mac_address.lower(),
        )
        for row in context.session.execute(query)
    }


def claim(context: Context, router_id: str, within: IPv4Network) -> bool:
    """Claim the making of a router's transit network; False while another worker has the claim.

    Raises:
        ValueError: every prefix of the range is taken.
    """
    table = models.TransitNetwork
    query: Any = sa.select(table.network_id).where(table.router_id == router_id)
    if context.session.execute(query.with_for_update()).first() is None:
        context.session.add(
            table(
                router_id=router_id,
                network_id=uuidutils.generate_uuid(),
                router_port_id=uuidutils.generate_uuid(),
                ipv4_prefix=str(_pick_prefix(context, within)),
                claimed_at=claims.LONG_AGO,
            )
        )
        # Another worker that picked the same makes this one fail and try again.
        context.session.flush()
    return claims.claim(context, table, "network_id", router_id=router_id) is not None


def _pick_prefix(context: Context, within: IPv4Network) -> IPv4Network:
    query: Any = sa.select(models.TransitNetwork.ipv4_prefix)
    used = {ip_network(prefix) for prefix in context.session.execute(query).scalars()}
    for prefix in within.subnets(new_prefix=PREFIX_LENGTH):
        if prefix not in used:
            return prefix
    raise ValueError(f"Every transit network of {within} is in use.")


def claim_removal(context: Context, router_id: str) -> TransitRecord | None:
    """Claim the removal of a transit network no VPN needs; None if there is nothing to claim."""
    is_mine = claims.claim_removal(
        context,
        models.TransitNetwork,
        lambda: bool(read_unused(context, [router_id])),
        router_id=router_id,
    )
    return read(context, router_ids=[router_id])[router_id] if is_mine else None


def release(context: Context, router_id: str) -> None:
    """Give up the claim: the network is made, or could not be."""
    claims.release(context, models.TransitNetwork, router_id=router_id)


def forget(context: Context, router_id: str, network_id: str) -> None:
    """Remove the row of a transit network that is gone; another's, made since, stays."""
    claims.forget(context, models.TransitNetwork, router_id=router_id, network_id=network_id)


def read_unused(context: Context, router_ids: Collection[str] | None = None) -> list[str]:
    """Return the routers that have a transit network and are in no VPN, all or of these."""
    table, association = models.TransitNetwork, models.RouterAssociation
    query: Any = (
        sa.select(table.router_id)
        .outerjoin(association, association.router_id == table.router_id)
        .where(association.id.is_(None))
    )
    if router_ids is not None:
        query = query.where(table.router_id.in_(router_ids))
    return list(context.session.execute(query).scalars())


def read_orphans(context: Context, name_prefix: str) -> list[TransitRecord]:
    """Return networks made as transit networks that no row knows of, as if one did.

    Their names end with their routers' ids.
    """
    network, table, port = models_v2.Network, models.TransitNetwork, models_v2.Port
    subnet, interface = models_v2.Subnet, l3_models.RouterPort
    query: Any = (
        sa.select(network.id, network.name, subnet.cidr, interface.port_id, port.mac_address)
        .outerjoin(table, table.network_id == network.id)
        .join(subnet, sa.and_(subnet.network_id == network.id, subnet.ip_version == 4))
        .outerjoin(
            port, sa.and_(port.network_id == network.id, port.device_owner == ROUTER_INTERFACE)
        )
        .outerjoin(interface, interface.port_id == port.id)
        .where(
            network.name.startswith(name_prefix, autoescape=True),
            network.project_id == "",
            table.network_id.is_(None),
        )
    )
    return [
        TransitRecord(
            row.name.removeprefix(name_prefix),
            row.id,
            row.port_id or "",
            IPv4Network(row.cidr),
            claims.LONG_AGO,
            row.mac_address if row.port_id else None,
        )
        for row in context.session.execute(query)
    ]


def read_router_of(context: Context, network_id: str) -> str | None:
    """Return the router whose transit network it is, or None if it is no transit network."""
    table = models.TransitNetwork
    query: Any = sa.select(table.router_id).where(table.network_id == network_id)
    router_id: str | None = context.session.execute(query).scalar_one_or_none()
    return router_id


def is_router_port(context: Context, port_id: str) -> bool:
    """Whether a port is a router's on its transit network."""
    table = models.TransitNetwork
    query: Any = sa.select(table.router_id).where(table.router_port_id == port_id)
    return context.session.execute(query).first() is not None
