# SPDX-License-Identifier: Apache-2.0
"""A network that spans sites."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, Self

from openstack import resource
from openstack.common import tag

from isthmus.client.sdk.actions import Acting


class VirtualTenantNetwork(Acting, tag.TagMixin):
    """A network that spans sites: asked for once, at any of them; each makes its own part."""

    resource_key = "virtual_tenant_network"
    resources_key = "virtual_tenant_networks"
    base_path = "/vtn/virtual_tenant_networks"

    #: Status of one that is being deleted; it is gone (404) once every site has removed its part.
    BEING_DELETED = "PENDING_DELETE"

    allow_create = True
    allow_fetch = True
    allow_commit = True
    allow_delete = True
    allow_list = True

    _query_mapping = resource.QueryParameters(
        "description",
        "fields",
        "id",
        "members",
        "name",
        "network_id",
        "owner_site",
        "prefixes",
        "project_id",
        "sort_dir",
        "sort_key",
        "status",
        "type",
        is_admin_state_up="admin_state_up",
        **tag.TagMixin._tag_query_parameters,  # noqa: SLF001  openstacksdk's own way
    )

    #: UUID.
    id: str = resource.Body("id")
    #: Need not be unique.
    name: str = resource.Body("name")
    #: In the caller's words.
    description: str = resource.Body("description")
    #: Whose it is.
    project_id: str = resource.Body("project_id", alias="tenant_id")
    #: ``l3``: each member has a subnet of its own.
    type: str = resource.Body("type")
    #: IPv4 and IPv6; members are given parts of them.
    prefixes: list[str] = resource.Body("prefixes", type=list)
    #: Names of the sites.
    members: list[str] = resource.Body("members", type=list)
    #: False: it is kept, and nothing of it is carried.
    is_admin_state_up: bool = resource.Body("admin_state_up", type=bool)
    #: Not supported yet.
    class_of_service: str | None = resource.Body("class_of_service")
    #: Not supported yet.
    rate_kbps: int | None = resource.Body("rate_kbps", type=int)
    #: The site whose word counts.
    owner_site: str = resource.Body("owner_site")
    #: The network that was made of it at this site.
    network_id: str | None = resource.Body("network_id")
    #: ``PENDING``, ``ACTIVE``, ``DEGRADED``, ``DOWN``, ``ERROR`` or ``PENDING_DELETE``.
    status: str = resource.Body("status")
    #: Why, in a sentence.
    status_reason: str = resource.Body("status_reason")
    #: Counts take-overs, from 1. Administrators alone see it.
    epoch: int | None = resource.Body("epoch", type=int)
    #: Counts what the owner wrote. Administrators alone see it.
    generation: int | None = resource.Body("generation", type=int)
    #: What does not count of what sites say, a line each. Administrators alone see it.
    notice: str | None = resource.Body("notice")
    #: Grows with each change.
    revision_number: int = resource.Body("revision_number", type=int)
    #: When it was made.
    created_at: str = resource.Body("created_at")
    #: When it was last changed.
    updated_at: str = resource.Body("updated_at")

    @classmethod
    def _get_one_match(cls, name_or_id: str, results: Iterable[Self]) -> Self | None:
        """Return the one of a name; one that is being deleted only if there is no other."""
        found = list(results)
        staying = [each for each in found if each.status != cls.BEING_DELETED]
        match: Self | None = super()._get_one_match(name_or_id, staying or found)
        return match

    def take_over(self, session: Any, vouched_gone: Iterable[str] = ()) -> Self:
        """Make the site that is asked the owner, because the former one is gone.

        Args:
            session: ``connection.network``.
            vouched_gone: former owners that gave away nothing this site has not heard of.
        """
        self._act(session, "take_over", vouched_gone=list(vouched_gone))
        return self
