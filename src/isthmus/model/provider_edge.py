# SPDX-License-Identifier: Apache-2.0
"""A provider edge: its address, its core link, and the tunnels to the others."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from ipaddress import IPv4Address

from isthmus.model.ids import Label, NullLabel, check_mac

_LABEL_OCTETS = 4
_GRE_OCTETS = 20 + 4


class Encapsulation(StrEnum):
    """How a VPN packet crosses the core."""

    MPLS = "mpls"
    MPLS_IN_GRE = "gre"


@dataclass(frozen=True, slots=True)
class TransportNextHop:
    """The LSP to one remote PE, as this PE enters it.

    Attributes:
        label: transport label to push, explicit null perhaps; None when the remote PE is adjacent
            (implicit null, which never stands here).
        mac: MAC of the next hop on the core link.
    """

    label: Label | NullLabel | None
    mac: str

    def __post_init__(self) -> None:
        check_mac(self.mac)


@dataclass(frozen=True, slots=True)
class ProviderEdge:
    """One PE as the compiler sees it; read once from configuration.

    Attributes:
        address: BGP next hop of this PE's routes and end of its tunnels.
        core_mac: source of the MPLS frames it sends, destination of those it accepts.
        core_mtu: largest frame payload on the core link, in octets, labels included.
        encapsulation: MPLS on the wire, or MPLS-in-GRE (RFC 4023).
        transport_label: label under which P routers deliver without popping; None where they pop.
        remote_pes: the LSP to other PEs by configuration, for native MPLS only; those to the rest
            are learnt.
        next_hop_macs: MAC of a router on the core link by its address, where it is not to be asked.
        hide_from_traceroute: it does not count as a hop: packets keep their TTL.
    """

    address: IPv4Address
    core_mac: str
    core_mtu: int
    encapsulation: Encapsulation = Encapsulation.MPLS
    transport_label: Label | None = None
    remote_pes: Mapping[IPv4Address, TransportNextHop] = field(default_factory=dict)
    next_hop_macs: Mapping[IPv4Address, str] = field(default_factory=dict)
    hide_from_traceroute: bool = False

    def __post_init__(self) -> None:
        check_mac(self.core_mac)

    @property
    def core_overhead(self) -> int:
        """Octets around an IP packet on the core link, without the Ethernet header."""
        if self.encapsulation is Encapsulation.MPLS_IN_GRE:
            return _GRE_OCTETS + _LABEL_OCTETS
        return 2 * _LABEL_OCTETS

    @property
    def core_payload(self) -> int:
        """Largest IP packet that crosses the core link, in octets."""
        return self.core_mtu - self.core_overhead
