# SPDX-License-Identifier: Apache-2.0
"""What Isthmus adds to the BGPVPN API (alias ``mpls-vpn``): a status that is true.

``status`` and ``status_reason`` of VPNs and their associations are compiled from what provider
edges report, never from what was asked.
"""

from typing import Any

from neutron_lib.api.definitions import bgpvpn, bgpvpn_routes_control

ALIAS = "mpls-vpn"
IS_SHIM_EXTENSION = False
IS_STANDARD_ATTR_EXTENSION = False
NAME = "MPLS VPN"
DESCRIPTION = "Status of BGP VPNs and their associations as provider edges report it"
UPDATED_TIMESTAMP = "2026-11-22T00:00:00-00:00"
API_PREFIX = ""

STATUS = "status"
STATUS_REASON = "status_reason"


def _read_only() -> dict[str, Any]:
    return {
        "allow_post": False,
        "allow_put": False,
        "is_visible": True,
        "is_filter": True,
        "is_sort_key": True,
        "enforce_policy": True,
    }


RESOURCE_ATTRIBUTE_MAP: dict[str, Any] = {
    bgpvpn.COLLECTION_NAME: {STATUS: _read_only(), STATUS_REASON: _read_only()}
}
SUB_RESOURCE_ATTRIBUTE_MAP: dict[str, Any] = {
    collection: {
        "parent": {
            "collection_name": bgpvpn.COLLECTION_NAME,
            "member_name": bgpvpn.RESOURCE_NAME,
        },
        "parameters": {STATUS: _read_only(), STATUS_REASON: _read_only()},
    }
    for collection in (
        bgpvpn.NETWORK_ASSOCIATIONS,
        bgpvpn.ROUTER_ASSOCIATIONS,
        bgpvpn_routes_control.PORT_ASSOCIATIONS,
    )
}
ACTION_MAP: dict[str, Any] = {}
ACTION_STATUS: dict[str, Any] = {}
REQUIRED_EXTENSIONS = [bgpvpn.ALIAS, bgpvpn_routes_control.ALIAS]
OPTIONAL_EXTENSIONS: list[str] = []
