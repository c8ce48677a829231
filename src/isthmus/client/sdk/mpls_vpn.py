# SPDX-License-Identifier: Apache-2.0
"""An MPLS VPN: openstacksdk's BGP VPN, with what Isthmus adds to it."""

from __future__ import annotations

from typing import Any

from openstack import resource
from openstack.common import tag
from openstack.network.v2 import bgpvpn
from openstack.network.v2.rbac_policy import RBACPolicy

_SHARED = {"object_type": "bgpvpn", "action": "access_as_shared"}
#: In place of a project's id: every project.
EVERYBODY = "*"


class MplsVpn(bgpvpn.BgpVpn, tag.TagMixin):
    """A VPN; ``connection.network.bgpvpns()`` has the same ones, without what is added here."""

    _query_mapping = resource.QueryParameters(
        *("description", "fields", "id", "local_pref", "mtu", "name", "networks", "ports"),
        *("project_id", "routers", "sort_dir", "sort_key", "status", "type", "vni"),
        is_admin_state_up="admin_state_up",
        is_shared="shared",
        **tag.TagMixin._tag_query_parameters,  # noqa: SLF001  openstacksdk's own way
    )

    #: Makes a change conditional: ``revision_number=N``, else 412 (RFC 9110 §13.1.1).
    if_match: str | None = resource.Header("if-match")
    #: In the caller's words.
    description: str = resource.Body("description")
    #: False: it is kept, and nothing of it is carried.
    is_admin_state_up: bool = resource.Body("admin_state_up", type=bool)
    #: When it is made: have a route target of the operator's pool.
    allocate_route_target: bool = resource.Body("allocate_route_target", type=bool)
    #: When it is made: have a route distinguisher of the operator's pool.
    allocate_route_distinguisher: bool = resource.Body("allocate_route_distinguisher", type=bool)
    #: Largest IP packet that is carried from end to end, in octets.
    mtu: int | None = resource.Body("mtu", type=int)
    #: Networks associated with it.
    networks: list[str] = resource.Body("networks", type=list)
    #: Routers associated with it.
    routers: list[str] = resource.Body("routers", type=list)
    #: Ports associated with it.
    ports: list[str] = resource.Body("ports", type=list)
    #: Whether the caller has it because somebody else shares it.
    is_shared: bool = resource.Body("shared", type=bool)
    #: ``PENDING``, ``ACTIVE``, ``DEGRADED``, ``DOWN`` or ``ERROR``.
    status: str = resource.Body("status")
    #: Why, in a sentence.
    status_reason: str = resource.Body("status_reason")
    #: Grows with each change.
    revision_number: int = resource.Body("revision_number", type=int)
    #: When it was made.
    created_at: str = resource.Body("created_at")
    #: When it was last changed.
    updated_at: str = resource.Body("updated_at")

    def share(self, session: Any, project_id: str = EVERYBODY) -> None:
        """Let another project, or every one, associate its own networks, routers and ports."""
        if project_id not in self.shared_with(session):
            body = {**_SHARED, "object_id": self.id, "target_project_id": project_id}
            RBACPolicy.new(**body).create(session)

    def unshare(self, session: Any, project_id: str = EVERYBODY) -> None:
        """Share it no more; refused while the project has any association with it."""
        for policy in self._policies(session):
            if policy.target_project_id == project_id:
                policy.delete(session)

    def shared_with(self, session: Any) -> list[str]:
        """Return the projects it is shared with, for its owner or an administrator."""
        return sorted(policy.target_project_id for policy in self._policies(session))

    def _policies(self, session: Any) -> list[RBACPolicy]:
        return list(RBACPolicy.list(session, **_SHARED, object_id=self.id))
