# SPDX-License-Identifier: Apache-2.0
"""VPNs: rows to values and back.

Whoever changes a VPN or its associations locks the VPN's row first, so that checks made then
still hold when the change is committed.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Any

import sqlalchemy as sa
from neutron_lib.context import Context
from oslo_utils import timeutils

from isthmus.db import associations, models, standard_attributes, vpn_listing
from isthmus.db.associations import Member
from isthmus.db.listing import Listing, is_text
from isthmus.db.records import Kind, VpnRecord

# Fields of a record that may be changed in place, and their columns.
_CHANGEABLE = {
    "name": "name",
    "vni": "vni",
    "local_pref": "local_pref",
    "is_up": "admin_state_up",
    "allocates_route_target": "allocates_route_target",
    "allocates_route_distinguisher": "allocates_route_distinguisher",
}


def create(context: Context, record: VpnRecord) -> VpnRecord:
    """Add a VPN with its route targets and RDs; return it with its standard attributes."""
    standard = standard_attributes.create(context, models.Vpn, record.standard.description)
    columns = {
        "id": record.id,
        "project_id": record.project_id,
        "name": record.name,
        "type": record.type,
        "vni": record.vni,
        "local_pref": record.local_pref,
        "admin_state_up": record.is_up,
        "allocates_route_target": record.allocates_route_target,
        "allocates_route_distinguisher": record.allocates_route_distinguisher,
        "vtn_id": record.vtn_id,
        "standard_attr_id": standard.id,
        "generation": 0,
        "refusal": "",
        "refusal_for_tenant": "",
    }
    context.session.execute(sa.insert(models.Vpn.__table__).values(**columns))
    _add_targets(context, record.id, record.targets)
    _add_rds(context, record.id, record.rds)
    return replace(record, standard=standard)


def _add_targets(context: Context, vpn_id: str, targets: Iterable[tuple[str, str]]) -> None:
    rows = [
        {"vpn_id": vpn_id, "direction": direction, "value": value}
        for direction, value in sorted(set(targets))
    ]
    if rows:
        context.session.execute(sa.insert(models.RouteTarget.__table__), rows)


def _add_rds(context: Context, vpn_id: str, rds: Sequence[str]) -> None:
    rows = [
        {"vpn_id": vpn_id, "value": value, "position": position}
        for position, value in enumerate(dict.fromkeys(rds))
    ]
    if rows:
        context.session.execute(sa.insert(models.RouteDistinguisher.__table__), rows)


def replace_targets(context: Context, vpn_id: str, targets: Iterable[tuple[str, str]]) -> None:
    """Make ``targets``, pairs of direction and value, all a VPN has."""
    context.session.execute(
        sa.delete(models.RouteTarget).where(models.RouteTarget.vpn_id == vpn_id)
    )
    _add_targets(context, vpn_id, targets)


def replace_rds(context: Context, vpn_id: str, rds: Sequence[str]) -> None:
    """Make ``rds``, in this order, all a VPN has."""
    table = models.RouteDistinguisher
    context.session.execute(sa.delete(table).where(table.vpn_id == vpn_id))
    _add_rds(context, vpn_id, rds)


def change(context: Context, former: VpnRecord, wanted: VpnRecord) -> None:
    """Make a VPN whose row the caller has locked what is wanted; touch nothing that is right."""
    if former == wanted:
        return
    columns = {
        column: getattr(wanted, name)
        for name, column in _CHANGEABLE.items()
        if getattr(former, name) != getattr(wanted, name)
    }
    update(context, wanted.id, columns)
    if former.targets != wanted.targets:
        replace_targets(context, wanted.id, wanted.targets)
    if former.rds != wanted.rds:
        replace_rds(context, wanted.id, wanted.rds)
    description = {"description": wanted.standard.description}
    standard_attributes.touch(context, wanted.standard, description)


def update(context: Context, vpn_id: str, columns: Mapping[str, Any]) -> None:
    """Change columns of a VPN's row."""
    if columns:
        query = sa.update(models.Vpn).where(models.Vpn.id == vpn_id).values(**columns)
        context.session.execute(query)


