# SPDX-License-Identifier: Apache-2.0
"""Random states of a PE and random backbones, small enough that things collide."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from ipaddress import IPv4Address, ip_network

from hypothesis import strategies as st

from isthmus.model.ids import Label, RouteDistinguisher, RouteTarget
from isthmus.model.intent import (
    AttachedHost,
    AttachedPrefix,
    AttachmentCircuit,
    RouterAdvertisement,
    VrfIntent,
)
from isthmus.model.ip import IpPrefix
from isthmus.model.provider_edge import Encapsulation, ProviderEdge
from isthmus.model.route import VpnRoute
from isthmus.pe_agent.compile.inputs import Inputs, Numbers
from tests.actors import CORE_PORT, PE1, PE2, PE3, circuit, host, provider_edge
from tests.actors import behind as put_behind
from tests.fakes.backbone import Backbone, BackbonePe

VPNS = ("blue", "green", "red")
TARGETS = tuple(RouteTarget.parse(f"64500:{number}") for number in (1, 2, 3))
FIRST_ATTACHMENT_PORT = 10

target_sets = st.frozensets(st.sampled_from(TARGETS), max_size=2)


@dataclass(frozen=True)
class Membership:
    """Which VPNs there are, what each imports and exports, and what is in each.

    Attributes:
        imports: VPN → RTs it accepts.
        exports: VPN → RTs its routes carry.
        networks: network → VPNs it is in, with all its ports.
        ports: CE's port → VPNs it is in beyond those of its network.
        announced: VPN and port that is in it by itself → what it has behind it.
        hidden: VPN and port that is in it by itself: its own addresses are not advertised.
        local_prefs: VPN → preference of its routes.
    """

    imports: Mapping[str, frozenset[RouteTarget]]
    exports: Mapping[str, frozenset[RouteTarget]]
    networks: Mapping[str, frozenset[str]]
    ports: Mapping[str, frozenset[str]] = field(default_factory=dict)
    announced: Mapping[tuple[str, str], tuple[AttachedPrefix, ...]] = field(default_factory=dict)
    hidden: frozenset[tuple[str, str]] = frozenset()
    local_prefs: Mapping[str, int | None] = field(default_factory=dict)

    def intents(self, circuits: Mapping[str, AttachmentCircuit]) -> dict[str, VrfIntent]:
        """Return every VPN's part on the PE that has ``circuits``."""
        return {
            vpn: VrfIntent(
                vpn,
                1,
                self.imports[vpn],
                self.exports[vpn],
                None,
                (
                    *(
                        each
                        for name, each in sorted(circuits.items())
                        if vpn in self.networks[name]
                    ),
                    *(
                        part
                        for _, each in sorted(circuits.items())
                        if (part := self._of(vpn, each))
                    ),
                ),
                self.local_prefs.get(vpn),
            )
            for vpn in self.imports
        }

    def of_ce(self, network: str, port: str) -> frozenset[str]:
        """Return the VPNs a CE is in."""
        return self.networks[network] | self.ports.get(port, frozenset())

    def _of(self, vpn: str, circuit: AttachmentCircuit) -> AttachmentCircuit | None:
        """Return the ports of a network that are in a VPN by themselves."""
        named = [ce for ce in circuit.hosts if vpn in self.ports.get(ce.port_id, ())]
        if not named:
            return None
        prefixes = {each for ce in named for each in self.announced.get((vpn, ce.port_id), ())}
        hosts = (replace(ce, is_advertised=(vpn, ce.port_id) not in self.hidden) for ce in named)
        return replace(
            circuit, hosts=tuple(hosts), prefixes=tuple(sorted(prefixes)), is_whole=False
        )


def tells(intent: VrfIntent, prefix: IpPrefix) -> bool:
    """Tell whether a VPN's intent has a prefix that may be advertised."""
    return any(
        prefix in {behind.prefix for behind in circuit.prefixes}
        or any(
            each.is_advertised and prefix in {ip_network(a) for a in each.addresses}
            for each in circuit.hosts
        )
        for circuit in intent.circuits
    )


