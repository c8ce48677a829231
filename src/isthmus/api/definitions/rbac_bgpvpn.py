# SPDX-License-Identifier: Apache-2.0
"""VPNs that other projects may use (alias ``rbac-bgpvpn``): neutron-lib's definition.

``shared`` is asked by the policy that lets other projects see a VPN.
"""

import copy
from typing import Any

from neutron_lib.api.definitions import bgpvpn, rbac_bgpvpn

ALIAS = rbac_bgpvpn.ALIAS
IS_SHIM_EXTENSION = False
IS_STANDARD_ATTR_EXTENSION = False
NAME = rbac_bgpvpn.NAME
DESCRIPTION = rbac_bgpvpn.DESCRIPTION
UPDATED_TIMESTAMP = rbac_bgpvpn.UPDATED_TIMESTAMP
API_PREFIX = bgpvpn.API_PREFIX

RESOURCE_ATTRIBUTE_MAP: dict[str, Any] = copy.deepcopy(rbac_bgpvpn.RESOURCE_ATTRIBUTE_MAP)
RESOURCE_ATTRIBUTE_MAP[bgpvpn.COLLECTION_NAME]["shared"]["required_by_policy"] = True
SUB_RESOURCE_ATTRIBUTE_MAP: dict[str, Any] = {}
ACTION_MAP: dict[str, Any] = {}
ACTION_STATUS: dict[str, Any] = {}
REQUIRED_EXTENSIONS = list(rbac_bgpvpn.REQUIRED_EXTENSIONS)
OPTIONAL_EXTENSIONS: list[str] = []
