# SPDX-License-Identifier: Apache-2.0
"""Request bodies of VPNs as values, checked."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from isthmus.db.records import StandardAttributes, VpnRecord
from isthmus.plugin import validate
from isthmus.plugin.views import DIRECTIONS

# Attributes that are kept as they are given, and the field of a record each stands for.
_PLAIN = {
    "vni": "vni",
    "local_pref": "local_pref",
    "admin_state_up": "is_up",
    "allocate_route_target": "allocates_route_target",
    "allocate_route_distinguisher": "allocates_route_distinguisher",
}


@dataclass(frozen=True, slots=True)
class VpnChange:
    """What a request says of a VPN; what it leaves out stays as it is.

    Attributes:
        fields: of the VPN's record.
        targets: pairs of direction and route target.
        directions: those of which ``targets`` are the whole new list.
        description: None leaves it as it is.
    """

    fields: Mapping[str, Any]
    targets: tuple[tuple[str, str], ...]
    directions: frozenset[str]
    description: str | None

    def over(self, former: VpnRecord) -> VpnRecord:
        """Return a VPN after this change."""
        kept = [target for target in former.targets if target[0] not in self.directions]
        standard = former.standard
        if self.description is not None:
            standard = replace(standard, description=self.description)
        return replace(
            former,
            **self.fields,
            targets=tuple(sorted({*kept, *self.targets})),
            standard=standard,
        )


def changes_intent(former: VpnRecord, wanted: VpnRecord) -> bool:
    """Whether PEs have to know of a change."""

    def told(record: VpnRecord) -> tuple[Any, ...]:
        return record.targets, record.rds, record.local_pref, record.is_up

    return told(former) != told(wanted)


def read_new_vpn(vpn_id: str, body: Mapping[str, Any]) -> VpnRecord:
    """Read the body of a creation.

    Raises:
        InvalidValue: a value that no VPN may have.
    """
    project_id = body.get("project_id") or body.get("tenant_id") or ""
    validate.check_text("project_id", project_id)
    validate.check_type(body["type"])
    new = VpnRecord(
        id=vpn_id,
        project_id=project_id,
        name="",
        type=body["type"],
        standard=StandardAttributes(),
    )
    return read_vpn_change(body).over(new)


def read_vpn_change(body: Mapping[str, Any]) -> VpnChange:
    """Read the body of a change.

    Raises:
        InvalidValue: a value that no VPN may have.
    """
    validate.check_vni(body.get("vni"))
    validate.check_local_pref(body.get("local_pref"))
    fields = {field: body[name] for name, field in _PLAIN.items() if name in body}
    if "name" in body:
        validate.check_text("name", body["name"])
        fields["name"] = body["name"] or ""
    targets: list[tuple[str, str]] = []
    directions = set()
    for attribute, direction in DIRECTIONS.items():
        if attribute in body:
            directions.add(direction)
            values = validate.check_targets(attribute, body[attribute] or [])
            targets.extend((direction, value) for value in values)
    if "route_distinguishers" in body:
        fields["rds"] = tuple(validate.check_rds(body["route_distinguishers"] or []))
    description = body.get("description")
    validate.check_narrow_text("description", description)
    return VpnChange(fields, tuple(targets), frozenset(directions), description)
