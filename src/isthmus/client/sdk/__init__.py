# SPDX-License-Identifier: Apache-2.0
"""Virtual tenant networks, their members and sites as resources of openstacksdk.

Each takes the connection's ``network`` as its session, as all of openstacksdk's resources do::

    import openstack
    from isthmus.client.sdk import Member, VirtualTenantNetwork

    network = openstack.connect(cloud="west-red").network
    red = VirtualTenantNetwork.new(name="red", prefixes=["10.0.0.0/16"], members=["west", "east"])
    red.create(network)
    red.fetch(network).status                                              # 'PENDING'
    VirtualTenantNetwork.find(network, "red", ignore_missing=False)        # by name or id
    [(each.site, each.status) for each in Member.list(network, virtual_tenant_network_id=red.id)]
    red.delete(network)
"""

from isthmus.client.sdk.interconnect_event import InterconnectEvent
from isthmus.client.sdk.interconnect_site import InterconnectSite
from isthmus.client.sdk.member import Member
from isthmus.client.sdk.virtual_tenant_network import VirtualTenantNetwork

__all__ = ["InterconnectEvent", "InterconnectSite", "Member", "VirtualTenantNetwork"]
