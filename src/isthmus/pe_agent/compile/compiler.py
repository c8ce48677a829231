# SPDX-License-Identifier: Apache-2.0
"""Compile everything one PE should do, from everything it depends on.

 intents ──▶ group into VRFs ──▶ give numbers and labels ◀── numbers given before
                                        │
 ports, plugged hosts ─▶ own prefixes ──┤
                                        ├──▶ routes to advertise
                                        ▼
 neighbors' routes ──▶ candidates ──▶ import by RT, best paths ─▶ FIB of each VRF
                                        │
 PE, core port, labels told ────────────┴──▶ flows
                                             what answers to punted packets need

Pure: no I/O, no clock, no logging. Same input, same output, in any order.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from functools import partial
from ipaddress import IPv4Address
from typing import TypeVar

from isthmus.model.flow import Flow
from isthmus.model.ids import RouteDistinguisher
from isthmus.model.intent import Migration, VrfIntent
from isthmus.model.ip import AddressFamily, IpPrefix
from isthmus.model.provider_edge import ProviderEdge
from isthmus.model.route import VpnRoute
from isthmus.pe_agent.compile.core_link import CoreLink, path_mtu
from isthmus.pe_agent.compile.flows import (
    compile_delivery_flows,
    compile_label_flow,
    compile_shared_flows,
    compile_vrf_flows,
)
from isthmus.pe_agent.compile.gateways import Announcement, announcement, duty_on
from isthmus.pe_agent.compile.icmp import PuntContext
from isthmus.pe_agent.compile.inputs import Compiled, Inputs, Numbers
from isthmus.pe_agent.compile.lsps import join_lsps
from isthmus.pe_agent.compile.membership import (
    CircuitShare,
    Senders,
    Shares,
    find_senders,
    group_circuits,
)
from isthmus.pe_agent.compile.memo import Memo, SameRoutes
from isthmus.pe_agent.compile.neighbor_discovery import Link
from isthmus.pe_agent.compile.numbers import VRF_NUMBERS, LabelKey, VrfKey, allocate
from isthmus.pe_agent.compile.rib import Candidate, Fib, RemotePath, RoutesByTarget, compile_fib
from isthmus.pe_agent.compile.routes import LocalPath, OwnPrefix, compile_routes, own_prefixes
from isthmus.pe_agent.compile.vrfs import Vrf, make_vrf, wanted_labels

_LEAST_IPV6_MTU = 1280
"""RFC 8200 §5."""

_Key = TypeVar("_Key")
_Value = TypeVar("_Value")

Own = Mapping[VrfKey, Mapping[IpPrefix, OwnPrefix]]
Told = Mapping[VrfKey, frozenset[VpnRoute]]


@dataclass(slots=True)
class _Problems:
    """What this PE can't serve, collected on the way."""

    by_vpn: dict[str, set[str]] = field(default_factory=dict)

    def add(self, vpn_ids: Iterable[str], sentence: str) -> None:
        for vpn_id in vpn_ids:
            self.by_vpn.setdefault(vpn_id, set()).add(sentence)

    def sentences(self) -> dict[str, str]:
        return {vpn_id: " ".join(sorted(found)) for vpn_id, found in sorted(self.by_vpn.items())}


def compile_pe(
    pe: ProviderEdge,
    label_range: range,
    inputs: Inputs,
    vrf_numbers: range = VRF_NUMBERS,
    memo: Memo | None = None,
) -> Compiled:
    """Compile the routes and flows of one PE.

    Args:
        pe: its configuration.
        label_range: VPN labels it may give out.
        inputs: the whole state; how it came about does not matter, but for the numbers given out
            on the way.
        vrf_numbers: VRF numbers it may give out.
        memo: of the last compilation; what comes out is the same with it or without.

    Returns:
        Everything that should be advertised and installed. What can't be served is left out and
        named in ``problems``; it never keeps the rest from being served.
    """
    memo = Memo() if memo is None else memo
    memo.begin()
    problems = _Problems()
    core = _core_link(memo, pe, inputs)
    shares = _shares(memo, pe, inputs)
    numbers = _number((vrf_numbers, label_range), pe, shares, inputs.numbers, problems)
    vrfs = [
        _make_vrf(memo, key, shares[key], inputs.intents, (number, numbers.labels), pe.address)
        for key, number in numbers.by_vrf.items()
    ]
    own = {vrf.key: _own_prefixes(memo, vrf, inputs) for vrf in vrfs}
    told = {vrf.key: _told(memo, vrf, own[vrf.key]) for vrf in vrfs}
    fibs = _compile_fibs(memo, vrfs, own, told, core, inputs.routes)
    for vrf in vrfs:
        _note_problems(vrf, fibs[vrf.key], core, inputs, problems)
    routes = _advertised(memo, told, core, problems)
    senders = find_senders(shares, inputs.plugged_hosts)
    flows = _compile_flows(memo, vrfs, fibs, core, inputs.circuit_ports, senders)
    return Compiled(
        routes=routes,
        flows=flows | _label_flows(memo, vrfs, routes),
        numbers=numbers,
        problems=problems.sentences(),
        punts={vrf.number: _punts(memo, vrf, fibs[vrf.key], core) for vrf in vrfs},
        links=_of_ports(memo, _links, vrfs, inputs),
        import_rts=frozenset().union(*(vrf.import_rts for vrf in vrfs)),
        announcements=_announcements(memo, vrfs, inputs, pe.address),
        arriving=_of_ports(memo, _arriving, vrfs, inputs),
    )


