# SPDX-License-Identifier: Apache-2.0
"""This PE's way to all others: what the core link carries, and how each remote PE is reached."""

from __future__ import annotations

from dataclasses import dataclass
from ipaddress import IPv4Address

from isthmus.model.provider_edge import Encapsulation, ProviderEdge, TransportNextHop
from isthmus.pe_agent.compile.lsps import Lsps
from isthmus.pe_agent.compile.vrfs import Vrf


@dataclass(frozen=True, slots=True)
class CoreLink:
    """This PE's way to all others.

    Attributes:
        pe: its addresses and its encapsulation.
        port: OpenFlow port to the core; None while there is none.
        lsps: the ways to other PEs, for native MPLS.
    """

    pe: ProviderEdge
    port: int | None
    lsps: Lsps

    @property
    def overhead(self) -> int:
        """Octets around an IP packet on the core link, without the Ethernet header."""
        return self.pe.core_overhead

    @property
    def payload(self) -> int:
        """Largest IP packet that crosses the core, in octets."""
        return self.pe.core_payload

    def hops(self, next_hop: IPv4Address) -> tuple[TransportNextHop, ...]:
        """Return every equally good way into an LSP to the PE ``next_hop``, in order."""
        return self.lsps.hops.get(next_hop, ())

    def reaches(self, next_hop: IPv4Address) -> bool:
        """Tell whether a tunnel leads to the PE ``next_hop``."""
        if self.port is None:
            return False
        return self.pe.encapsulation is Encapsulation.MPLS_IN_GRE or bool(self.hops(next_hop))

    def why_unreached(self, next_hop: IPv4Address) -> str:
        """Say, to the operator, why no tunnel leads to the PE ``next_hop``."""
        otherwise = f"No tunnel is configured to the remote PE {next_hop}, and no label is learnt."
        return self.lsps.reasons.get(next_hop, otherwise)


def path_mtu(vrf: Vrf, core: CoreLink) -> int:
    """Return the largest IP packet a VRF sends to other PEs, in octets.

    None is larger than its largest network carries, and none than the core does. A smaller network
    at the far end is answered for by the PE there, which knows it.
    """
    return min(core.payload, max(circuit.mtu for circuit in vrf.circuits))
