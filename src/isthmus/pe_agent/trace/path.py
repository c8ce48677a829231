# SPDX-License-Identifier: Apache-2.0
"""The path of a packet in routing's words: the steps it takes, the first that fails named.

From a VM:    port, attachment, VRF, route, label, transport, size, core
From a VM to another of the same PE:    port, attachment, VRF, route, size, delivery
From the core:    label, VRF, route, size, delivery
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from ipaddress import IPv4Address

from isthmus.model.ids import RouteTarget
from isthmus.model.ip import AddressFamily, IpAddress, family_of
from isthmus.model.provider_edge import Encapsulation, ProviderEdge
from isthmus.model.route import VpnRoute
from isthmus.pe_agent.compile import pipeline
from isthmus.pe_agent.compile.core_link import CoreLink
from isthmus.pe_agent.compile.icmp import injection_mac
from isthmus.pe_agent.compile.inputs import Compiled, Inputs
from isthmus.pe_agent.compile.lsps import join_lsps, transport_register
from isthmus.pe_agent.compile.numbers import VrfKey
from isthmus.pe_agent.compile.pipeline import DropCookie
from isthmus.pe_agent.trace.missing import Missing, why_no_route
from isthmus.pe_agent.trace.origin import Origin, find_origin, owners_of
from isthmus.pe_agent.trace.walk import LOCAL, Packet, Walk, Walker

Met = tuple[tuple[int, int, int], ...]
"""The flows a packet meets, in order: table, priority and cookie of each."""

MOST_CHOICES = 8
_UDP = "17"


@dataclass(frozen=True, slots=True)
class Question:
    """What is to be traced.

    Attributes:
        destination: where to.
        source: a CE of this PE, as in `find_origin`; empty for a packet from the core.
        label: the VPN label under which a packet from the core comes.
        octets: of the IP packet.
    """

    destination: IpAddress
    source: str = ""
    label: int = 0
    octets: int = 64


@dataclass(frozen=True, slots=True)
class Step:
    """One step.

    Attributes:
        name: what is looked at.
        is_ok: the packet gets past it.
        says: a sentence.
    """

    name: str
    is_ok: bool
    says: str


@dataclass(frozen=True, slots=True)
class Checked:
    """What the switch has to do for the path to be real.

    Attributes:
        packet: let in by its ``in_port``.
        flows: those it has to meet.
    """

    packet: Packet
    flows: Met


@dataclass(frozen=True, slots=True)
class Trace:
    """A path.

    Attributes:
        steps: up to the one that fails.
        checks: to be held against the switch; each may be met by any of several equal paths.
        others: how the other equal paths go on, a sentence each.
        far: PE and label at which the path goes on.
    """

    steps: tuple[Step, ...]
    checks: tuple[tuple[Checked, ...], ...] = ()
    others: tuple[str, ...] = ()
    far: tuple[IPv4Address, int] | None = None

    @property
    def failed(self) -> Step | None:
        """The step that fails."""
        return next((step for step in self.steps if not step.is_ok), None)


class _Failed(Exception):
    """The packet gets no further; the steps say why."""


@dataclass(slots=True)
class _Tracer:
    pe: ProviderEdge
    inputs: Inputs
    compiled: Compiled
    question: Question
    steps: list[Step] = field(default_factory=list)
    checks: list[tuple[Checked, ...]] = field(default_factory=list)
    others: list[str] = field(default_factory=list)
    far: tuple[IPv4Address, int] | None = None

    @property
    def family(self) -> AddressFamily:
        return family_of(self.question.destination)

    def ok(self, name: str, says: str) -> None:
        self.steps.append(Step(name, is_ok=True, says=says))

    def fail(self, name: str, says: str) -> _Failed:
        self.steps.append(Step(name, is_ok=False, says=says))
        return _Failed()

    # ── where it comes from ──

    def from_host(self) -> None:
        origin = find_origin(self.inputs.intents, self.question.source)
        port = self._attachment(origin)
        packet = self._packet_of(origin, port)
        walks = self._walks(packet)
        walk = walks[0]
        number = int(walk.fields.get("metadata", "0"), 0)
        if number == 0:
            raise self.fail("VRF", f"Nothing tells which VRF frames of {origin} belong to.")
        key = self._vrf(number)
        if walk.flow_in(pipeline.FIB) is None:
            raise self.fail("VRF", f"VRF {number} takes no {self.family} from this attachment.")
        self._check(walks, packet)
        self._forward(key, walks)

    def from_core(self) -> None:
        label = self.question.label
        if self.inputs.core_port is None:
            raise self.fail("core", "This PE has no port to the core.")
        fields = {
            "in_port": str(self.inputs.core_port),
            "eth_dst": self.pe.core_mac,
            **self._ip_fields(None),
        }
        packet = Packet(fields, labels=(label,), octets=self.question.octets)
        walks = self._walks(packet)
        number = int(walks[0].fields.get("metadata", "0"), 0)
        if number == 0:
            raise self.fail(
                "label",
                f"This PE takes no packet with the label {label}: no route it advertises has it.",
            )
        if walks[0].fields.get("eth_type") != pipeline.ETHERTYPES[self.family]:
            raise self.fail("label", f"The label {label} is not for {self.family}.")
        self.ok("label", f"{label} is popped and leads into VRF {number}.")
        # Open vSwitch's own trace ends where labels are popped: the rest is looked at as a packet
        # of the agent, which goes into the same VRF.
        to_label = tuple(flow for flow in walks[0].flows if flow.table < pipeline.FIB)
        self._check([replace(walks[0], flows=to_label)], packet)
        inside = self._ip_fields(None) | {"in_port": LOCAL, "eth_src": injection_mac(number)}
        into_vrf = Packet(inside, octets=self.question.octets)
        self._check(self._walks(into_vrf), into_vrf)
        self._forward(self._vrf(number), walks)

    def _attachment(self, origin: Origin) -> int:
        if origin.host.port_id not in self.inputs.plugged_hosts:
            raise self.fail("port", f"The VM's {origin} is not plugged into this host's switch.")
        if origin.address(self.family) is None:
            raise self.fail("port", f"The VM's {origin} has no {self.family} address.")
        self.ok("port", f"{origin} is plugged.")
        circuit = origin.circuit
        port = self.inputs.circuit_ports.get(circuit.port_id)
        if port is None:
            raise self.fail(
                "attachment", f"The attachment of network {circuit.network_id} is not plugged."
            )
        for subnet in circuit.subnets:
            if self.question.destination == subnet.gateway:
                raise self.fail("attachment", f"{subnet.gateway} is the PE itself: it answers.")
            if circuit.is_whole and self.question.destination in subnet.prefix:
                raise self.fail(
                    "attachment",
                    f"{self.question.destination} is in the VM's own subnet {subnet.prefix}: it is "
                    f"looked for on the network, and never gets to the PE.",
                )
        self.ok(
            "attachment",
            f"network {circuit.network_id} by its port {circuit.port_id}, OpenFlow port {port}.",
        )
        return port

    def _packet_of(self, origin: Origin, port: int) -> Packet:
        fields = self._ip_fields(origin.address(self.family)) | {
            "in_port": str(port),
            "eth_src": origin.host.mac,
            "eth_dst": origin.circuit.mac,
        }
        return Packet(fields, octets=self.question.octets)

    def _ip_fields(self, source: IpAddress | None) -> dict[str, str]:
        prefix = "ip" if self.family is AddressFamily.IPV4 else "ipv6"
        unnamed = "0.0.0.0" if self.family is AddressFamily.IPV4 else "::"  # noqa: S104
        return {
            "eth_type": pipeline.ETHERTYPES[self.family],
            f"{prefix}_src": str(source or unnamed),
            f"{prefix}_dst": str(self.question.destination),
            "ip_proto": _UDP,
        }

    # ── what becomes of it ──

    def _walks(self, packet: Packet) -> list[Walk]:
        """Let the packet take each of several equal paths; the first is the one that is told."""
        first = Walker(self.compiled.flows).walk(packet)
        others = range(1, min(first.choices, MOST_CHOICES))
        return [first, *(Walker(self.compiled.flows, n).walk(packet) for n in others)]

    def _check(self, walks: Iterable[Walk], packet: Packet) -> None:
        self.checks.append(
            tuple(
                Checked(packet, tuple((f.table, f.priority, f.cookie) for f in walk.flows))
                for walk in walks
            )
        )

    def _vrf(self, number: int) -> VrfKey:
        numbers = self.compiled.numbers.by_vrf
        key = next((key for key, each in numbers.items() if each == number), ())
        self.ok("VRF", f"{number}, of VPN {' and '.join(key)}.")
        return key

    def _forward(self, key: VrfKey, walks: list[Walk]) -> None:
        walk = walks[0]
        flow = walk.flow_in(pipeline.FIB)
        if flow is None or flow.cookie >= DropCookie.UNCLASSIFIED:
            missing = Missing(self.inputs, key, self.question.destination, self._imports(key))
            raise self.fail(*why_no_route(missing, flow.cookie if flow else 0))
        destination = dict(flow.match).get(
            "ip_dst" if self.family is AddressFamily.IPV4 else "ipv6_dst", "default"
        )
        is_remote = walk.fields.get("reg3") == str(self.inputs.core_port)
        self.ok("route", f"{destination} {'behind another PE' if is_remote else 'is here'}.")
        if is_remote:
            self._to_core(key, walk)
        else:
            self._to_host(walk)
        self.others += [self._other(key, other) for other in walks[1:]]

    def _to_core(self, key: VrfKey, walk: Walk) -> None:
        label = int(walk.fields.get("reg1", "0"), 0)
        routes = self._routes_by(key, label)
        far = self._next_hop(walk, routes)
        if far is None:
            raise self.fail("label", f"No neighbor's route has the label {label} any more.")
        rds = " ".join(sorted({str(route.rd) for route in routes if route.next_hop == far}))
        self.ok("label", f"{label}, as {far} told (RD {rds}).")
        self.ok("transport", f"by {self._tunnel(key, walk)}.")
        self._size(walk)
        if walk.out is None:
            raise self.fail("core", "It came from the core and would go back there: dropped.")
        self.ok("core", f"out of OpenFlow port {walk.out} to the core.")
        self.far = far, label

    def _other(self, key: VrfKey, walk: Walk) -> str:
        if walk.fields.get("reg3") == str(self.inputs.core_port):
            return f"or by {self._tunnel(key, walk)}"
        return f"or to MAC {walk.fields.get('eth_dst')} here"

    def _tunnel(self, key: VrfKey, walk: Walk) -> str:
        label = int(walk.fields.get("reg1", "0"), 0)
        far = self._next_hop(walk, self._routes_by(key, label))
        if self.pe.encapsulation is Encapsulation.MPLS_IN_GRE:
            return f"GRE from {self.pe.address} to {far}"
        transport = int(walk.fields.get("reg2", "0"), 0)
        pushed = f"transport label {transport % 2**20}" if transport else "no transport label"
        return f"{pushed} to {far}, next hop {walk.fields.get('eth_dst')}"

    def _to_host(self, walk: Walk) -> None:
        self._size(walk)
        port, mac = walk.fields.get("reg3"), walk.fields.get("eth_dst")
        if walk.out is None:
            raise self.fail("delivery", f"No flow sends out of OpenFlow port {port}.")
        intents = self.inputs.intents
        owners = owners_of(intents, intents, self.question.destination)
        whose = next((str(owner) for owner in owners if owner.host.mac == mac), f"MAC {mac}")
        circuits = {str(of): port_id for port_id, of in self.inputs.circuit_ports.items()}
        attachment = circuits.get(walk.out, "unknown")
        self.ok("delivery", f"to {whose}, out of OpenFlow port {port}, attachment {attachment}.")

    def _size(self, walk: Walk) -> None:
        octets = self.question.octets
        if walk.is_punted:
            raise self.fail(
                "size",
                f"{octets} octets are more than the MTU of this path, {walk.most_octets}: the PE "
                f"answers with ICMP, or fragments IPv4 that may be.",
            )
        self.ok("size", f"{octets} octets; this path carries {walk.most_octets}.")

    def _next_hop(self, walk: Walk, routes: list[VpnRoute]) -> IPv4Address | None:
        """Tell the far PE: over GRE the flow names it, else the label's routes and its LSP do."""
        tunnel = walk.fields.get("tun_dst")
        if tunnel is not None:
            return IPv4Address(tunnel)
        entered = int(walk.fields.get("reg2", "0"), 0), walk.fields.get("eth_dst")
        lsps = join_lsps(self.pe, self.inputs.labelled, self.inputs.next_hop_macs)
        core = CoreLink(self.pe, self.inputs.core_port, lsps)
        for route in routes:
            for hop in core.hops(route.next_hop):
                if (transport_register(hop), hop.mac) == entered:
                    return route.next_hop
        return routes[0].next_hop if routes else None

    def _imports(self, key: VrfKey) -> frozenset[RouteTarget]:
        intents = [self.inputs.intents[vpn_id] for vpn_id in key if vpn_id in self.inputs.intents]
        return frozenset(target for intent in intents for target in intent.import_rts)

    def _routes_by(self, key: VrfKey, label: int) -> list[VpnRoute]:
        """The imported routes to the destination that carry a label, longest prefix first."""
        imports = self._imports(key)
        found = [
            route
            for route in self.inputs.routes
            if route.label.value == label
            and self.question.destination in route.prefix
            and route.route_targets & imports
        ]
        return sorted(found, key=lambda r: (-r.prefix.prefixlen, r.next_hop, r.rd))


def trace(pe: ProviderEdge, inputs: Inputs, compiled: Compiled, question: Question) -> Trace:
    """Follow a packet until it leaves this PE, or to the first step that fails.

    Raises:
        UnclearOrigin: the question names nobody, or several.
    """
    tracer = _Tracer(pe, inputs, compiled, question)
    try:
        if question.source:
            tracer.from_host()
        else:
            tracer.from_core()
    except _Failed:
        pass
    return Trace(tuple(tracer.steps), tuple(tracer.checks), tuple(tracer.others), tracer.far)


def as_json(path: Trace) -> Mapping[str, object]:
    """Return the path ready for JSON."""
    far = path.far
    return {
        "steps": [{"step": s.name, "ok": s.is_ok, "says": s.says} for s in path.steps],
        "failed": None if path.failed is None else path.failed.name,
        "others": list(path.others),
        "far": None if far is None else {"pe": str(far[0]), "label": far[1]},
    }
