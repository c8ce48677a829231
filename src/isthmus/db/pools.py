# SPDX-License-Identifier: Apache-2.0
"""Who uses which route target or RD, and claims that keep two from getting one at a time.

Whoever is first to use a number claims it: a row whose key it is. Of two transactions that claim
one at the same moment the later waits for the first, fails on the key and is tried again by
Neutron; by then it sees the first one's VPN. Claims go with their VPNs.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa
from neutron_lib.context import Context

from isthmus.db import models
from isthmus.model.ids import AdministeredNumber, RouteDistinguisher, RouteTarget
from isthmus.model.pools import NumberPool

_ALLOCATION: Any = models.Allocation.__table__


@dataclass(frozen=True, slots=True)
class Register:
    """Where it is written down who has which number of a kind.

    Attributes:
        name: of the pool in the table of claims.
        kind: what is given out.
        table: has a row for each that a VPN has.
    """

    name: str
    kind: type[AdministeredNumber]
    table: Any

    def octets(self, text: str) -> int:
        """Return the key of a claim."""
        return self.kind.parse(text).octets


ROUTE_TARGETS = Register("route_target", RouteTarget, models.RouteTarget)
ROUTE_DISTINGUISHERS = Register("distinguisher", RouteDistinguisher, models.RouteDistinguisher)


@dataclass(frozen=True, slots=True)
class Use:
    """A VPN that has a number, a route target in whatever direction."""

    number: str
    vpn_id: str
    project_id: str


def read_uses(context: Context, register: Register, numbers: Collection[str]) -> list[Use]:
    """Return the VPNs that have any of some numbers, in order of number."""
    table, vpn = register.table, models.Vpn
    query: Any = (
        sa.select(table.value, table.vpn_id, vpn.project_id)
        .join(vpn, vpn.id == table.vpn_id)
        .where(table.value.in_(numbers))
        .distinct()
        .order_by(table.value, table.vpn_id)
    )
    return [Use(*row) for row in context.session.execute(query)]


def read_taken(context: Context, register: Register, pool: NumberPool[Any]) -> frozenset[str]:
    """Return the numbers in use that may be of a pool."""
    administrators = {str(each.first).rpartition(":")[0] for each in pool.ranges}
    column: Any = register.table.value
    query: Any = sa.select(column).where(
        sa.or_(sa.false(), *(column.startswith(f"{name}:") for name in sorted(administrators)))
    )
    return frozenset(context.session.execute(query.distinct()).scalars())


def claim(context: Context, register: Register, vpn_id: str, numbers: Collection[str]) -> None:
    """Claim numbers that no VPN has.

    Raises:
        DBDuplicateEntry: somebody else just did; to be tried again.
    """
    rows = [
        {"pool": register.name, "number": register.octets(number), "vpn_id": vpn_id}
        for number in sorted(numbers)
    ]
    if rows:
        context.session.execute(sa.insert(_ALLOCATION), rows)


def release(context: Context, register: Register, vpn_id: str, numbers: Collection[str]) -> None:
    """Give up a VPN's claims to numbers it has no more."""
    if numbers:
        context.session.execute(
            sa.delete(_ALLOCATION).where(
                _ALLOCATION.c.pool == register.name,
                _ALLOCATION.c.vpn_id == vpn_id,
                _ALLOCATION.c.number.in_([register.octets(number) for number in numbers]),
            )
        )
