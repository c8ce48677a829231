# SPDX-License-Identifier: Apache-2.0
"""Several PEs with software switches, wired by labels, and a route reflector that forgets nothing.

attachment ─ FakeSwitch ─ core ─ P ─ core ─ FakeSwitch ─ attachment
                 │                              │
             icmp.answer                    icmp.answer
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from ipaddress import IPv4Address, IPv6Address

from isthmus.model.intent import VrfIntent
from isthmus.model.provider_edge import Encapsulation, ProviderEdge
from isthmus.model.route import VpnRoute
from isthmus.pe_agent.compile import neighbor_discovery
from isthmus.pe_agent.compile.compiler import compile_pe
from isthmus.pe_agent.compile.icmp import PuntReason, is_to_be_fragmented, respond
from isthmus.pe_agent.compile.inputs import Compiled, Inputs, Numbers
from tests.actors import (
    BLUE,
    BLUE_EAST,
    BLUE_WEST,
    CORE_PORT,
    HOSTS,
    LABELS,
    PE1,
    PE3,
    PORTS,
    RED_EAST,
    RED_WEST,
    VPN_BLUE,
    VPN_RED,
    core_mac_of,
    intent,
    mac_of,
    provider_edge,
    transport_label_to,
)
from tests.fakes.journey import LOCAL, Punted
from tests.fakes.packet import (
    ICMP,
    ICMPV6,
    Ipv4Packet,
    Ipv6Packet,
    LabelStackEntry,
    Packet,
    decode,
    encode,
)
from tests.fakes.switch import FakeSwitch

DONT_FRAGMENT = 0x4000
_HOPS = 128


@dataclass(frozen=True, slots=True)
class Delivery:
    """A packet that left a PE by an attachment."""

    pe: IPv4Address
    port: int
    packet: Packet


@dataclass(slots=True)
class BackbonePe:
    """One PE: its configuration, its inputs, its switch.

    Attributes:
        pe: its configuration.
        intents: VPN id → its part here.
        circuit_ports: attachment's Neutron port → OpenFlow port.
        plugged_hosts: Neutron ports of the VMs that run here.
        switch: executes what was compiled.
        compiled: the last outcome.
    """

    pe: ProviderEdge
    intents: Mapping[str, VrfIntent] = field(default_factory=dict)
    circuit_ports: Mapping[str, int] = field(default_factory=dict)
    plugged_hosts: frozenset[str] = frozenset()
    switch: FakeSwitch = field(default_factory=FakeSwitch)
    compiled: Compiled = field(
        default_factory=lambda: Compiled(frozenset(), frozenset(), Numbers(), {})
    )

    def compile(self, routes: frozenset[VpnRoute]) -> None:
        """Compile with these routes from others and put the flows in place."""
        inputs = Inputs(
            intents=self.intents,
            routes=routes,
            core_port=CORE_PORT,
            circuit_ports=self.circuit_ports,
            plugged_hosts=self.plugged_hosts,
            numbers=self.compiled.numbers,
        )
        self.compiled = compile_pe(self.pe, LABELS, inputs)
        self.switch.apply(self.compiled.flows)


class Backbone:
    """All PEs; packets go from one to the next as their labels say."""

    def __init__(self, *pes: BackbonePe) -> None:
        self.pes = {pe.pe.address: pe for pe in pes}
        self.on_core: list[Packet] = []

    def converge(self) -> None:
        """Let every PE hear every other's routes."""
        for pe in self.pes.values():
            pe.compile(frozenset())
        advertised = {address: pe.compiled.routes for address, pe in self.pes.items()}
        for address, pe in self.pes.items():
            others = (routes for other, routes in advertised.items() if other != address)
            pe.compile(frozenset().union(*others))

    def send(self, pe: IPv4Address, port: int, packet: Packet) -> list[Delivery]:
        """Send a packet in by an attachment and return everything that leaves by attachments.

        What the agents answer is sent too.
        """
        delivered: list[Delivery] = []
        waiting = [(self.pes[pe], port, packet)]
        for _ in range(_HOPS):
            if not waiting:
                return delivered
            at, in_port, frame = waiting.pop()
            outcome = at.switch.receive(in_port, frame)
            for sent in outcome.sent:
                if sent.port == CORE_PORT:
                    self.on_core.append(sent.packet)
                    waiting += self._cross(sent.packet)
                else:
                    delivered.append(Delivery(at.pe.address, sent.port, sent.packet))
            for punted in outcome.punted:
                for reply in _respond(at.compiled, punted):
                    if punted.reason == "asked":
                        delivered.append(Delivery(at.pe.address, punted.in_port, reply))
                    else:
                        waiting.append((at, LOCAL, reply))
        raise AssertionError("a packet goes round in the backbone")

    def _cross(self, packet: Packet) -> list[tuple[BackbonePe, int, Packet]]:
        """Do what the core does: route GRE by address, or pop or swap the transport label."""
        for address, to in self.pes.items():
            if to.pe.encapsulation is Encapsulation.MPLS_IN_GRE:
                if packet.tun_dst == address:
                    return [(to, CORE_PORT, replace(packet, tun_dst=None))]
            elif packet.labels[0].label == transport_label_to(address).value:
                top, *rest = packet.labels
                if to.pe.transport_label is not None:
                    rest = [replace(top, label=to.pe.transport_label.value), *rest]
                return [
                    (to, CORE_PORT, replace(packet, labels=tuple(rest), eth_dst=to.pe.core_mac))
                ]
        return []


