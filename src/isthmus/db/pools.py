# SPDX-License-Identifier: Apache-2.0
"""Who uses which route target, and claims that keep two from getting one at the same moment.

Whoever is first to use a route target claims it: a row whose key is its number. Of two
transactions that claim one at the same moment the later waits for the first, fails on the key and
is tried again by Neutron; by then it sees the first one's VPN. Claims go with their VPNs.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa
from neutron_lib.context import Context

from isthmus.db import models
from isthmus.model.ids import RouteTarget
from isthmus.model.pools import TargetPool, number_of

ROUTE_TARGETS = "route_target"
_ALLOCATION: Any = models.Allocation.__table__


@dataclass(frozen=True, slots=True)
class Use:
    """A VPN that has a route target, whatever the direction."""

    target: str
    vpn_id: str
    project_id: str


def read_uses(context: Context, targets: Collection[str]) -> list[Use]:
    """Return the VPNs that have any of some route targets, in order of route target."""
    table, vpn = models.RouteTarget, models.Vpn
    query: Any = (
        sa.select(table.value, table.vpn_id, vpn.project_id)
        .join(vpn, vpn.id == table.vpn_id)
        .where(table.value.in_(targets))
        .distinct()
        .order_by(table.value, table.vpn_id)
    )
    return [Use(*row) for row in context.session.execute(query)]


def read_taken(context: Context, pool: TargetPool) -> frozenset[str]:
    """Return the route targets in use that may be of a pool."""
    administrators = {str(each.first).rpartition(":")[0] for each in pool.ranges}
    column: Any = models.RouteTarget.value
    query: Any = sa.select(column).where(
        sa.or_(sa.false(), *(column.startswith(f"{name}:") for name in sorted(administrators)))
    )
    return frozenset(context.session.execute(query.distinct()).scalars())


def claim(context: Context, vpn_id: str, targets: Collection[str]) -> None:
    """Claim route targets that no VPN has.

    Raises:
        DBDuplicateEntry: somebody else just did; to be tried again.
    """
    rows = [
        {"pool": ROUTE_TARGETS, "number": number_of(RouteTarget.parse(target)), "vpn_id": vpn_id}
        for target in sorted(targets)
    ]
    if rows:
        context.session.execute(sa.insert(_ALLOCATION), rows)


def release(context: Context, vpn_id: str, targets: Collection[str]) -> None:
    """Give up a VPN's claims to route targets it has no more."""
    numbers = [number_of(RouteTarget.parse(target)) for target in targets]
    if numbers:
        context.session.execute(
            sa.delete(_ALLOCATION).where(
                _ALLOCATION.c.pool == ROUTE_TARGETS,
                _ALLOCATION.c.vpn_id == vpn_id,
                _ALLOCATION.c.number.in_(numbers),
            )
        )
