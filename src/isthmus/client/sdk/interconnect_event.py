# SPDX-License-Identifier: Apache-2.0
"""Something that happened to a site or a virtual tenant network."""

from __future__ import annotations

from openstack import resource


class InterconnectEvent(resource.Resource):
    """Something that happened to a site or a virtual tenant network; administrators see it."""

    resource_key = "interconnect_event"
    resources_key = "interconnect_events"
    base_path = "/vtn/interconnect_events"

    allow_fetch = True
    allow_list = True

    _query_mapping = resource.QueryParameters(
        "created_at", "fields", "id", "site", "sort_dir", "sort_key", "virtual_tenant_network_id"
    )

    #: A number; greater is newer.
    id: str = resource.Body("id")
    #: When it happened.
    created_at: str = resource.Body("created_at")
    #: The site concerned; the one that is asked for what it did by itself.
    site: str = resource.Body("site")
    #: The virtual tenant network concerned, if one is.
    virtual_tenant_network_id: str | None = resource.Body("virtual_tenant_network_id")
    #: What happened.
    sentence: str = resource.Body("sentence")
