# SPDX-License-Identifier: Apache-2.0
"""What somebody changed by hand of what was made of a VTN. Pure.

Made and gone, or made and different: whoever did it, the VTN's owner did not ask for it. A name
that differs only because the VTN has another one now is no drift.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from isthmus.db.records import VpnRecord
from isthmus.db.vtn.realisations import RealisationRecord
from isthmus.model.ip import IpPrefix
from isthmus.model.vtn.merge import Wanted


@dataclass(frozen=True, slots=True)
class FoundSubnet:
    """A subnet there is."""

    id: str
    prefix: IpPrefix
    has_gateway: bool


@dataclass(frozen=True, slots=True)
class FoundNetwork:
    """The network there is.

    Attributes:
        subnets: all of them, whoever made them.
    """

    id: str
    name: str
    is_up: bool
    subnets: tuple[FoundSubnet, ...]


@dataclass(frozen=True, slots=True)
class Found:
    """What there is of a VTN at this site.

    Attributes:
        network: None if there is none.
        vpn: None if there is none.
        is_associated: the network is in the VPN, and up there.
    """

    network: FoundNetwork | None
    vpn: VpnRecord | None
    is_associated: bool

    @property
    def subnets(self) -> dict[str, FoundSubnet]:
        """Return the subnets there are, by id."""
        return {} if self.network is None else {each.id: each for each in self.network.subnets}


@dataclass(frozen=True, slots=True)
class Drift:
    """One thing that was changed.

    Attributes:
        sentence: for operators.
        is_missing: it does not work without.
        is_mendable: it can be put back; what somebody added is not taken away.
    """

    sentence: str
    is_missing: bool = False
    is_mendable: bool = True


def find_drift(wanted: Wanted, record: RealisationRecord, found: Found) -> tuple[Drift, ...]:
    """Return what was changed by hand."""
    return (
        *_of_network(wanted, record, found),
        *_of_subnets(wanted, record, found),
        *_of_service(record, found),
    )


def _of_network(wanted: Wanted, record: RealisationRecord, found: Found) -> Iterator[Drift]:
    network = found.network
    if record.network_name is None:
        return
    if network is None:
        yield Drift(f"Network {record.network_id} was deleted.", is_missing=True)
        return
    if network.name not in (record.network_name, wanted.name):
        yield Drift(f"Network {network.id} was renamed from {wanted.name!r} to {network.name!r}.")
    if not network.is_up:
        yield Drift(f"Network {network.id} was taken down.", is_missing=True)


def _of_subnets(wanted: Wanted, record: RealisationRecord, found: Found) -> Iterator[Drift]:
    if found.network is None:
        return
    there = found.subnets
    for plan in record.subnets:
        subnet = there.pop(plan.id, None)
        if plan.prefix not in wanted.prefixes:
            continue
        if subnet is None and plan.was_made:
            yield Drift(f"Subnet {plan.id} ({plan.prefix}) was deleted.", is_missing=True)
        elif subnet is not None and not subnet.has_gateway:
            yield Drift(
                f"The gateway of subnet {plan.id} ({plan.prefix}) was taken away.", is_missing=True
            )
    for subnet in there.values():
        yield Drift(
            f"Subnet {subnet.id} ({subnet.prefix}) was added; it is carried to the other members.",
            is_mendable=False,
        )


def _of_service(record: RealisationRecord, found: Found) -> Iterator[Drift]:
    if not record.is_joined:
        return
    if found.vpn is None:
        yield Drift(f"BGP VPN {record.bgpvpn_id} was deleted.", is_missing=True)
    elif found.network is not None and not found.is_associated:
        yield Drift(
            f"Network {record.network_id} was taken out of BGP VPN {record.bgpvpn_id}.",
            is_missing=True,
        )
