# SPDX-License-Identifier: Apache-2.0
"""Adds states to VPNs and their associations, and ``provider_edges`` to VPNs."""

from typing import Any

from neutron_lib.api import extensions

from isthmus.api.controller import ReadOnlyController, list_resources
from isthmus.api.definitions import mpls_vpn


class Mpls_vpn(extensions.APIExtensionDescriptor):  # noqa: N801  Neutron wants the file's name
    """What Isthmus adds to the BGPVPN API."""

    api_definition = mpls_vpn

    @classmethod
    def get_resources(cls) -> list[Any]:
        """Make the resource of the PEs of a VPN."""
        definition = mpls_vpn.SUB_RESOURCE_ATTRIBUTE_MAP[mpls_vpn.PROVIDER_EDGES]
        return list_resources({}, {mpls_vpn.PROVIDER_EDGES: definition}, ReadOnlyController)
