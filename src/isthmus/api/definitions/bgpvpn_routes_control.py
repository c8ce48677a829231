# SPDX-License-Identifier: Apache-2.0
"""Port associations and local preference (alias ``bgpvpn-routes-control``), made exact likewise."""

from typing import Any

from neutron_lib.api.definitions import bgpvpn as lib_bgpvpn
from neutron_lib.api.definitions import bgpvpn_routes_control

from isthmus.api.definitions.bgpvpn import serve
from isthmus.api.definitions.integers import to_integer_or_none

ALIAS = bgpvpn_routes_control.ALIAS
IS_SHIM_EXTENSION = False
IS_STANDARD_ATTR_EXTENSION = False
NAME = bgpvpn_routes_control.NAME
DESCRIPTION = bgpvpn_routes_control.DESCRIPTION
UPDATED_TIMESTAMP = bgpvpn_routes_control.UPDATED_TIMESTAMP
API_PREFIX = lib_bgpvpn.API_PREFIX

RESOURCE_ATTRIBUTE_MAP: dict[str, Any] = {
    collection: serve(attributes)
    for collection, attributes in bgpvpn_routes_control.RESOURCE_ATTRIBUTE_MAP.items()
}
RESOURCE_ATTRIBUTE_MAP[lib_bgpvpn.COLLECTION_NAME][bgpvpn_routes_control.LOCAL_PREF_KEY] |= {
    "convert_to": to_integer_or_none
}
SUB_RESOURCE_ATTRIBUTE_MAP: dict[str, Any] = {
    collection: {
        "parent": dict(definition["parent"]),
        "parameters": serve(definition["parameters"]),
    }
    for collection, definition in bgpvpn_routes_control.SUB_RESOURCE_ATTRIBUTE_MAP.items()
}
_PORTS = SUB_RESOURCE_ATTRIBUTE_MAP[bgpvpn_routes_control.PORT_ASSOCIATIONS]["parameters"]
# As everywhere else, either name of the project may be used.
_PORTS["tenant_id"] = _PORTS["project_id"]
ACTION_MAP: dict[str, Any] = {}
ACTION_STATUS: dict[str, Any] = {}
REQUIRED_EXTENSIONS = [lib_bgpvpn.ALIAS]
OPTIONAL_EXTENSIONS: list[str] = []