ANNOUNCED = tuple(
    ip_network(text) for text in ("198.51.100.0/24", "10.2.0.0/16", "2001:db8:f::/48")
)


@st.composite
def memberships(
    draw: st.DrawFn,
    circuits: Mapping[str, AttachmentCircuit],
    prefixes: tuple[IpPrefix, ...] = ANNOUNCED,
) -> Membership:
    """Some VPNs with some RTs, each network in some of them, and some ports in others."""
    vpns = draw(st.lists(st.sampled_from(VPNS), unique=True, min_size=1))
    some_vpns = st.frozensets(st.sampled_from(vpns))
    ces = {ce.port_id: ce for circuit in circuits.values() for ce in circuit.hosts}
    ports = {port: draw(st.one_of(st.just(frozenset[str]()), some_vpns)) for port in ces}
    by_themselves = [(vpn, port) for port, own in sorted(ports.items()) for vpn in sorted(own)]
    announced = {
        (vpn, port): tuple(
            AttachedPrefix(prefix, ces[port].mac, port, draw(st.sampled_from([None, 50, 200])))
            for prefix in draw(st.lists(st.sampled_from(prefixes), unique=True, max_size=2))
        )
        for vpn, port in by_themselves
    }
    return Membership(
        imports={vpn: draw(target_sets) for vpn in vpns},
        exports={vpn: draw(target_sets) for vpn in vpns},
        networks={name: draw(some_vpns) for name in circuits},
        ports=ports,
        announced=announced,
        hidden=frozenset(each for each in by_themselves if draw(st.booleans())),
        local_prefs={vpn: draw(st.sampled_from([None, 100, 150])) for vpn in vpns},
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
ROUTER_MAC = "fa:16:3e:ff:00:01"
CIRCUITS = {
    name: _circuit(name, number, 2, families)
    for number, (name, families) in enumerate(NETWORKS.items(), start=1)
}
# One is the transit network of a router.
CIRCUITS["n2"] = put_behind(CIRCUITS["n2"], "10.9.0.0/24", mac=ROUTER_MAC)
_PORTS = {each.port_id: 10 + i for i, each in enumerate(CIRCUITS.values())}
_CES = tuple(each.port_id for circuit_ in CIRCUITS.values() for each in circuit_.hosts)
_PREFIXES = tuple(
    ip_network(text)
    for text in (
        "10.1.0.10/32", "10.2.0.99/32", "10.9.0.0/24", "198.51.100.0/24", "0.0.0.0/0",
        "2001:db8:1::10/128", "2001:db8:3::99/128", "2001:db8:f::/48", "::/0",
    )
)  # fmt: skip

vpn_routes = st.builds(
    VpnRoute,
    rd=st.sampled_from([RouteDistinguisher.parse(f"192.0.2.21:{n}") for n in (1, 2)]),
    prefix=st.sampled_from(_PREFIXES),
    next_hop=st.sampled_from([PE1, PE2, PE3, IPv4Address("192.0.2.99")]),
    label=st.sampled_from([Label(500), Label(501)]),
    route_targets=st.frozensets(st.sampled_from(TARGETS), min_size=1, max_size=2),
    local_pref=st.sampled_from([50, 100, 200]),
)


@st.composite
def states(draw: st.DrawFn) -> Inputs:
    """A state of PE1 that was never given any number."""
    return Inputs(
        intents=draw(memberships(CIRCUITS)).intents(CIRCUITS),
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
class Ce:
    """A CE, or a sender whom nobody has named, and where it is.

    Attributes:
        network: its network.
        pe: the PE on its host.
        port: OpenFlow port of its network's attachment.
        vpns: those it is in; they make its VRF.
        host: its port, MAC and addresses.
    """

    network: str
    pe: IPv4Address
    port: int
    vpns: frozenset[str]
    host: AttachedHost


@dataclass(frozen=True)
class Topology:
    """A converged backbone, and what is where.

    Attributes:
        membership: who may know whom.
        backbone: the PEs.
        ces: those that run, by MAC.
        circuits: network → its attachment, with the hosts that run there.
    """

    membership: Membership
    backbone: Backbone
    ces: Mapping[str, Ce]
    circuits: Mapping[str, AttachmentCircuit]

    def senders(self) -> list[Ce]:
        """Return every CE, and in each network somebody whom nobody has named."""
        strangers = {
            each.network: replace(
                each,
                vpns=self.membership.networks[each.network],
                host=replace(each.host, port_id="stranger", mac=STRANGER),
            )
            for each in self.ces.values()
        }
        return [*self.ces.values(), *strangers.values()]

    def knows(self, sender: Ce, receiver: Ce) -> bool:
        """Tell whether the VRF of one CE may send to the address of another."""
        telling = {
            vpn
            for vpn in receiver.vpns
            if vpn in self.membership.networks[receiver.network]
            or (vpn, receiver.host.port_id) not in self.membership.hidden
        }
        return self._knows(sender, receiver, telling)

    def announcements(self, receiver: Ce, prefix: IpPrefix) -> dict[str, int]:
        """Return VPN → preference with which a CE announces a prefix there."""
        found = {}
        for vpn in receiver.vpns:
            for each in self.membership.announced.get((vpn, receiver.host.port_id), ()):
                if each.prefix == prefix:
                    named = (each.local_pref, self.membership.local_prefs[vpn], 100)
                    found[vpn] = next(number for number in named if number is not None)
        return found

    def preference_behind(self, sender: Ce, receiver: Ce, prefix: IpPrefix) -> int | None:
        """Return the preference of a prefix behind a CE; None if its VRF does not tell of it.

        All CEs that are in the same VPNs on one PE share a VRF, which tells of what any of them
        has, to all to whom any of their VPNs does, with the greatest preference.
        """
        if not self.announcements(receiver, prefix):
            return None
        sharing = [
            self.announcements(each, prefix)
            for each in self.ces.values()
            if (each.pe, each.vpns) == (receiver.pe, receiver.vpns)
        ]
        telling = {vpn for each in sharing for vpn in each}
        if not self._knows(sender, receiver, telling):
            return None
        return max(number for each in sharing for number in each.values())

    def _knows(self, sender: Ce, receiver: Ce, telling: set[str]) -> bool:
        if sender.pe == receiver.pe and sender.vpns == receiver.vpns:
            return bool(sender.vpns)
        imported = {rt for vpn in sender.vpns for rt in self.membership.imports[vpn]}
        exported = {rt for vpn in telling for rt in self.membership.exports[vpn]}
        return bool(imported & exported)


OUTSIDE = tuple(ip_network(text) for text in ("198.51.100.0/24", "2001:db8:f::/48"))
STRANGER = "fa:16:3e:ff:00:02"


@st.composite
def topologies(draw: st.DrawFn, *, overlapping: bool) -> Topology:
    """Two or three PEs with one or two networks each; the same addresses if ``overlapping``."""
    addresses = draw(st.sampled_from([(PE1, PE3), (PE1, PE2, PE3)]))
    home: dict[str, IPv4Address] = {}
    for address in addresses:
        for i in range(draw(st.integers(1, 2))):
            home[f"n{address.packed[3]}-{i}"] = address
    circuits = {
        name: _circuit(name, draw(st.integers(1, 2)) if overlapping else number, 2)
        for number, name in enumerate(home, start=1)
    }
    membership = draw(memberships(circuits, OUTSIDE))
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
    ces = {
        ce.mac: Ce(name, home[name], ports[name], membership.of_ce(name, ce.port_id), ce)
        for name, each in circuits.items()
        for ce in each.hosts
    }
    return Topology(membership, backbone, ces, circuits)