def _core_link(memo: Memo, pe: ProviderEdge, inputs: Inputs) -> CoreLink:
    given = (pe, inputs.core_port, inputs.labelled, inputs.next_hop_macs)
    return memo.recall(
        "core",
        given,
        lambda: CoreLink(
            pe, inputs.core_port, join_lsps(pe, inputs.labelled, inputs.next_hop_macs)
        ),
    )


def _shares(memo: Memo, pe: ProviderEdge, inputs: Inputs) -> Shares:
    duty = partial(duty_on, own=pe.address, view=inputs.gateways)
    given = (inputs.intents, inputs.gateways)
    return memo.recall("shares", given, partial(group_circuits, inputs.intents, duty))


def _told(memo: Memo, vrf: Vrf, own: Mapping[IpPrefix, OwnPrefix]) -> frozenset[VpnRoute]:
    return memo.recall(("told", vrf.key), (vrf, own), partial(compile_routes, vrf, own))


def _punts(memo: Memo, vrf: Vrf, fib: Fib, core: CoreLink) -> PuntContext:
    given = (vrf, fib, core)
    return memo.recall(("punts", vrf.key), given, partial(_punt_context, *given))


def _of_ports(
    memo: Memo,
    make: Callable[[list[Vrf], Mapping[str, int]], Mapping[_Key, _Value]],
    vrfs: list[Vrf],
    inputs: Inputs,
) -> Mapping[_Key, _Value]:
    """Return what depends on VRFs and on where their circuits are plugged alone."""
    given = (vrfs, inputs.circuit_ports)
    return memo.recall(make.__name__, given, partial(make, *given))


def _label_flows(memo: Memo, vrfs: Iterable[Vrf], routes: Iterable[VpnRoute]) -> frozenset[Flow]:
    """Compile the ways in: a label is accepted as long as a route carries it, and no longer."""
    accepted = {route.label for route in routes}
    return frozenset(
        memo.recall(("label", vrf.key, family), (vrf,), partial(compile_label_flow, vrf, family))
        for vrf in vrfs
        for family, label in vrf.labels.items()
        if label in accepted
    )


def _make_vrf(
    memo: Memo,
    key: VrfKey,
    shares: tuple[CircuitShare, ...],
    intents: Mapping[str, VrfIntent],
    numbers: tuple[int, Mapping[LabelKey, int]],
    pe_address: IPv4Address,
) -> Vrf:
    """Put together a VRF: the one there was, if it is equal."""
    number, labels = numbers
    given = (
        shares,
        tuple(intents[vpn_id] for vpn_id in key),
        number,
        tuple(labels.get((key, family)) for family in AddressFamily),
        pe_address,
    )
    return memo.recall(
        ("vrf", key), given, lambda: make_vrf(key, shares, intents, numbers, pe_address)
    )


