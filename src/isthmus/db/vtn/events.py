# SPDX-License-Identifier: Apache-2.0
"""What happened to VTNs and sites, a sentence each; the oldest go when there are many."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import sqlalchemy as sa
from neutron_lib.context import Context
from oslo_utils import timeutils

from isthmus.db.listing import is_text
from isthmus.db.vtn import tables

_TABLE: Any = tables.VtnEvent.__table__
_KEPT = 100_000


@dataclass(frozen=True, slots=True)
class Event:
    """Something that happened.

    Attributes:
        site: the site concerned; this one for what it did by itself.
        vtn_id: the VTN concerned, if one is.
        text: a sentence for operators.
    """

    id: int
    at: datetime
    site: str
    vtn_id: str | None
    text: str


def append(context: Context, site: str, text: str, vtn_id: str | None = None) -> None:
    """Record that something happened, now."""
    values = {"at": timeutils.utcnow(), "site": site, "vtn_id": vtn_id, "text": text}
    context.session.execute(sa.insert(_TABLE).values(**values))


def read(
    context: Context,
    *,
    sites: Collection[str] | None = None,
    vtn_ids: Collection[str] | None = None,
    limit: int = 100,
) -> list[Event]:
    """Return the newest events, the newest first; of some sites or VTNs alone."""
    query: Any = sa.select(_TABLE).order_by(_TABLE.c.id.desc()).limit(limit)
    for column, wanted in ((_TABLE.c.site, sites), (_TABLE.c.vtn_id, vtn_ids)):
        if wanted is not None:
            query = query.where(column.in_([each for each in wanted if is_text(each)]))
    return [
        Event(int(row.id), row.at, row.site, row.vtn_id, row.text)
        for row in context.session.execute(query)
    ]


def trim(context: Context) -> None:
    """Remove all but the newest."""
    newest = context.session.execute(sa.select(sa.func.max(_TABLE.c.id))).scalar_one()
    if newest is not None:
        context.session.execute(sa.delete(_TABLE).where(_TABLE.c.id <= newest - _KEPT))
