# SPDX-License-Identifier: Apache-2.0
"""Sort what is attached by the set of VPNs it is in.

A network may be in several VPNs, and a port in more VPNs than its network. A frame that comes in
says who sent it, and nothing about which VPN it is for. So an attachment circuit falls into
shares: one for the ports that no VPN names, which are in the network's VPNs, and one for each set
of VPNs that ports are in beyond those. All shares of all circuits that are in the same set of VPNs
make one VRF; two that are in different sets never share one, so that neither sees routes which
only the other's VPN imports (RFC 4364 §3.2).
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import dataclass, field, replace

from isthmus.model.intent import (
    AttachedHost,
    AttachedPrefix,
    AttachedSubnet,
    AttachmentCircuit,
    VrfIntent,
)
from isthmus.model.ip import IpAddress, IpPrefix
from isthmus.pe_agent.compile.gateways import Duty, everywhere
from isthmus.pe_agent.compile.numbers import VrfKey


@dataclass(frozen=True, slots=True)
class CircuitShare:
    """What one VRF has of an attachment circuit.

    Attributes:
        circuit: the circuit; its hosts and prefixes are those of this VRF.
        is_default: whoever sends and is in no other share is in this one.
        is_split: there are other shares of the circuit.
        silent: port of a host → those of the VRF's VPNs that don't advertise its addresses; for
            hosts of which there are any.
        told_by: prefix behind a CE → those of the VRF's VPNs that advertise it.
        duty: what this PE does there.
    """

    circuit: AttachmentCircuit
    is_default: bool = True
    is_split: bool = False
    silent: Mapping[str, frozenset[str]] = field(default_factory=dict)
    told_by: Mapping[AttachedPrefix, frozenset[str]] = field(default_factory=dict)
    duty: Duty = Duty.OWN_HOSTS

    def has(self, port_id: str, plugged: Collection[str]) -> bool:
        """Whether a CE is reached from here: one of this host, or behind a gateway any."""
        return self.duty is not Duty.OWN_HOSTS or port_id in plugged


Shares = Mapping[VrfKey, tuple[CircuitShare, ...]]
Senders = Mapping[tuple[VrfKey, str], tuple[str, ...]]


def group_circuits(
    intents: Mapping[str, VrfIntent], duty: Callable[[AttachmentCircuit], Duty] = everywhere
) -> dict[VrfKey, tuple[CircuitShare, ...]]:
    """Sort what is attached by the set of VPNs it is in.

    Args:
        intents: VPN → what is wanted of it here.
        duty: what this PE does on an attached network.

    Returns:
        VPNs that share a VRF, in order → its shares, in order of the attachment's port id.
    """
    by_port: dict[str, list[tuple[str, AttachmentCircuit]]] = {}
    for vpn_id, intent in sorted(intents.items()):
        for circuit in intent.circuits:
            by_port.setdefault(circuit.port_id, []).append((vpn_id, circuit))
    groups: dict[VrfKey, list[CircuitShare]] = {}
    for _, said in sorted(by_port.items()):
        for key, share in _Circuit(said).shares():
            share = replace(share, duty=duty(share.circuit))
            groups.setdefault(key, []).append(share)
    return {key: tuple(shares) for key, shares in sorted(groups.items())}


def find_senders(groups: Shares, plugged: Collection[str]) -> Senders:
    """Find the MACs by which frames show that they are of a share that is not the default one.

    Args:
        groups: VRF → its shares.
        plugged: Neutron ports of VMs plugged on this host.

    Returns:
        VRF and attachment's port → MACs, in order. A MAC that is used in several shares, as behind
        a router, tells nothing; nor does that of a port which is not here and may be another's by
        now. Their frames are taken for those of the network: never for more than they are.
    """
    claims: dict[tuple[str, str], set[tuple[VrfKey, bool]]] = {}
    for key, shares in groups.items():
        for share in shares:
            if share.is_split:
                for mac in _macs(share, plugged):
                    claim = (key, share.is_default)
                    claims.setdefault((share.circuit.port_id, mac), set()).add(claim)
    found: dict[tuple[VrfKey, str], list[str]] = {}
    for (port_id, mac), claimed in sorted(claims.items()):
        if len(claimed) == 1:
            ((key, is_default),) = claimed
            if not is_default:
                found.setdefault((key, port_id), []).append(mac)
    return {place: tuple(macs) for place, macs in found.items()}


def _macs(share: CircuitShare, plugged: Collection[str]) -> Iterator[str]:
    for host in share.circuit.hosts:
        if share.has(host.port_id, plugged):
            yield host.mac
    for behind in share.told_by:
        if behind.port_id is None or share.has(behind.port_id, plugged):
            yield behind.mac


class _Circuit:
    """What several VPNs say of the same attachment, put together.

    One VPN's intent may be older than another's. Hosts and subnets that any of them names count,
    as only what is plugged here is ever served; for the rest the first VPN's word stands.
    """

    def __init__(self, said: list[tuple[str, AttachmentCircuit]]) -> None:
        self._first = said[0][1]
        self._whole = tuple(dict.fromkeys(vpn_id for vpn_id, each in said if each.is_whole))
        self._named: dict[str, set[str]] = {}
        self._hosts: dict[str, AttachedHost] = {}
        self._subnets: dict[tuple[IpPrefix, IpAddress], AttachedSubnet] = {}
        self._told_by: dict[AttachedPrefix, set[str]] = {}
        self._advertise: dict[str, set[str]] = {}
        self._hide: dict[str, set[str]] = {}
        for vpn_id, circuit in said:
            self._add(vpn_id, circuit)

    def shares(self) -> Iterator[tuple[VrfKey, CircuitShare]]:
        """Make the share of each VRF that has one, in order."""
        keys = {port: self._key(port) for port in self._named}
        hosts: dict[VrfKey, list[AttachedHost]] = {}
        for port, host in sorted(self._hosts.items()):
            hosts.setdefault(keys.get(port, self._whole), []).append(host)
        told_by: dict[VrfKey, dict[AttachedPrefix, frozenset[str]]] = {}
        for behind, vpns in sorted(self._told_by.items()):
            key = keys.get(behind.port_id or "", self._whole)
            told_by.setdefault(key, {})[behind] = frozenset(vpns)
        wanted = {*keys.values(), *([self._whole] if self._whole else ())}
        link = replace(self._first, subnets=tuple(sorted(self._subnets.values())))
        for key in sorted(wanted):
            of_vrf = hosts.get(key, []), told_by.get(key, {})
            share = self._share(key, link, *of_vrf)
            yield key, replace(share, is_split=len(wanted) > 1 or not self._whole)

    def _add(self, vpn_id: str, circuit: AttachmentCircuit) -> None:
        for subnet in circuit.subnets:
            self._subnets.setdefault((subnet.prefix, subnet.gateway), subnet)
        for host in circuit.hosts:
            self._hosts.setdefault(host.port_id, host)
            if circuit.is_whole and not host.is_advertised:
                self._hide.setdefault(host.port_id, set()).add(vpn_id)
            elif not circuit.is_whole and host.is_advertised:
                self._advertise.setdefault(host.port_id, set()).add(vpn_id)
        for behind in circuit.prefixes:
            # Without a port nothing tells it from the rest of the network.
            if circuit.is_whole or behind.port_id is not None:
                self._told_by.setdefault(behind, set()).add(vpn_id)
        if not circuit.is_whole:
            ports = [host.port_id for host in circuit.hosts]
            ports += [behind.port_id for behind in circuit.prefixes if behind.port_id is not None]
            for port_id in ports:
                self._named.setdefault(port_id, set()).add(vpn_id)

    def _key(self, port_id: str) -> VrfKey:
        return tuple(sorted({*self._whole, *self._named[port_id]}))

    def _share(
        self,
        key: VrfKey,
        link: AttachmentCircuit,
        hosts: list[AttachedHost],
        told_by: Mapping[AttachedPrefix, frozenset[str]],
    ) -> CircuitShare:
        is_default = key == self._whole
        circuit = replace(link, hosts=tuple(hosts), prefixes=tuple(told_by), is_whole=is_default)
        silent = {host.port_id: vpns for host in hosts if (vpns := self._silent(host.port_id, key))}
        return CircuitShare(circuit, is_default, silent=silent, told_by=told_by)

    def _silent(self, port_id: str, key: VrfKey) -> frozenset[str]:
        """The VPNs that hide a host, or that name its port for what is behind it alone."""
        if port_id not in self._hide and port_id not in self._named:
            return frozenset()
        hidden = self._hide.get(port_id, set()) | set(key).difference(self._whole)
        return frozenset(hidden - self._advertise.get(port_id, set()))
