# SPDX-License-Identifier: Apache-2.0
"""The VNI of a VPN (alias ``bgpvpn-vni``): neutron-lib's definition, able to filter and sort.

The VNI is kept and shown. It takes effect only where VXLAN is the encapsulation.
"""

import copy
from typing import Any

from neutron_lib.api.definitions import bgpvpn, bgpvpn_vni

from isthmus.api.definitions.integers import to_integer_or_none

ALIAS = bgpvpn_vni.ALIAS
IS_SHIM_EXTENSION = False
IS_STANDARD_ATTR_EXTENSION = False
NAME = bgpvpn_vni.NAME
DESCRIPTION = bgpvpn_vni.DESCRIPTION
UPDATED_TIMESTAMP = bgpvpn_vni.UPDATED_TIMESTAMP
API_PREFIX = bgpvpn_vni.API_PREFIX

RESOURCE_ATTRIBUTE_MAP: dict[str, Any] = copy.deepcopy(bgpvpn_vni.RESOURCE_ATTRIBUTE_MAP)
RESOURCE_ATTRIBUTE_MAP[bgpvpn.COLLECTION_NAME][bgpvpn_vni.VNI] |= {
    "is_filter": True,
    "is_sort_key": True,
    "convert_to": to_integer_or_none,
}
SUB_RESOURCE_ATTRIBUTE_MAP: dict[str, Any] = {}
ACTION_MAP: dict[str, Any] = {}
ACTION_STATUS: dict[str, Any] = {}
REQUIRED_EXTENSIONS = [bgpvpn.ALIAS]
OPTIONAL_EXTENSIONS: list[str] = []
