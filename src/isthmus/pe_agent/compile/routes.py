# SPDX-License-Identifier: Apache-2.0
"""Compile a VRF's attached hosts into the VPN routes this PE advertises (RFC 4364 §4.3)."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv4Network, IPv6Network

from isthmus.model.intent import AttachedHost, AttachmentCircuit
from isthmus.model.ip import IpAddress, IpPrefix, family_of
from isthmus.model.route import VpnRoute
from isthmus.pe_agent.compile.vrfs import Vrf


@dataclass(frozen=True, slots=True)
class LocalHost:
    """A CE that is plugged into this PE's host, reached through one attachment circuit.

    Attributes:
        port: the circuit's OpenFlow port.
        gateway_mac: the circuit's MAC, from which hosts get their packets.
        mac: the host's own.
        mtu: largest IP packet its network carries, in octets.
    """

    port: int
    gateway_mac: str
    mac: str
    mtu: int


def local_hosts(
    vrf: Vrf, circuit_ports: Mapping[str, int], plugged_hosts: frozenset[str]
) -> dict[IpPrefix, LocalHost]:
    """Find the hosts a VRF delivers to by itself.

    Args:
        vrf: whose attachment circuits are looked at.
        circuit_ports: attachment's Neutron port → OpenFlow port, of those plugged.
        plugged_hosts: Neutron ports of VMs plugged on this host.

    Returns:
        Host prefix → host, for each address that lies in a subnet of a plugged circuit and is of a
        family the VRF serves. The gateway's address is the PE's own and never a host's; a
        link-local one means something on its own link only (RFC 4291 §2.5.6).
    """
    found: dict[IpPrefix, LocalHost] = {}
    for circuit in vrf.circuits:
        port = circuit_ports.get(circuit.port_id)
        if port is None:
            continue
        for host in circuit.hosts:
            if host.port_id not in plugged_hosts:
                continue
            for prefix in _host_prefixes(vrf, circuit, host):
                found.setdefault(prefix, LocalHost(port, circuit.mac, host.mac, circuit.mtu))
    return found


def compile_routes(
    vrf: Vrf, pe_address: IPv4Address, prefixes: Iterable[IpPrefix]
) -> frozenset[VpnRoute]:
    """Compile the routes that make a VRF's hosts reachable from other VRFs and PEs.

    Args:
        vrf: gives RD, label and export RTs.
        pe_address: this PE's tunnel endpoint; becomes the BGP next hop.
        prefixes: of the hosts it delivers to, in any order.

    Returns:
        One route per prefix; none when the VRF exports to nobody.
    """
    if not vrf.export_rts:
        return frozenset()
    return frozenset(
        VpnRoute(vrf.rd, prefix, pe_address, vrf.labels[family_of(prefix)], vrf.export_rts)
        for prefix in prefixes
    )


def _host_prefixes(vrf: Vrf, circuit: AttachmentCircuit, host: AttachedHost) -> list[IpPrefix]:
    gateways = {subnet.gateway for subnet in circuit.subnets}
    return [
        _host_prefix(address)
        for address in host.addresses
        if family_of(address) in vrf.labels
        and address not in gateways
        and not (address.version == 6 and address.is_link_local)
        and any(address in subnet.prefix for subnet in circuit.subnets)
    ]


def _host_prefix(address: IpAddress) -> IpPrefix:
    return IPv4Network(address) if isinstance(address, IPv4Address) else IPv6Network(address)
