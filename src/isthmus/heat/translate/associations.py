# SPDX-License-Identifier: Apache-2.0
"""``OS::Neutron::BGPVPN-…-ASSOCIATION`` and the API's associations of a VPN."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

# What a property that is left out means; sent only where something else is said.
DEFAULTS: Mapping[str, Any] = {
    "admin_state_up": True,
    "advertise_extra_routes": True,
    "advertise_fixed_ips": True,
    "attachment_mode": None,
    "description": "",
    "routes": [],
}
_PREFIX, _VPN = "prefix", "bgpvpn"


def body_of(properties: Mapping[str, Any], target: str) -> dict[str, Any]:
    """Return the body of a creation.

    Args:
        properties: as resolved.
        target: name of the property that says what is associated.
    """
    body = {target: properties[target]}
    for key, default in DEFAULTS.items():
        given = properties.get(key)
        if given is not None and given != default:
            body[key] = routes_of(given) if key == "routes" else given
    return body


def change_of(difference: Mapping[str, Any]) -> dict[str, Any]:
    """Return the body of a change.

    Args:
        difference: the properties that are new, None for one that the template no longer has.
    """
    body = {}
    for key, default in DEFAULTS.items():
        if key not in difference:
            continue
        given = default if difference[key] is None else difference[key]
        body[key] = routes_of(given) if key == "routes" else given
    return body


def routes_of(routes: Iterable[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """Return routes as the API takes them: of each only what belongs to its type."""
    found = []
    for route in routes:
        subject = "prefix" if route["type"] == _PREFIX else "bgpvpn_id"
        body = {"type": route["type"], subject: route.get(subject)}
        if route.get("local_pref") is not None:
            body["local_pref"] = route["local_pref"]
        found.append(body)
    return found


def check_routes(routes: Iterable[Mapping[str, Any]]) -> str:
    """Return what is wrong with routes, a sentence; empty if nothing is."""
    for route in routes:
        if route.get("type") == _PREFIX and not route.get("prefix"):
            return "A route of type prefix needs a prefix."
        if route.get("type") == _VPN and not route.get("bgpvpn_id"):
            return "A route of type bgpvpn needs a bgpvpn_id."
    return ""


def live(properties: Mapping[str, Any], shown: Mapping[str, Any]) -> dict[str, Any]:
    """Return the properties that the API shows, where they are not what the template says.

    Args:
        properties: as the template has them.
        shown: the association, as the API shows it.
    """
    found = {}
    for key in DEFAULTS:
        wanted = properties.get(key)
        if wanted is None or key not in shown:
            continue
        if key == "routes":
            is_same = _ordered(routes_of(wanted)) == _ordered(routes_of(shown[key] or ()))
        else:
            is_same = wanted == shown[key]
        if not is_same:
            found[key] = shown[key]
    return found


def _ordered(routes: Iterable[Mapping[str, Any]]) -> list[list[tuple[str, str]]]:
    return sorted(sorted((key, str(value)) for key, value in route.items()) for route in routes)
