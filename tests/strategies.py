# SPDX-License-Identifier: Apache-2.0
"""Random states of a PE and random backbones, small enough that things collide."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from ipaddress import IPv4Address, ip_network

from hypothesis import strategies as st

from isthmus.model.ids import Label, RouteDistinguisher, RouteTarget
from isthmus.model.intent import AttachmentCircuit, RouterAdvertisement, VrfIntent
from isthmus.model.provider_edge import Encapsulation, ProviderEdge
from isthmus.model.route import VpnRoute
from isthmus.pe_agent.compile.inputs import Inputs, Numbers
from tests.actors import CORE_PORT, PE1, PE2, PE3, circuit, host, provider_edge
from tests.fakes.backbone import Backbone, BackbonePe

VPNS = ("blue", "green", "red")
TARGETS = tuple(RouteTarget.parse(f"64500:{number}") for number in (1, 2, 3))
FIRST_ATTACHMENT_PORT = 10

target_sets = st.frozensets(st.sampled_from(TARGETS), max_size=2)


@dataclass(frozen=True)
class Membership:
    """Which VPNs there are, what each imports and exports, and which networks are in each."""

    imports: Mapping[str, frozenset[RouteTarget]]
    exports: Mapping[str, frozenset[RouteTarget]]
    networks: Mapping[str, frozenset[str]]

    def intents(self, circuits: Mapping[str, AttachmentCircuit]) -> dict[str, VrfIntent]:
        """Return every VPN's part on the PE that has ``circuits``."""
        return {
            vpn: VrfIntent(
                vpn,
                1,
                self.imports[vpn],
                self.exports[vpn],
                None,
                tuple(
                    each for name, each in sorted(circuits.items()) if vpn in self.networks[name]
                ),
            )
            for vpn in self.imports
        }


@st.composite
def memberships(draw: st.DrawFn, networks: tuple[str, ...]) -> Membership:
    """Some VPNs with some RTs, each network in some of them."""
    vpns = draw(st.lists(st.sampled_from(VPNS), unique=True, min_size=1))
    return Membership(
        imports={vpn: draw(target_sets) for vpn in vpns},
        exports={vpn: draw(target_sets) for vpn in vpns},
        networks={name: draw(st.frozensets(st.sampled_from(vpns))) for name in networks},
    )


def _circuit(name: str, number: int, hosts: int, families: str = "46") -> AttachmentCircuit:
    prefixes = {"4": f"10.{number}.0.0/24", "6": f"2001:db8:{number}::/64"}
    addresses = {"4": f"10.{number}.0.{{}}", "6": f"2001:db8:{number}::{{}}"}
    ces = (
        host(f"ce-{name}-{i}", *(addresses[family].format(10 + i) for family in families))
        for i in range(hosts)
    )
    made = circuit(name, [prefixes[family] for family in families], *ces)
    # Every mode occurs; hosts of IPv4 subnets are told nothing.
    mode = list(RouterAdvertisement)[number % len(RouterAdvertisement)]
    subnets = (
        replace(each, advertisement=mode) if each.prefix.version == 6 else each
        for each in made.subnets
    )
    return replace(made, subnets=tuple(subnets))


NETWORKS = {"n1": "46", "n2": "4", "n3": "6"}
CIRCUITS = {
    name: _circuit(name, number, 2, families)
    for number, (name, families) in enumerate(NETWORKS.items(), start=1)
}
_PORTS = {each.port_id: 10 + i for i, each in enumerate(CIRCUITS.values())}
_CES = tuple(each.port_id for circuit_ in CIRCUITS.values() for each in circuit_.hosts)
_PREFIXES = tuple(
    ip_network(text)
    for text in (
        "10.1.0.10/32", "10.2.0.99/32", "10.9.0.0/24", "0.0.0.0/0",
        "2001:db8:1::10/128", "2001:db8:3::99/128", "2001:db8:9::/64", "::/0",
    )
)  # fmt: skip