def _own_prefixes(memo: Memo, vrf: Vrf, inputs: Inputs) -> Mapping[IpPrefix, OwnPrefix]:
    """Find what a VRF delivers to by itself, if its ports or CEs are others than before."""
    ports = tuple(inputs.circuit_ports.get(circuit.port_id) for circuit in vrf.circuits)
    plugged = tuple(
        port_id
        for circuit in vrf.circuits
        for port_id in (
            *(host.port_id for host in circuit.hosts),
            *(behind.port_id for behind in circuit.prefixes),
        )
        if port_id in inputs.plugged_hosts
    )
    arrived = tuple(port_id for port_id in plugged if port_id in inputs.arrived)
    return memo.recall(
        ("own", vrf.key),
        (vrf, ports, plugged, arrived),
        lambda: own_prefixes(vrf, inputs.circuit_ports, plugged, arrived),
    )


def _number(
    pools: tuple[range, range],
    pe: ProviderEdge,
    shares: Shares,
    before: Numbers,
    problems: _Problems,
) -> Numbers:
    """Give each VRF its number, and a label for each address family; it serves what has both."""
    reserved = {pe.transport_label.value} if pe.transport_label is not None else set()
    number_pool, label_pool = pools
    by_vrf = allocate(before.by_vrf, before.last_vrf, shares, number_pool)
    wanted = wanted_labels(shares)
    labels = allocate(before.labels, before.last_label, wanted, label_pool, reserved)
    for key in by_vrf.refused:
        problems.add(key, "This PE has no VRF number left.")
    for key, family in labels.refused:
        problems.add(
            key,
            f"This PE has no label left between {label_pool.start} and {label_pool.stop - 1} "
            f"for {family}.",
        )
    return Numbers(by_vrf.given, labels.given, by_vrf.last, labels.last)


def _advertised(memo: Memo, told: Told, core: CoreLink, problems: _Problems) -> frozenset[VpnRoute]:
    """The routes other PEs hear: none without a core, as what they attract would be lost."""
    if core.port is None:
        return frozenset()
    routes, clashes = memo.recall("advertised", (told,), partial(_without_clashes, told))
    for key, sentence in clashes:
        problems.add(key, sentence)
    return routes


def _without_clashes(told: Told) -> tuple[frozenset[VpnRoute], list[tuple[VrfKey, str]]]:
    """Leave out what BGP would take for a change of another route (RFC 4364 §4.1)."""
    heard: dict[tuple[RouteDistinguisher, IpPrefix], VpnRoute] = {}
    clashes = []
    for key, routes in told.items():
        for route in routes:
            if heard.setdefault((route.rd, route.prefix), route) is not route:
                sentence = (
                    f"Another VPN already advertises {route.prefix} with the RD {route.rd}; "
                    f"give them different RDs."
                )
                clashes.append((key, sentence))
    return frozenset(heard.values()), clashes


def _compile_fibs(
    memo: Memo,
    vrfs: Iterable[Vrf],
    own: Own,
    told: Told,
    core: CoreLink,
    learnt: frozenset[VpnRoute],
) -> dict[VrfKey, Fib]:
    """Import and choose, for every VRF, among all routes there are."""
    remote = [
        Candidate(route, RemotePath(route.next_hop, route.label))
        for route in learnt
        # A reflector may still hold what this PE advertised in a former life.
        if route.next_hop != core.pe.address
    ]
    local = [
        Candidate(route, path)
        for key, routes in told.items()
        for route in routes
        for path in own[key][route.prefix].paths
    ]
    routes = RoutesByTarget([*remote, *local])
    return {
        vrf.key: memo.recall(
            ("fib", vrf.key),
            (vrf, own[vrf.key], core, SameRoutes(routes.imported(vrf.import_rts))),
            partial(compile_fib, vrf, own[vrf.key], routes, core.reaches),
        )
        for vrf in vrfs
    }


def _compile_flows(
    memo: Memo,
    vrfs: Iterable[Vrf],
    fibs: Mapping[VrfKey, Fib],
    core: CoreLink,
    circuit_ports: Mapping[str, int],
    senders: Senders,
) -> frozenset[Flow]:
    """Everything but the ways in from the core."""
    served: set[tuple[int, AddressFamily]] = set()
    parts = []
    for vrf in vrfs:
        fib = fibs[vrf.key]
        ports = {
            circuit.port_id: circuit_ports[circuit.port_id]
            for circuit in vrf.circuits
            if circuit.port_id in circuit_ports
        }
        served.update((port, family) for port in ports.values() for family in vrf.labels)
        macs = {
            (vrf.key, port_id): found
            for port_id in ports
            if (found := senders.get((vrf.key, port_id)))
        }
        parts.append(
            memo.recall(
                ("flows", vrf.key),
                (vrf, fib, ports, macs, core),
                lambda: frozenset(compile_vrf_flows(vrf, fib, ports, macs, core)),  # noqa: B023 -- called at once
            )
        )
    shared = memo.recall(
        "flows",
        (core, served),
        lambda: frozenset((*compile_shared_flows(core), *compile_delivery_flows(served, core.pe))),
    )
    return shared.union(*parts)


