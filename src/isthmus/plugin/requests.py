# SPDX-License-Identifier: Apache-2.0
"""Request bodies of VPNs as values, checked."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from isthmus.plugin import validate
from isthmus.plugin.views import DIRECTIONS


@dataclass(frozen=True, slots=True)
class VpnRequest:
    """What a request says of a VPN.

    Attributes:
        columns: of the VPN's row.
        targets: pairs of direction and route target.
        directions: those of which ``targets`` are the whole new list.
        rds: the whole new list; None leaves it as it is.
    """

    columns: Mapping[str, Any]
    targets: tuple[tuple[str, str], ...]
    directions: frozenset[str]
    rds: tuple[str, ...] | None

    @property
    def changes_targets(self) -> bool:
        """Whether any list of route targets is given."""
        return bool(self.directions)

    @property
    def changes_intent(self) -> bool:
        """Whether PEs have to know of it."""
        return self.changes_targets or self.rds is not None or "local_pref" in self.columns

    def targets_over(self, former: Iterable[tuple[str, str]]) -> list[tuple[str, str]]:
        """Return all targets after this change of ``former``."""
        kept = [target for target in former if target[0] not in self.directions]
        return [*kept, *self.targets]


def read_new_vpn(body: Mapping[str, Any]) -> VpnRequest:
    """Read the body of a creation.

    Raises:
        InvalidValue: a value that no VPN may have.
    """
    project_id = body.get("project_id") or body.get("tenant_id") or ""
    validate.check_text("project_id", project_id)
    validate.check_type(body["type"])
    validate.check_vni(body.get("vni"))
    request = read_vpn_change(body)
    columns = {
        **request.columns,
        "project_id": project_id,
        "type": body["type"],
        "vni": body.get("vni"),
    }
    return VpnRequest(columns, request.targets, request.directions, request.rds)


def read_vpn_change(body: Mapping[str, Any]) -> VpnRequest:
    """Read the body of a change: what is left out stays as it is.

    Raises:
        InvalidValue: a value that no VPN may have.
    """
    columns: dict[str, Any] = {}
    if "name" in body:
        validate.check_text("name", body["name"])
        columns["name"] = body["name"] or ""
    if "local_pref" in body:
        validate.check_local_pref(body["local_pref"])
        columns["local_pref"] = body["local_pref"]
    targets: list[tuple[str, str]] = []
    directions = set()
    for attribute, direction in DIRECTIONS.items():
        if attribute in body:
            directions.add(direction)
            values = validate.check_targets(attribute, body[attribute] or [])
            targets.extend((direction, value) for value in values)
    rds = None
    if "route_distinguishers" in body:
        rds = tuple(validate.check_rds(body["route_distinguishers"] or []))
    return VpnRequest(columns, tuple(targets), frozenset(directions), rds)
