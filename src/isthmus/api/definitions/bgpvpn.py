# SPDX-License-Identifier: Apache-2.0
"""The BGPVPN API (alias ``bgpvpn``) as served here: neutron-lib's definition, made exact.

Copied, not changed in place: other readers of neutron-lib's map see it as it was. What is added:

- every attribute may filter and sort (neutron-lib marks none, which makes look-up by name fail
  under filter validation);
- ``project_id`` beside ``tenant_id`` everywhere (the framework reads both).
"""

import copy
from typing import Any

from neutron_lib.api.definitions import bgpvpn

from isthmus.api.definitions.text import NARROW

ALIAS = bgpvpn.ALIAS
IS_SHIM_EXTENSION = False
IS_STANDARD_ATTR_EXTENSION = False
NAME = bgpvpn.NAME
DESCRIPTION = bgpvpn.DESCRIPTION
UPDATED_TIMESTAMP = bgpvpn.UPDATED_TIMESTAMP
API_PREFIX = bgpvpn.API_PREFIX

_LISTS = frozenset(
    {"route_targets", "import_targets", "export_targets", "route_distinguishers"}
    | {"networks", "routers", "ports", "routes"}
)


def serve(attributes: dict[str, Any]) -> dict[str, Any]:
    """Return a copy of an attribute map as it is served here."""
    served = copy.deepcopy(attributes)
    for name, attribute in served.items():
        attribute["is_filter"] = True
        attribute["is_sort_key"] = name not in _LISTS
    if "tenant_id" in served:
        # Neutron's tables keep quotas by project.
        served["tenant_id"]["validate"][NARROW] = None
        served["project_id"] = served["tenant_id"]
    return served


RESOURCE_ATTRIBUTE_MAP: dict[str, Any] = {
    bgpvpn.COLLECTION_NAME: serve(bgpvpn.RESOURCE_ATTRIBUTE_MAP[bgpvpn.COLLECTION_NAME])
}
SUB_RESOURCE_ATTRIBUTE_MAP: dict[str, Any] = {
    collection: {
        "parent": dict(definition["parent"]),
        "parameters": serve(definition["parameters"]),
    }
    for collection, definition in bgpvpn.SUB_RESOURCE_ATTRIBUTE_MAP.items()
}
ACTION_MAP: dict[str, Any] = {}
ACTION_STATUS: dict[str, Any] = {}
REQUIRED_EXTENSIONS = list(bgpvpn.REQUIRED_EXTENSIONS)
OPTIONAL_EXTENSIONS: list[str] = []
