# SPDX-License-Identifier: Apache-2.0
"""The same PEs, VPNs, networks and hosts in every test, and short ways to write them down."""

from __future__ import annotations

import zlib
from collections.abc import Iterable, Mapping
from dataclasses import replace
from ipaddress import IPv4Address, ip_address, ip_network

from isthmus.model.ids import Label, RouteDistinguisher, RouteTarget
from isthmus.model.intent import (
    AttachedHost,
    AttachedPrefix,
    AttachedSubnet,
    AttachmentCircuit,
    RouterAdvertisement,
    VrfIntent,
)
from isthmus.model.provider_edge import Encapsulation, ProviderEdge, TransportNextHop
from isthmus.model.route import LabelledRoute, VpnRoute
from isthmus.pe_agent.compile.compiler import compile_pe
from isthmus.pe_agent.compile.inputs import Compiled, Inputs, Numbers

PE1 = IPv4Address("192.0.2.11")
PE2 = IPv4Address("192.0.2.12")
PE3 = IPv4Address("192.0.2.21")
P_MAC = "02:00:00:00:00:f1"
VPN_RED = "red"
VPN_BLUE = "blue"
RED = frozenset({RouteTarget.parse("64500:100")})
BLUE = frozenset({RouteTarget.parse("64500:200")})
NOBODY: frozenset[RouteTarget] = frozenset()
LABELS = range(1000, 2000)


def mac_of(name: str) -> str:
    """Return the MAC that Neutron would have given to what is called ``name``."""
    return f"fa:16:3e:{zlib.crc32(name.encode()).to_bytes(4, 'big')[:3].hex(':')}"


def host(name: str, *addresses: str) -> AttachedHost:
    """Make a CE whose port is called like itself."""
    return AttachedHost(name, mac_of(name), tuple(ip_address(address) for address in addresses))


def subnet(
    prefix: str, advertisement: RouterAdvertisement = RouterAdvertisement.NONE
) -> AttachedSubnet:
    """Make a subnet whose gateway has its first address."""
    network = ip_network(prefix)
    return AttachedSubnet(network, network[1], advertisement)


def circuit(
    network: str, prefixes: str | Iterable[str], *hosts: AttachedHost, mtu: int = 1442
) -> AttachmentCircuit:
    """Make the attachment of ``network``, whose port is called ``pe-<network>``."""
    given = [prefixes] if isinstance(prefixes, str) else list(prefixes)
    port_id = f"pe-{network}"
    subnets = tuple(sorted(subnet(prefix) for prefix in given))
    return AttachmentCircuit(network, port_id, mac_of(port_id), mtu, subnets, hosts)


def behind(
    attachment: AttachmentCircuit,
    prefix: str,
    port: str | None = None,
    *,
    mac: str | None = None,
    local_pref: int | None = None,
) -> AttachmentCircuit:
    """Put a prefix behind a CE of a network: behind ``port``, or the router that has ``mac``."""
    chosen = mac or mac_of(port or "router")
    added = AttachedPrefix(ip_network(prefix), chosen, port, local_pref)
    return replace(attachment, prefixes=tuple(sorted({*attachment.prefixes, added})))


def named(attachment: AttachmentCircuit) -> AttachmentCircuit:
    """Leave only the ports that an attachment names in the VPN."""
    return replace(attachment, is_whole=False)


def intent(
    vpn_id: str,
    *circuits: AttachmentCircuit,
    imports: frozenset[RouteTarget] = RED,
    exports: frozenset[RouteTarget] | None = None,
    generation: int = 1,
    rd: RouteDistinguisher | None = None,
) -> VrfIntent:
    """Make one VPN's part on a PE; it exports what it imports unless told otherwise."""
    return VrfIntent(
        vpn_id, generation, imports, imports if exports is None else exports, rd, circuits
    )


def route(
    prefix: str,
    next_hop: IPv4Address = PE3,
    label: int = 1000,
    targets: frozenset[RouteTarget] = RED,
    local_pref: int = 100,
    number: int = 1,
) -> VpnRoute:
    """Make a route as another PE advertises it."""
    rd = RouteDistinguisher(1, int(next_hop), number)
    return VpnRoute(rd, ip_network(prefix), next_hop, Label(label), targets, local_pref)


def provider_edge(
    address: IPv4Address = PE1,
    remote_pes: Iterable[IPv4Address] = (PE1, PE2, PE3),
    *,
    core_mtu: int = 1600,
    encapsulation: Encapsulation = Encapsulation.MPLS,
    transport_label: int | None = None,
) -> ProviderEdge:
    """Make a PE; transport label 16 + last octet of the address leads to each remote one."""
    return ProviderEdge(
        address=address,
        core_mac=core_mac_of(address),
        core_mtu=core_mtu,
        encapsulation=encapsulation,
        transport_label=None if transport_label is None else Label(transport_label),
        remote_pes={
            remote: TransportNextHop(transport_label_to(remote), P_MAC)
            for remote in remote_pes
            if remote != address
        },
    )


def core_mac_of(address: IPv4Address) -> str:
    """Return the MAC of a PE on the core link."""
    return f"02:00:{address.packed.hex(':')}"


def transport_label_to(address: IPv4Address) -> Label:
    """Return the label under which the first P router takes packets for a PE."""
    return Label(16 + address.packed[3])


CORE_PORT, RED_PORT, BLUE_PORT = 1, 2, 3
RED_WEST = circuit("red-west", "10.1.0.0/24", host("ce-red-1", "10.1.0.5"))
RED_EAST = circuit("red-east", "10.2.0.0/24", host("ce-red-2", "10.2.0.7"))
BLUE_WEST = circuit("blue-west", "10.1.0.0/24", host("ce-blue-1", "10.1.0.5"))
BLUE_EAST = circuit("blue-east", "10.2.0.0/24", host("ce-blue-2", "10.2.0.7"))
PORTS = {f"pe-{name}": RED_PORT for name in ("red-west", "red-east")} | {
    f"pe-{name}": BLUE_PORT for name in ("blue-west", "blue-east")
}
HOSTS = frozenset({"ce-red-1", "ce-red-2", "ce-blue-1", "ce-blue-2"})


def compiled(
    *intents: VrfIntent,
    routes: frozenset[VpnRoute] = frozenset(),
    pe: ProviderEdge | None = None,
    core_port: int | None = CORE_PORT,
    circuit_ports: dict[str, int] | None = None,
    plugged: frozenset[str] = HOSTS,
    numbers: Numbers | None = None,
    labels: range = LABELS,
    labelled: Mapping[LabelledRoute, str] | None = None,
) -> Compiled:
    """Compile PE1 with everything plugged unless told otherwise.

    ``labelled``: what P routers tell, each with the MAC of its next hop.
    """
    told = labelled or {}
    inputs = Inputs(
        {each.vpn_id: each for each in intents},
        routes,
        core_port,
        PORTS if circuit_ports is None else circuit_ports,
        plugged,
        numbers or Numbers(),
        labelled=frozenset(told),
        next_hop_macs={each.next_hop: mac for each, mac in told.items()},
    )
    return compile_pe(pe or provider_edge(), labels, inputs)
