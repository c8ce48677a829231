# SPDX-License-Identifier: Apache-2.0
"""VPN routing and forwarding tables: what each imports and exports, and who is attached to it."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from ipaddress import IPv4Address

from isthmus.model.ids import Label, RouteDistinguisher, RouteTarget
from isthmus.model.intent import AttachmentCircuit, VrfIntent
from isthmus.model.ip import AddressFamily
from isthmus.pe_agent.compile.gateways import Duty
from isthmus.pe_agent.compile.membership import CircuitShare, Shares
from isthmus.pe_agent.compile.numbers import LabelKey, VrfKey

DEFAULT_LOCAL_PREF = 100
"""Of a route for which nobody asks for another; routers' usual default."""


@dataclass(frozen=True, slots=True)
class Vrf:
    """One VPN routing and forwarding table on this PE (RFC 4364 §3).

    Attributes:
        key: the VPNs that share it, in order.
        number: names it in the pipeline.
        labels: its VPN label for each address family it serves; remote PEs put it at the bottom
            of the stack.
        rd: distinguishes its routes.
        import_rts: RTs whose routes any of its VPNs accepts.
        exports: VPN → RTs that routes carry which it advertises.
        local_prefs: VPN → preference of its routes.
        pe_address: this PE's, the next hop of its routes.
        shares: what it has of attachment circuits, in order of port id.
    """

    key: VrfKey
    number: int
    labels: Mapping[AddressFamily, Label]
    rd: RouteDistinguisher
    import_rts: frozenset[RouteTarget]
    exports: Mapping[str, frozenset[RouteTarget]]
    local_prefs: Mapping[str, int]
    pe_address: IPv4Address
    shares: tuple[CircuitShare, ...]

    @property
    def metadata(self) -> str:
        """The VRF's number as a match on OpenFlow's metadata."""
        return str(self.number)

    @property
    def circuits(self) -> tuple[AttachmentCircuit, ...]:
        """The attachment circuits it has a share of, in order of port id."""
        return tuple(share.circuit for share in self.shares)

    @property
    def served_circuits(self) -> tuple[AttachmentCircuit, ...]:
        """Those on which this PE is the gateway now."""
        return tuple(share.circuit for share in self.shares if share.duty is not Duty.STANDBY)

    def exported_by(self, vpn_ids: Collection[str]) -> frozenset[RouteTarget]:
        """Return the RTs of a route that these of its VPNs advertise."""
        return frozenset().union(*(self.exports[vpn_id] for vpn_id in vpn_ids))

    def preference_of(self, vpn_ids: Collection[str]) -> int:
        """Return the local preference of a route that these of its VPNs advertise."""
        return max((self.local_prefs[each] for each in vpn_ids), default=DEFAULT_LOCAL_PREF)


def wanted_labels(groups: Shares) -> set[LabelKey]:
    """Return what needs a label: each VRF with each address family its subnets are of."""
    return {
        (key, subnet.family)
        for key, shares in groups.items()
        for share in shares
        for subnet in share.circuit.subnets
    }


def make_vrf(
    key: VrfKey,
    shares: tuple[CircuitShare, ...],
    intents: Mapping[str, VrfIntent],
    numbers: tuple[int, Mapping[LabelKey, int]],
    pe_address: IPv4Address,
) -> Vrf:
    """Put together the VRF of ``key``; ``numbers`` are its VRF number and all labels given out."""
    members = [intents[vpn_id] for vpn_id in key]
    number, labels = numbers
    given = [intent.rd for intent in members if intent.rd is not None]
    return Vrf(
        key=key,
        number=number,
        labels={
            family: Label(labels[key, family])
            for family in AddressFamily
            if (key, family) in labels
        },
        rd=min(given) if given else RouteDistinguisher(1, int(pe_address), number),
        import_rts=frozenset().union(*(intent.import_rts for intent in members)),
        exports={intent.vpn_id: intent.export_rts for intent in members},
        local_prefs={
            intent.vpn_id: DEFAULT_LOCAL_PREF if intent.local_pref is None else intent.local_pref
            for intent in members
        },
        pe_address=pe_address,
        shares=shares,
    )
