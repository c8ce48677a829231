# SPDX-License-Identifier: Apache-2.0
"""What a provider edge does for an MPLS VPN."""

from __future__ import annotations

from openstack import resource


class ProviderEdge(resource.Resource):
    """What a provider edge does for a VPN; administrators see it."""

    resource_key = "provider_edge"
    resources_key = "provider_edges"
    base_path = "/bgpvpn/bgpvpns/%(bgpvpn_id)s/provider_edges"

    allow_fetch = True
    allow_list = True

    _query_mapping = resource.QueryParameters(
        "address", "fields", "name", "sort_dir", "sort_key", "status"
    )

    #: The VPN.
    bgpvpn_id: str = resource.URI("bgpvpn_id")
    #: The same as ``name``.
    id: str = resource.Body("id")
    #: What Neutron calls its host.
    name: str = resource.Body("name")
    #: Its address in the core, next hop of its routes.
    address: str = resource.Body("address")
    #: Of this VPN on this PE, in the words of a VPN's.
    status: str = resource.Body("status")
    #: Why, in a sentence.
    status_reason: str = resource.Body("status_reason")
    #: What its switch or BGP daemon last refused; empty if nothing was.
    last_error: str = resource.Body("last_error")
    #: Number of the newest change it has to have in force.
    generation_asked: int | None = resource.Body("generation_asked", type=int)
    #: Number of the change it has in force.
    generation_in_force: int | None = resource.Body("generation_in_force", type=int)
    #: MPLS labels it gave out for this VPN.
    labels: list[int] = resource.Body("labels", type=list)
    #: How many routes it advertises for this VPN.
    routes_sent: int | None = resource.Body("routes_sent", type=int)
    #: How many routes of other PEs are in force there.
    routes_received: int | None = resource.Body("routes_received", type=int)
