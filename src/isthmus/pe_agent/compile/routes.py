# SPDX-License-Identifier: Apache-2.0
"""What a VRF delivers to by itself, and the VPN routes that tell others of it (RFC 4364 §4.3)."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv4Network, IPv6Network

from isthmus.model.ids import RouteTarget
from isthmus.model.intent import AttachedHost, AttachedPrefix, AttachmentCircuit, Migration
from isthmus.model.ip import IpAddress, IpPrefix, family_of
from isthmus.model.route import VpnRoute
from isthmus.pe_agent.compile.gateways import Duty, local_pref
from isthmus.pe_agent.compile.membership import CircuitShare
from isthmus.pe_agent.compile.vrfs import Vrf


@dataclass(frozen=True, slots=True, order=True)
class LocalPath:
    """The way to a CE through an attachment circuit of this PE.

    Attributes:
        port: the circuit's OpenFlow port.
        gateway_mac: the circuit's MAC, from which CEs get their packets.
        mac: the CE's own: a host's, or a router's.
        mtu: largest IP packet the circuit's network carries, in octets.
    """

    port: int
    gateway_mac: str
    mac: str
    mtu: int


@dataclass(frozen=True, slots=True)
class OwnPrefix:
    """A prefix that a VRF delivers to by itself.

    Attributes:
        paths: the best it has, in order; several when several CEs have it behind them.
        local_pref: of its route.
        route_targets: of its route; none when nobody is told of it.
        is_host: it is a CE's own address, which no other route takes away; not so where another
            gateway may have it.
    """

    paths: tuple[LocalPath, ...]
    local_pref: int
    route_targets: frozenset[RouteTarget]
    is_host: bool


def own_prefixes(
    vrf: Vrf,
    circuit_ports: Mapping[str, int],
    plugged_hosts: Collection[str],
    arrived: Collection[str] = (),
) -> dict[IpPrefix, OwnPrefix]:
    """Find what a VRF delivers to by itself.

    Args:
        vrf: whose attachment circuits are looked at.
        circuit_ports: attachment's Neutron port → OpenFlow port, of those plugged.
        plugged_hosts: Neutron ports of VMs plugged on this host.
        arrived: those of them that were arriving and run here now.

    Returns:
        Each address, as a host prefix, and each prefix of the CEs that are here, of the families
        the VRF serves. The gateway's address is the PE's own and never a CE's; a link-local one
        means something on its own link only (RFC 4291 §2.5.6). An address counts if it lies in a
        subnet of its network, or behind the network's router. A VM that is arriving is elsewhere
        until it has arrived; one that is leaving counts for less than that.
    """
    plugged = _Plugged(plugged_hosts, arrived)
    found: dict[IpPrefix, OwnPrefix] = {}
    for share in vrf.shares:
        port = circuit_ports.get(share.circuit.port_id)
        if port is not None:
            for prefix, own in _own_hosts(vrf, share, port, plugged):
                # Of a VM and the one that takes its place, both may be known for a moment.
                found.setdefault(prefix, own)
    behind: dict[IpPrefix, list[OwnPrefix]] = {}
    for share in vrf.shares:
        port = circuit_ports.get(share.circuit.port_id)
        if port is not None and share.told_by:
            for prefix, own in _own_prefixes(vrf, share, port, plugged):
                behind.setdefault(prefix, []).append(own)
    return {prefix: _best(several) for prefix, several in behind.items()} | found


def compile_routes(vrf: Vrf, own: Mapping[IpPrefix, OwnPrefix]) -> frozenset[VpnRoute]:
    """Compile the routes that make what a VRF delivers to reachable from other VRFs and PEs.

    Args:
        vrf: gives RD, label and next hop.
        own: what it delivers to.

    Returns:
        One route for each prefix that anybody is told of.
    """
    return frozenset(
        VpnRoute(
            vrf.rd,
            prefix,
            vrf.pe_address,
            vrf.labels[family_of(prefix)],
            each.route_targets,
            each.local_pref,
        )
        for prefix, each in own.items()
        if each.route_targets
    )


@dataclass(frozen=True, slots=True)
class _Plugged:
    """Which VMs are plugged, and which of them that were arriving run here by now."""

    hosts: Collection[str]
    arrived: Collection[str]

    def has(self, share: CircuitShare, port_id: str, migration: Migration) -> bool:
        is_here = migration is not Migration.ARRIVING or port_id in self.arrived
        return is_here and share.has(port_id, self.hosts)


def _own_hosts(
    vrf: Vrf, share: CircuitShare, port: int, plugged: _Plugged
) -> Iterator[tuple[IpPrefix, OwnPrefix]]:
    circuit = share.circuit
    everybody = vrf.exported_by(vrf.key), vrf.preference_of(vrf.key)
    within = [subnet.prefix for subnet in circuit.subnets]
    within += [behind.prefix for behind in circuit.prefixes if behind.port_id is None]
    gateways = {subnet.gateway for subnet in circuit.subnets}
    for host in circuit.hosts:
        if not plugged.has(share, host.port_id, host.migration):
            continue
        targets, preference = everybody
        if silent := share.silent.get(host.port_id):
            telling = [vpn_id for vpn_id in vrf.key if vpn_id not in silent]
            targets, preference = vrf.exported_by(telling), vrf.preference_of(telling)
        path = (LocalPath(port, circuit.mac, host.mac, circuit.mtu),)
        preference = local_pref(circuit, share.duty, vrf.pe_address, preference)
        preference = _while_leaving(preference, host.migration)
        is_first = share.duty is not Duty.STANDBY and host.migration is not Migration.LEAVING
        for address in _routed_addresses(vrf, host, gateways):
            if any(address in prefix for prefix in within):
                yield _host_prefix(address), OwnPrefix(path, preference, targets, is_host=is_first)


def _own_prefixes(
    vrf: Vrf, share: CircuitShare, port: int, plugged: _Plugged
) -> Iterator[tuple[IpPrefix, OwnPrefix]]:
    circuit = share.circuit
    for behind, vpn_ids in share.told_by.items():
        is_here = behind.port_id is None or plugged.has(share, behind.port_id, behind.migration)
        if is_here and family_of(behind.prefix) in vrf.labels and _is_routed(circuit, behind):
            path = LocalPath(port, circuit.mac, behind.mac, circuit.mtu)
            preference = behind.local_pref
            if preference is None:
                preference = vrf.preference_of(vpn_ids)
            preference = local_pref(circuit, share.duty, vrf.pe_address, preference)
            preference = _while_leaving(preference, behind.migration)
            targets = vrf.exported_by(vpn_ids)
            yield behind.prefix, OwnPrefix((path,), preference, targets, is_host=False)


def _while_leaving(preference: int, migration: Migration) -> int:
    """Return the local preference of routes to a VM: where it arrives they win at once."""
    return max(preference - 1, 0) if migration is Migration.LEAVING else preference


def _best(several: list[OwnPrefix]) -> OwnPrefix:
    """Put together what several CEs, or VPNs, say of one prefix."""
    preference = max(each.local_pref for each in several)
    paths = {path for each in several if each.local_pref == preference for path in each.paths}
    targets = frozenset[RouteTarget]().union(*(each.route_targets for each in several))
    return OwnPrefix(tuple(sorted(paths)), preference, targets, is_host=False)


def _routed_addresses(vrf: Vrf, host: AttachedHost, gateways: set[IpAddress]) -> list[IpAddress]:
    return [
        address
        for address in host.addresses
        if family_of(address) in vrf.labels
        and address not in gateways
        and not (address.version == 6 and address.is_link_local)
    ]


def _is_routed(circuit: AttachmentCircuit, behind: AttachedPrefix) -> bool:
    """Tell whether a prefix may be behind a CE.

    The PE's own addresses and link-local ones can't; nor can the network between PE and router be
    behind the router.
    """
    prefix = behind.prefix
    if prefix.version == 6 and prefix.is_link_local:
        return False
    if any(prefix == _host_prefix(subnet.gateway) for subnet in circuit.subnets):
        return False
    return behind.port_id is not None or not any(
        _is_within(prefix, subnet.prefix) for subnet in circuit.subnets
    )


def _is_within(prefix: IpPrefix, other: IpPrefix) -> bool:
    return (
        prefix.version == other.version
        and prefix.prefixlen >= other.prefixlen
        and prefix.network_address in other
    )


def _host_prefix(address: IpAddress) -> IpPrefix:
    return IPv4Network(address) if isinstance(address, IPv4Address) else IPv6Network(address)
