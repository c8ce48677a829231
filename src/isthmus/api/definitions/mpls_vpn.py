# SPDX-License-Identifier: Apache-2.0
"""What Isthmus adds to the BGPVPN API (alias ``mpls-vpn``).

- ``status`` and ``status_reason`` of VPNs and associations, compiled from what provider edges
  report, never from what was asked;
- ``admin_state_up`` of VPNs and associations: what is down is kept, and carries nothing;
- ``mtu`` of VPNs: the largest IP packet that all their PEs of this region carry;
- ``allocate_route_target``: a new VPN gets a route target from the operator's pool;
- ``allocate_route_distinguisher``: a new VPN gets a route distinguisher from the operator's pool;
- ``attachment_mode`` of network associations, for administrators: whether chosen gateways serve the
  network, or each host's own PE;
- ``provider_edges`` of a VPN, for administrators: what each PE does for it.
"""

from typing import Any

from neutron_lib.api import converters
from neutron_lib.api.definitions import bgpvpn, bgpvpn_routes_control

ALIAS = "mpls-vpn"
IS_SHIM_EXTENSION = False
IS_STANDARD_ATTR_EXTENSION = False
NAME = "MPLS VPN"
DESCRIPTION = "Administrative state of BGP VPNs, and their status as provider edges report it"
UPDATED_TIMESTAMP = "2026-11-22T00:00:00-00:00"
API_PREFIX = bgpvpn.API_PREFIX

STATUS = "status"
STATUS_REASON = "status_reason"
ADMIN_STATE_UP = "admin_state_up"
MTU = "mtu"
ALLOCATE_ROUTE_TARGET = "allocate_route_target"
ALLOCATE_ROUTE_DISTINGUISHER = "allocate_route_distinguisher"
ATTACHMENT_MODE = "attachment_mode"
ATTACHMENT_MODES = ("distributed", "gateway")
PROVIDER_EDGE = "provider_edge"
PROVIDER_EDGES = "provider_edges"


def _read_only() -> dict[str, Any]:
    return {
        "allow_post": False,
        "allow_put": False,
        "is_visible": True,
        "is_filter": True,
        "is_sort_key": True,
        "enforce_policy": True,
    }


def _choice_of_a_new_one() -> dict[str, Any]:
    return {
        **_read_only(),
        "allow_post": True,
        "default": False,
        "convert_to": converters.convert_to_boolean,
    }


def _states() -> dict[str, Any]:
    return {
        STATUS: _read_only(),
        STATUS_REASON: _read_only(),
        ADMIN_STATE_UP: {
            **_read_only(),
            "allow_post": True,
            "allow_put": True,
            "default": True,
            "convert_to": converters.convert_to_boolean,
        },
    }


_PARENT = {"collection_name": bgpvpn.COLLECTION_NAME, "member_name": bgpvpn.RESOURCE_NAME}
_ASSOCIATIONS = ("network_associations", "router_associations", "port_associations")
_FIGURES = (
    *("name", "address", STATUS, STATUS_REASON, "last_error"),
    *("generation_asked", "generation_in_force"),
    *("routes_sent", "routes_received", "labels"),
)

RESOURCE_ATTRIBUTE_MAP: dict[str, Any] = {
    bgpvpn.COLLECTION_NAME: {
        **_states(),
        MTU: {**_read_only(), "convert_to": converters.convert_to_int},
        ALLOCATE_ROUTE_TARGET: _choice_of_a_new_one(),
        ALLOCATE_ROUTE_DISTINGUISHER: _choice_of_a_new_one(),
    }
}
SUB_RESOURCE_ATTRIBUTE_MAP: dict[str, Any] = {
    collection: {"parent": _PARENT, "parameters": _states()} for collection in _ASSOCIATIONS
}
SUB_RESOURCE_ATTRIBUTE_MAP[bgpvpn.NETWORK_ASSOCIATIONS]["parameters"][ATTACHMENT_MODE] = {
    **_read_only(),
    "allow_post": True,
    "allow_put": True,
    "default": None,
    "validate": {"type:values": (None, *ATTACHMENT_MODES)},
}
SUB_RESOURCE_ATTRIBUTE_MAP[PROVIDER_EDGES] = {
    "parent": _PARENT,
    "parameters": {
        "id": {**_read_only(), "primary_key": True},
        **{name: _read_only() for name in _FIGURES},
    },
}
ACTION_MAP: dict[str, Any] = {}
ACTION_STATUS: dict[str, Any] = {}
REQUIRED_EXTENSIONS = [bgpvpn.ALIAS]
# Before it there are no port associations to add to.
OPTIONAL_EXTENSIONS = [bgpvpn_routes_control.ALIAS]
