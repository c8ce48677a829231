# SPDX-License-Identifier: Apache-2.0
"""What a PE tells back: which generation is in force, and why not."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from ipaddress import IPv4Address


class Status(StrEnum):
    """What tenants and operators read (Neutron's words)."""

    PENDING = "PENDING"
    ACTIVE = "ACTIVE"
    DEGRADED = "DEGRADED"
    DOWN = "DOWN"
    ERROR = "ERROR"
    PENDING_DELETE = "PENDING_DELETE"


@dataclass(frozen=True, slots=True, order=True)
class VrfReport:
    """One VPN on one PE.

    Attributes:
        vpn_id: the VPN.
        generation: the newest one the PE has taken in.
        is_in_force: flows and routes of that generation are installed.
        reason: empty, or a sentence for the operator that says what is missing.
        labels: VPN labels by which this PE is reached in the VPN.
        routes_sent: routes this PE advertises with a route target the VPN exports.
        routes_received: routes of neighbors with a route target the VPN imports.
    """

    vpn_id: str
    generation: int
    is_in_force: bool
    reason: str = ""
    labels: tuple[int, ...] = ()
    routes_sent: int = 0
    routes_received: int = 0


@dataclass(frozen=True, slots=True, order=True)
class NeighborReport:
    """A BGP neighbor as the PE sees it.

    Attributes:
        address: the neighbor.
        is_established: the session is up.
    """

    address: IPv4Address
    is_established: bool


@dataclass(frozen=True, slots=True)
class PeReport:
    """Everything one PE has to tell.

    Attributes:
        pe: the host's name, as in Neutron's ``binding:host_id``.
        address: the PE's address; next hop of its routes.
        vrfs: one per VPN it holds, in order of VPN id.
        neighbors: in order of address.
        is_gateway: it may be a gateway of networks in gateway mode.
        core_payload: largest IP packet its core link carries, in octets; None if it does not say.
        last_error: what its switch or its BGP daemon last refused, a sentence for the operator;
            empty if nothing was since the agent's start.
    """

    pe: str
    address: IPv4Address
    vrfs: tuple[VrfReport, ...]
    neighbors: tuple[NeighborReport, ...]
    is_gateway: bool = False
    core_payload: int | None = None
    last_error: str = ""
