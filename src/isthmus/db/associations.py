# SPDX-License-Identifier: Apache-2.0
"""Associations of every kind: rows to values and back.

Whoever changes one locks the row of its VPN first.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Mapping
from dataclasses import dataclass, replace
from ipaddress import ip_network
from typing import Any

import sqlalchemy as sa
from neutron_lib.context import Context

from isthmus.db import models, standard_attributes
from isthmus.db.records import AssociationRecord, Kind, PortRoute

TABLES: Mapping[Kind, Any] = {
    Kind.NETWORK: models.NetworkAssociation,
    Kind.ROUTER: models.RouterAssociation,
    Kind.PORT: models.PortAssociation,
}
# What of it is advertised can be chosen for these.
_ADVERTISING = {Kind.ROUTER: "advertise_extra_routes", Kind.PORT: "advertise_fixed_ips"}
PREFIX, BGPVPN = "prefix", "bgpvpn"


def target_column(kind: Kind) -> Any:
    """Return the column that refers to the network, router or port."""
    return getattr(TABLES[kind], f"{kind}_id")


@dataclass(frozen=True, slots=True)
class Member:
    """A network, router or port in a VPN."""

    kind: Kind
    target_id: str
    project_id: str
    is_up: bool


def count(context: Context, project_ids: Collection[str]) -> int:
    """Count the associations of projects, those too that others are about to commit.

    Those made for virtual tenant networks are none that anybody asked for.
    """
    of_vtns: Any = sa.select(models.Vpn.id).where(models.Vpn.vtn_id.is_not(None))
    queries: list[Any] = [
        sa.select(table.id).where(table.project_id.in_(project_ids), table.vpn_id.not_in(of_vtns))
        for table in TABLES.values()
    ]
    return sum(
        len(context.session.execute(query.with_for_update(read=True)).all()) for query in queries
    )


def read_members(context: Context, vpn_ids: Collection[str]) -> Mapping[str, list[Member]]:
    """Return what is in VPNs, in order; one statement."""
    selections = [
        sa.select(
            TABLES[kind].vpn_id,
            target_column(kind).label("target_id"),
            TABLES[kind].project_id,
            TABLES[kind].admin_state_up,
            sa.literal(kind.value),
        ).where(TABLES[kind].vpn_id.in_(vpn_ids))
        for kind in Kind
    ]
    found: dict[str, list[Member]] = defaultdict(list)
    for vpn_id, target_id, project_id, is_up, kind in context.session.execute(
        sa.union_all(*selections)
    ):
        found[vpn_id].append(Member(Kind(kind), target_id, project_id, bool(is_up)))
    for members in found.values():
        members.sort(key=lambda member: member.target_id)
    return found


def read(
    context: Context,
    kind: Kind,
    *,
    vpn_id: str | None = None,
    association_id: str | None = None,
    target_ids: Collection[str] | None = None,
) -> list[AssociationRecord]:
    """Return associations of a kind in order of id, narrowed down by what is given."""
    table = TABLES[kind]
    query: Any = (
        sa.select(table.__table__, *standard_attributes.COLUMNS)
        .select_from(standard_attributes.joined(table))
        .order_by(table.id)
    )
    if vpn_id is not None:
        query = query.where(table.vpn_id == vpn_id)
    if association_id is not None:
        query = query.where(table.id == association_id)
    if target_ids is not None:
        query = query.where(target_column(kind).in_(target_ids))
    rows = context.session.execute(query).all()
    routes = _read_routes(context, [row.id for row in rows]) if kind is Kind.PORT else {}
    return [
        AssociationRecord(
            kind=kind,
            id=row.id,
            project_id=row.project_id,
            vpn_id=row.vpn_id,
            target_id=getattr(row, f"{kind}_id"),
            is_advertising=bool(getattr(row, _ADVERTISING.get(kind, ""), True)),
            routes=tuple(routes.get(row.id, ())),
            is_up=bool(row.admin_state_up),
            attachment_mode=row.attachment_mode if kind is Kind.NETWORK else None,
            standard=standard_attributes.of_row(row),
        )
        for row in rows
    ]


def _read_routes(
    context: Context, association_ids: Collection[str]
) -> Mapping[str, list[PortRoute]]:
    if not association_ids:
        return {}
    table = models.PortAssociationRoute
    query: Any = (
        sa.select(table.__table__)
        .where(table.association_id.in_(association_ids))
        .order_by(table.association_id, table.position)
    )
    found: dict[str, list[PortRoute]] = defaultdict(list)
    for row in context.session.execute(query):
        prefix = None if row.prefix is None else ip_network(row.prefix)
        found[row.association_id].append(PortRoute(prefix, row.bgpvpn_id, row.local_pref))
    return found


def create(context: Context, association: AssociationRecord) -> AssociationRecord:
    """Add an association; return it with its standard attributes."""
    kind = association.kind
    description = association.standard.description
    standard = standard_attributes.create(context, TABLES[kind], description)
    columns: dict[str, Any] = {
        f"{kind}_id": association.target_id,
        "admin_state_up": association.is_up,
        "standard_attr_id": standard.id,
    }
    if kind in _ADVERTISING:
        columns[_ADVERTISING[kind]] = association.is_advertising
    context.session.add(
        TABLES[kind](
            id=association.id,
            project_id=association.project_id,
            vpn_id=association.vpn_id,
            **columns,
        )
    )
    context.session.flush()
    _add_routes(context, association)
    if association.attachment_mode is not None:
        _set_attachment_mode(context, association)
    return replace(association, standard=standard)


def update(context: Context, association: AssociationRecord) -> None:
    """Change what can be changed of an association: its state and what is advertised of it."""
    table = TABLES[association.kind]
    columns: dict[str, Any] = {"admin_state_up": association.is_up}
    if association.kind in _ADVERTISING:
        columns[_ADVERTISING[association.kind]] = association.is_advertising
    description = {"description": association.standard.description}
    standard_attributes.touch(context, association.standard, description)
    context.session.execute(sa.update(table).where(table.id == association.id).values(**columns))
    if association.kind is Kind.NETWORK:
        _set_attachment_mode(context, association)
    routes = models.PortAssociationRoute
    context.session.execute(sa.delete(routes).where(routes.association_id == association.id))
    _add_routes(context, association)


def _set_attachment_mode(context: Context, association: AssociationRecord) -> None:
    """Set the mode of a network, which is one for all its associations."""
    table = models.NetworkAssociation
    context.session.execute(
        sa.update(table)
        .where(table.network_id == association.target_id)
        .values(attachment_mode=association.attachment_mode)
    )


def _add_routes(context: Context, association: AssociationRecord) -> None:
    for position, route in enumerate(association.routes):
        context.session.add(
            models.PortAssociationRoute(
                association_id=association.id,
                position=position,
                type=PREFIX if route.prefix is not None else BGPVPN,
                prefix=None if route.prefix is None else str(route.prefix),
                bgpvpn_id=route.vpn_id,
                local_pref=route.local_pref,
            )
        )
    context.session.flush()


def delete(context: Context, association: AssociationRecord) -> None:
    """Remove an association."""
    table = TABLES[association.kind]
    context.session.execute(sa.delete(table).where(table.id == association.id))
    standard_attributes.delete(context, [association.standard.id])


def read_standard_numbers(context: Context, vpn_id: str) -> list[int]:
    """Return the rows of standard attributes that a VPN's associations have."""
    selections = [
        sa.select(TABLES[kind].standard_attr_id).where(
            TABLES[kind].vpn_id == vpn_id, TABLES[kind].standard_attr_id.is_not(None)
        )
        for kind in Kind
    ]
    return list(context.session.execute(sa.union_all(*selections)).scalars())
