# SPDX-License-Identifier: Apache-2.0
"""Serves port associations; adds ``local_pref`` and ``advertise_extra_routes``."""

from typing import Any

from neutron_lib.api import extensions
from neutron_lib.api.definitions import bgpvpn_routes_control as routes_control

from isthmus.api.controller import list_resources
from isthmus.api.definitions import bgpvpn_routes_control


class Bgpvpn_routes_control(extensions.APIExtensionDescriptor):  # noqa: N801  the file's name
    """What of VPNs is advertised, and how it is preferred."""

    api_definition = bgpvpn_routes_control

    @classmethod
    def get_resources(cls) -> list[Any]:
        """Make the resource of port associations."""
        name = routes_control.PORT_ASSOCIATIONS
        return list_resources({}, {name: bgpvpn_routes_control.SUB_RESOURCE_ATTRIBUTE_MAP[name]})
