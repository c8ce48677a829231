# SPDX-License-Identifier: Apache-2.0
"""Reads networking-bgpvpn's tables, of its release 25.0, beside ours in Neutron's database.

Its package need not be installed: the tables are spelled out here.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from typing import Any

import sqlalchemy as sa
from neutron.db.models.tag import Tag
from neutron_lib.context import Context
from neutron_lib.db.standard_attr import StandardAttribute

from isthmus.moving_in.theirs import TheirAssociation, TheirAttributes, TheirRoute, TheirVpn

_COLUMNS: Mapping[str, tuple[str, ...]] = {
    "bgpvpns": (
        *("id", "project_id", "name", "type", "route_targets", "import_targets"),
        *("export_targets", "route_distinguishers", "vni", "local_pref", "standard_attr_id"),
    ),
    "bgpvpn_network_associations": (
        *("id", "project_id", "bgpvpn_id", "network_id", "standard_attr_id"),
    ),
    "bgpvpn_router_associations": (
        *("id", "project_id", "bgpvpn_id", "router_id", "advertise_extra_routes"),
        "standard_attr_id",
    ),
    "bgpvpn_port_associations": (
        *("id", "project_id", "bgpvpn_id", "port_id", "advertise_fixed_ips", "standard_attr_id"),
    ),
    "bgpvpn_port_association_routes": (
        *("id", "port_association_id", "type", "prefix", "bgpvpn_id", "local_pref"),
    ),
}
_TABLES = {
    name: sa.table(name, *(sa.column(column) for column in columns))
    for name, columns in _COLUMNS.items()
}
_ADVERTISING = {"router": "advertise_extra_routes", "port": "advertise_fixed_ips"}


class NotTheirs(RuntimeError):
    """The database has no tables of networking-bgpvpn 25.0; the text says what is missing."""


def check(context: Context) -> None:
    """Make sure of the tables.

    Raises:
        NotTheirs: one is missing, or is of an earlier release.
    """
    inspector = sa.inspect(context.session.connection())
    existing = set(inspector.get_table_names())
    if "bgpvpns" not in existing:
        raise NotTheirs("There is no table 'bgpvpns': networking-bgpvpn was never set up here.")
    for name, columns in _COLUMNS.items():
        found = {column["name"] for column in inspector.get_columns(name)} & set(columns)
        missing = sorted(set(columns) - found) if name in existing else ["all of it"]
        if missing:
            raise NotTheirs(
                f"Table '{name}' lacks {', '.join(missing)}: bring networking-bgpvpn's tables to "
                "release 25.0 first (neutron-db-manage --subproject networking-bgpvpn upgrade "
                "heads)."
            )


def read_vpns(context: Context) -> list[TheirVpn]:
    """Return their VPNs in order of id."""
    rows = _read(context, "bgpvpns")
    attributes = _read_attributes(context, [row.standard_attr_id for row in rows])
    return [
        TheirVpn(
            id=row.id,
            project_id=row.project_id,
            name=row.name,
            type=row.type,
            route_targets=row.route_targets,
            import_targets=row.import_targets,
            export_targets=row.export_targets,
            route_distinguishers=row.route_distinguishers,
            vni=row.vni,
            local_pref=row.local_pref,
            attributes=attributes.get(row.standard_attr_id, TheirAttributes()),
        )
        for row in rows
    ]


def read_associations(context: Context) -> list[TheirAssociation]:
    """Return their associations, network by network first, then routers and ports."""
    routes = _read_routes(context)
    found: list[TheirAssociation] = []
    for kind in ("network", "router", "port"):
        rows = _read(context, f"bgpvpn_{kind}_associations")
        attributes = _read_attributes(context, [row.standard_attr_id for row in rows])
        found.extend(
            TheirAssociation(
                kind=kind,
                id=row.id,
                project_id=row.project_id,
                bgpvpn_id=row.bgpvpn_id,
                target_id=getattr(row, f"{kind}_id"),
                is_advertising=bool(getattr(row, _ADVERTISING.get(kind, ""), True)),
                routes=tuple(routes.get(row.id, ())),
                attributes=attributes.get(row.standard_attr_id, TheirAttributes()),
            )
            for row in rows
        )
    return found


def _read(context: Context, name: str) -> list[Any]:
    table = _TABLES[name]
    return list(context.session.execute(sa.select(table).order_by(table.c.id)))


def _read_routes(context: Context) -> Mapping[str, list[TheirRoute]]:
    found: dict[str, list[TheirRoute]] = defaultdict(list)
    for row in _read(context, "bgpvpn_port_association_routes"):
        route = TheirRoute(row.type, row.prefix, row.bgpvpn_id, row.local_pref)
        found[row.port_association_id].append(route)
    return found


def _read_attributes(context: Context, numbers: list[int]) -> dict[int, TheirAttributes]:
    table, tag_table = StandardAttribute.__table__, Tag.__table__
    tags: dict[int, list[str]] = defaultdict(list)
    wanted: Any = sa.select(tag_table).where(tag_table.c.standard_attr_id.in_(numbers))
    for row in context.session.execute(wanted):
        tags[row.standard_attr_id].append(row.tag)
    query: Any = sa.select(table).where(table.c.id.in_(numbers))
    return {
        row.id: TheirAttributes(
            description=row.description,
            created_at=row.created_at,
            updated_at=row.updated_at,
            revision=row.revision_number,
            tags=tuple(sorted(tags[row.id])),
        )
        for row in context.session.execute(query)
    }
