# SPDX-License-Identifier: Apache-2.0
"""Which VTN is to be realised, or removed, at this site: same rules as the journal of VPNs."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from typing import Any

import sqlalchemy as sa
from neutron_lib.context import Context
from oslo_utils import timeutils

from isthmus.db import models
from isthmus.db.vtn import tables

_TABLE: Any = tables.VtnJournalEntry.__table__


def append(context: Context, vtn_ids: Iterable[str]) -> None:
    """Record, in the caller's transaction, that these VTNs changed."""
    now = timeutils.utcnow()
    rows = [{"vtn_id": vtn_id, "created_at": now} for vtn_id in sorted(set(vtn_ids))]
    if rows:
        context.session.execute(sa.insert(_TABLE), rows)


def append_of_vpn(context: Context, vpn_id: str) -> None:
    """Record that somebody changed by hand a VPN that was made for a VTN; nothing for others."""
    vpn = models.Vpn.__table__
    query: Any = sa.select(vpn.c.vtn_id).where(vpn.c.id == vpn_id, vpn.c.vtn_id.is_not(None))
    append(context, list(context.session.execute(query).scalars()))


def read_changed(context: Context) -> dict[str, int]:
    """Return the VTNs that have entries, the longest waiting first, with their newest entry."""
    query: Any = (
        sa.select(_TABLE.c.vtn_id, sa.func.max(_TABLE.c.id).label("newest"))
        .group_by(_TABLE.c.vtn_id)
        .order_by(sa.func.min(_TABLE.c.id))
    )
    return {row.vtn_id: int(row.newest) for row in context.session.execute(query)}


def read_pending(context: Context, vtn_ids: Collection[str]) -> frozenset[str]:
    """Return those of ``vtn_ids`` that have entries."""
    query: Any = sa.select(_TABLE.c.vtn_id).where(_TABLE.c.vtn_id.in_(vtn_ids)).distinct()
    return frozenset(context.session.execute(query).scalars())


def read_numbers(context: Context, vtn_id: str) -> list[int]:
    """Return the numbers of a VTN's entries that the caller's transaction sees."""
    query: Any = sa.select(_TABLE.c.id).where(_TABLE.c.vtn_id == vtn_id)
    return [int(number) for number in context.session.execute(query).scalars()]


def delete(context: Context, numbers: Collection[int]) -> None:
    """Remove exactly these entries."""
    if numbers:
        context.session.execute(sa.delete(_TABLE).where(_TABLE.c.id.in_(sorted(numbers))))
