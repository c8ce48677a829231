# SPDX-License-Identifier: Apache-2.0
"""Lists of VPNs: filtered, sorted and cut into pages by the database.

What is compiled from reports, a status, the database can't filter or sort by: whoever asks for
that reads everything and cuts it afterwards (``plugin/paging.py``).
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

import sqlalchemy as sa
from neutron_lib.context import Context

from isthmus.db import models, standard_attributes
from isthmus.db.records import BOTH, EXPORT, IMPORT

_VPN: Any = models.Vpn.__table__
_STANDARD: Any = standard_attributes.TABLE
_TARGET: Any = models.RouteTarget.__table__
_TAG: Any = standard_attributes.TAGS
_EPOCH = datetime(1970, 1, 1)
_INTEGERS = range(-(2**63), 2**63)

Condition = Any
Values = Sequence[Any]


@dataclass(frozen=True, slots=True)
class Page:
    """A part of a list.

    Attributes:
        sorts: pairs of attribute and whether it ascends; an id decides at last.
        limit: how many at most.
        marker: id of the last one the client has seen.
        is_reverse: those before the marker are asked for.
    """

    sorts: tuple[tuple[str, bool], ...] = ()
    limit: int | None = None
    marker: str | None = None
    is_reverse: bool = False


@dataclass(frozen=True, slots=True)
class Listing:
    """What is asked for of a list."""

    filters: Mapping[str, Values] = field(default_factory=dict)
    page: Page = Page()


def is_text(value: object) -> bool:
    """Whether a database can be asked for a text."""
    if not isinstance(value, str) or "\0" in value:
        return False
    try:
        value.encode()
    except UnicodeEncodeError:
        return False
    return True


def _texts(column: Any, values: Values) -> Condition:
    """Letter by letter, whatever the collation takes for the same."""
    wanted = [value for value in values if is_text(value)]
    exact = (
        sa.cast(column, sa.LargeBinary) == sa.cast(sa.literal(value, sa.String), sa.LargeBinary)
        for value in wanted
    )
    return sa.and_(column.in_(wanted), sa.or_(sa.false(), *exact))


def _integers(column: Any, values: Values) -> Condition:
    numbers = [v for v in values if isinstance(v, int) and v in _INTEGERS]
    condition = column.in_(numbers)
    return sa.or_(condition, column.is_(None)) if None in values else condition


def _times(column: Any, values: Values) -> Condition:
    return column.in_([time for value in values if (time := _read_time(value)) is not None])


def _read_time(value: object) -> datetime | None:
    try:
        read = datetime.fromisoformat(str(value))
    except ValueError:
        return None
    return read.astimezone(UTC).replace(tzinfo=None) if read.tzinfo else read


def _targets(direction: str) -> Callable[[Values], Condition]:
    def condition(values: Values) -> Condition:
        mine = sa.and_(_TARGET.c.vpn_id == _VPN.c.id, _TARGET.c.direction == direction)
        return sa.exists().where(mine, _texts(_TARGET.c.value, values))

    return condition


def _child(model: Any, column: Any) -> Callable[[Values], Condition]:
    def condition(values: Values) -> Condition:
        return sa.exists().where(model.vpn_id == _VPN.c.id, _texts(column, values))

    return condition


def _tagged(values: Values) -> list[str]:
    given = (part for value in values for part in str(value).split(","))
    return list(dict.fromkeys(given))


def _has_tag(tags: Collection[str]) -> Condition:
    mine = _TAG.c.standard_attr_id == _VPN.c.standard_attr_id
    return sa.exists().where(mine, _texts(_TAG.c.tag, list(tags)))


def _has_all_tags(values: Values) -> Condition:
    return sa.and_(sa.true(), *(_has_tag([tag]) for tag in _tagged(values)))


def is_shared_with(projects: Iterable[str]) -> Condition:
    """Return the condition that a VPN may be used by any of ``projects``; ``*`` is everybody."""
    rbac = models.VpnRbac
    return sa.exists().where(
        rbac.object_id == _VPN.c.id,
        rbac.action == "access_as_shared",
        rbac.target_project.in_(list(projects)),
    )


_FILTERS: Mapping[str, Callable[[Values], Condition]] = {
    "id": lambda values: _texts(_VPN.c.id, values),
    "project_id": lambda values: _texts(_VPN.c.project_id, values),
    "tenant_id": lambda values: _texts(_VPN.c.project_id, values),
    "name": lambda values: _texts(_VPN.c.name, values),
    "type": lambda values: _texts(_VPN.c.type, values),
    "vni": lambda values: _integers(_VPN.c.vni, values),
    "local_pref": lambda values: _integers(_VPN.c.local_pref, values),
    "admin_state_up": lambda values: _VPN.c.admin_state_up.in_([bool(v) for v in values]),
    "allocate_route_target": lambda values: _VPN.c.allocates_route_target.in_(
        [bool(value) for value in values]
    ),
    "allocate_route_distinguisher": lambda values: _VPN.c.allocates_route_distinguisher.in_(
        [bool(value) for value in values]
    ),
    "description": lambda values: _texts(_STANDARD.c.description, values),
    "revision_number": lambda values: _integers(_STANDARD.c.revision_number, values),
    "created_at": lambda values: _times(_STANDARD.c.created_at, values),
    "updated_at": lambda values: _times(_STANDARD.c.updated_at, values),
    "route_targets": _targets(BOTH),
    "import_targets": _targets(IMPORT),
    "export_targets": _targets(EXPORT),
    "route_distinguishers": _child(models.RouteDistinguisher, models.RouteDistinguisher.value),
    "networks": _child(models.NetworkAssociation, models.NetworkAssociation.network_id),
    "routers": _child(models.RouterAssociation, models.RouterAssociation.router_id),
    "ports": _child(models.PortAssociation, models.PortAssociation.port_id),
    "tags": _has_all_tags,
    "tags-any": lambda values: _has_tag(_tagged(values)),
    "not-tags": lambda values: sa.not_(_has_all_tags(values)),
    "not-tags-any": lambda values: sa.not_(_has_tag(_tagged(values))),
}
_SORT_KEYS: Mapping[str, Any] = {
    "id": _VPN.c.id,
    "project_id": _VPN.c.project_id,
    "tenant_id": _VPN.c.project_id,
    "name": _VPN.c.name,
    "type": _VPN.c.type,
    "vni": sa.func.coalesce(_VPN.c.vni, -1),
    "local_pref": sa.func.coalesce(_VPN.c.local_pref, -1),
    "admin_state_up": _VPN.c.admin_state_up,
    "allocate_route_target": _VPN.c.allocates_route_target,
    "allocate_route_distinguisher": _VPN.c.allocates_route_distinguisher,
    "description": sa.func.coalesce(_STANDARD.c.description, ""),
    "revision_number": sa.func.coalesce(_STANDARD.c.revision_number, 0),
    "created_at": sa.func.coalesce(_STANDARD.c.created_at, _EPOCH),
    "updated_at": sa.func.coalesce(_STANDARD.c.updated_at, _STANDARD.c.created_at, _EPOCH),
}


def can_filter_by(attribute: str) -> bool:
    """Whether the database can filter by an attribute."""
    return attribute in _FILTERS


def can_sort_by(attribute: str) -> bool:
    """Whether the database can sort by an attribute."""
    return attribute in _SORT_KEYS


def filtered(query: Any, filters: Mapping[str, Values]) -> Any:
    """Narrow a selection of VPNs down; filters the database does not know are left out."""
    known = [_FILTERS[name](_flat(values)) for name, values in filters.items() if name in _FILTERS]
    return query.where(*known)


def cut(context: Context, query: Any, page: Page) -> Any | None:
    """Sort a selection of VPNs and cut a page out; None if the marker is none of them."""
    keys = [(_SORT_KEYS[name], is_up != page.is_reverse) for name, is_up in page.sorts]
    if not any(name == "id" for name, _ in page.sorts):
        keys.append((_VPN.c.id, not page.is_reverse))
    if page.marker is not None:
        seen = _read_marker(context, page.marker, [key for key, _ in keys])
        if seen is None:
            return None
        query = query.where(_is_after(keys, seen))
    query = query.order_by(*(key.asc() if is_up else key.desc() for key, is_up in keys))
    return query if page.limit is None else query.limit(page.limit)


def _read_marker(context: Context, marker: str, keys: Sequence[Any]) -> Sequence[Any] | None:
    if not is_text(marker):
        return None
    labelled = [key.label(f"key_{position}") for position, key in enumerate(keys)]
    query: Any = sa.select(*labelled).select_from(standard_attributes.joined(models.Vpn))
    row: Sequence[Any] | None = context.session.execute(query.where(_VPN.c.id == marker)).first()
    return row


def _is_after(keys: Sequence[tuple[Any, bool]], seen: Sequence[Any]) -> Condition:
    """The first key that differs decides."""
    alternatives = []
    same: list[Condition] = []
    for (key, is_up), value in zip(keys, seen, strict=True):
        alternatives.append(sa.and_(*same, key > value if is_up else key < value))
        same.append(key == value)
    return sa.or_(*alternatives)


def _flat(values: Iterable[Any]) -> list[Any]:
    return [
        item for value in values for item in (value if isinstance(value, list | tuple) else [value])
    ]
