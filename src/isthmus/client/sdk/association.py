# SPDX-License-Identifier: Apache-2.0
"""What is in an MPLS VPN: openstacksdk's associations, with what Isthmus adds to them."""

from __future__ import annotations

from openstack import resource
from openstack.network.v2 import (
    bgpvpn_network_association,
    bgpvpn_port_association,
    bgpvpn_router_association,
)


class _Association(resource.Resource):
    """What all kinds have."""

    allow_commit = True

    #: ``network``, ``router`` or ``port``.
    kind: str

    #: Makes a change conditional: ``revision_number=N``, else 412 (RFC 9110 §13.1.1).
    if_match: str | None = resource.Header("if-match")
    #: In the caller's words.
    description: str = resource.Body("description")
    #: False: it is kept, and nothing of it is carried.
    is_admin_state_up: bool = resource.Body("admin_state_up", type=bool)
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

    @property
    def associated_id(self) -> str:
        """The id of the network, router or port."""
        return str(getattr(self, f"{self.kind}_id"))


class NetworkAssociation(_Association, bgpvpn_network_association.BgpVpnNetworkAssociation):
    """A network in a VPN: its subnets are reachable from there."""

    kind = "network"

    _query_mapping = resource.QueryParameters(
        *("fields", "network_id", "sort_dir", "sort_key", "status"),
        is_admin_state_up="admin_state_up",
    )

    #: ``gateway``: gateways serve the network; ``distributed``: each host's own PE does; None: as
    #: the region's option says. Administrators alone see it.
    attachment_mode: str | None = resource.Body("attachment_mode")


class RouterAssociation(_Association, bgpvpn_router_association.BgpVpnRouterAssociation):
    """A router in a VPN: the subnets of all its interfaces are reachable from there."""

    kind = "router"

    _query_mapping = resource.QueryParameters(
        *("fields", "router_id", "sort_dir", "sort_key", "status"),
        is_admin_state_up="admin_state_up",
    )


class PortAssociation(_Association, bgpvpn_port_association.BgpVpnPortAssociation):
    """A port in a VPN, with the prefixes that are reachable behind it."""

    kind = "port"

    _query_mapping = resource.QueryParameters(
        *("fields", "port_id", "sort_dir", "sort_key", "status"),
        is_admin_state_up="admin_state_up",
    )
