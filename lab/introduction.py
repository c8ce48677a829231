# SPDX-License-Identifier: Apache-2.0
"""The lab's sites join each other as their operators would have them: by invitation.

One invites, the other accepts, the first confirms; their daemons do the rest.
"""

from __future__ import annotations

from functools import partial
from itertools import combinations
from typing import Any

from lab import clouds
from lab.topology import Site, Topology
from lab.waiting import wait_until

_PATH, _ENVELOPE = "/vtn/interconnect_sites", "interconnect_site"
_PATIENCE_S = 60
_PENDING, _CONFIRMED = "PENDING", "CONFIRMED"


def ensure_introduced(topology: Topology) -> None:
    """Have every site know every other; all daemons and APIs have to run."""
    operators = {site.name: clouds.connect(topology, site.name).network for site in topology.sites}
    for inviting, invited in combinations(topology.sites, 2):
        _introduce(operators, inviting, invited)


def _introduce(operators: dict[str, Any], inviting: Site, invited: Site) -> None:
    host, guest = operators[inviting.name], operators[invited.name]
    if _state(guest, inviting.name) is None:
        _accept(guest, inviting.name, _invite(host, invited.name))
    if _state(host, invited.name) != _CONFIRMED:
        answered = partial(_has_state, host, invited.name, _PENDING)
        wait_until(answered, _PATIENCE_S, f"{invited.name}'s answer to {inviting.name}")
        _call(host.put, f"{_PATH}/{invited.name}/confirm", {})
    for operator, name in ((host, invited.name), (guest, inviting.name)):
        is_confirmed = partial(_has_state, operator, name, _CONFIRMED)
        wait_until(is_confirmed, _PATIENCE_S, f"{name} to be a peer")


def _invite(host: Any, name: str) -> str:
    """Return an invitation; one that was lost on the way is replaced."""
    if _state(host, name) is None:
        made = _call(host.post, _PATH, {_ENVELOPE: {"name": name}})
    else:
        made = _call(host.put, f"{_PATH}/{name}/invite", {})
    return str(made.get(_ENVELOPE, made)["invitation"])


def _accept(guest: Any, name: str, invitation: str) -> None:
    _call(guest.post, _PATH, {_ENVELOPE: {"name": name, "invitation": invitation}})


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
