# SPDX-License-Identifier: Apache-2.0
"""Gateway mode: which networks are in it, which PEs may be gateways, and their ports."""

from __future__ import annotations

import hashlib
from collections import defaultdict
from collections.abc import Collection, Iterable
from ipaddress import IPv4Address
from typing import Any

import sqlalchemy as sa
from neutron.db import models_v2
from neutron_lib.context import Context

from isthmus.db import attachments, claims, models
from isthmus.db.records import GatewayPortRecord


def in_order(network_id: str, pes: Iterable[str]) -> list[str]:
    """Return PEs in the order in which they are preferred as a network's gateway.

    Networks are spread over them, and one that comes or goes changes nothing for those networks
    that do not prefer it (rendezvous hashing).
    """
    return sorted(pes, key=lambda pe: hashlib.sha256(f"{network_id} {pe}".encode()).digest())


def read_candidates(context: Context) -> list[str]:
    """Return the PEs that may be gateways, in order of name."""
    table = models.ProviderEdge
    query: Any = sa.select(table.name).where(table.is_gateway.is_(True)).order_by(table.name)
    return list(context.session.execute(query).scalars())


def read_ports(
    context: Context, network_ids: Collection[str]
) -> dict[str, tuple[GatewayPortRecord, ...]]:
    """Return the gateways' ports on networks, the preferred gateway first."""
    if not network_ids:
        return {}
    table, port, edge = models.GatewayPort, models_v2.Port, models.ProviderEdge
    query: Any = (
        sa.select(table.__table__, port.mac_address, edge.address)
        .outerjoin(port, port.id == table.port_id)
        .outerjoin(edge, edge.name == table.pe)
        .where(table.network_id.in_(network_ids))
    )
    found: dict[str, dict[str, GatewayPortRecord]] = defaultdict(dict)
    for row in context.session.execute(query):
        found[row.network_id][row.pe] = GatewayPortRecord(
            row.network_id,
            row.pe,
            row.port_id,
            row.claimed_at,
            IPv4Address(row.address) if row.address else None,
            row.mac_address.lower() if row.mac_address else None,
        )
    return {
        network_id: tuple(ports[pe] for pe in in_order(network_id, ports))
        for network_id, ports in found.items()
    }


def read_wanted_modes(
    context: Context, network_ids: Collection[str], default: str
) -> dict[str, str]:
    """Return the mode each network is to be in: what an association says, or the region's.

    Transit networks are distributed: their routers are on every host.
    """
    transit: Any = models.TransitNetwork.network_id
    transited = context.session.execute(sa.select(transit).where(transit.in_(network_ids)))
    table = models.NetworkAssociation
    query: Any = sa.select(table.network_id, table.attachment_mode).where(
        table.network_id.in_(network_ids), table.attachment_mode.is_not(None)
    )
    modes = dict.fromkeys(network_ids, default)
    modes.update(dict.fromkeys(transited.scalars(), models.DISTRIBUTED))
    modes.update({row.network_id: row.attachment_mode for row in context.session.execute(query)})
    return modes


def set_mode(context: Context, network_id: str, mode: str) -> None:
    """Note the mode a network is in from now on."""
    context.session.execute(
        sa.update(models.Attachment)
        .where(models.Attachment.network_id == network_id)
        .values(mode=mode)
    )


def claim(context: Context, network_id: str, pe: str) -> str | None:
    """Claim the making of a gateway's port; None while another worker has the claim.

    Returns:
        The id the port is to have.
    """
    return claims.claim(context, models.GatewayPort, "port_id", network_id=network_id, pe=pe)


def release(context: Context, network_id: str, pe: str) -> None:
    """Let the next worker try at once: the port could not be made."""
    claims.release(context, models.GatewayPort, network_id=network_id, pe=pe)


def forget(context: Context, port_id: str) -> None:
    """Remove the row of a port that is gone; another's, made since, stays."""
    claims.forget(context, models.GatewayPort, port_id=port_id)


def is_gateway_port(context: Context, port_id: str) -> bool:
    """Whether a port is a gateway's: by our own table, never by its device owner."""
    query: Any = sa.select(models.GatewayPort.pe).where(models.GatewayPort.port_id == port_id)
    return context.session.execute(query).first() is not None


def read_vpns_of_gateway(context: Context, pe: str) -> frozenset[str]:
    """Return the VPNs of networks on which a PE has a gateway's port."""
    table = models.GatewayPort
    return _read_vpns_of(context, sa.select(table.network_id).where(table.pe == pe))


def read_vpns_in_gateway_mode(context: Context) -> list[str]:
    """Return the VPNs of networks that are in gateway mode now."""
    table = models.Attachment
    networks: Any = sa.select(table.network_id).where(table.mode == models.GATEWAY)
    return sorted(_read_vpns_of(context, networks))


def _read_vpns_of(context: Context, networks: Any) -> frozenset[str]:
    """Return the VPNs that networks, or ports of theirs, are in."""
    network, association, port = models.NetworkAssociation, models.PortAssociation, models_v2.Port
    query: Any = sa.union(
        sa.select(network.vpn_id).where(network.network_id.in_(networks)),
        sa.select(association.vpn_id)
        .join(port, port.id == association.port_id)
        .where(port.network_id.in_(networks)),
    )
    return frozenset(context.session.execute(query).scalars())


def read_unused_networks(context: Context) -> list[str]:
    """Return networks on which gateways have ports, but which have no attachment nor need one."""
    table, attachment = models.GatewayPort, models.Attachment
    query: Any = (
        sa.select(table.network_id)
        .outerjoin(attachment, attachment.network_id == table.network_id)
        .where(attachment.network_id.is_(None), attachments.is_not_needed(table.network_id))
    )
    return list(context.session.execute(query.distinct()).scalars())
