# SPDX-License-Identifier: Apache-2.0
"""``OS::Neutron::BGPVPN`` and the API's ``bgpvpns``.

What is not given is not sent, so that a Neutron with networking-bgpvpn understands it too.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

_LISTS = ("route_targets", "import_targets", "export_targets", "route_distinguishers")
CHANGEABLE = ("name", "description", "local_pref", "admin_state_up", *_LISTS)
# What the operator's pools give stands in the list beside what was given.
_ALLOCATED = {
    "route_targets": "allocate_route_target",
    "route_distinguishers": "allocate_route_distinguisher",
}
# Left out, they mean the same.
_DEFAULTS = {"admin_state_up": True, **dict.fromkeys(_ALLOCATED.values(), False)}
_GIVEN = (*CHANGEABLE, "type", "vni", *_ALLOCATED.values())


def body_of(properties: Mapping[str, Any], name: str) -> dict[str, Any]:
    """Return the body of a creation.

    Args:
        properties: as resolved.
        name: what it is called if they name none.
    """
    body = {
        key: properties[key]
        for key in _GIVEN
        if properties.get(key) is not None and properties[key] != _DEFAULTS.get(key)
    }
    if properties.get("tenant_id") is not None:
        body["project_id"] = properties["tenant_id"]
    body["name"] = properties.get("name") or name
    return body


def change_of(
    difference: Mapping[str, Any],
    name: str,
    before: Mapping[str, Any],
    shown: Mapping[str, Any],
) -> dict[str, Any]:
    """Return the body of a change.

    Args:
        difference: the properties that are new, None for one that the template no longer has.
        name: what it is called if they name none.
        before: all properties, as they were.
        shown: the VPN, as the API shows it.
    """
    body = {key: difference[key] for key in CHANGEABLE if key in difference}
    defaults = {"name": name, "description": "", "admin_state_up": True}
    for key, default in (*defaults.items(), *((key, []) for key in _LISTS)):
        if key in body and body[key] is None:
            body[key] = default
    for key, asked in _ALLOCATED.items():
        if key in body and before.get(asked):
            given = before.get(key) or ()
            body[key] = [
                *body[key],
                *(e for e in shown.get(key) or () if e not in given and e not in body[key]),
            ]
    return body


def live(properties: Mapping[str, Any], shown: Mapping[str, Any]) -> dict[str, Any]:
    """Return the properties that the API shows, where they are not what the template says.

    What a template leaves to the API is the API's, and so is what pools gave.

    Args:
        properties: as the template has them.
        shown: the VPN, as the API shows it.
    """
    found = {}
    for key in (*CHANGEABLE, "tags"):
        wanted, has = properties.get(key), shown.get(key)
        if wanted is None or key not in shown:
            continue
        if isinstance(has, list):
            missing, more = set(wanted) - set(has), set(has) - set(wanted)
            is_pools = bool(properties.get(_ALLOCATED.get(key, ""))) and len(more) == 1
            if not missing and (not more or is_pools):
                continue
        if wanted != has:
            found[key] = has
    return found
