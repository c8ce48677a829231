# SPDX-License-Identifier: Apache-2.0
"""Serves ``/v2.0/vtn/interconnect_sites``."""

from typing import Any

from neutron_lib.api import extensions

from isthmus.api.controller import list_resources
from isthmus.api.definitions import interconnect_site


class Interconnect_site(extensions.APIExtensionDescriptor):  # noqa: N801  Neutron wants the file's name
    """Sites that virtual tenant networks may span."""

    api_definition = interconnect_site

    @classmethod
    def get_resources(cls) -> list[Any]:
        """Make the resource of sites."""
        definition = interconnect_site
        return list_resources(
            definition.RESOURCE_ATTRIBUTE_MAP,
            {},
            path_prefix=definition.API_PREFIX,
            actions=definition.ACTION_MAP,
        )
