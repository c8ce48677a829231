# SPDX-License-Identifier: Apache-2.0
"""What is between a server as a template wants it and as the compute API shows it."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Collection, Mapping
from enum import StrEnum
from typing import Any

from isthmus.heat.translate.server import MARK

# What brings a change about, in the order it is asked for: what takes longest comes last.
CHANGEABLE = (
    "name",
    "metadata",
    "tags",
    "networks",
    "security_groups",
    "flavor",
    "image",
)
# Of several properties one thing is made.
_MAKES = {"port": "networks", "fixed_ip": "networks", "user_data": "image"}
# Nothing more is asked of a server meanwhile.
_BUSY = frozenset(
    {"BUILD", "RESIZE", "REVERT_RESIZE", "MIGRATING", "REBUILD", "REBOOT", "HARD_REBOOT"}
)
TO_BE_CONFIRMED = "VERIFY_RESIZE"


class Policy(StrEnum):
    """What is done where a property that is not a server's to change is another."""

    RESIZE = "RESIZE"
    """It gets what the other flavor has."""
    REBUILD = "REBUILD"
    """It starts anew from the image, with its addresses and its id."""
    REPLACE = "REPLACE"
    """Another is made, and this one deleted."""
    IGNORE = "IGNORE"
    """It goes on as it is."""


def to_do(
    changed: Collection[str], policies: Mapping[str, str], *, is_told_already: bool = False
) -> tuple[str, ...]:
    """Return what has to be looked at, in order.

    Args:
        changed: the properties that are others.
        policies: the policies, by property.
        is_told_already: whether the server was told the user data that it is to be told.
    """
    is_left = is_told_already or policies.get("user_data") != Policy.REBUILD
    found = {_MAKES.get(key, key) for key in changed if not (key == "user_data" and is_left)}
    return tuple(key for key in CHANGEABLE if key in found)


def is_busy(status: str, task: str | None) -> bool:
    """Whether a server is at something that has to end first."""
    return bool(task) or status in _BUSY


def is_flavor(shown: Mapping[str, Any], wanted: Mapping[str, Any]) -> bool:
    """Whether a server has a flavor; newer compute APIs show its name alone."""
    if shown.get("original_name") is not None:
        return bool(shown["original_name"] == wanted["name"])
    return bool(shown.get("id") == wanted["id"])


def metadata_of(given: Mapping[str, Any] | None, mark: str) -> dict[str, str]:
    """Return a server's metadata: texts, with what it is found again by.

    Args:
        given: of the template; what is no text becomes JSON.
        mark: what it is found again by.
    """
    words = {
        key: value if isinstance(value, str) else json.dumps(value)
        for key, value in (given or {}).items()
    }
    return {**words, MARK: mark}


def digest(user_data: str) -> str:
    """Return by what it is remembered what a server was told."""
    return hashlib.sha256(user_data.encode()).hexdigest()


def live(properties: Mapping[str, Any], shown: Mapping[str, Any]) -> dict[str, Any]:
    """Return the words of a server that are not as the template says.

    Args:
        properties: as the template has them.
        shown: the server, as the compute API shows it.
    """
    found: dict[str, Any] = {}
    if properties.get("name") and shown.get("name") != properties["name"]:
        found["name"] = shown.get("name")
    has = {key: value for key, value in (shown.get("metadata") or {}).items() if key != MARK}
    wanted = metadata_of(properties.get("metadata"), "")
    del wanted[MARK]
    if has != wanted:
        found["metadata"] = has
    if set(properties.get("tags") or ()) != set(shown.get("tags") or ()):
        found["tags"] = list(shown.get("tags") or ())
    return found
