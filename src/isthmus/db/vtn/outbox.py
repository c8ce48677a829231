# SPDX-License-Identifier: Apache-2.0
"""The outbox: own documents written or removed, and not published since.

As in the journal of VPNs, entries go by the numbers that were read, never up to a number: a
lower one may be committed later.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa
from neutron_lib.context import Context

from isthmus.db.vtn import tables

_TABLE: Any = tables.OutboxEntry.__table__


@dataclass(frozen=True, slots=True, order=True)
class Entry:
    """An entry, and the document it is about: gone if there is none of that name any more."""

    id: int
    kind: str
    name: str


def append(context: Context, kind: str, name: str) -> None:
    """Record, in the caller's transaction, that an own document is to be published."""
    context.session.execute(sa.insert(_TABLE).values(kind=kind, name=name))


def read(context: Context, limit: int = 500) -> list[Entry]:
    """Return the oldest entries."""
    query: Any = sa.select(_TABLE).order_by(_TABLE.c.id).limit(limit)
    return [Entry(int(row.id), row.kind, row.name) for row in context.session.execute(query)]


def delete(context: Context, numbers: Collection[int]) -> None:
    """Remove exactly these entries: what they are about has been published as it was read."""
    if numbers:
        context.session.execute(sa.delete(_TABLE).where(_TABLE.c.id.in_(sorted(numbers))))


def count(context: Context) -> int:
    """Count what waits."""
    return int(context.session.execute(sa.select(sa.func.count()).select_from(_TABLE)).scalar_one())
