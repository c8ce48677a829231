# SPDX-License-Identifier: Apache-2.0
"""Group the attachments of all VPNs on this PE into VRFs.

A network may be in several VPNs, and a frame that comes in says nothing about which one it is for.
So attachments that are in the same set of VPNs share one VRF, which imports and exports what any
of those VPNs does. Two attachments in different sets never share one: neither then sees routes
that only the other's VPN imports (RFC 4364 §3.2).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from ipaddress import IPv4Address

from isthmus.model.ids import Label, RouteDistinguisher, RouteTarget
from isthmus.model.intent import AttachedHost, AttachedSubnet, AttachmentCircuit, VrfIntent
from isthmus.model.ip import AddressFamily, IpAddress, IpPrefix
from isthmus.pe_agent.compile.numbers import LabelKey, VrfKey


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
        export_rts: RTs its routes carry.
        circuits: in order of port id.
    """

    key: VrfKey
    number: int
    labels: Mapping[AddressFamily, Label]
    rd: RouteDistinguisher
    import_rts: frozenset[RouteTarget]
    export_rts: frozenset[RouteTarget]
    circuits: tuple[AttachmentCircuit, ...]

    @property
    def metadata(self) -> str:
        """The VRF's number as a match on OpenFlow's metadata."""
        return str(self.number)


def group_circuits(
    intents: Mapping[str, VrfIntent],
) -> dict[VrfKey, tuple[AttachmentCircuit, ...]]:
    """Sort attachments by the set of VPNs they are in.

    Returns:
        VPNs that share a VRF, in order → its attachments, in order of port id.
    """
    by_port: dict[str, list[tuple[str, AttachmentCircuit]]] = {}
    for vpn_id, intent in sorted(intents.items()):
        for circuit in intent.circuits:
            by_port.setdefault(circuit.port_id, []).append((vpn_id, circuit))
    groups: dict[VrfKey, list[AttachmentCircuit]] = {}
    for _, seen in sorted(by_port.items()):
        key = tuple(dict.fromkeys(vpn_id for vpn_id, _ in seen))
        groups.setdefault(key, []).append(_merge(circuit for _, circuit in seen))
    return {key: tuple(circuits) for key, circuits in sorted(groups.items())}


def wanted_labels(circuits: Mapping[VrfKey, tuple[AttachmentCircuit, ...]]) -> set[LabelKey]:
    """Return what needs a label: each VRF with each address family its subnets are of."""
    return {
        (key, subnet.family)
        for key, attached in circuits.items()
        for circuit in attached
        for subnet in circuit.subnets
    }


def make_vrf(
    key: VrfKey,
    circuits: tuple[AttachmentCircuit, ...],
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
        export_rts=frozenset().union(*(intent.export_rts for intent in members)),
        circuits=circuits,
    )


def _merge(seen: Iterable[AttachmentCircuit]) -> AttachmentCircuit:
    """Make one of what several VPNs say of the same attachment.

    One VPN's intent may be older than another's. Hosts and subnets that any of them names count,
    as only what is plugged here is ever served; for the rest the first VPN's word stands.
    """
    circuits = list(seen)
    first = circuits[0]
    hosts: dict[str, AttachedHost] = {}
    subnets: dict[tuple[IpPrefix, IpAddress], AttachedSubnet] = {}
    for circuit in circuits:
        for subnet in circuit.subnets:
            subnets.setdefault((subnet.prefix, subnet.gateway), subnet)
        for host in circuit.hosts:
            hosts.setdefault(host.port_id, host)
    return AttachmentCircuit(
        network_id=first.network_id,
        port_id=first.port_id,
        mac=first.mac,
        mtu=first.mtu,
        subnets=tuple(sorted(subnets.values())),
        hosts=tuple(host for _, host in sorted(hosts.items())),
    )
