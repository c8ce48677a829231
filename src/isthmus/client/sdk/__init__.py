# SPDX-License-Identifier: Apache-2.0
"""VPNs, virtual tenant networks and sites as resources of openstacksdk (``docs/sdk.md``).

Each takes the connection's ``network`` as its session, as all of openstacksdk's resources do.
"""

from isthmus.client.sdk.association import NetworkAssociation, PortAssociation, RouterAssociation
from isthmus.client.sdk.interconnect_event import InterconnectEvent
from isthmus.client.sdk.interconnect_site import InterconnectSite
from isthmus.client.sdk.member import Member
from isthmus.client.sdk.mpls_vpn import MplsVpn
from isthmus.client.sdk.provider_edge import ProviderEdge
from isthmus.client.sdk.virtual_tenant_network import VirtualTenantNetwork

__all__ = [
    "InterconnectEvent",
    "InterconnectSite",
    "Member",
    "MplsVpn",
    "NetworkAssociation",
    "PortAssociation",
    "ProviderEdge",
    "RouterAssociation",
    "VirtualTenantNetwork",
]
