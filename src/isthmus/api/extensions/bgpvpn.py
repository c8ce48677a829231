# SPDX-License-Identifier: Apache-2.0
"""Serves ``/v2.0/bgpvpn/bgpvpns`` and the associations below it."""

from typing import Any

from neutron_lib.api import extensions as api_extensions

from isthmus.api.controller import list_resources
from isthmus.api.definitions import bgpvpn


class Bgpvpn(api_extensions.APIExtensionDescriptor):
    """The BGPVPN API."""

    api_definition = bgpvpn

    @classmethod
    def get_resources(cls) -> list[Any]:
        """Make one resource for VPNs and one for each kind of association."""
        return list_resources(bgpvpn.RESOURCE_ATTRIBUTE_MAP, bgpvpn.SUB_RESOURCE_ATTRIBUTE_MAP)
