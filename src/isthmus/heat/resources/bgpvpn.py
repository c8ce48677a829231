# SPDX-License-Identifier: Apache-2.0
"""``OS::Neutron::BGPVPN``: an MPLS VPN of one region.

Names and properties are networking-bgpvpn's; a template for that one works as it is.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

from heat.engine import attributes, constraints, properties, support

from isthmus.client import sdk
from isthmus.heat.resources import schemas
from isthmus.heat.resources.schemas import LIVE
from isthmus.heat.resources.served import Named
from isthmus.heat.translate import bgpvpn as translate

_Schema, _Shown = properties.Schema, attributes.Schema
_TARGET = r"^(\d{1,10}|\d{1,3}(\.\d{1,3}){3}):\d{1,10}$"


def _targets(description: str) -> Any:
    return _Schema(
        _Schema.LIST,
        description,
        update_allowed=True,
        schema=_Schema(_Schema.STRING, constraints=[constraints.AllowedPattern(_TARGET)]),
    )


class BgpVpn(Named):
    """An MPLS VPN of one region, with which networks, routers and ports are associated.

    Two are one VPN where what one exports the other imports: the route target is all they share.
    """

    support_status = support.SupportStatus(version="27.0.0")
    required_service_extension = "bgpvpn"
    sdk = sdk.MplsVpn
    words: ClassVar[Any] = translate

    properties_schema: ClassVar[dict[str, Any]] = {
        "name": schemas.NAME,
        "description": schemas.DESCRIPTION,
        "type": _Schema(
            _Schema.STRING,
            "l3, an IP VPN; l2 is not supported yet.",
            default="l3",
            constraints=[constraints.AllowedValues(["l2", "l3"])],
        ),
        "tenant_id": _Schema(
            _Schema.STRING,
            "Whose it is (name or id); the caller's if left out.",
            constraints=[constraints.CustomConstraint("keystone.project")],
        ),
        "route_targets": _targets(
            "Both put on routes advertised and taken in (RFC 4364 section 4.3.1)."
        ),
        "import_targets": _targets("Routes with one of these are taken in, too."),
        "export_targets": _targets("Put on routes advertised, too."),
        "route_distinguishers": _targets(
            "Dealt out to provider edges in turn (RFC 4364 section 4.2); if left out, each makes "
            "its own."
        ),
        "allocate_route_target": _Schema(
            _Schema.BOOLEAN,
            "Whether a route target is taken from the operator's pool.",
            default=False,
        ),
        "allocate_route_distinguisher": _Schema(
            _Schema.BOOLEAN,
            "Whether a route distinguisher is taken from the operator's pool.",
            default=False,
        ),
        "local_pref": _Schema(
            _Schema.INTEGER,
            "BGP LOCAL_PREF (RFC 4271 section 5.1.5) of the VPN's routes; the highest wins.",
            update_allowed=True,
            constraints=[constraints.Range(0, 2**32 - 1)],
        ),
        "vni": _Schema(
            _Schema.INTEGER,
            "VXLAN network identifier; kept and shown.",
            constraints=[constraints.Range(1, 2**24 - 1)],
        ),
        "admin_state_up": schemas.ADMIN_STATE_UP,
        "tags": schemas.TAGS,
    }
    attributes_schema: ClassVar[dict[str, Any]] = {
        "status": schemas.STATUS,
        "status_reason": schemas.STATUS_REASON,
        "route_targets": _Shown("With the one that a pool gave.", type=_Shown.LIST),
        "route_distinguishers": _Shown("With the one that a pool gave.", type=_Shown.LIST),
        "mtu": _Shown("Largest IP packet that is carried from end to end.", type=_Shown.INTEGER),
        "networks": _Shown("Networks associated with it.", type=_Shown.LIST, **LIVE),
        "routers": _Shown("Routers associated with it.", type=_Shown.LIST, **LIVE),
        "ports": _Shown("Ports associated with it.", type=_Shown.LIST, **LIVE),
    }

    def translation_rules(self, properties: Any) -> list[Any]:
        """Have a project's name become its id."""
        keystone = self.client_plugin("keystone")
        return schemas.resolved(properties, keystone, {"tenant_id": "get_project_id"})

    def handle_update(
        self, json_snippet: Any, tmpl_diff: Any, prop_diff: Mapping[str, Any]
    ) -> bool:
        """Ask for what is different."""
        del json_snippet, tmpl_diff
        name, shown = self.physical_resource_name(), self._show_resource()
        self.change(translate.change_of(prop_diff, name, self.properties, shown))
        if "tags" in prop_diff:
            self.identify().set_tags(self.network, list(prop_diff["tags"] or ()))
        return True
