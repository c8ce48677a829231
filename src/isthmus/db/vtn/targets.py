# SPDX-License-Identifier: Apache-2.0
"""Route targets that this site gave to VTNs, beside those of VPNs: out of one pool.

Kept while the VTN is known, a deleted one until nobody can bring it back, so that no other tenant
is given one that a site far away still uses.
"""

from __future__ import annotations

from collections.abc import Collection
from typing import Any

import sqlalchemy as sa
from neutron_lib.context import Context
from oslo_db import exception as db_exc

from isthmus.db import models, pools
from isthmus.db.pools import ROUTE_TARGETS
from isthmus.db.vtn import tables
from isthmus.model.ids import RouteTarget
from isthmus.model.pools import NumberPool

_TABLE: Any = tables.VtnTarget.__table__
_ALLOCATION: Any = models.Allocation.__table__


def read_taken(context: Context, pool: NumberPool[RouteTarget]) -> frozenset[str]:
    """Return what is in use of the pool, by VPNs or VTNs."""
    return pools.read_taken(context, ROUTE_TARGETS, pool) | read_values(context)


def read_values(context: Context) -> frozenset[str]:
    """Return all that VTNs were given."""
    return frozenset(context.session.execute(sa.select(_TABLE.c.value)).scalars())


def read_vtns(context: Context, values: Collection[str]) -> dict[str, str]:
    """Return the VTN that has each of some route targets, if one has.

    Locked, and read as it is now: whoever gives one to a VPN waits for who gives it to a VTN.
    """
    query: Any = sa.select(_TABLE).where(_TABLE.c.value.in_(values)).with_for_update()
    return {row.value: row.vtn_id for row in context.session.execute(query)}


def claim(context: Context, vtn_id: str, target: RouteTarget) -> None:
    """Give a route target to a VTN.

    Raises:
        DBDuplicateEntry: somebody else was just given it; to be tried again.
    """
    values = {"number": target.octets, "value": str(target), "vtn_id": vtn_id}
    context.session.execute(sa.insert(_TABLE).values(**values))
    query: Any = (
        sa.select(_ALLOCATION.c.vpn_id)
        .where(_ALLOCATION.c.pool == ROUTE_TARGETS.name, _ALLOCATION.c.number == target.octets)
        .with_for_update()
    )
    if context.session.execute(query).first() is not None:
        raise db_exc.DBDuplicateEntry(columns=["number"], value=str(target))