def _punt_context(vrf: Vrf, fib: Fib, core: CoreLink) -> PuntContext:
    remote_mtu = path_mtu(vrf, core)
    return PuntContext(
        subnets=tuple(sorted(subnet for circuit in vrf.circuits for subnet in circuit.subnets)),
        path_mtu=remote_mtu,
        mtus=_mtus(fib, remote_mtu),
    )


def _mtus(fib: Fib, remote_mtu: int) -> dict[IpPrefix, int]:
    """What gets to the prefixes that are here, and to those of others that may lie within them."""
    here = [prefix for prefix, paths in fib.paths.items() if isinstance(paths[0], LocalPath)]
    has_prefixes = any(each.prefixlen < each.max_prefixlen for each in here)
    wanted = fib.paths if fib.from_core or has_prefixes else here
    return {prefix: _least_mtu(prefix, fib, remote_mtu) for prefix in wanted}


def _least_mtu(prefix: IpPrefix, fib: Fib, remote_mtu: int) -> int:
    """What gets to a prefix whichever of its paths a packet takes."""
    return min(
        path.mtu if isinstance(path, LocalPath) else remote_mtu
        for path in (*fib.paths[prefix], *fib.from_core.get(prefix, ()))
    )


def _links(vrfs: Iterable[Vrf], circuit_ports: Mapping[str, int]) -> dict[int, Link]:
    return {
        circuit_ports[circuit.port_id]: link
        for vrf in vrfs
        if AddressFamily.IPV6 in vrf.labels
        for circuit in vrf.served_circuits
        if circuit.port_id in circuit_ports and (link := Link.of(circuit)).subnets
    }


def _announcements(
    memo: Memo, vrfs: list[Vrf], inputs: Inputs, own: IPv4Address
) -> Mapping[int, Announcement]:
    ports, view = inputs.circuit_ports, inputs.gateways
    return memo.recall(
        "announcements",
        (vrfs, ports, view, own),
        lambda: {
            ports[circuit.port_id]: announcement(circuit, own, view)
            for vrf in vrfs
            for circuit in vrf.served_circuits
            if circuit.port_id in ports
        },
    )


def _arriving(vrfs: Iterable[Vrf], circuit_ports: Mapping[str, int]) -> dict[tuple[int, str], str]:
    return {
        (circuit_ports[circuit.port_id], host.mac): host.port_id
        for vrf in vrfs
        for circuit in vrf.circuits
        if circuit.port_id in circuit_ports
        for host in circuit.hosts
        if host.migration is Migration.ARRIVING
    }


def _note_problems(vrf: Vrf, fib: Fib, core: CoreLink, inputs: Inputs, problems: _Problems) -> None:
    """Name what this VRF lacks, to the VPNs that lack it."""
    if core.port is None:
        problems.add(vrf.key, "This PE has no port to the core.")
    for circuit in vrf.circuits:
        if circuit.port_id not in inputs.circuit_ports:
            problems.add(vrf.key, f"The attachment of network {circuit.network_id} is not plugged.")
        if circuit.mtu > core.payload:
            problems.add(
                vrf.key,
                f"Network {circuit.network_id} has an MTU of {circuit.mtu}, which with labels "
                f"makes {circuit.mtu + core.overhead} octets, but the core link carries "
                f"{core.pe.core_mtu}; larger packets are answered with ICMP.",
            )
    if AddressFamily.IPV6 in vrf.labels and core.payload < _LEAST_IPV6_MTU:
        problems.add(
            vrf.key,
            f"The core link carries packets of {core.payload} octets, but IPv6 needs "
            f"{_LEAST_IPV6_MTU} everywhere.",
        )
    if core.port is not None:
        for route in fib.unresolved:
            problems.add(
                _importers(vrf.key, route, inputs.intents),
                core.why_unreached(route.next_hop),
            )


def _importers(key: VrfKey, route: VpnRoute, intents: Mapping[str, VrfIntent]) -> list[str]:
    return [vpn_id for vpn_id in key if intents[vpn_id].import_rts & route.route_targets]
