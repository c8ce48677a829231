# SPDX-License-Identifier: Apache-2.0
"""VPNs: rows to values and back.

Whoever changes a VPN or its associations locks the VPN's row first, so that checks made then
still hold when the change is committed.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import Any

import sqlalchemy as sa
from neutron_lib.context import Context
from oslo_utils import timeutils

from isthmus.db import associations, models
from isthmus.db.records import Kind, VpnRecord


def create(
    context: Context,
    vpn_id: str,
    columns: Mapping[str, Any],
    targets: Iterable[tuple[str, str]],
    rds: Sequence[str],
) -> None:
    """Add a VPN with its route targets and RDs."""
    vpn = models.Vpn(id=vpn_id, generation=0, refusal="", refusal_for_tenant="", **columns)
    context.session.add(vpn)
    context.session.flush()
    replace_targets(context, vpn_id, targets)
    replace_rds(context, vpn_id, rds)


def replace_targets(context: Context, vpn_id: str, targets: Iterable[tuple[str, str]]) -> None:
    """Make ``targets``, pairs of direction and value, all a VPN has."""
    context.session.execute(
        sa.delete(models.RouteTarget).where(models.RouteTarget.vpn_id == vpn_id)
    )
    for direction, value in sorted(set(targets)):
        context.session.add(models.RouteTarget(vpn_id=vpn_id, direction=direction, value=value))
    context.session.flush()


def replace_rds(context: Context, vpn_id: str, rds: Sequence[str]) -> None:
    """Make ``rds``, in this order, all a VPN has."""
    table = models.RouteDistinguisher
    context.session.execute(sa.delete(table).where(table.vpn_id == vpn_id))
    for position, value in enumerate(dict.fromkeys(rds)):
        context.session.add(table(vpn_id=vpn_id, value=value, position=position))
    context.session.flush()


def update(context: Context, vpn_id: str, columns: Mapping[str, Any]) -> None:
    """Change columns of a VPN's row."""
    if columns:
        query = sa.update(models.Vpn).where(models.Vpn.id == vpn_id).values(**columns)
        context.session.execute(query)


def delete(context: Context, vpn_id: str) -> None:
    """Remove a VPN, its route targets, RDs and associations."""
    context.session.execute(sa.delete(models.Vpn).where(models.Vpn.id == vpn_id))


def lock(context: Context, vpn_id: str) -> bool:
    """Lock a VPN's row until the caller's transaction ends; False if there is none."""
    query: Any = sa.select(models.Vpn.id).where(models.Vpn.id == vpn_id).with_for_update()
    return context.session.execute(query).first() is not None


def read_one(context: Context, vpn_id: str) -> VpnRecord | None:
    """Return a VPN, or None."""
    found = read(context, vpn_ids=[vpn_id])
    return found[0] if found else None


def read(
    context: Context,
    vpn_ids: Collection[str] | None = None,
    project_id: str | None = None,
) -> list[VpnRecord]:
    """Return VPNs in order of id, all or as narrowed down, in four statements."""
    query: Any = sa.select(models.Vpn.__table__).order_by(models.Vpn.id)
    if vpn_ids is not None:
        query = query.where(models.Vpn.id.in_(vpn_ids))
    if project_id is not None:
        query = query.where(models.Vpn.project_id == project_id)
    rows = context.session.execute(query).all()
    if not rows:
        return []
    ids = [row.id for row in rows]
    targets = _children(
        context, models.RouteTarget, ids, models.RouteTarget.direction, models.RouteTarget.value
    )
    rds = _children(
        context,
        models.RouteDistinguisher,
        ids,
        models.RouteDistinguisher.position,
        models.RouteDistinguisher.value,
    )
    members = associations.read_targets(context, ids)
    return [
        VpnRecord(
            id=row.id,
            project_id=row.project_id,
            name=row.name,
            type=row.type,
            vni=row.vni,
            targets=tuple((child.direction, child.value) for child in targets[row.id]),
            rds=tuple(child.value for child in rds[row.id]),
            network_ids=members[row.id, Kind.NETWORK],
            router_ids=members[row.id, Kind.ROUTER],
            port_ids=members[row.id, Kind.PORT],
            local_pref=row.local_pref,
            generation=row.generation,
            was_dispatched=row.dispatched_digest is not None,
            dispatched_at=row.dispatched_at,
            refusal=row.refusal,
            refusal_for_tenant=row.refusal_for_tenant,
        )
        for row in rows
    ]


def _children(
    context: Context, table: Any, vpn_ids: Collection[str], *columns: Any
) -> Mapping[str, list[Any]]:
    query: Any = (
        sa.select(table.vpn_id, *columns).where(table.vpn_id.in_(vpn_ids)).order_by(*columns)
    )
    found: dict[str, list[Any]] = defaultdict(list)
    for row in context.session.execute(query):
        found[row.vpn_id].append(row)
    return found


def read_all_ids(context: Context) -> list[str]:
    """Return the ids of all VPNs."""
    return list(context.session.execute(sa.select(models.Vpn.id)).scalars())


def read_generations(context: Context, vpn_ids: Collection[str]) -> dict[str, int]:
    """Return the generation of those of ``vpn_ids`` that were dispatched."""
    query: Any = sa.select(models.Vpn.id, models.Vpn.generation).where(
        models.Vpn.id.in_(vpn_ids), models.Vpn.dispatched_digest.is_not(None)
    )
    return {row.id: int(row.generation) for row in context.session.execute(query)}


def read_existing(context: Context, vpn_ids: Collection[str]) -> frozenset[str]:
    """Return those of ``vpn_ids`` that there are."""
    query: Any = sa.select(models.Vpn.id).where(models.Vpn.id.in_(vpn_ids))
    return frozenset(context.session.execute(query).scalars())


def raise_generation(context: Context, vpn_id: str, at_least: int) -> int:
    """Count one more change of a VPN whose row the caller has locked; return the new generation.

    Args:
        context: of the caller's transaction.
        vpn_id: the VPN.
        at_least: the new generation is greater than this too.
    """
    current = context.session.execute(
        sa.select(models.Vpn.generation).where(models.Vpn.id == vpn_id).with_for_update()
    ).scalar_one()
    generation = int(max(current, at_least)) + 1
    update(context, vpn_id, {"generation": generation})
    return generation


def read_dispatched_digest(context: Context, vpn_id: str) -> str | None:
    """Return the digest of the intent last accepted by the driver."""
    query: Any = sa.select(models.Vpn.dispatched_digest).where(models.Vpn.id == vpn_id)
    digest: str | None = context.session.execute(query).scalar_one_or_none()
    return digest


def record_dispatched(context: Context, vpn_id: str, generation: int, digest: str) -> None:
    """Record that the driver accepted ``generation``, unless a greater one was begun meanwhile."""
    query = (
        sa.update(models.Vpn)
        .where(models.Vpn.id == vpn_id, models.Vpn.generation == generation)
        .values(
            dispatched_digest=digest,
            dispatched_at=timeutils.utcnow(),
            refusal="",
            refusal_for_tenant="",
        )
    )
    context.session.execute(query)


def record_refusal(context: Context, vpn_id: str, for_operator: str, for_tenant: str) -> None:
    """Record why a VPN could not be dispatched; an empty text clears it."""
    query = (
        sa.update(models.Vpn)
        .where(models.Vpn.id == vpn_id, models.Vpn.refusal != for_operator)
        .values(refusal=for_operator, refusal_for_tenant=for_tenant)
    )
    context.session.execute(query)
