# SPDX-License-Identifier: Apache-2.0
"""``OS::Neutron::BGPVPN-NET-ASSOCIATION``, ``-ROUTER-ASSOCIATION`` and ``-PORT-ASSOCIATION``.

Names and properties are networking-bgpvpn's; a template for that one works as it is.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, ClassVar

from heat.common import exception
from heat.engine import constraints, properties, support

from isthmus.client import sdk
from isthmus.heat.resources import schemas
from isthmus.heat.resources.served import Served
from isthmus.heat.translate import associations as translate
from isthmus.heat.translate import progress

_Schema = properties.Schema
_VPN = "bgpvpn_id"

_COMMON: dict[str, Any] = {
    _VPN: _Schema(
        _Schema.STRING,
        "The VPN (name or id).",
        required=True,
        constraints=[constraints.CustomConstraint("neutron.bgpvpn")],
    ),
    "description": schemas.DESCRIPTION,
    "admin_state_up": schemas.ADMIN_STATE_UP,
}
_STATUS: dict[str, Any] = {
    "status": schemas.STATUS,
    "status_reason": schemas.STATUS_REASON,
}


def _target(kind: str) -> Any:
    return _Schema(
        _Schema.STRING,
        f"The {kind} (name or id).",
        required=True,
        constraints=[constraints.CustomConstraint(f"neutron.{kind}")],
    )


def _called(name: str) -> Callable[[Any], bool]:
    return lambda other: bool(other.properties["name"] == name)


class Association(Served):
    """Something that is put into a VPN."""

    support_status = support.SupportStatus(version="27.0.0")
    required_service_extension = "bgpvpn"
    attributes_schema = _STATUS
    words: ClassVar[Any] = translate
    target: ClassVar[str]
    """The property that says what: ``network_id``, ``router_id`` or ``port_id``."""
    kind: ClassVar[str]
    """The type of resource that makes it."""

    def translation_rules(self, properties: Any) -> list[Any]:
        """Have names become ids."""
        finders = {_VPN: "find_bgpvpn", self.target: f"find_{self.target.removesuffix('_id')}"}
        return schemas.resolved(properties, self.client_plugin(), finders)

    def add_dependencies(self, deps: Any) -> None:
        """Come after the VPN and the target where the template calls them by their names."""
        super().add_dependencies(deps)
        vpn, target = self.properties.get(_VPN), self.properties.get(self.target)
        for kind, name in (("OS::Neutron::BGPVPN", vpn), (self.kind, target)):
            if name:
                self.required(deps, [kind], _called(name))

    def identify(self, **attributes: Any) -> Any:
        """Return openstacksdk's object that stands for it."""
        # Remembered, as a name in a template may mean another VPN later.
        vpn_id = self.data().get(_VPN) or self.properties[_VPN]
        return super().identify(bgpvpn_id=vpn_id, **attributes)

    def is_in_force(self) -> bool:
        """Whether what was asked for is in force, taken down with its VPN where that is down."""
        shown = self._show_resource()
        if shown.get("status") == "DOWN" and shown.get("admin_state_up"):
            vpn = sdk.MplsVpn.existing(id=self.identify().bgpvpn_id).fetch(self.network)
            shown["admin_state_up"] = vpn.is_admin_state_up
        return self._judge(shown, progress.is_done)

    def handle_create(self) -> None:
        """Ask for it."""
        vpn_id = self.properties[_VPN]
        self.data_set(_VPN, vpn_id)
        body = translate.body_of(self.properties, self.target)
        made = self.sdk.new(bgpvpn_id=vpn_id, **body).create(self.network)
        self.resource_id_set(made.id)

    def handle_update(
        self, json_snippet: Any, tmpl_diff: Any, prop_diff: Mapping[str, Any]
    ) -> bool:
        """Ask for what is different."""
        del json_snippet, tmpl_diff
        self.change(translate.change_of(prop_diff))
        return True


