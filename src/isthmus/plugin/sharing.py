# SPDX-License-Identifier: Apache-2.0
"""VPNs shared by Neutron's RBAC: ``POST /v2.0/rbac-policies`` with object type ``bgpvpn``.

A project a VPN is shared with sees it without what is the operator's, and puts its own networks,
routers and ports into it; those it sees of it are its own.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from neutron.objects import base as neutron_objects
from neutron.objects import rbac
from neutron_lib import context as neutron_context
from neutron_lib import exceptions
from neutron_lib.callbacks import events, registry, resources
from neutron_lib.db import api as db_api

from isthmus.db import models, vpns
from isthmus.plugin.errors import VpnConflict

EVERYBODY = "*"


@neutron_objects.NeutronObjectRegistry.register
class IsthmusVpnRbac(rbac.RBACBaseObject):
    """One policy, as Neutron's RBAC calls read and write it."""

    VERSION = "1.0"
    db_model = models.VpnRbac


@registry.has_registry_receivers
class SharingGuards:
    """Checks policies before they are made, changed or removed."""

    @registry.receives(resources.RBAC_POLICY, [events.BEFORE_CREATE])
    def check_creation(self, resource: str, event: str, trigger: object, payload: Any) -> None:
        """Refuse to share what there is not, or what is another project's."""
        del resource, event, trigger
        if payload.metadata.get("object_type") == models.VpnRbac.object_type:
            _check_owner(payload.context, payload.request_body["object_id"])

    @registry.receives(resources.RBAC_POLICY, [events.BEFORE_UPDATE])
    def check_change(self, resource: str, event: str, trigger: object, payload: Any) -> None:
        """Refuse to take a VPN from a project that uses it."""
        del resource, event, trigger
        if payload.metadata.get("object_type") != models.VpnRbac.object_type:
            return
        former = payload.latest_state
        _check_owner(payload.context, former["object_id"])
        wanted = payload.request_body.get("target_project", former["target_project"])
        if wanted not in (EVERYBODY, former["target_project"]):
            _check_unused(former)

    @registry.receives(resources.RBAC_POLICY, [events.BEFORE_DELETE])
    def check_removal(self, resource: str, event: str, trigger: object, payload: Any) -> None:
        """Refuse to take a VPN from a project that uses it."""
        del resource, event, trigger
        if payload.metadata.get("object_type") == models.VpnRbac.object_type:
            _check_unused(payload.latest_state)


def _check_owner(context: Any, vpn_id: str) -> None:
    own = neutron_context.get_admin_context()
    with db_api.CONTEXT_READER.using(own):
        record = vpns.read_one(own, vpn_id)
    if record is None or not (context.is_admin or record.project_id == context.project_id):
        raise exceptions.InvalidInput(
            error_message=f"BGP VPN {vpn_id} could not be found among those of the project."
        )


def _check_unused(policy: Mapping[str, Any]) -> None:
    """Refuse if a project that has something in the VPN may not use it without this policy.

    Raises:
        VpnConflict: naming no project.
    """
    own = neutron_context.get_admin_context()
    vpn_id, target = policy["object_id"], policy["target_project"]
    with db_api.CONTEXT_READER.using(own):
        record = vpns.read_one(own, vpn_id)
        guests = vpns.read_guests(own, vpn_id) - {target}
    if record is None or EVERYBODY in guests:
        return
    using = set(record.member_projects.values()) - {record.project_id} - guests
    if target in using or (target == EVERYBODY and using):
        raise VpnConflict(sentence=f"BGP VPN {vpn_id} is in use by a project it is shared with.")
