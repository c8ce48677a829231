# SPDX-License-Identifier: Apache-2.0
"""Who sends: find a CE of this PE by what an operator has at hand."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from isthmus.model.errors import InvalidValue
from isthmus.model.intent import AttachedHost, AttachmentCircuit, VrfIntent
from isthmus.model.ip import AddressFamily, IpAddress, family_of


class UnclearOrigin(InvalidValue):
    """Nobody, or more than one, is called like that."""


@dataclass(frozen=True, slots=True)
class Origin:
    """A CE, and where it meets this PE."""

    host: AttachedHost
    circuit: AttachmentCircuit

    def address(self, family: AddressFamily) -> IpAddress | None:
        """Return the address it sends from, if it has one of that family."""
        return next((each for each in self.host.addresses if family_of(each) is family), None)

    def __str__(self) -> str:
        addresses = " ".join(map(str, self.host.addresses))
        return f"port {self.host.port_id} ({self.host.mac} {addresses})"


def find_origin(intents: Mapping[str, VrfIntent], called: str) -> Origin:
    """Find a CE by its port id, the beginning of that, its MAC or an address of it.

    Raises:
        UnclearOrigin: nobody of this PE is called so, or several are.
    """
    found: dict[tuple[str, str], Origin] = {}
    for intent in intents.values():
        for circuit in intent.circuits:
            for host in circuit.hosts:
                if _is_called(host, called):
                    found.setdefault((circuit.port_id, host.port_id), Origin(host, circuit))
    if len(found) == 1:
        return next(iter(found.values()))
    if not found:
        raise UnclearOrigin(
            f"No VPN has a port, MAC or address '{called}' on this host; "
            f"'isthmus-pe-agent look intent' lists them."
        )
    named = "; ".join(f"{each} of network {each.circuit.network_id}" for each in found.values())
    raise UnclearOrigin(f"'{called}' is more than one: {named}. Name the port.")


def owners_of(
    intents: Mapping[str, VrfIntent], vpn_ids: Iterable[str], address: IpAddress
) -> list[Origin]:
    """Find the CEs of this PE that have an address in one of some VPNs."""
    return [
        Origin(host, circuit)
        for vpn_id in vpn_ids
        if vpn_id in intents
        for circuit in intents[vpn_id].circuits
        for host in circuit.hosts
        if address in host.addresses
    ]


def _is_called(host: AttachedHost, called: str) -> bool:
    return (
        called.lower() == host.mac
        or called in map(str, host.addresses)
        or (len(called) >= 3 and "." not in called and host.port_id.startswith(called))
    )
