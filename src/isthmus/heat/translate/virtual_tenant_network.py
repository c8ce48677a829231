# SPDX-License-Identifier: Apache-2.0
"""``OS::Isthmus::VirtualTenantNetwork`` and the API's ``virtual_tenant_networks``."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

CHANGEABLE = ("name", "description", "prefixes", "admin_state_up", "class_of_service", "rate_kbps")
_GIVEN = (*CHANGEABLE, "type", "members", "project_id")
# Of a member, what templates may read.
_OF_MEMBER = (
    "network_id",
    "subnet_ids",
    "prefixes",
    "site_project_id",
    "acceptance",
    "status",
    "status_reason",
)


@dataclass(frozen=True, slots=True)
class Change:
    """What a change of the template asks of the API.

    Attributes:
        body: of the network's own attributes.
        to_add: members to be, in order.
        to_remove: members to be no more, in order.
        tags: all it has to have; None if they stay.
    """

    body: Mapping[str, Any]
    to_add: tuple[str, ...] = ()
    to_remove: tuple[str, ...] = ()
    tags: tuple[str, ...] | None = None


def body_of(properties: Mapping[str, Any], name: str) -> dict[str, Any]:
    """Return the body of a creation.

    Args:
        properties: as resolved.
        name: what it is called if they name none.
    """
    body = {key: properties[key] for key in _GIVEN if properties.get(key) is not None}
    body["name"] = properties.get("name") or name
    return body


def change_of(
    difference: Mapping[str, Any], name: str, present: Iterable[str], own_site: str
) -> Change:
    """Return what is to be asked for when properties change.

    Args:
        difference: the properties that are new, None for one that the template no longer has.
        name: what it is called if they name none.
        present: its members as the API shows them.
        own_site: the site that is asked, the only member unless others are named.
    """
    body = {key: difference[key] for key in CHANGEABLE if key in difference}
    for key, default in (("name", name), ("description", ""), ("admin_state_up", True)):
        if key in body and body[key] is None:
            body[key] = default
    tags = tuple(difference["tags"] or ()) if "tags" in difference else None
    if "members" not in difference:
        return Change(body, tags=tags)
    wanted, has = list(difference["members"] or [own_site]), list(present)
    return Change(
        body,
        tuple(site for site in wanted if site not in has),
        tuple(site for site in has if site not in wanted),
        tags,
    )


def live(properties: Mapping[str, Any], shown: Mapping[str, Any]) -> dict[str, Any]:
    """Return the properties that the API shows, where they are not what the template says.

    What a template leaves to the API is the API's; of lists the order means nothing.

    Args:
        properties: as the template has them.
        shown: the network, as the API shows it.
    """
    found = {}
    for key in (*CHANGEABLE, "members", "tags"):
        wanted = properties.get(key)
        is_left = wanted is None and key not in ("tags",)
        if is_left or key not in shown or _same(wanted, shown[key]):
            continue
        found[key] = shown[key]
    return found


def members_by_site(members: Iterable[Mapping[str, Any]]) -> dict[str, dict[str, Any]]:
    """Return the attribute ``members``: what each site made, by its name."""
    return {str(member["site"]): {key: member.get(key) for key in _OF_MEMBER} for member in members}


def _same(wanted: Any, shown: Any) -> bool:
    if isinstance(shown, list):
        return sorted(map(str, wanted or ())) == sorted(map(str, shown))
    return bool(wanted == shown)
