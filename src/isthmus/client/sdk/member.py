# SPDX-License-Identifier: Apache-2.0
"""A site of a virtual tenant network."""

from __future__ import annotations

from typing import Any, Self

from openstack import resource

from isthmus.client.sdk.actions import Acting


class Member(Acting):
    """A site of a virtual tenant network: what it was given, and what it made of it."""

    resource_key = "member"
    resources_key = "members"
    base_path = "/vtn/virtual_tenant_networks/%(virtual_tenant_network_id)s/members"

    allow_create = True
    allow_fetch = True
    allow_delete = True
    allow_list = True

    _query_mapping = resource.QueryParameters(
        "acceptance", "fields", "id", "network_id", "site", "sort_dir", "sort_key", "status"
    )

    #: The virtual tenant network.
    virtual_tenant_network_id: str = resource.URI("virtual_tenant_network_id")
    #: The same as ``site``.
    id: str = resource.Body("id")
    #: Name of the site.
    site: str = resource.Body("site")
    #: Whose the virtual tenant network is, where this is read.
    project_id: str = resource.Body("project_id", alias="tenant_id")
    #: The project there.
    site_project_id: str | None = resource.Body("site_project_id")
    #: Whether the site wants to be a member: ``accepted``, ``pending`` or ``refused``.
    acceptance: str = resource.Body("acceptance")
    #: Given to this member alone.
    prefixes: list[str] = resource.Body("prefixes", type=list)
    #: The network that was made there.
    network_id: str | None = resource.Body("network_id")
    #: Of that network.
    subnet_ids: list[str] = resource.Body("subnet_ids", type=list)
    #: The VPN that was made there. Administrators alone see it.
    bgpvpn_id: str | None = resource.Body("bgpvpn_id")
    #: Not supported yet.
    class_of_service: str | None = resource.Body("class_of_service")
    #: Not supported yet.
    rate_kbps: int | None = resource.Body("rate_kbps", type=int)
    #: ``PENDING``, ``ACTIVE``, ``DEGRADED``, ``DOWN`` or ``ERROR``.
    status: str = resource.Body("status")
    #: Why, in a sentence.
    status_reason: str = resource.Body("status_reason")
    #: What somebody changed there by hand, a sentence each. Administrators alone see it.
    drift: list[str] | None = resource.Body("drift", type=list)
    #: When it was heard last.
    heard_at: str | None = resource.Body("heard_at")

    def accept(self, session: Any) -> Self:
        """Say at a site that it becomes a member, under the caller's project."""
        self._act(session, "accept")
        return self

    def refuse(self, session: Any) -> Self:
        """Say at a site that it becomes no member, or is none any more."""
        self._act(session, "refuse")
        return self
