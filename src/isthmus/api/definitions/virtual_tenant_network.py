# SPDX-License-Identifier: Apache-2.0
"""Virtual tenant networks, VTNs (alias ``virtual-tenant-network``): one network, many sites.

- ``virtual_tenant_networks``: asked for once, at any site; each member site makes its own part;
- ``members`` of a VTN: its sites, with what each was given and what it made of it.
"""

from typing import Any

from neutron_lib.api import converters
from neutron_lib.api.definitions import bgpvpn
from neutron_lib.db import constants as db_const

from isthmus.api.definitions.integers import to_integer_or_none
from isthmus.api.definitions.standard_attributes import attributes as standard_attributes
from isthmus.api.definitions.standard_attributes import tags
from isthmus.api.definitions.text import NARROW
from isthmus.model.vtn.documents import VtnType

ALIAS = "virtual-tenant-network"
IS_SHIM_EXTENSION = False
IS_STANDARD_ATTR_EXTENSION = False
NAME = "Virtual tenant networks"
DESCRIPTION = "Networks that span sites, each site making its own part"
UPDATED_TIMESTAMP = "2026-11-23T00:00:00-00:00"
API_PREFIX = "/vtn"

VTN, VTNS = "virtual_tenant_network", "virtual_tenant_networks"
MEMBER, MEMBERS = "member", "members"
TAKE_OVER, ACCEPT, REFUSE = "take_over", "accept", "refuse"
PARENT = {"collection_name": VTNS, "member_name": VTN}
MAX_SITE_NAME = 63
MAX_PREFIX = 43


def read_only(*, is_sort_key: bool = True, is_filter: bool = True) -> dict[str, Any]:
    """Return an attribute that clients only read."""
    return {
        "allow_post": False,
        "allow_put": False,
        "is_visible": True,
        "is_filter": is_filter,
        "is_sort_key": is_sort_key,
        "enforce_policy": True,
    }


def given(*, may_change: bool = True, **properties: Any) -> dict[str, Any]:
    """Return an attribute that clients give."""
    return {**read_only(), "allow_post": True, "allow_put": may_change, **properties}


def _project() -> dict[str, Any]:
    size = db_const.PROJECT_ID_FIELD_SIZE
    return given(
        may_change=False,
        validate={"type:string": size, NARROW: None},
        required_by_policy=True,
    )


def _class_and_rate() -> dict[str, Any]:
    return {
        "class_of_service": given(default=None, validate={"type:string_or_none": 64}),
        "rate_kbps": given(default=None, convert_to=to_integer_or_none),
    }


_VTN_PROJECT = _project()
_MEMBER_PROJECT = _project()

RESOURCE_ATTRIBUTE_MAP: dict[str, Any] = {
    VTNS: {
        "id": {**read_only(), "primary_key": True},
        "tenant_id": _VTN_PROJECT,
        "project_id": _VTN_PROJECT,
        "name": given(default="", validate={"type:string": db_const.NAME_FIELD_SIZE}),
        "type": given(
            may_change=False, default=str(VtnType.L3), validate={"type:values": list(VtnType)}
        ),
        "prefixes": given(is_sort_key=False, validate={"type:list_of_unique_strings": MAX_PREFIX}),
        MEMBERS: given(
            may_change=False,
            is_sort_key=False,
            default=[],
            validate={"type:list_of_unique_strings": MAX_SITE_NAME},
        ),
        "admin_state_up": given(default=True, convert_to=converters.convert_to_boolean),
        **_class_and_rate(),
        "owner_site": read_only(),
        "network_id": read_only(is_sort_key=False),
        "status": read_only(),
        "status_reason": read_only(),
        "epoch": {**read_only(), "convert_to": to_integer_or_none},
        "generation": {**read_only(), "convert_to": to_integer_or_none},
        "notice": read_only(is_sort_key=False, is_filter=False),
        **standard_attributes(),
        **tags(),
    }
}
SUB_RESOURCE_ATTRIBUTE_MAP: dict[str, Any] = {
    MEMBERS: {
        "parent": PARENT,
        "parameters": {
            "id": {**read_only(), "primary_key": True},
            "tenant_id": _MEMBER_PROJECT,
            "project_id": _MEMBER_PROJECT,
            "site": given(may_change=False, validate={"type:not_empty_string": MAX_SITE_NAME}),
            "site_project_id": given(
                may_change=False,
                default=None,
                validate={"type:string_or_none": db_const.PROJECT_ID_FIELD_SIZE},
            ),
            "acceptance": read_only(),
            "prefixes": read_only(is_sort_key=False),
            "network_id": read_only(),
            "subnet_ids": read_only(is_sort_key=False),
            "bgpvpn_id": read_only(),
            "class_of_service": read_only(),
            "rate_kbps": {**read_only(), "convert_to": to_integer_or_none},
            "status": read_only(),
            "status_reason": read_only(),
            "drift": read_only(is_sort_key=False, is_filter=False),
            "heard_at": read_only(is_filter=False),
        },
    }
}
ACTION_MAP: dict[str, Any] = {VTNS: {TAKE_OVER: "PUT"}, MEMBERS: {ACCEPT: "PUT", REFUSE: "PUT"}}
ACTION_STATUS: dict[str, Any] = {}
REQUIRED_EXTENSIONS = [bgpvpn.ALIAS]
OPTIONAL_EXTENSIONS: list[str] = []