class NetworkAssociation(Association):
    """A network in a VPN: every VM on it is reached; the provider edge is their gateway."""

    sdk = sdk.NetworkAssociation
    target, kind = "network_id", "OS::Neutron::Net"
    properties_schema: ClassVar[dict[str, Any]] = {
        **_COMMON,
        "network_id": _target("network"),
        "attachment_mode": _Schema(
            _Schema.STRING,
            "gateway: gateways serve the network; distributed: each host's own provider edge does; "
            "as the region's option says if left out. For administrators.",
            update_allowed=True,
            constraints=[constraints.AllowedValues(["distributed", "gateway"])],
        ),
    }

    def add_dependencies(self, deps: Any) -> None:
        """Come after the network's subnets, which can't be deleted while it is associated."""
        super().add_dependencies(deps)
        network = self.properties.get(self.target)
        self.required(
            deps,
            ["OS::Neutron::Subnet"],
            lambda other: network and other.properties.get("network") == network,
        )


class RouterAssociation(Association):
    """A router in a VPN: every VM on its subnets is reached, now and later."""

    sdk = sdk.RouterAssociation
    target, kind = "router_id", "OS::Neutron::Router"
    properties_schema: ClassVar[dict[str, Any]] = {
        **_COMMON,
        "router_id": _target("router"),
        "advertise_extra_routes": _Schema(
            _Schema.BOOLEAN,
            "Whether the router's own extra routes are advertised too.",
            default=True,
            update_allowed=True,
        ),
    }

    def add_dependencies(self, deps: Any) -> None:
        """Come after the router's interfaces, so that they are advertised at once."""
        super().add_dependencies(deps)
        router = self.properties.get(self.target)
        self.required(
            deps,
            ["OS::Neutron::RouterInterface"],
            lambda other: router and other.properties.get("router") == router,
        )


class PortAssociation(Association):
    """A port in a VPN: its addresses, and prefixes behind it, are reached."""

    required_service_extension = "bgpvpn-routes-control"
    sdk = sdk.PortAssociation
    target, kind = "port_id", "OS::Neutron::Port"
    properties_schema: ClassVar[dict[str, Any]] = {
        **_COMMON,
        "port_id": _target("port"),
        "advertise_fixed_ips": _Schema(
            _Schema.BOOLEAN,
            "Whether the port's fixed addresses are advertised; true if left out.",
            update_allowed=True,
        ),
        "routes": _Schema(
            _Schema.LIST,
            "What is advertised with the port as its next hop.",
            update_allowed=True,
            schema=_Schema(
                _Schema.MAP,
                schema={
                    "type": _Schema(
                        _Schema.STRING,
                        "prefix: a prefix behind the port; bgpvpn: what another VPN of the "
                        "project has in this region.",
                        required=True,
                        constraints=[constraints.AllowedValues(["prefix", "bgpvpn"])],
                    ),
                    "prefix": _Schema(
                        _Schema.STRING,
                        "The prefix.",
                        constraints=[constraints.CustomConstraint("net_cidr")],
                    ),
                    _VPN: _Schema(
                        _Schema.STRING,
                        "The other VPN (name or id).",
                        constraints=[constraints.CustomConstraint("neutron.bgpvpn")],
                    ),
                    "local_pref": _Schema(
                        _Schema.INTEGER,
                        "BGP LOCAL_PREF of the routes; the VPN's if left out.",
                        constraints=[constraints.Range(0, 2**32 - 1)],
                    ),
                },
            ),
        ),
    }

    def translation_rules(self, properties: Any) -> list[Any]:
        """Have names become ids, of VPNs whose routes are passed on, too."""
        passed_on = {f"routes.{_VPN}": "find_bgpvpn"}
        return [
            *super().translation_rules(properties),
            *schemas.resolved(properties, self.client_plugin(), passed_on),
        ]

    def validate(self) -> None:
        """Check that each route names what its type means.

        Raises:
            StackValidationFailed: one does not.
        """
        super().validate()
        if sentence := translate.check_routes(self.properties["routes"] or ()):
            raise exception.StackValidationFailed(message=sentence)