vpn_routes = st.builds(
    VpnRoute,
    rd=st.sampled_from([RouteDistinguisher.parse(f"192.0.2.21:{n}") for n in (1, 2)]),
    prefix=st.sampled_from(_PREFIXES),
    next_hop=st.sampled_from([PE1, PE2, PE3, IPv4Address("192.0.2.99")]),
    label=st.sampled_from([Label(500), Label(501)]),
    route_targets=st.frozensets(st.sampled_from(TARGETS), min_size=1, max_size=2),
    local_pref=st.sampled_from([100, 200]),
)


@st.composite
def states(draw: st.DrawFn) -> Inputs:
    """A state of PE1 that was never given any number."""
    return Inputs(
        intents=draw(memberships(tuple(NETWORKS))).intents(CIRCUITS),
        routes=draw(st.frozensets(vpn_routes, max_size=6)),
        core_port=draw(st.sampled_from([CORE_PORT, CORE_PORT, CORE_PORT, None])),
        circuit_ports={
            port: _PORTS[port] for port in draw(st.frozensets(st.sampled_from(sorted(_PORTS))))
        },
        plugged_hosts=draw(st.frozensets(st.sampled_from(_CES))),
        numbers=Numbers(),
    )


pes = st.builds(
    provider_edge,
    encapsulation=st.sampled_from(list(Encapsulation)),
    transport_label=st.sampled_from([None, 17, 1000]),
    core_mtu=st.sampled_from([1400, 1600]),
)


@dataclass(frozen=True)
class Topology:
    """A converged backbone, and what is where.

    Attributes:
        membership: who may know whom.
        backbone: the PEs.
        attached: (PE, OpenFlow port) → network.
        circuits: network → its attachment, with the hosts that run there.
        home: network → its PE.
    """

    membership: Membership
    backbone: Backbone
    attached: Mapping[tuple[IPv4Address, int], str]
    circuits: Mapping[str, AttachmentCircuit]
    home: Mapping[str, IPv4Address]

    def vrf(self, network: str) -> frozenset[str]:
        """Return the VPNs of a network, which make its VRF on its PE."""
        return self.membership.networks[network]

    def knows(self, sender: str, receiver: str) -> bool:
        """Tell whether the VRF of one network may send to hosts of another."""
        if self.home[sender] == self.home[receiver] and self.vrf(sender) == self.vrf(receiver):
            return bool(self.vrf(sender))
        imported = {rt for vpn in self.vrf(sender) for rt in self.membership.imports[vpn]}
        exported = {rt for vpn in self.vrf(receiver) for rt in self.membership.exports[vpn]}
        return bool(imported & exported)


@st.composite
def topologies(draw: st.DrawFn, *, overlapping: bool) -> Topology:
    """Two or three PEs with one to three networks each; the same addresses if ``overlapping``."""
    addresses = draw(st.sampled_from([(PE1, PE3), (PE1, PE2, PE3)]))
    home: dict[str, IPv4Address] = {}
    for address in addresses:
        for i in range(draw(st.integers(1, 3))):
            home[f"n{address.packed[3]}-{i}"] = address
    membership = draw(memberships(tuple(home)))
    circuits = {
        name: _circuit(name, draw(st.integers(1, 2)) if overlapping else number, 1)
        for number, name in enumerate(home, start=1)
    }
    ports = {name: FIRST_ATTACHMENT_PORT + i for i, name in enumerate(home)}
    encapsulation = draw(st.sampled_from(list(Encapsulation)))
    pes_ = []
    for address in addresses:
        own = {name: each for name, each in circuits.items() if home[name] == address}
        pe: ProviderEdge = provider_edge(
            address,
            encapsulation=encapsulation,
            transport_label=draw(st.sampled_from([None, 17])),
        )
        pes_.append(
            BackbonePe(
                pe,
                membership.intents(own),
                {each.port_id: ports[name] for name, each in own.items()},
                frozenset(ce.port_id for each in own.values() for ce in each.hosts),
            )
        )
    backbone = Backbone(*pes_)
    backbone.converge()
    attached = {(home[name], port): name for name, port in ports.items()}
    return Topology(membership, backbone, attached, circuits, home)
