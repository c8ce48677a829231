# SPDX-License-Identifier: Apache-2.0
"""Serves ``/v2.0/bgpvpn/bgpvpns`` and the associations below it."""

from typing import Any

from neutron.api import extensions
from neutron_lib.api import extensions as api_extensions
from neutron_lib.plugins import directory

from isthmus.api.controller import create_resource
from isthmus.api.definitions import bgpvpn


class Bgpvpn(api_extensions.APIExtensionDescriptor):
    """The BGPVPN API."""

    api_definition = bgpvpn

    @classmethod
    def get_resources(cls) -> list[Any]:
        """Make one resource for VPNs and one for each kind of association."""
        plugin = directory.get_plugin(bgpvpn.ALIAS)
        tables = [
            (collection, None, attributes)
            for collection, attributes in bgpvpn.RESOURCE_ATTRIBUTE_MAP.items()
        ] + [
            (collection, definition["parent"], definition["parameters"])
            for collection, definition in bgpvpn.SUB_RESOURCE_ATTRIBUTE_MAP.items()
        ]
        return [
            extensions.ResourceExtension(
                collection,
                create_resource(collection, plugin, attributes, parent),
                parent,
                path_prefix=bgpvpn.API_PREFIX,
                attr_map=attributes,
            )
            for collection, parent, attributes in tables
        ]
