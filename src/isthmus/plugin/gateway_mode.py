# SPDX-License-Identifier: Apache-2.0
"""Move a network between modes so that its hosts always have a gateway somewhere.

    to gateway       gateways' ports ─▶ PEs are told ─▶ the localport becomes the address port
    to distributed   the address port becomes the localport ─▶ PEs are told ─▶ gateways' ports go

Hosts follow when the new gateway announces itself, and what they still send to the old one is
forwarded until its port goes.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass

from isthmus.db import gateways, models
from isthmus.db.records import AttachmentRecord, GatewayPortRecord, NetworkRecord
from isthmus.plugin import attach, gateway_ports, transactions


@dataclass(frozen=True, slots=True)
class Move:
    """A network of a VPN, and the mode it is to be in.

    Attributes:
        network: with its subnets as they are now.
        attached: its attachment as it was read.
        ports: those gateways have on it now.
        mode: the mode wanted.
        pes: those that may be gateways.
    """

    network: NetworkRecord
    attached: AttachmentRecord | None
    ports: tuple[GatewayPortRecord, ...]
    mode: str
    pes: Collection[str]

    @property
    def is_to_gateways(self) -> bool:
        """Whether gateways are to serve it: only where there is something to serve."""
        is_carried = any(subnet.is_carried for subnet in self.network.subnets)
        return self.mode == models.GATEWAY and is_carried


def prepare(move: Move) -> None:
    """Do what comes before PEs are told.

    Raises:
        IntentConflict: as ``gateway_ports.ensure``.
        DriverUnavailable: as ``gateway_ports.ensure``.
    """
    attached = move.attached
    if move.is_to_gateways:
        gateway_ports.ensure(move.network, move.ports, move.pes)
        if attached is not None and attached.mode != models.GATEWAY:
            transactions.write(gateways.set_mode, move.network.id, models.GATEWAY)
    elif attached is not None and attached.mode == models.GATEWAY:
        if attached.device_owner == attach.ADDRESS_OWNER:
            attach.remake(move.network, attached, models.DISTRIBUTED)
        transactions.write(gateways.set_mode, move.network.id, models.DISTRIBUTED)


def finish(move: Move) -> None:
    """Do what comes after PEs were told."""
    attached = move.attached
    if not move.is_to_gateways:
        gateway_ports.remove(move.ports)
    elif attached is not None and attached.device_owner == attach.DEVICE_OWNER:
        attach.remake(move.network, attached, models.GATEWAY)
