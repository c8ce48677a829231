# SPDX-License-Identifier: Apache-2.0
"""Serves ``/v2.0/vtn/interconnect_sites`` and ``interconnect_events``."""

from typing import Any

from neutron_lib.api import extensions

from isthmus.api.controller import ReadOnlyController, list_resources
from isthmus.api.definitions import interconnect_site


class Interconnect_site(extensions.APIExtensionDescriptor):  # noqa: N801  Neutron wants the file's name
    """Sites that virtual tenant networks may span."""

    api_definition = interconnect_site

    @classmethod
    def get_resources(cls) -> list[Any]:
        """Make the resources of sites and of events."""
        definition = interconnect_site
        attributes, prefix = definition.RESOURCE_ATTRIBUTE_MAP, definition.API_PREFIX
        sites = {definition.SITES: attributes[definition.SITES]}
        events = {definition.EVENTS: attributes[definition.EVENTS]}
        return [
            *list_resources(sites, {}, path_prefix=prefix, actions=definition.ACTION_MAP),
            *list_resources(events, {}, ReadOnlyController, path_prefix=prefix),
        ]
