# SPDX-License-Identifier: Apache-2.0
"""Request bodies of virtual tenant networks, and of what is done with sites, as values, checked."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from isthmus.api.definitions.interconnect_site import DAY_S, LONGEST_S, SHORTEST_S
from isthmus.model.errors import InvalidValue
from isthmus.model.ip import IpPrefix
from isthmus.model.vtn.documents import Change
from isthmus.plugin import validate as texts
from isthmus.plugin.vtn import validate


@dataclass(frozen=True, slots=True)
class NewVtn:
    """A VTN that is asked for.

    Attributes:
        members: names of sites, each once; empty for the one that is asked.
    """

    project_id: str
    name: str
    description: str
    prefixes: tuple[IpPrefix, ...]
    members: tuple[str, ...]
    is_up: bool


def read_new(body: Mapping[str, Any]) -> NewVtn:
    """Read the body of a creation.

    Raises:
        InvalidValue: a value that no VTN may have.
    """
    project_id = body.get("project_id") or body.get("tenant_id") or ""
    texts.check_text("project_id", project_id)
    if not project_id:
        raise InvalidValue("Whose the network is to be is not said: give 'project_id'.")
    validate.check_type(body["type"])
    change = read_change(body)
    return NewVtn(
        project_id=project_id,
        name=change.name or "",
        description=change.description or "",
        prefixes=change.prefixes or (),
        members=tuple(dict.fromkeys(body["members"] or ())),
        is_up=bool(body["admin_state_up"]),
    )


def read_change(body: Mapping[str, Any]) -> Change:
    """Read the body of a change; what it leaves out stays as it is.

    Raises:
        InvalidValue: a value that no VTN may have.
    """
    validate.check_service(body.get("class_of_service"), body.get("rate_kbps"))
    texts.check_text("name", body.get("name"))
    texts.check_narrow_text("description", body.get("description"))
    prefixes = None
    if "prefixes" in body:
        prefixes = validate.read_prefixes(body["prefixes"] or [])
    return Change(
        name=body.get("name"),
        description=body.get("description"),
        prefixes=prefixes,
        admin_state_up=body.get("admin_state_up"),
    )


def read_names(body: Mapping[str, Any], attribute: str) -> tuple[str, ...]:
    """Read a list of names that may be left out.

    Raises:
        InvalidValue: it is none.
    """
    value = body.get(attribute, [])
    if not isinstance(value, list) or not all(isinstance(each, str) for each in value):
        raise InvalidValue(f"'{attribute}' is not a list of names.")
    for each in value:
        texts.check_text(attribute, each)
    return tuple(value)


def read_expiry(body: Mapping[str, Any]) -> int:
    """Read for how many seconds an invitation is to be good, which may be left out.

    Raises:
        InvalidValue: for none that it may be.
    """
    seconds = body.get("expires_in", DAY_S)
    is_number = isinstance(seconds, int) and not isinstance(seconds, bool)
    if not is_number or not SHORTEST_S <= seconds <= LONGEST_S:
        raise InvalidValue(f"'expires_in' is a number of seconds from {SHORTEST_S} to {LONGEST_S}.")
    return int(seconds)
