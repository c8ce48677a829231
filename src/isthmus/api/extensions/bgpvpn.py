# SPDX-License-Identifier: Apache-2.0
"""Serves ``/v2.0/bgpvpn/bgpvpns`` and the associations below it."""

from collections.abc import Mapping
from typing import Any

from neutron.api import extensions
from neutron.api.v2 import base, resource_helper
from neutron_lib import exceptions
from neutron_lib.api import extensions as api_extensions
from neutron_lib.plugins import directory

from isthmus.api.definitions import bgpvpn


class Bgpvpn(api_extensions.APIExtensionDescriptor):
    """The BGPVPN API."""

    api_definition = bgpvpn

    @classmethod
    def get_resources(cls) -> list[Any]:
        """Make one resource for VPNs and one for each kind of association."""
        plurals = resource_helper.build_plural_mappings({}, bgpvpn.RESOURCE_ATTRIBUTE_MAP)
        resources = resource_helper.build_resource_info(
            plurals,
            bgpvpn.RESOURCE_ATTRIBUTE_MAP,
            bgpvpn.ALIAS,
            translate_name=True,
            allow_bulk=True,
        )
        plugin = directory.get_plugin(bgpvpn.ALIAS)
        for collection, definition in bgpvpn.SUB_RESOURCE_ATTRIBUTE_MAP.items():
            controller = base.create_resource(
                collection,
                collection.removesuffix("s"),
                plugin,
                definition["parameters"],
                allow_bulk=True,
                parent=definition["parent"],
                allow_pagination=True,
                allow_sorting=True,
            )
            resources.append(
                extensions.ResourceExtension(
                    collection,
                    controller,
                    definition["parent"],
                    path_prefix=bgpvpn.API_PREFIX,
                    attr_map=definition["parameters"],
                )
            )
        for resource in resources:
            _take_only_objects(resource.controller.controller)
        return list(resources)


def _take_only_objects(controller: Any) -> None:
    """Let an update whose body is a JSON list be a 400; Neutron's controller stumbles over it."""
    update = controller.update

    def update_by_object(
        request: Any,
        id: str,  # noqa: A002  the router passes it by this name
        body: object = None,
        **parents: str,
    ) -> Any:
        if not isinstance(body, Mapping):
            raise exceptions.BadRequest(
                resource="body", msg="The body of the request is to be a JSON object."
            )
        return update(request, id, body, **parents)

    controller.update = update_by_object
