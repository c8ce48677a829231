# SPDX-License-Identifier: Apache-2.0
"""Sites that virtual tenant networks may span (alias ``interconnect-site``).

A site becomes another's peer by an invitation made at one of them and accepted at the other, once
both have confirmed it. Tenants see names and states. What happened to sites, and to what spans
them, is told in ``interconnect_events``, for administrators.
"""

from typing import Any

from neutron_lib.api import converters
from neutron_lib.api.definitions import bgpvpn

from isthmus.api.definitions import virtual_tenant_network as vtn
from isthmus.api.definitions.integers import to_integer_or_none
from isthmus.api.definitions.standard_attributes import attributes as standard_attributes
from isthmus.api.definitions.virtual_tenant_network import given, read_only

ALIAS = "interconnect-site"
IS_SHIM_EXTENSION = False
IS_STANDARD_ATTR_EXTENSION = False
NAME = "Interconnected sites"
DESCRIPTION = "Sites that virtual tenant networks may span, and how they are joined"
UPDATED_TIMESTAMP = "2026-11-23T00:00:00-00:00"
API_PREFIX = vtn.API_PREFIX

SITE, SITES = "interconnect_site", "interconnect_sites"
EVENT, EVENTS = "interconnect_event", "interconnect_events"
INVITE, CONFIRM, REVOKE, ROTATE, RECOVER = "invite", "confirm", "revoke", "rotate", "recover"
ACTIONS = (INVITE, CONFIRM, REVOKE, ROTATE, RECOVER)
# What a tenant sees of a site; the rest is the operators'.
PUBLIC = frozenset({"id", "name", "state", "liveness", "liveness_since"})
MAX_INVITATION = 16384
DAY_S = 86400
#: For how long an invitation may be good: at least, at most.
SHORTEST_S, LONGEST_S = 60, 30 * DAY_S

RESOURCE_ATTRIBUTE_MAP: dict[str, Any] = {
    SITES: {
        "id": {**read_only(), "primary_key": True},
        "name": given(may_change=False, validate={"type:not_empty_string": vtn.MAX_SITE_NAME}),
        "invitation": given(
            may_change=False,
            is_sort_key=False,
            is_filter=False,
            default=None,
            validate={"type:string_or_none": MAX_INVITATION},
        ),
        "expires_in": given(
            may_change=False,
            is_visible=False,
            is_sort_key=False,
            is_filter=False,
            default=DAY_S,
            convert_to=to_integer_or_none,
            validate={"type:range": [SHORTEST_S, LONGEST_S]},
        ),
        "shares_identity": given(default=True, convert_to=converters.convert_to_boolean),
        "projects": given(
            default={}, is_sort_key=False, is_filter=False, validate={"type:dict": None}
        ),
        "state": read_only(),
        "liveness": read_only(),
        "liveness_since": read_only(is_filter=False),
        "reason": read_only(is_sort_key=False, is_filter=False),
        "endpoints": read_only(is_sort_key=False, is_filter=False),
        "as_number": {**read_only(), "convert_to": to_integer_or_none},
        "heard_at": read_only(is_filter=False),
        "certificate_expires_at": read_only(is_filter=False),
        "asked": read_only(),
        "asked_at": read_only(is_filter=False),
        "done_at": read_only(is_filter=False),
        # The default keeps Neutron's controller from asking for it without need.
        "recovery": {**read_only(is_sort_key=False, is_filter=False), "default": ""},
        **standard_attributes(),
    },
    EVENTS: {
        "id": {**read_only(), "primary_key": True},
        **{
            name: read_only()
            for name in ("created_at", "site", "virtual_tenant_network_id", "sentence")
        },
    },
}
SUB_RESOURCE_ATTRIBUTE_MAP: dict[str, Any] = {}
ACTION_MAP: dict[str, Any] = {SITES: dict.fromkeys(ACTIONS, "PUT")}
ACTION_STATUS: dict[str, Any] = {}
REQUIRED_EXTENSIONS = [bgpvpn.ALIAS, vtn.ALIAS]
OPTIONAL_EXTENSIONS: list[str] = []
