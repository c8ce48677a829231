# SPDX-License-Identifier: Apache-2.0
"""``OS::Isthmus::InterconnectedServer`` and the compute API's ``servers``; where one is put."""

from __future__ import annotations

import base64
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from operator import attrgetter
from typing import Any

# By it a server is found again that was made just before the engine died.
MARK = "isthmus_resource"
# Of the network's members, those that a server can be put on.
_USABLE = ("ACTIVE", "DEGRADED")


class Rule(StrEnum):
    """How a site is chosen where none is named."""

    NEAR = "near"
    """The one the stack is made at, if it is a member, else the first by name."""
    SPREAD = "spread"
    """The member with the fewest servers of the stack, the first by name of several."""


@dataclass(frozen=True, slots=True)
class Placed:
    """A server of a stack, as far as the choice of sites goes.

    Attributes:
        number: those made later have greater ones.
        name: in the template; one that takes another's place has the same.
        site: where it is; None if it is still to be chosen, by `Rule.SPREAD`.
    """

    number: int
    name: str
    site: str | None


def near(sites: Iterable[str], own: str) -> str:
    """Return the site for a server by `Rule.NEAR`.

    Args:
        sites: the members.
        own: the site the stack is made at.

    Raises:
        ValueError: the network has no members.
    """
    known = _known(sites)
    return own if own in known else known[0]


def least(sites: Iterable[str], stack: Iterable[Placed], number: int) -> str:
    """Return the site for a server by `Rule.SPREAD`.

    Only servers made before count, so that all those made at once come to the same, in whichever
    order each of them looks.

    Args:
        sites: the members.
        stack: the stack's servers, this one among them.
        number: of the server.

    Raises:
        ValueError: the network has no members.
    """
    known = _known(sites)
    earlier = sorted((one for one in stack if one.number <= number), key=attrgetter("number"))
    where: dict[int, str] = {}
    for each in earlier:
        if each.site is not None and each.number != number:
            where[each.number] = each.site
            continue
        latest = {other.name: other.number for other in earlier if other.number in where}
        latest.pop(each.name, None)
        count = Counter(where[other] for other in latest.values())
        where[each.number] = min(known, key=lambda site: (count[site], site))
    return where[number]


def _known(sites: Iterable[str]) -> list[str]:
    known = sorted(sites)
    if not known:
        raise ValueError("The network has no members.")
    return known


def network_at(members: Iterable[Mapping[str, Any]], site: str) -> str | None:
    """Return the network a server at a site goes on; None if it is not there yet.

    Args:
        members: as the API shows them.
        site: the server's.

    Raises:
        LookupError: the site is no member; or it won't have the network, and why.
    """
    found = [member for member in members if member.get("site") == site]
    if not found:
        raise LookupError(f"The site {site} is no member of the network.")
    member = found[0]
    if member.get("status") == "ERROR":
        raise LookupError(f"{site}: {member.get('status_reason') or 'no reason is given'}")
    is_there = member.get("status") in _USABLE and member.get("network_id")
    return str(member["network_id"]) if is_there else None


def body_of(
    properties: Mapping[str, Any], name: str, networks: Sequence[Mapping[str, Any]], user_data: str
) -> dict[str, Any]:
    """Return the attributes of a server, but for what has ids at its site, and its metadata.

    Args:
        properties: as resolved.
        name: what it is called if they name none.
        networks: what it is on, at its site, as the compute API names it.
        user_data: what it is told, plain.
    """
    body: dict[str, Any] = {"name": properties.get("name") or name, "networks": list(networks)}
    for key in ("key_name", "availability_zone", "config_drive", "scheduler_hints"):
        if properties.get(key) is not None:
            body[key] = properties[key]
    if properties.get("security_groups"):
        body["security_groups"] = [{"name": group} for group in properties["security_groups"]]
    if user_data:
        body["user_data"] = encoded(user_data)
    return body


def encoded(user_data: str) -> str:
    """Return user data as the compute API takes them."""
    return base64.b64encode(user_data.encode()).decode()


def first_address(addresses: Mapping[str, Sequence[Mapping[str, Any]]]) -> str:
    """Return the first address of a server, or an empty text."""
    return next((str(each["addr"]) for found in addresses.values() for each in found), "")


def networks_of(addresses: Mapping[str, Sequence[Mapping[str, Any]]]) -> dict[str, list[str]]:
    """Return a server's addresses by network."""
    return {name: [str(each["addr"]) for each in found] for name, found in addresses.items()}


def why_failed(shown: Mapping[str, Any]) -> str:
    """Return why a server is in error."""
    fault = shown.get("fault") or {}
    return str(fault.get("message") or "The compute service gives no reason.")


def spread(count: int, sites: Sequence[str]) -> dict[str, str | None]:
    """Return where the servers of a group go, by their names within it.

    The first stays where it is, however many there are. Without sites each chooses by itself.
    """
    return {str(n): sites[n % len(sites)] if sites else None for n in range(count)}


def group_template(
    count: int, sites: Sequence[str], properties: Mapping[str, Any]
) -> dict[str, Any]:
    """Return the template of a group's own stack.

    Args:
        count: how many servers.
        sites: which of the network's members; all, by the rule ``spread``, if empty.
        properties: of each server.
    """
    given = _given(properties)
    resources = {
        name: {
            "type": "OS::Isthmus::InterconnectedServer",
            "properties": given | ({"site": site} if site else {"rule": str(Rule.SPREAD)}),
        }
        for name, site in spread(count, sites).items()
    }
    return {"heat_template_version": "2021-04-16", "resources": resources}


def _given(value: Any) -> Any:
    """Return a value without what is left out of it, which Heat would take for empty."""
    if isinstance(value, Mapping):
        return {key: _given(each) for key, each in value.items() if each is not None}
    if isinstance(value, list):
        return [_given(each) for each in value]
    return value
