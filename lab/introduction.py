# SPDX-License-Identifier: Apache-2.0
"""The lab's sites join each other as their operators would have them: by invitation.

One invites, the other accepts, the first confirms; their daemons do the rest.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import partial
from itertools import combinations
from typing import Any

from lab import clouds
from lab.topology import Topology
from lab.waiting import wait_until

_PATH, _ENVELOPE = "/vtn/interconnect_sites", "interconnect_site"
_PATIENCE_S = 60
_PENDING, _CONFIRMED, _REVOKED = "PENDING", "CONFIRMED", "REVOKED"


@dataclass(frozen=True, slots=True)
class Party:
    """A site that is to be joined with another.

    Attributes:
        name: its name.
        operator: openstacksdk's network API, as its administrator.
        says: of the other, beside what it is called: whose its projects are.
    """

    name: str
    operator: Any
    says: Mapping[str, object] = field(default_factory=dict)


def ensure_introduced(topology: Topology) -> None:
    """Have every site know every other; all daemons and APIs have to run."""
    parties = [
        Party(site.name, clouds.connect(topology, site.name).network) for site in topology.sites
    ]
    for host, guest in combinations(parties, 2):
        introduce(host, guest)


def introduce(host: Party, guest: Party) -> str:
    """Have one site invite another, and both confirm; what is done already is not done again.

    Returns:
        The invitation; empty if none was needed.
    """
    invitation = ""
    if _state(guest.operator, host.name) in (None, _REVOKED):
        invitation = _invite(host, guest.name)
        body = {"name": host.name, "invitation": invitation, **guest.says}
        _call(guest.operator.post, _PATH, {_ENVELOPE: body})
    if _state(host.operator, guest.name) != _CONFIRMED:
        answered = partial(_has_state, host.operator, guest.name, _PENDING)
        wait_until(answered, _PATIENCE_S, f"{guest.name}'s answer to {host.name}")
        _call(host.operator.put, f"{_PATH}/{guest.name}/confirm", {})
    for party, name in ((host, guest.name), (guest, host.name)):
        is_confirmed = partial(_has_state, party.operator, name, _CONFIRMED)
        wait_until(is_confirmed, _PATIENCE_S, f"{name} to be a peer")
    return invitation


def _invite(host: Party, name: str) -> str:
    """Return an invitation; one that was lost on the way is replaced."""
    if _state(host.operator, name) is None:
        body = {_ENVELOPE: {"name": name, **host.says}}
        made = _call(host.operator.post, _PATH, body)
    else:
        made = _call(host.operator.put, f"{_PATH}/{name}/invite", {})
    return str(made.get(_ENVELOPE, made)["invitation"])


def _has_state(operator: Any, name: str, state: str) -> bool:
    return _state(operator, name) == state


def _state(operator: Any, name: str) -> str | None:
    """What a site has of another: None where it has nothing."""
    found = _call(operator.get, f"{_PATH}?name={name}")[f"{_ENVELOPE}s"]
    return str(found[0]["state"]) if found else None


def _call(method: Any, path: str, body: object = None) -> dict[str, Any]:
    response = method(path, json=body) if body is not None else method(path)
    if not response.ok:
        raise RuntimeError(f"{path}: {response.status_code} {response.text}")
    return dict(response.json())
