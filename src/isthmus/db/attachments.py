# SPDX-License-Identifier: Apache-2.0
"""Attachments: which port of ours is on which network."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Mapping
from typing import Any

import sqlalchemy as sa
from neutron.db import models_v2
from neutron_lib.context import Context

from isthmus.db import claims, models
from isthmus.db.records import AttachmentRecord


def gateway_mac(network_id: str) -> str:
    """Return the MAC address of a network's attachment: the same whenever it is made again.

    Otherwise VMs would send to the MAC of the one before until their neighbor entries expire,
    half a minute and more. Locally administered, so Neutron gives it to no other port.

    >>> gateway_mac("6f1c0a52-9d1e-4f5b-8f4e-2f7a3e0d9b11")
    '02:6f:1c:0a:52:9d'
    """
    digits = "02" + network_id.replace("-", "")[:10]
    return ":".join(digits[n : n + 2] for n in range(0, 12, 2))


def read(
    context: Context, network_ids: Collection[str], *, lock: bool = False
) -> Mapping[str, AttachmentRecord]:
    """Return the attachments of networks, with what Neutron knows of their ports.

    ``lock`` keeps the rows from going until the caller's transaction ends, and sees those that
    went since it began.
    """
    if not network_ids:
        return {}
    row_of, port = models.Attachment, models_v2.Port
    if lock:
        held: Any = (
            sa.select(row_of.network_id)
            .where(row_of.network_id.in_(network_ids))
            .with_for_update(read=True)
        )
        network_ids = list(context.session.execute(held).scalars())
    query: Any = (
        sa.select(
            row_of.network_id,
            row_of.port_id,
            row_of.claimed_at,
            row_of.mode,
            port.mac_address,
            port.device_owner,
        )
        .outerjoin(port, port.id == row_of.port_id)
        .where(row_of.network_id.in_(network_ids))
    )
    rows = context.session.execute(query).all()
    addresses: dict[str, list[tuple[str, str]]] = defaultdict(list)
    table = models_v2.IPAllocation
    allocations = sa.select(table.port_id, table.subnet_id, table.ip_address).where(
        table.port_id.in_([row.port_id for row in rows])
    )
    for row in context.session.execute(allocations):
        addresses[row.port_id].append((row.subnet_id, row.ip_address))
    return {
        row.network_id: AttachmentRecord(
            row.network_id,
            row.port_id,
            row.claimed_at,
            row.mac_address,
            tuple(sorted(addresses[row.port_id])),
            row.mode,
            row.device_owner,
        )
        for row in rows
    }


def claim(context: Context, network_id: str) -> str | None:
    """Claim the making of a network's attachment; None while another worker has the claim.

    Returns:
        The id the port is to have.
    """
    return claims.claim(context, models.Attachment, "port_id", network_id=network_id)


def claim_removal(context: Context, network_id: str) -> AttachmentRecord | None:
    """Claim the removal of an attachment that no VPN needs; None if there is nothing to claim."""
    is_mine = claims.claim_removal(
        context,
        models.Attachment,
        lambda: network_id in read_unused(context),
        network_id=network_id,
    )
    return read(context, [network_id])[network_id] if is_mine else None


def release(context: Context, network_id: str) -> None:
    """Give up the claim: the port is made, or could not be."""
    claims.release(context, models.Attachment, network_id=network_id)


def read_unused(context: Context) -> list[str]:
    """Return the networks that have an attachment no VPN needs: not their own, not their ports'.

    A router's transit network needs its attachment as long as it is there.
    """
    query: Any = sa.select(models.Attachment.network_id).where(
        is_not_needed(models.Attachment.network_id)
    )
    return list(context.session.execute(query).scalars())


def is_not_needed(network_id: Any) -> Any:
    """Return the condition that no VPN needs a network attached."""
    port, networks, ports = models_v2.Port, models.NetworkAssociation, models.PortAssociation
    needed = (
        sa.exists().where(networks.network_id == network_id),
        sa.exists().where(models.TransitNetwork.network_id == network_id),
        sa.exists().where(port.network_id == network_id, ports.port_id == port.id),
    )
    return sa.and_(*(~reason for reason in needed))


def is_there_or_coming(attached: AttachmentRecord) -> bool:
    """Whether an attachment has its port, or will have it in a moment."""
    return attached.mac is not None or claims.is_fresh(attached.claimed_at)


def read_orphans(
    context: Context, row_of: Any, device_owners: Collection[str], device_id_prefix: str
) -> list[str]:
    """Return ports of ours that no row knows of.

    Args:
        context: of the caller's transaction.
        row_of: the table whose ``port_id`` should name them.
        device_owners: those such ports are made with.
        device_id_prefix: what their device ids begin with.
    """
    port = models_v2.Port
    query: Any = (
        sa.select(port.id)
        .outerjoin(row_of, row_of.port_id == port.id)
        .where(
            port.device_owner.in_(device_owners),
            port.device_id.startswith(device_id_prefix, autoescape=True),
            port.project_id == "",
            row_of.port_id.is_(None),
        )
    )
    return list(context.session.execute(query).scalars())


def forget(context: Context, network_id: str, port_id: str) -> None:
    """Remove the row of an attachment whose port is gone."""
    claims.forget(context, models.Attachment, network_id=network_id, port_id=port_id)


def is_attachment(context: Context, port_id: str) -> bool:
    """Whether a port is one of ours: by our own table, never by its device owner."""
    query: Any = sa.select(models.Attachment.network_id).where(models.Attachment.port_id == port_id)
    return context.session.execute(query).first() is not None