def delete(context: Context, record: VpnRecord) -> None:
    """Remove a VPN, its route targets, RDs and associations."""
    numbers = associations.read_standard_numbers(context, record.id)
    context.session.execute(sa.delete(models.Vpn).where(models.Vpn.id == record.id))
    standard_attributes.delete(context, [record.standard.id, *numbers])


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
    visible_to: str | None = None,
    wanted: Listing | None = None,
) -> list[VpnRecord]:
    """Return VPNs, in order of id unless told otherwise, in four statements.

    Args:
        context: of the caller.
        vpn_ids: those alone.
        visible_to: those alone that are this project's or may be used by it, and were not made
            for a virtual tenant network.
        wanted: filters, order and page.
    """
    shared = vpn_listing.is_shared_with({"*", context.project_id} - {None})
    query: Any = sa.select(
        models.Vpn.__table__, *standard_attributes.COLUMNS, shared.label("is_shared")
    ).select_from(standard_attributes.joined(models.Vpn))
    if vpn_ids is not None:
        query = query.where(models.Vpn.id.in_([i for i in vpn_ids if is_text(i)]))
    if visible_to is not None:
        usable = vpn_listing.is_shared_with(("*", visible_to))
        query = query.where(
            sa.or_(models.Vpn.project_id == visible_to, usable), models.Vpn.vtn_id.is_(None)
        )
    if wanted is None:
        query = query.order_by(models.Vpn.id)
    else:
        listed = vpn_listing.LISTED
        query = listed.cut(context, listed.filtered(query, wanted.filters), wanted.page)
    if query is None:
        return []
    rows = context.session.execute(query).all()
    if wanted is not None and wanted.page.is_reverse:
        rows = rows[::-1]
    return _complete(context, rows)


def _complete(context: Context, rows: Sequence[Any]) -> list[VpnRecord]:
    """Return selected rows with what belongs to them."""
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
    members = associations.read_members(context, ids)
    return [_record(row, targets[row.id], rds[row.id], members.get(row.id, [])) for row in rows]


def _record(
    row: Any, targets: Iterable[Any], rds: Iterable[Any], members: Collection[Member]
) -> VpnRecord:
    ids: dict[Kind, list[str]] = {kind: [] for kind in Kind}
    for member in members:
        ids[member.kind].append(member.target_id)
    return VpnRecord(
        id=row.id,
        project_id=row.project_id,
        name=row.name,
        type=row.type,
        vni=row.vni,
        targets=tuple((child.direction, child.value) for child in targets),
        rds=tuple(child.value for child in rds),
        network_ids=tuple(ids[Kind.NETWORK]),
        router_ids=tuple(ids[Kind.ROUTER]),
        port_ids=tuple(ids[Kind.PORT]),
        local_pref=row.local_pref,
        generation=row.generation,
        was_dispatched=row.dispatched_digest is not None,
        dispatched_at=row.dispatched_at,
        refusal=row.refusal,
        refusal_for_tenant=row.refusal_for_tenant,
        is_up=bool(row.admin_state_up),
        down_ids=frozenset(member.target_id for member in members if not member.is_up),
        member_projects={member.target_id: member.project_id for member in members},
        is_shared=bool(row.is_shared),
        allocates_route_target=bool(row.allocates_route_target),
        allocates_route_distinguisher=bool(row.allocates_route_distinguisher),
        vtn_id=row.vtn_id,
        standard=standard_attributes.of_row(row),
    )


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


def is_shared_with(context: Context, vpn_id: str, project_id: str) -> bool:
    """Whether a project may use another's VPN."""
    usable = vpn_listing.is_shared_with(("*", project_id))
    query: Any = sa.select(models.Vpn.id).where(models.Vpn.id == vpn_id, usable)
    return context.session.execute(query).first() is not None


def read_guests(context: Context, vpn_id: str) -> frozenset[str]:
    """Return the projects that may use a VPN of another's; ``*`` is every one."""
    table = models.VpnRbac
    query: Any = sa.select(table.target_project).where(table.object_id == vpn_id)
    return frozenset(context.session.execute(query).scalars())


def count(context: Context, project_ids: Collection[str]) -> int:
    """Count the VPNs of projects, those too that other transactions are about to commit.

    Those made for virtual tenant networks are none that anybody asked for.
    """
    query: Any = sa.select(models.Vpn.id).where(
        models.Vpn.project_id.in_(project_ids), models.Vpn.vtn_id.is_(None)
    )
    return len(context.session.execute(query.with_for_update(read=True)).all())


def read_vtns(context: Context, vpn_ids: Collection[str]) -> frozenset[str]:
    """Return the virtual tenant networks that these VPNs were made for."""
    query: Any = sa.select(models.Vpn.vtn_id).where(
        models.Vpn.id.in_(vpn_ids), models.Vpn.vtn_id.is_not(None)
    )
    return frozenset(context.session.execute(query).scalars())


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
