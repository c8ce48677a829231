# SPDX-License-Identifier: Apache-2.0
"""Request bodies as values, checked; what a check has to know of Neutron is read here."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from neutron_lib.api.definitions import external_net
from neutron_lib.context import Context

from isthmus.db import attachments, neutron_facts
from isthmus.db.records import NetworkRecord, VpnRecord
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
        return self.changes_targets or self.rds is not None

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
    columns = {}
    if "name" in body:
        validate.check_text("name", body["name"])
        columns["name"] = body["name"] or ""
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


def check_association(context: Context, vpn: VpnRecord, network: Mapping[str, Any]) -> None:
    """Decide whether a network may join a VPN whose row the caller has locked.

    Args:
        context: of the caller's transaction.
        vpn: the VPN.
        network: as the core plug-in shows it to the caller.

    Raises:
        IntentConflict: as ``validate.check_association``.
        NotPermitted: as ``validate.check_association``.
    """
    network_id = network["id"]
    records = neutron_facts.read_networks(context, {*vpn.network_ids, network_id})
    joining = records.get(network_id) or NetworkRecord(network_id, 0, ())
    validate.check_association(
        validate.AssociationRequest(
            network=joining,
            network_project_id=network["project_id"],
            is_external=bool(network.get(external_net.EXTERNAL)),
            vpn=vpn,
            others=tuple(records[n] for n in vpn.network_ids if n in records),
            gateway_owners=_read_gateway_owners(context, joining),
        )
    )


def _read_gateway_owners(context: Context, network: NetworkRecord) -> dict[str, str]:
    attached = attachments.read(context, [network.id]).get(network.id)
    owners = {}
    for subnet in network.subnets:
        if not subnet.is_carried:
            continue
        holder = neutron_facts.read_owner_of_address(context, subnet.id, str(subnet.gateway))
        if holder is not None and (attached is None or holder[0] != attached.port_id):
            owners[subnet.id] = holder[1]
    return owners
