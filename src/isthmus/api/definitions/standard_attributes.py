# SPDX-License-Identifier: Apache-2.0
"""Neutron's standard attributes on VPNs and associations (aliases ``standard-attr-bgpvpn…``).

neutron-lib's definitions name the aliases alone; the attributes are Neutron's own: ``description``,
``created_at``, ``updated_at``, ``revision_number``, and on VPNs ``tags``.
"""

from types import ModuleType, SimpleNamespace
from typing import Any

from neutron_lib.api import converters
from neutron_lib.api.definitions import (
    bgpvpn,
    bgpvpn_routes_control,
    bgpvpn_stdattrs,
    bgpvpn_stdattrs_net_assoc,
    bgpvpn_stdattrs_port_assoc,
    bgpvpn_stdattrs_router_assoc,
)
from neutron_lib.db import constants as db_const

DESCRIPTION, REVISION = "description", "revision_number"
CREATED_AT, UPDATED_AT = "created_at", "updated_at"
TAGS = "tags"
TAG_FILTERS = (TAGS, "tags-any", "not-tags", "not-tags-any")
MAX_TAG_LENGTH, MAX_TAGS = 255, 50


def attributes() -> dict[str, Any]:
    """Return those that every resource has."""
    read_only = {
        "allow_post": False,
        "allow_put": False,
        "is_visible": True,
        "is_filter": True,
        "is_sort_key": True,
    }
    return {
        DESCRIPTION: {
            **read_only,
            "allow_post": True,
            "allow_put": True,
            "validate": {"type:string": db_const.DESCRIPTION_FIELD_SIZE},
            "default": "",
        },
        CREATED_AT: dict(read_only),
        UPDATED_AT: dict(read_only),
        REVISION: {**read_only, "convert_to": converters.convert_to_int},
    }


def tags() -> dict[str, Any]:
    """Return tags, and the ways to filter by them."""
    return {
        name: {
            "allow_post": False,
            "allow_put": False,
            "is_visible": name == TAGS,
            "is_filter": True,
            "is_sort_key": False,
        }
        for name in TAG_FILTERS
    }


def _serve(library: ModuleType, collection: str) -> SimpleNamespace:
    """Make neutron-lib's definition of an alias hold the attributes."""
    served: dict[str, Any] = {}
    sub_attributes: dict[str, Any] = {}
    if collection == bgpvpn.COLLECTION_NAME:
        served[collection] = attributes() | tags()
    else:
        parent = {"collection_name": bgpvpn.COLLECTION_NAME, "member_name": bgpvpn.RESOURCE_NAME}
        sub_attributes[collection] = {"parent": parent, "parameters": attributes()}
    return SimpleNamespace(
        ALIAS=library.ALIAS,
        IS_SHIM_EXTENSION=False,
        IS_STANDARD_ATTR_EXTENSION=True,
        NAME=library.NAME,
        DESCRIPTION=library.DESCRIPTION,
        UPDATED_TIMESTAMP=library.UPDATED_TIMESTAMP,
        API_PREFIX=bgpvpn.API_PREFIX,
        RESOURCE_ATTRIBUTE_MAP=served,
        SUB_RESOURCE_ATTRIBUTE_MAP=sub_attributes,
        ACTION_MAP={},
        ACTION_STATUS={},
        REQUIRED_EXTENSIONS=[bgpvpn.ALIAS],
        OPTIONAL_EXTENSIONS=[bgpvpn_routes_control.ALIAS],
    )


OF_VPN = _serve(bgpvpn_stdattrs, bgpvpn.COLLECTION_NAME)
OF_NETWORK_ASSOCIATION = _serve(bgpvpn_stdattrs_net_assoc, bgpvpn.NETWORK_ASSOCIATIONS)
OF_ROUTER_ASSOCIATION = _serve(bgpvpn_stdattrs_router_assoc, bgpvpn.ROUTER_ASSOCIATIONS)
OF_PORT_ASSOCIATION = _serve(bgpvpn_stdattrs_port_assoc, "port_associations")
DEFINITIONS = (OF_VPN, OF_NETWORK_ASSOCIATION, OF_ROUTER_ASSOCIATION, OF_PORT_ASSOCIATION)
ALIASES = [definition.ALIAS for definition in DEFINITIONS]
