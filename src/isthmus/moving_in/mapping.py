# SPDX-License-Identifier: Apache-2.0
"""What their rows are in the words of the API: bodies of the requests that would make them anew.

Pure. The API's own checks then decide of them, so nothing is here that could not be asked for.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping
from typing import Any

from isthmus.model.errors import InvalidValue
from isthmus.moving_in.theirs import TheirAssociation, TheirRoute, TheirVpn

_LISTS = ("route_targets", "import_targets", "export_targets", "route_distinguishers")
_ADVERTISING = {"router": "advertise_extra_routes", "port": "advertise_fixed_ips"}
MAX_LOCAL_PREF = 2**32 - 1


def vpn_body(vpn: TheirVpn) -> dict[str, Any]:
    """Return the body that makes a VPN.

    Raises:
        InvalidValue: it has no project, or a preference that BGP can't carry (RFC 4271 §5.1.5).
    """
    if not vpn.project_id:
        raise InvalidValue("It belongs to no project.")
    _check_local_pref(vpn.local_pref)
    return {
        "project_id": vpn.project_id,
        "name": vpn.name or "",
        "type": vpn.type,
        "vni": vpn.vni,
        "local_pref": vpn.local_pref,
        "description": vpn.attributes.description or "",
        **{name: split(getattr(vpn, name)) for name in _LISTS},
    }


def split(text: str | None) -> list[str]:
    """Return the values of a column that holds a list.

    >>> split("64500:1, 64500:2"), split(None), split("")
    (['64500:1', '64500:2'], [], [])
    """
    return [part.strip() for part in (text or "").split(",") if part.strip()]


def association_body(association: TheirAssociation, taken: frozenset[str]) -> dict[str, Any]:
    """Return the body that makes an association.

    Args:
        association: theirs.
        taken: the VPNs that are here.

    Raises:
        InvalidValue: a route leads to a VPN that is not here.
    """
    body: dict[str, Any] = {
        f"{association.kind}_id": association.target_id,
        "project_id": association.project_id,
        "description": association.attributes.description or "",
    }
    if association.kind in _ADVERTISING:
        body[_ADVERTISING[association.kind]] = association.is_advertising
    if association.kind == "port":
        body["routes"] = [_route_body(route, taken) for route in association.routes]
    return body


def _route_body(route: TheirRoute, taken: frozenset[str]) -> dict[str, Any]:
    _check_local_pref(route.local_pref)
    body: dict[str, Any] = {"type": route.type, "local_pref": route.local_pref}
    if route.type != "bgpvpn":
        return body | {"prefix": route.prefix}
    if route.bgpvpn_id not in taken:
        raise InvalidValue(f"A route of it leads to BGP VPN {route.bgpvpn_id}, which is not here.")
    return body | {"bgpvpn_id": route.bgpvpn_id}


def _check_local_pref(preference: int | None) -> None:
    if preference is not None and not 0 <= preference <= MAX_LOCAL_PREF:
        raise InvalidValue(f"{preference} is not a local preference (0 to {MAX_LOCAL_PREF}).")


def find_shared_targets(vpns: Iterable[TheirVpn]) -> Mapping[str, tuple[str, ...]]:
    """Return the route targets that VPNs of several projects name, each with those VPNs.

    They merge tenants: meant for an extranet, a mistake otherwise.
    """
    named: dict[str, dict[str, set[str]]] = defaultdict(lambda: defaultdict(set))
    for vpn in vpns:
        for name in _LISTS[:3]:
            for target in split(getattr(vpn, name)):
                named[target][vpn.project_id or ""].add(vpn.id)
    return {
        target: tuple(sorted(set().union(*projects.values())))
        for target, projects in sorted(named.items())
        if len(projects) > 1
    }
