# SPDX-License-Identifier: Apache-2.0
"""``OS::Isthmus::VirtualTenantNetwork``: one network over several clouds."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

from heat.engine import attributes, constraints, properties, support

from isthmus.client import sdk
from isthmus.heat.resources import schemas
from isthmus.heat.resources.schemas import LIVE
from isthmus.heat.resources.served import Named
from isthmus.heat.translate import progress
from isthmus.heat.translate import virtual_tenant_network as translate

_Schema, _Shown = properties.Schema, attributes.Schema


class VirtualTenantNetwork(Named):
    """A network that spans sites: asked for once, at any of them; each makes its own part.

    Servers of this region go on the network of attribute ``network_id``; those of another region on
    the one that attribute ``members`` tells of that site.
    """

    support_status = support.SupportStatus(version="27.0.0")
    required_service_extension = "virtual-tenant-network"
    sdk = sdk.VirtualTenantNetwork
    words: ClassVar[Any] = translate

    properties_schema: ClassVar[dict[str, Any]] = {
        "name": schemas.NAME,
        "description": schemas.DESCRIPTION,
        "type": _Schema(
            _Schema.STRING,
            "l3: each member has a subnet of its own. The others are not supported yet.",
            default="l3",
            constraints=[constraints.AllowedValues(["l3", "subnet", "l2"])],
        ),
        "prefixes": _Schema(
            _Schema.LIST,
            "IPv4 and IPv6; members are given parts of them.",
            required=True,
            update_allowed=True,
            constraints=[constraints.Length(min=1)],
            schema=_Schema(_Schema.STRING, constraints=[constraints.CustomConstraint("net_cidr")]),
        ),
        "members": _Schema(
            _Schema.LIST,
            "Sites it spans, by name; this region's alone if left out.",
            update_allowed=True,
            constraints=[constraints.Length(min=1)],
            schema=_Schema(
                _Schema.STRING, constraints=[constraints.CustomConstraint("isthmus.site")]
            ),
        ),
        "admin_state_up": schemas.ADMIN_STATE_UP,
        "class_of_service": _Schema(
            _Schema.STRING, "Not supported by the API yet.", update_allowed=True
        ),
        "rate_kbps": _Schema(
            _Schema.INTEGER,
            "Not supported by the API yet.",
            update_allowed=True,
            constraints=[constraints.Range(min=1)],
        ),
        "tags": schemas.TAGS,
        "project_id": _Schema(
            _Schema.STRING,
            "Whose it is (name or id), for administrators; the caller's if left out.",
            constraints=[constraints.CustomConstraint("keystone.project")],
        ),
        "failure_policy": schemas.failure_policy(
            "Where a member site can't be reached: wait, as long as the stack's timeout lets it, "
            "or fail at once with a reason that names the site. In both cases the other sites "
            "go on, and another attempt finishes what is missing.",
        ),
    }
    attributes_schema: ClassVar[dict[str, Any]] = {
        "status": _Shown(
            "PENDING, ACTIVE, DEGRADED, DOWN, ERROR or PENDING_DELETE.", type=_Shown.STRING, **LIVE
        ),
        "status_reason": schemas.STATUS_REASON,
        "network_id": _Shown("The network in this region.", type=_Shown.STRING),
        "subnet_ids": _Shown("Subnets of the network in this region.", type=_Shown.LIST),
        "members": _Shown(
            "What each site made of it, by the site's name: network_id, subnet_ids, prefixes, "
            "site_project_id, acceptance, status and status_reason.",
            type=_Shown.MAP,
            **LIVE,
        ),
        "owner_site": _Shown("The site whose word counts.", type=_Shown.STRING, **LIVE),
    }

    def translation_rules(self, properties: Any) -> list[Any]:
        """Have names become ids."""
        ours, keystone = self.client_plugin(), self.client_plugin("keystone")
        return [
            *schemas.resolved(properties, ours, {"members": "find_site"}),
            *schemas.resolved(properties, keystone, {"project_id": "get_project_id"}),
        ]

    def add_dependencies(self, deps: Any) -> None:
        """Have servers and ports that call the network by its name come after it."""
        super().add_dependencies(deps)
        name = self.properties.get("name")
        if not name:
            return
        self.requiring(
            deps, ["OS::Neutron::Port"], lambda other: other.properties.get("network") == name
        )
        self.requiring(
            deps,
            ["OS::Isthmus::InterconnectedServer", "OS::Isthmus::InterconnectedServerGroup"],
            lambda other: other.properties.get("virtual_tenant_network") == name,
        )
        self.requiring(
            deps,
            ["OS::Nova::Server"],
            lambda other: any(
                each.get("network") == name for each in other.properties.get("networks") or ()
            ),
        )

    def handle_update(
        self, json_snippet: Any, tmpl_diff: Any, prop_diff: Mapping[str, Any]
    ) -> bool:
        """Ask for what is different, members one by one."""
        del json_snippet, tmpl_diff
        vtn = self.read()
        change = translate.change_of(
            prop_diff, self.physical_resource_name(), vtn.members, self._own_site()
        )
        for site in change.to_add:
            member = sdk.Member.new(virtual_tenant_network_id=vtn.id, site=site)
            member.create(self.network)
        for site in change.to_remove:
            member = sdk.Member.existing(id=site, virtual_tenant_network_id=vtn.id)
            member.delete(self.network)
        self.change(change.body)
        if change.tags is not None:
            vtn.set_tags(self.network, list(change.tags))
        return True

    def is_in_force(self) -> bool:
        """Whether all its sites have made their part, as far as the policy waits for them."""
        policy = self.properties["failure_policy"]
        # Asked for only if somebody looks at them: all stacks that wait come here every second.
        sites = (each.to_dict() for each in sdk.InterconnectSite.list(self.network))
        return self._judge(
            self._show_resource(),
            lambda shown: progress.is_done_everywhere(shown, sites, policy),
        )

    def _own_site(self) -> str:
        found = sdk.InterconnectSite.list(self.network, state="OWN")
        return next((str(each.name) for each in found), "")

    def _resolve_attribute(self, name: str) -> Any:
        if self.resource_id is None:
            return None
        if name not in ("members", "subnet_ids"):
            return super()._resolve_attribute(name)
        listed = sdk.Member.list(self.network, virtual_tenant_network_id=self.resource_id)
        members = translate.members_by_site(
            each.to_dict(computed=False, original_names=True) for each in listed
        )
        if name == "members":
            return members
        own = super()._resolve_attribute("network_id")
        return next((e["subnet_ids"] for e in members.values() if own == e["network_id"]), [])