def ipv4(
    src: str,
    dst: str,
    gateway: str,
    *,
    ttl: int = 64,
    octets: int = 100,
    mark: str = "m",
    flags: int = DONT_FRAGMENT,
) -> Packet:
    """Make what a host sends to its gateway, the attachment of network ``gateway``."""
    addresses = IPv4Address(src), IPv4Address(dst)
    packet = Ipv4Packet(*addresses, ttl=ttl, octets=octets, flags=flags)
    return Packet("fa:16:3e:00:00:aa", mac_of(f"pe-{gateway}"), packet, mark=mark)


def ipv6(
    src: str, dst: str, gateway: str, *, ttl: int = 64, octets: int = 100, mark: str = "m"
) -> Packet:
    """Make the same of IPv6."""
    packet = Ipv6Packet(IPv6Address(src), IPv6Address(dst), ttl=ttl, octets=octets)
    return Packet("fa:16:3e:00:00:aa", mac_of(f"pe-{gateway}"), packet, mark=mark)


def ping(src: str, dst: str, gateway: str) -> Packet:
    """Make an echo request."""
    packet: Ipv4Packet | Ipv6Packet
    if ":" in dst:
        packet = Ipv6Packet(IPv6Address(src), IPv6Address(dst), proto=ICMPV6, icmp_type=128)
    else:
        packet = Ipv4Packet(IPv4Address(src), IPv4Address(dst), proto=ICMP, icmp_type=8)
    return Packet("fa:16:3e:00:00:aa", mac_of(f"pe-{gateway}"), packet)


def labelled(*labels: int, dst: str = "10.1.0.5", to: IPv4Address = PE1) -> Packet:
    """Make what the core delivers to a PE."""
    packet = Ipv4Packet(IPv4Address("10.2.0.7"), IPv4Address(dst))
    stack = tuple(LabelStackEntry(label) for label in labels)
    return Packet("02:00:00:00:00:f1", core_mac_of(to), packet, stack)


def two_sites(encapsulation: Encapsulation = Encapsulation.MPLS) -> Backbone:
    """PE1 and PE3, each with a host of red and one of blue, all with the same addresses."""
    west = BackbonePe(
        provider_edge(PE1, encapsulation=encapsulation, transport_label=17),
        {VPN_RED: intent(VPN_RED, RED_WEST), VPN_BLUE: intent(VPN_BLUE, BLUE_WEST, imports=BLUE)},
        PORTS,
        HOSTS,
    )
    east = BackbonePe(
        provider_edge(PE3, encapsulation=encapsulation),
        {VPN_RED: intent(VPN_RED, RED_EAST), VPN_BLUE: intent(VPN_BLUE, BLUE_EAST, imports=BLUE)},
        PORTS,
        HOSTS,
    )
    backbone = Backbone(west, east)
    backbone.converge()
    return backbone


def receivers(deliveries: list[Delivery]) -> list[tuple[IPv4Address, int, str]]:
    """Say who got something: PE, attachment, MAC."""
    return [(each.pe, each.port, each.packet.eth_dst) for each in deliveries]


def _respond(compiled: Compiled, punted: Punted) -> list[Packet]:
    """Do what the agent does; an answer is marked as one, a fragment as its packet."""
    frame = encode(punted.packet)[: punted.octets]
    if punted.reason == "asked":
        reply = neighbor_discovery.answer(frame, compiled.links[punted.in_port])
        frames: tuple[bytes, ...] = () if reply is None else (reply,)
    else:
        reason, context = PuntReason(punted.reason), compiled.punts[punted.metadata]
        frames = respond(frame, reason, punted.metadata, context)
        if is_to_be_fragmented(frame, reason):
            return [decode(each, mark=punted.packet.mark) for each in frames]
    return [decode(each, mark=f"about {punted.packet.mark}") for each in frames]
