# SPDX-License-Identifier: Apache-2.0
"""Adds Neutron's standard attributes to VPNs."""

from typing import Any

from neutron_lib.api import extensions
from neutron_lib.api.definitions import bgpvpn

from isthmus.api import tags
from isthmus.api.definitions import standard_attributes


class Standard_attributes_of_vpn(extensions.APIExtensionDescriptor):  # noqa: N801  Neutron wants the file's name
    """Description, revision and times, and tags."""

    api_definition = standard_attributes.OF_VPN

    @classmethod
    def get_resources(cls) -> list[Any]:
        """Make the resource of a VPN's tags."""
        return [tags.create_extension(bgpvpn.RESOURCE_NAME, bgpvpn.API_PREFIX)]
