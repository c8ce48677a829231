# SPDX-License-Identifier: Apache-2.0
"""How VPNs are listed."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import sqlalchemy as sa

from isthmus.db import models
from isthmus.db.listing import (
    STANDARD_SORT_KEYS,
    Condition,
    Filter,
    Listed,
    Values,
    booleans,
    integers,
    standard_filters,
    texts,
)
from isthmus.db.records import BOTH, EXPORT, IMPORT

_VPN: Any = models.Vpn.__table__
_TARGET: Any = models.RouteTarget.__table__


def _targets(direction: str) -> Filter:
    def condition(values: Values) -> Condition:
        mine = sa.and_(_TARGET.c.vpn_id == _VPN.c.id, _TARGET.c.direction == direction)
        return sa.exists().where(mine, texts(_TARGET.c.value, values))

    return condition


def _child(model: Any, column: Any) -> Filter:
    def condition(values: Values) -> Condition:
        return sa.exists().where(model.vpn_id == _VPN.c.id, texts(column, values))

    return condition


def is_shared_with(projects: Iterable[str]) -> Condition:
    """Return the condition that a VPN may be used by any of ``projects``; ``*`` is everybody."""
    rbac = models.VpnRbac
    return sa.exists().where(
        rbac.object_id == _VPN.c.id,
        rbac.action == "access_as_shared",
        rbac.target_project.in_(list(projects)),
    )


LISTED = Listed(
    model=models.Vpn,
    filters={
        "id": lambda values: texts(_VPN.c.id, values),
        "project_id": lambda values: texts(_VPN.c.project_id, values),
        "tenant_id": lambda values: texts(_VPN.c.project_id, values),
        "name": lambda values: texts(_VPN.c.name, values),
        "type": lambda values: texts(_VPN.c.type, values),
        "vni": lambda values: integers(_VPN.c.vni, values),
        "local_pref": lambda values: integers(_VPN.c.local_pref, values),
        "admin_state_up": lambda values: booleans(_VPN.c.admin_state_up, values),
        "allocate_route_target": lambda values: booleans(_VPN.c.allocates_route_target, values),
        "allocate_route_distinguisher": lambda values: booleans(
            _VPN.c.allocates_route_distinguisher, values
        ),
        "route_targets": _targets(BOTH),
        "import_targets": _targets(IMPORT),
        "export_targets": _targets(EXPORT),
        "route_distinguishers": _child(models.RouteDistinguisher, models.RouteDistinguisher.value),
        "networks": _child(models.NetworkAssociation, models.NetworkAssociation.network_id),
        "routers": _child(models.RouterAssociation, models.RouterAssociation.router_id),
        "ports": _child(models.PortAssociation, models.PortAssociation.port_id),
        **standard_filters(_VPN),
    },
    sort_keys={
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
        **STANDARD_SORT_KEYS,
    },
)
