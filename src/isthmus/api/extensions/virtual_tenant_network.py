# SPDX-License-Identifier: Apache-2.0
"""Serves ``/v2.0/vtn/virtual_tenant_networks`` and the members below."""

from typing import Any

from neutron_lib.api import extensions

from isthmus.api import tags
from isthmus.api.controller import list_resources
from isthmus.api.definitions import virtual_tenant_network


class Virtual_tenant_network(extensions.APIExtensionDescriptor):  # noqa: N801  Neutron wants the file's name
    """Networks that span sites."""

    api_definition = virtual_tenant_network

    @classmethod
    def get_resources(cls) -> list[Any]:
        """Make the resources of VTNs, of their members and of their tags."""
        definition = virtual_tenant_network
        return [
            *list_resources(
                definition.RESOURCE_ATTRIBUTE_MAP,
                definition.SUB_RESOURCE_ATTRIBUTE_MAP,
                path_prefix=definition.API_PREFIX,
                actions=definition.ACTION_MAP,
            ),
            tags.create_extension(definition.VTN, definition.API_PREFIX),
        ]
