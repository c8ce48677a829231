# SPDX-License-Identifier: Apache-2.0
"""Which class is which type of resource.

Heat loads this file under a name of its own. The classes are imported, so that there is one of each
however they are come by.
"""

from __future__ import annotations

from isthmus.heat.resources.associations import (
    NetworkAssociation,
    PortAssociation,
    RouterAssociation,
)
from isthmus.heat.resources.bgpvpn import BgpVpn
from isthmus.heat.resources.interconnected_server import InterconnectedServer
from isthmus.heat.resources.interconnected_server_group import InterconnectedServerGroup
from isthmus.heat.resources.virtual_tenant_network import VirtualTenantNetwork


def resource_mapping() -> dict[str, type]:
    """Return the types of resource that templates may name."""
    return {
        "OS::Isthmus::InterconnectedServer": InterconnectedServer,
        "OS::Isthmus::InterconnectedServerGroup": InterconnectedServerGroup,
        "OS::Isthmus::VirtualTenantNetwork": VirtualTenantNetwork,
        "OS::Neutron::BGPVPN": BgpVpn,
        "OS::Neutron::BGPVPN-NET-ASSOCIATION": NetworkAssociation,
        "OS::Neutron::BGPVPN-PORT-ASSOCIATION": PortAssociation,
        "OS::Neutron::BGPVPN-ROUTER-ASSOCIATION": RouterAssociation,
    }
