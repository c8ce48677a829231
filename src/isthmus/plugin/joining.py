# SPDX-License-Identifier: Apache-2.0
"""What is asked to join a VPN: read from request and Neutron, and checked.

Neutron's own plug-ins are asked first, outside of any transaction, so that a caller is told of
what it may not see as Neutron tells it; what decides is read again inside.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from neutron_lib.api.definitions import external_net
from neutron_lib.context import Context
from neutron_lib.plugins import directory

from isthmus.db import attachments, neutron_facts
from isthmus.db.records import AssociationRecord, Kind, NetworkRecord, VpnRecord
from isthmus.model.errors import InvalidValue
from isthmus.plugin import validate


@dataclass(frozen=True, slots=True)
class JoinRequest:
    """The body of a creation, and its target as Neutron shows it to the caller."""

    kind: Kind
    target: Mapping[str, Any]

    def record(self, association_id: str, vpn: VpnRecord) -> AssociationRecord:
        """Return the association to record."""
        return AssociationRecord(
            self.kind, association_id, vpn.project_id, vpn.id, self.target["id"]
        )


def read_new(context: Context, kind: Kind, body: Mapping[str, Any]) -> JoinRequest:
    """Read the body of a creation.

    Raises:
        InvalidValue: a value that no association may have.
    """
    if kind is not Kind.NETWORK:
        raise InvalidValue(
            f"{kind.capitalize()} associations are not supported yet. "
            "Associate the networks instead."
        )
    return JoinRequest(kind, directory.get_plugin().get_network(context, body["network_id"]))


def check(context: Context, kind: Kind, vpn: VpnRecord, request: JoinRequest) -> None:
    """Decide whether a target may join a VPN whose row the caller has locked.

    Raises:
        IntentConflict: it is at odds with what is in the VPN.
        NotPermitted: it is another project's.
    """
    del kind
    network_id = request.target["id"]
    records = neutron_facts.read_networks(context, {*vpn.network_ids, network_id})
    joining = records.get(network_id) or NetworkRecord(network_id, 0, ())
    validate.check_association(
        validate.AssociationRequest(
            network=joining,
            network_project_id=request.target["project_id"],
            is_external=bool(request.target.get(external_net.EXTERNAL)),
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
