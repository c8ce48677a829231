# SPDX-License-Identifier: Apache-2.0
"""How far something is, by what the API says of it: done, to be waited for, or failed.

status                      what Heat does
none (another plug-in's)    done
ACTIVE                      done
DOWN, as asked              done
ERROR                       fails with the API's sentence
PENDING_DELETE              fails: it is going
anything else               waits; with ``fail``, fails if a site can't be reached
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any


class FailurePolicy(StrEnum):
    """What a stack does where a site can't be reached."""

    WAIT = "wait"
    """It waits, as long as the stack's timeout lets it."""
    FAIL = "fail"
    """It fails and names the site; another attempt goes on from there."""


@dataclass(frozen=True, slots=True)
class Failed(Exception):
    """It won't come by waiting.

    Attributes:
        status: in the API's words.
        reason: a sentence.
    """

    status: str
    reason: str


def is_done(shown: Mapping[str, Any]) -> bool:
    """Whether what was asked for is in force, of something that is in one site.

    Args:
        shown: the resource, as the API shows it.

    Raises:
        Failed: it won't be.
    """
    status = str(shown.get("status") or "ACTIVE").upper()
    if status in ("ERROR", "PENDING_DELETE"):
        raise Failed(status, str(shown.get("status_reason") or "The API gives no reason."))
    if shown.get("admin_state_up") is False:
        return status == "DOWN"
    return status in ("ACTIVE", "DEGRADED")


def is_done_everywhere(
    shown: Mapping[str, Any], sites: Iterable[Mapping[str, Any]], policy: str
) -> bool:
    """Whether what was asked for is in force, at all sites of what spans several.

    Args:
        shown: the resource, as the API shows it.
        sites: all sites, as the API shows them; looked at only where they count.
        policy: what to do where one can't be reached.

    Raises:
        Failed: it won't be, or the policy waits for no site.
    """
    is_down_as_asked = shown.get("admin_state_up") is False
    if is_done(shown) and (is_down_as_asked or shown.get("status") == "ACTIVE"):
        return True
    if not is_done(shown) and policy == FailurePolicy.WAIT:
        return False
    try:
        is_reached(shown.get("members") or (), sites)
    except Failed:
        if policy == FailurePolicy.FAIL:
            raise
        return False
    return is_done(shown)


def is_gone(shown: Mapping[str, Any] | None) -> bool:
    """Whether what was to be deleted is gone, everywhere.

    Args:
        shown: the resource, as the API shows it; None if it shows none.

    Raises:
        Failed: the deletion was refused by whoever had to be asked.
    """
    if shown is None:
        return True
    status = str(shown.get("status") or "PENDING_DELETE").upper()
    if status in ("PENDING_DELETE", "PENDING"):
        return False
    raise Failed(status, str(shown.get("status_reason") or "It was not deleted."))


def sentence_of(shown: Mapping[str, Any]) -> str:
    """Return how far something is, in the API's words.

    Args:
        shown: the resource, as the API shows it.
    """
    return f"{shown.get('status')}: {shown.get('status_reason') or 'no reason is given.'}"


def is_reached(members: Iterable[str], sites: Iterable[Mapping[str, Any]]) -> bool:
    """Whether every member can be reached.

    Args:
        members: names of sites.
        sites: all sites, as the API shows them.

    Raises:
        Failed: one can't; the sentence names it.
    """
    wanted = set(members)
    for site in sites:
        liveness = str(site.get("liveness") or "UP")
        if site.get("name") in wanted and site.get("state") != "OWN" and liveness != "UP":
            since = f" since {site['liveness_since']}" if site.get("liveness_since") else ""
            raise Failed(liveness, f"The site {site['name']} can't be reached{since}.")
    return True
