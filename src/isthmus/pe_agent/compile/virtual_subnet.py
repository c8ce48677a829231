# SPDX-License-Identifier: Apache-2.0
"""Answer for hosts of an attached subnet that are elsewhere: virtual subnets (RFC 7814).

One subnet may be spread over several sites without any Ethernet between them. A host looks for all
of its subnet on its own link; the PE answers with its own MAC for those it has a host route to, and
what is then sent to them goes through the VRF. OVN answers for the site's own hosts before.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from ipaddress import IPv4Address

from isthmus.model.flow import Drop, Flow, Goto, SetField
from isthmus.model.intent import AttachmentCircuit
from isthmus.model.ip import IpAddress
from isthmus.pe_agent.compile import neighbor_discovery, pipeline
from isthmus.pe_agent.compile.attachments import (
    FOR_ANOTHER_HOST,
    SOLICITATION,
    answer_from,
    arp_reply,
)
from isthmus.pe_agent.compile.pipeline import DropCookie
from isthmus.pe_agent.compile.rib import Fib, Path
from isthmus.pe_agent.compile.routes import LocalPath
from isthmus.pe_agent.compile.vrfs import Vrf

_NO_ADDRESS = IPv4Address(0)

_Place = tuple[int, AttachmentCircuit]


def compile_address_probe_flows() -> Iterator[Flow]:
    """Compile what keeps a host's check of its own address from being answered (RFC 5227 §1.1).

    The route to the place it was at before may still be there. The PE's own addresses are defended.
    """
    arp: dict[str, object] = {"eth_type": pipeline.ARP, "arp_op": 1, "arp_spa": _NO_ADDRESS}
    solicitation: dict[str, object] = {**SOLICITATION, "ipv6_src": "::"}
    for match in (arp, solicitation):
        yield Flow.of(pipeline.ATTACHMENT, 97, match, Drop(), cookie=DropCookie.ADDRESS_PROBE)


def compile_virtual_subnet_flows(
    vrf: Vrf, fib: Fib, circuit_ports: Mapping[str, int]
) -> Iterator[Flow]:
    """Compile the answers, on every link of a VRF, for hosts of its subnets that are elsewhere.

    Args:
        vrf: whose links.
        fib: names the hosts by their host routes.
        circuit_ports: attachment's Neutron port → OpenFlow port, of those plugged.
    """
    by_subnet = _by_subnet(vrf, circuit_ports)
    lengths = sorted({(version, length) for version, length, _ in by_subnet})
    for prefix, paths in fib.paths.items():
        if prefix.prefixlen != prefix.max_prefixlen:
            continue
        address = prefix.network_address
        for version, length in lengths:
            if version == prefix.version:
                bits = int(address) >> (prefix.max_prefixlen - length)
                for port, circuit in by_subnet.get((version, length, bits), ()):
                    if not _is_on_link(port, paths):
                        yield _answer_flow(vrf, circuit, port, address)


def _by_subnet(
    vrf: Vrf, circuit_ports: Mapping[str, int]
) -> dict[tuple[int, int, int], list[_Place]]:
    """Find links by version, length and leading bits of their subnets."""
    found: dict[tuple[int, int, int], list[_Place]] = {}
    for circuit in vrf.served_circuits:
        port = circuit_ports.get(circuit.port_id)
        if port is None:
            continue
        for subnet in circuit.subnets:
            prefix = subnet.prefix
            bits = int(prefix.network_address) >> (prefix.max_prefixlen - prefix.prefixlen)
            places = found.setdefault((prefix.version, prefix.prefixlen, bits), [])
            places.append((port, circuit))
    return found


def _is_on_link(port: int, paths: tuple[Path, ...]) -> bool:
    return any(isinstance(path, LocalPath) and path.port == port for path in paths)


def _answer_flow(vrf: Vrf, circuit: AttachmentCircuit, port: int, address: IpAddress) -> Flow:
    """Below the answers for the PE's own addresses, above what goes on into the VRF."""
    match: dict[str, object] = {
        "in_port": port,
        "metadata": vrf.metadata,
        "vlan_vid": pipeline.UNTAGGED,
    }
    if address.version == 4:
        match |= {"eth_type": pipeline.ARP, "arp_op": 1, "arp_tpa": address}
        actions = arp_reply(circuit, address)
    else:
        match |= {**SOLICITATION, "nd_target": address}
        actions = (
            *answer_from(circuit.mac, address),
            SetField("icmpv6_type", str(neighbor_discovery.NEIGHBOR_ADVERTISEMENT)),
            SetField("reg0", FOR_ANOTHER_HOST),
            Goto(pipeline.NEIGHBOR_ADVERTISEMENT),
        )
    return Flow.of(pipeline.ATTACHMENT, 95, match, *actions, cookie=vrf.number)
