# SPDX-License-Identifier: Apache-2.0
"""Which of several gateways serves a network, and how it tells hosts that it is the one.

In gateway mode hosts have no PE of their own; chosen PEs have a port on the network, and one of
them at a time is its gateway. Each PE decides for itself, from what it sees:

    no other PE may serve                                 serves
    not settled: who else is there is not known yet       stands by
    no link to the core, or no BGP neighbor at all        stands by
    a gateway preferred to this one is alive              stands by
    otherwise                                             serves

Two may serve at once for as long as they don't see each other, and for the moment in which one
hears of the other; each carries then what it gets. One that stands by forwards as well: to the
one that serves, or where it knows of none, to the hosts. So a network is handed over without a
gap: whoever hosts and other PEs still send to, and in whichever order they learn of it.

Pure: no I/O, no clock, no logging.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from enum import Enum
from ipaddress import IPv4Address

from isthmus.model.gateways import GatewayView
from isthmus.model.intent import AttachmentCircuit
from isthmus.pe_agent.compile.neighbor_discovery import Link, announce

STANDBY_LOCAL_PREF = 0
"""Of the routes of a gateway that stands by: taken only where nobody serves."""

_ARP = bytes.fromhex("0806")
_ARP_REQUEST = bytes.fromhex("0001080006040001")
_BROADCAST_MAC = b"\xff" * 6


@dataclass(frozen=True, slots=True)
class Announcement:
    """What hosts of a network are told by the one that has become their gateway.

    Attributes:
        frames: that say so.
        heard: other gateways of the network that are heard. One that comes back may have served
            until then, and one that goes may not know: hosts are told again.
        unheard: those that are not, and may answer hosts as long as they don't know it.
    """

    frames: tuple[bytes, ...]
    heard: frozenset[IPv4Address] = frozenset()
    unheard: frozenset[IPv4Address] = frozenset()


class Duty(Enum):
    """What a PE does on an attached network."""

    OWN_HOSTS = "serves the hosts of its own"
    GATEWAY = "serves all hosts"
    STANDBY = "stands by"


def everywhere(circuit: AttachmentCircuit) -> Duty:
    """Decide as if there were no gateways."""
    del circuit
    return Duty.OWN_HOSTS


def duty_on(circuit: AttachmentCircuit, own: IPv4Address, view: GatewayView) -> Duty:
    """Decide what a PE does on an attached network.

    Args:
        circuit: of the network.
        own: the PE.
        view: what it sees of the others.
    """
    if not circuit.gateways:
        return Duty.OWN_HOSTS
    return Duty.GATEWAY if _serves(circuit, own, view) else Duty.STANDBY


def _serves(circuit: AttachmentCircuit, own: IPv4Address, view: GatewayView) -> bool:
    if own not in circuit.gateways:
        return False
    if len(circuit.gateways) > 1 and (view.is_cut_off or not view.is_settled):
        return False
    return not any(address in view.alive for address in _preferred(circuit, own))


def local_pref(circuit: AttachmentCircuit, duty: Duty, own: IPv4Address, base: int) -> int:
    """Return the local preference of a PE's routes to what is on an attached network.

    A substitute serves only while those before it are away; its routes have to win over theirs,
    which reflectors may hold for a while (RFC 4724).

    Args:
        circuit: of the network.
        duty: what the PE does there.
        own: the PE.
        base: what the routes would have without gateways; 32 bits.
    """
    if duty is Duty.OWN_HOSTS:
        return base
    if duty is Duty.STANDBY:
        return STANDBY_LOCAL_PREF
    return min(base + len(_preferred(circuit, own)), 2**32 - 1)


def announcement(circuit: AttachmentCircuit, own: IPv4Address, view: GatewayView) -> Announcement:
    """Return what turns hosts of a network to this gateway.

    A gratuitous ARP request for each IPv4 gateway address (RFC 5227 §3), an unsolicited neighbor
    advertisement for each IPv6 one (RFC 4861 §7.2.6).
    """
    frames = (*_gratuitous_arps(circuit), *announce(Link.of(circuit)))
    others = frozenset(circuit.gateways) - {own}
    return Announcement(frames, others & view.alive, others - view.alive)


def _preferred(circuit: AttachmentCircuit, own: IPv4Address) -> tuple[IPv4Address, ...]:
    """The gateways before this one."""
    if own not in circuit.gateways:
        return circuit.gateways
    return circuit.gateways[: circuit.gateways.index(own)]


def _gratuitous_arps(circuit: AttachmentCircuit) -> Iterator[bytes]:
    mac = bytes.fromhex(circuit.mac.replace(":", ""))
    for subnet in circuit.subnets:
        if isinstance(subnet.gateway, IPv4Address):
            address = subnet.gateway.packed
            yield (_BROADCAST_MAC + mac + _ARP + _ARP_REQUEST + mac + address + bytes(6) + address)
