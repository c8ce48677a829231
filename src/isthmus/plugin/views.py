# SPDX-License-Identifier: Apache-2.0
"""VPNs and associations as the API shows them, filtered as the API is asked."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from neutron_lib.api.definitions import bgpvpn_routes_control as routes_control

from isthmus.api.definitions import mpls_vpn
from isthmus.api.definitions.standard_attributes import (
    CREATED_AT,
    DESCRIPTION,
    REVISION,
    TAGS,
    UPDATED_AT,
)
from isthmus.db.listing import Page
from isthmus.db.records import (
    BOTH,
    EXPORT,
    IMPORT,
    AssociationRecord,
    Kind,
    PortRoute,
    StandardAttributes,
    VpnRecord,
)
from isthmus.plugin.paging import View as View
from isthmus.plugin.paging import cut
from isthmus.plugin.status import Condition
from isthmus.plugin.viewer import Viewer

# The attributes that hold route targets, and the direction each stands for.
DIRECTIONS = {
    "route_targets": BOTH,
    "import_targets": IMPORT,
    "export_targets": EXPORT,
}


def wants_status(fields: Iterable[str] | None, filters: Iterable[str] | None = None) -> bool:
    """Whether a request needs what is compiled from reports, which costs statements of its own."""
    asked = {mpls_vpn.STATUS, mpls_vpn.STATUS_REASON, mpls_vpn.MTU}
    return not fields or bool(asked & {*fields, *(filters or ())})


@dataclass(frozen=True, slots=True)
class Reported:
    """What is compiled from what PEs report of a VPN.

    Attributes:
        mtu: the largest IP packet it carries, in octets; None while that is not known.
    """

    condition: Condition
    mtu: int | None = None


def view_vpn(
    record: VpnRecord, reported: Reported | None, tags: Sequence[str], viewer: Viewer
) -> View:
    """Return a VPN as a resource of the API; a project it is shared with sees its own part."""
    return {
        "id": record.id,
        "project_id": record.project_id,
        "tenant_id": record.project_id,
        "name": record.name,
        "type": record.type,
        "vni": record.vni,
        "local_pref": record.local_pref,
        mpls_vpn.ADMIN_STATE_UP: record.is_up,
        mpls_vpn.ALLOCATE_ROUTE_TARGET: record.allocates_route_target,
        mpls_vpn.ALLOCATE_ROUTE_DISTINGUISHER: record.allocates_route_distinguisher,
        "shared": record.is_shared,
        "route_distinguishers": list(record.rds),
        "networks": list(viewer.seen(record, record.network_ids)),
        "routers": list(viewer.seen(record, record.router_ids)),
        "ports": list(viewer.seen(record, record.port_ids)),
        **{name: record.targets_of(direction) for name, direction in DIRECTIONS.items()},
        **_view_reported(reported, viewer),
        **view_standard(record.standard),
        TAGS: list(tags),
    }


def _view_reported(reported: Reported | None, viewer: Viewer) -> View:
    if reported is None:
        return {}
    condition = _view_condition(reported.condition, is_operator=viewer.is_operator)
    return {**condition, mpls_vpn.MTU: reported.mtu}


def view_association(
    record: AssociationRecord, condition: Condition | None, *, is_operator: bool
) -> View:
    """Return an association as a resource of the API."""
    return {
        "id": record.id,
        "project_id": record.project_id,
        "tenant_id": record.project_id,
        f"{record.kind}_id": record.target_id,
        mpls_vpn.ADMIN_STATE_UP: record.is_up,
        **_view_advertised(record),
        **_view_mode(record),
        **_view_condition(condition, is_operator=is_operator),
        **view_standard(record.standard),
    }


def _view_advertised(record: AssociationRecord) -> View:
    if record.kind is Kind.ROUTER:
        return {routes_control.ADV_EXTRA_ROUTES: record.is_advertising}
    if record.kind is Kind.PORT:
        return {
            routes_control.ADV_FIXED_IPS: record.is_advertising,
            routes_control.ROUTES: [_view_route(route) for route in record.routes],
        }
    return {}


def _view_mode(record: AssociationRecord) -> View:
    if record.kind is not Kind.NETWORK:
        return {}
    return {mpls_vpn.ATTACHMENT_MODE: record.attachment_mode}


def _view_route(route: PortRoute) -> View:
    view: View = {
        routes_control.TYPE: routes_control.PREFIX_TYPE,
        routes_control.PREFIX: str(route.prefix),
    }
    if route.prefix is None:
        view = {
            routes_control.TYPE: routes_control.BGPVPN_TYPE,
            routes_control.BGPVPN_ID: route.vpn_id,
        }
    if route.local_pref is not None:
        view[routes_control.LOCAL_PREF_KEY] = route.local_pref
    return view


def view_standard(standard: StandardAttributes) -> View:
    """Return Neutron's standard attributes."""
    return {
        DESCRIPTION: standard.description,
        CREATED_AT: view_time(standard.created_at),
        UPDATED_AT: view_time(standard.updated_at),
        REVISION: standard.revision,
    }


def view_time(time: datetime | None) -> str | None:
    """Return a time as Neutron writes it."""
    return None if time is None else f"{time:%Y-%m-%dT%H:%M:%S}Z"


def _view_condition(condition: Condition | None, *, is_operator: bool) -> View:
    if condition is None:
        return {}
    reason = condition.for_operator if is_operator else condition.for_tenant
    return {mpls_vpn.STATUS: str(condition.status), mpls_vpn.STATUS_REASON: reason}


def arrange(
    views: Iterable[View],
    filters: Mapping[str, Sequence[Any]] | None,
    page: Page,
    fields: Sequence[str] | None,
) -> list[View]:
    """Do what a list asks for, in its order: filter, sort, cut the page out, leave out fields."""
    return select(cut(select(views, filters, None), page), None, fields)


def select(
    views: Iterable[View],
    filters: Mapping[str, Sequence[Any]] | None,
    fields: Sequence[str] | None,
) -> list[View]:
    """Keep the resources that match every filter, and of them the fields asked for.

    A list matches if it holds one of the values.
    """
    wanted = set(fields or ())
    return [
        {name: value for name, value in view.items() if not wanted or name in wanted}
        for view in views
        if all(_matches(view.get(name), values) for name, values in (filters or {}).items())
    ]


def _matches(value: object, wanted: Sequence[object]) -> bool:
    if isinstance(value, list):
        return any(item in value for item in _flat(wanted))
    return value in wanted


def _flat(wanted: Iterable[object]) -> Iterable[object]:
    for item in wanted:
        if isinstance(item, list):
            yield from item
        else:
            yield item
