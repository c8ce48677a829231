# SPDX-License-Identifier: Apache-2.0
"""The journal: which VPN changed and has not been dispatched since.

An entry is written in the transaction that changes intent, so it is visible exactly when the
change is. Entries are removed by the numbers that were seen together with the intent that was
sent, never up to a number: numbers are given out before their transactions commit, so a lower
one can appear later.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable
from typing import Any

import sqlalchemy as sa
from neutron_lib.context import Context
from oslo_utils import timeutils

from isthmus.db import models

_BATCH = 500


def append(context: Context, vpn_ids: Iterable[str]) -> None:
    """Record, in the caller's transaction, that these VPNs changed."""
    now = timeutils.utcnow()
    for vpn_id in sorted(set(vpn_ids)):
        context.session.add(models.JournalEntry(vpn_id=vpn_id, created_at=now))
    context.session.flush()


def read_changed_vpns(context: Context) -> dict[str, int]:
    """Return the VPNs that have entries, the longest waiting first, with their newest entry."""
    seq: Any = models.JournalEntry.seq
    query: Any = (
        sa.select(models.JournalEntry.vpn_id, sa.func.max(seq).label("newest"))
        .group_by(models.JournalEntry.vpn_id)
        .order_by(sa.func.min(seq))
    )
    return {row.vpn_id: int(row.newest) for row in context.session.execute(query)}


def read_pending(context: Context, vpn_ids: Collection[str]) -> frozenset[str]:
    """Return those of ``vpn_ids`` that have entries."""
    query: Any = sa.select(models.JournalEntry.vpn_id).where(
        models.JournalEntry.vpn_id.in_(vpn_ids)
    )
    return frozenset(context.session.execute(query.distinct()).scalars())


def read_numbers(context: Context, vpn_id: str) -> list[int]:
    """Return the numbers of a VPN's entries visible to the caller's transaction."""
    query: Any = sa.select(models.JournalEntry.seq).where(models.JournalEntry.vpn_id == vpn_id)
    return list(context.session.execute(query).scalars())


def delete(context: Context, numbers: Collection[int]) -> None:
    """Remove entries whose change has been dispatched."""
    ordered = sorted(numbers)
    for start in range(0, len(ordered), _BATCH):
        chosen: sa.ColumnElement[bool] = models.JournalEntry.seq.in_(
            ordered[start : start + _BATCH]
        )
        context.session.execute(sa.delete(models.JournalEntry).where(chosen))
