# SPDX-License-Identifier: Apache-2.0
"""VTNs as the API lists them."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from ipaddress import ip_network
from typing import Any

import sqlalchemy as sa
from neutron_lib.context import Context

from isthmus.db import standard_attributes
from isthmus.db.listing import (
    STANDARD_SORT_KEYS,
    Condition,
    Filter,
    Listed,
    Listing,
    Values,
    booleans,
    integers,
    is_text,
    standard_filters,
    texts,
)
from isthmus.db.records import StandardAttributes
from isthmus.db.vtn import tables
from isthmus.model.ip import IpPrefix
from isthmus.model.vtn.documents import Kind
from isthmus.model.vtn.overlaps import Placed

_VTN: Any = tables.Vtn.__table__
_PREFIX: Any = tables.VtnPrefix.__table__
_MEMBER: Any = tables.VtnMember.__table__


@dataclass(frozen=True, slots=True)
class VtnRecord:
    """A VTN. Fields are the columns' of ``isthmus_vtns``; see there.

    Attributes:
        prefixes: in the tenant's order.
        members: names of the sites that are to be members, in order.
        standard: Neutron's standard attributes.
    """

    id: str
    project_id: str
    name: str
    type: str
    owner_site: str
    epoch: int
    generation: int
    is_up: bool
    class_of_service: str | None
    rate_kbps: int | None
    requests_pending: int
    refusal: str
    refusal_for_tenant: str
    notice: str
    prefixes: tuple[str, ...]
    members: tuple[str, ...]
    standard: StandardAttributes


def _child(table: Any, column: Any) -> Filter:
    def condition(values: Values) -> Condition:
        return sa.exists().where(table.c.vtn_id == _VTN.c.id, texts(column, values))

    return condition


LISTED = Listed(
    model=tables.Vtn,
    filters={
        "id": lambda values: texts(_VTN.c.id, values),
        "project_id": lambda values: texts(_VTN.c.project_id, values),
        "tenant_id": lambda values: texts(_VTN.c.project_id, values),
        "name": lambda values: texts(_VTN.c.name, values),
        "type": lambda values: texts(_VTN.c.type, values),
        "owner_site": lambda values: texts(_VTN.c.owner_site, values),
        "class_of_service": lambda values: texts(_VTN.c.class_of_service, values),
        "rate_kbps": lambda values: integers(_VTN.c.rate_kbps, values),
        "epoch": lambda values: integers(_VTN.c.epoch, values),
        "generation": lambda values: integers(_VTN.c.generation, values),
        "admin_state_up": lambda values: booleans(_VTN.c.admin_state_up, values),
        "prefixes": _child(_PREFIX, _PREFIX.c.prefix),
        "members": _child(_MEMBER, _MEMBER.c.site),
        **standard_filters(_VTN),
    },
    sort_keys={
        "id": _VTN.c.id,
        "project_id": _VTN.c.project_id,
        "tenant_id": _VTN.c.project_id,
        "name": _VTN.c.name,
        "type": _VTN.c.type,
        "owner_site": _VTN.c.owner_site,
        "class_of_service": sa.func.coalesce(_VTN.c.class_of_service, ""),
        "rate_kbps": sa.func.coalesce(_VTN.c.rate_kbps, -1),
        "epoch": _VTN.c.epoch,
        "generation": _VTN.c.generation,
        "admin_state_up": _VTN.c.admin_state_up,
        **STANDARD_SORT_KEYS,
    },
)


def read(
    context: Context,
    vtn_ids: Collection[str] | None = None,
    visible_to: str | None = None,
    wanted: Listing | None = None,
) -> list[VtnRecord]:
    """Return VTNs, those that are being deleted among them, in order of id unless told otherwise.

    Args:
        context: of the caller.
        vtn_ids: those alone.
        visible_to: this project's alone.
        wanted: filters, order and page.
    """
    query: Any = sa.select(_VTN, *standard_attributes.COLUMNS).select_from(
        standard_attributes.joined(tables.Vtn)
    )
    if vtn_ids is not None:
        query = query.where(_VTN.c.id.in_([each for each in vtn_ids if is_text(each)]))
    if visible_to is not None:
        query = query.where(_VTN.c.project_id == visible_to)
    if wanted is None:
        query = query.order_by(_VTN.c.id)
    else:
        query = LISTED.cut(context, LISTED.filtered(query, wanted.filters), wanted.page)
    if query is None:
        return []
    rows = context.session.execute(query).all()
    if wanted is not None and wanted.page.is_reverse:
        rows = rows[::-1]
    ids = [row.id for row in rows]
    prefixes = _children(context, _PREFIX, ids, _PREFIX.c.prefix, _PREFIX.c.position)
    staying = _MEMBER.c.is_leaving.is_(False)
    members = _children(context, _MEMBER, ids, _MEMBER.c.site, _MEMBER.c.site, staying)
    return [_record(row, prefixes.get(row.id, ()), members.get(row.id, ())) for row in rows]


def _children(
    context: Context, table: Any, ids: Collection[str], column: Any, order: Any, *conditions: Any
) -> Mapping[str, list[str]]:
    found: dict[str, list[str]] = defaultdict(list)
    query: Any = sa.select(table.c.vtn_id, column).where(table.c.vtn_id.in_(ids), *conditions)
    if ids:
        for vtn_id, value in context.session.execute(query.order_by(order)):
            found[vtn_id].append(value)
    return found


def _record(row: Any, prefixes: Collection[str], members: Collection[str]) -> VtnRecord:
    return VtnRecord(
        id=row.id,
        project_id=row.project_id,
        name=row.name,
        type=row.type,
        owner_site=row.owner_site,
        epoch=int(row.epoch),
        generation=int(row.generation),
        is_up=bool(row.admin_state_up),
        class_of_service=row.class_of_service,
        rate_kbps=row.rate_kbps,
        requests_pending=int(row.requests_pending),
        refusal=row.refusal,
        refusal_for_tenant=row.refusal_for_tenant,
        notice=row.notice,
        prefixes=tuple(prefixes),
        members=tuple(members),
        standard=standard_attributes.of_row(row),
    )


def count(context: Context, project_ids: Collection[str]) -> int:
    """Count the VTNs of projects, for quotas."""
    query: Any = sa.select(sa.func.count()).where(
        _VTN.c.project_id.in_(project_ids), _VTN.c.is_deleted.is_(False)
    )
    return int(context.session.execute(query).scalar_one())


def read_prefixes(context: Context, project_id: str) -> list[tuple[str, str, IpPrefix]]:
    """Return every prefix of a project's VTNs, with the VTN's id and name.

    Locked: of two requests of a project that add prefixes at a time the later waits.
    """
    query: Any = (
        sa.select(_VTN.c.id, _VTN.c.name, _PREFIX.c.prefix)
        .join(_PREFIX, _PREFIX.c.vtn_id == _VTN.c.id)
        .where(_VTN.c.project_id == project_id, _VTN.c.is_deleted.is_(False))
        .order_by(_VTN.c.id, _PREFIX.c.position)
        .with_for_update()
    )
    return [
        (vtn_id, name, ip_network(prefix))
        for vtn_id, name, prefix in context.session.execute(query)
    ]


def read_placed(
    context: Context, project_ids: Collection[str], *, is_locked: bool = False
) -> list[Placed]:
    """Return every prefix of projects' VTNs, but of those that are being deleted.

    A VTN that is no project's yet is nobody's to overlap with.

    Args:
        context: of the caller's transaction.
        project_ids: the projects.
        is_locked: what others committed since the transaction began is there, and of two that
            store a VTN of a project at a time the later waits, or is tried again.
    """
    wanted = sorted(set(project_ids) - {""})
    query: Any = (
        sa.select(_VTN.c.project_id, _VTN.c.id, _VTN.c.name, _VTN.c.owner_site, _PREFIX.c.prefix)
        .join(_PREFIX, _PREFIX.c.vtn_id == _VTN.c.id)
        .where(_VTN.c.project_id.in_(wanted), _VTN.c.is_deleted.is_(False))
    )
    if not wanted:
        return []
    if is_locked:
        query = query.with_for_update()
    return [
        Placed(row.project_id, row.id, row.name, row.owner_site, ip_network(row.prefix))
        for row in context.session.execute(query)
    ]


def read_naming(context: Context, site: str) -> list[str]:
    """Return the VTNs, deleted ones too, of which a site is the owner or a member, in order."""
    query: Any = sa.select(_VTN.c.id).where(_names(site)).order_by(_VTN.c.id)
    return list(context.session.execute(query).scalars())


def read_inherited(context: Context, owner: str, heir: str) -> list[str]:
    """Return the VTNs of a site of which another is a member, in order; none that is deleted."""
    is_member = sa.exists().where(
        _MEMBER.c.vtn_id == _VTN.c.id, _MEMBER.c.site == heir, _MEMBER.c.is_leaving.is_(False)
    )
    query: Any = (
        sa.select(_VTN.c.id)
        .where(_VTN.c.owner_site == owner, _VTN.c.is_deleted.is_(False), is_member)
        .order_by(_VTN.c.id)
    )
    return list(context.session.execute(query).scalars())


def read_unsettled(context: Context, site: str, limit: int) -> list[str]:
    """Return VTNs that name a site and of which something has still to happen, or is to be told."""
    behind = sa.or_(
        _MEMBER.c.epoch != _VTN.c.epoch,
        _MEMBER.c.generation != _VTN.c.generation,
        _MEMBER.c.is_leaving,
        _MEMBER.c.drift != "",
    )
    is_behind = sa.exists().where(_MEMBER.c.vtn_id == _VTN.c.id, behind)
    query: Any = (
        sa.select(_VTN.c.id)
        .where(_names(site))
        .where(sa.or_(_VTN.c.is_deleted, _VTN.c.notice != "", is_behind))
        .order_by(_VTN.c.id)
        .limit(limit)
    )
    return list(context.session.execute(query).scalars())


def read_orphans(context: Context, site: str, limit: int) -> list[str]:
    """Return VTNs that name a site, and of which nobody has a document any more."""
    document = tables.Document.__table__
    is_known = sa.exists().where(document.c.vtn_id == _VTN.c.id, document.c.kind == str(Kind.VTN))
    query: Any = sa.select(_VTN.c.id).where(_names(site), ~is_known).order_by(_VTN.c.id)
    return list(context.session.execute(query.limit(limit)).scalars())


def _names(site: str) -> Condition:
    is_member = sa.exists().where(_MEMBER.c.vtn_id == _VTN.c.id, _MEMBER.c.site == site)
    return sa.or_(_VTN.c.owner_site == site, is_member)


def lock(context: Context, vtn_id: str) -> None:
    """Lock a VTN's row until the caller's transaction ends, if there is one."""
    context.session.execute(sa.select(_VTN.c.id).where(_VTN.c.id == vtn_id).with_for_update())
