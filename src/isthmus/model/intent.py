# SPDX-License-Identifier: Apache-2.0
"""What is wanted: one VPN at this site, and its part on one PE. Always whole, with a generation.

VpnIntent ── split ──▶ VrfIntent per PE
  └ NetworkAttachment     └ AttachmentCircuit
      ├ BoundHost             ├ AttachedHost
      ├ BoundPrefix           └ AttachedPrefix
      └ GatewayPort
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from ipaddress import IPv4Address

from isthmus.model.errors import InvalidValue
from isthmus.model.ids import RouteDistinguisher, RouteTarget, check_mac
from isthmus.model.ip import AddressFamily, IpAddress, IpPrefix, family_of, ip_order


class RouterAdvertisement(StrEnum):
    """How hosts of an IPv6 subnet get their addresses, as the PE's advertisements say (RFC 4861).

    Neutron's own words for ``ipv6_ra_mode`` and ``ipv6_address_mode``. Only an advertisement gives
    a host its default router, so a subnet without any is for hosts that are configured by hand.
    """

    NONE = "none"
    SLAAC = "slaac"
    DHCPV6_STATELESS = "dhcpv6-stateless"
    DHCPV6_STATEFUL = "dhcpv6-stateful"


class Migration(StrEnum):
    """Whether a VM is on its way from one compute host to another while it runs.

    It runs where it is LEAVING, until all of a sudden it runs where it is ARRIVING.
    """

    NONE = "none"
    LEAVING = "leaving"
    ARRIVING = "arriving"


@dataclass(frozen=True, slots=True)
class AttachedHost:
    """A CE: one VM's port on an attached network, or behind the router of a transit network.

    Attributes:
        port_id: the Neutron port; also the ``iface-id`` by which it is found on the PE's switch.
        mac: where its packets are sent on the attached network: its own, or its router's.
        addresses: every address Neutron gave it, IPv4 before IPv6.
        is_advertised: other PEs hear of its addresses.
        migration: whether it leaves this PE's host, or is about to be there.
    """

    port_id: str
    mac: str
    addresses: tuple[IpAddress, ...]
    is_advertised: bool = True
    migration: Migration = Migration.NONE

    def __post_init__(self) -> None:
        check_mac(self.mac)

    def __lt__(self, other: AttachedHost) -> bool:
        return self._order() < other._order()

    def _order(self) -> tuple[bool, str, str, tuple[tuple[int, int, int], ...]]:
        addresses = tuple(ip_order(address) for address in self.addresses)
        return self.migration is Migration.ARRIVING, self.port_id, self.mac, addresses


@dataclass(frozen=True, slots=True)
class AttachedPrefix:
    """A prefix that a CE of an attached network has behind it: a router, or a port that routes.

    Attributes:
        prefix: no host bits.
        mac: where packets for it are sent on the attached network.
        port_id: the CE's Neutron port, which has to be plugged on this host; None for a Neutron
            router, which is on every host.
        local_pref: of its route; None leaves the VPN's.
        migration: the CE's.
    """

    prefix: IpPrefix
    mac: str
    port_id: str | None = None
    local_pref: int | None = None
    migration: Migration = Migration.NONE

    def __post_init__(self) -> None:
        check_mac(self.mac)

    def __lt__(self, other: AttachedPrefix) -> bool:
        return self._order() < other._order()

    def _order(self) -> tuple[bool, tuple[int, int, int], str, str, int]:
        preference = -1 if self.local_pref is None else self.local_pref
        is_arriving = self.migration is Migration.ARRIVING
        return is_arriving, ip_order(self.prefix), self.mac, self.port_id or "", preference


@dataclass(frozen=True, slots=True)
class AttachedSubnet:
    """A subnet of an attached network; the PE answers for its gateway address.

    Attributes:
        prefix: no host bits.
        gateway: in ``prefix``, or an IPv6 link-local address.
        advertisement: what the PE tells hosts of an IPv6 subnet about addresses.

    Raises:
        InvalidValue: prefix and gateway are of different families.
    """

    prefix: IpPrefix
    gateway: IpAddress
    advertisement: RouterAdvertisement = RouterAdvertisement.NONE

    def __post_init__(self) -> None:
        if self.prefix.version != self.gateway.version:
            raise InvalidValue(f"The gateway {self.gateway} can't be one of {self.prefix}.")

    def __lt__(self, other: AttachedSubnet) -> bool:
        return self._order() < other._order()

    @property
    def family(self) -> AddressFamily:
        """Return the family of its prefix."""
        return family_of(self.prefix)

    def _order(self) -> tuple[tuple[int, int, int], tuple[int, int, int], str]:
        return ip_order(self.prefix), ip_order(self.gateway), self.advertisement


@dataclass(frozen=True, slots=True)
class AttachmentCircuit:
    """Where a network, or the transit network of a router, meets this PE (RFC 4364 §3.1).

    Attributes:
        network_id: the Neutron network.
        port_id: the Neutron port through which the PE is reached; the ``iface-id`` to plug.
        mac: that port's MAC, which hosts know as their gateway.
        mtu: largest IP packet the network carries, in octets.
        subnets: in order of prefix.
        hosts: the CEs bound to this PE's host, in order of port id; then those that are arriving.
        prefixes: what CEs have behind them, in the same order.
        is_whole: the network itself is in the VPN; otherwise only the ports that ``hosts`` and
            ``prefixes`` name are.
        gateways: in gateway mode, the PEs one of which serves the network, this one among them and
            the preferred first; ``hosts`` then are the network's, wherever they run. Empty where
            each PE serves the hosts of its own.
    """

    network_id: str
    port_id: str
    mac: str
    mtu: int
    subnets: tuple[AttachedSubnet, ...]
    hosts: tuple[AttachedHost, ...]
    prefixes: tuple[AttachedPrefix, ...] = ()
    is_whole: bool = True
    gateways: tuple[IPv4Address, ...] = ()

    def __post_init__(self) -> None:
        check_mac(self.mac)


@dataclass(frozen=True, slots=True)
class VrfIntent:
    """The part of one VPN on one PE, whole.

    Attributes:
        vpn_id: the VPN.
        generation: counts changes of this VPN's intent at this site; the greater one is newer.
        import_rts: RTs whose routes the VPN accepts.
        export_rts: RTs its routes carry.
        rd: what distinguishes it on this PE; None lets the PE choose its own.
        circuits: in order of network id, whole networks first.
        local_pref: of its routes; None for the PE's own default.
    """

    vpn_id: str
    generation: int
    import_rts: frozenset[RouteTarget]
    export_rts: frozenset[RouteTarget]
    rd: RouteDistinguisher | None
    circuits: tuple[AttachmentCircuit, ...]
    local_pref: int | None = None


@dataclass(frozen=True, slots=True, order=True)
class BoundHost:
    """A CE and the compute host its port is bound to.

    Attributes:
        host_name: Neutron's ``binding:host_id``, or where it is arriving.
        host: the CE.
    """

    host_name: str
    host: AttachedHost


@dataclass(frozen=True, slots=True, order=True)
class BoundPrefix:
    """A prefix behind a CE, and the compute host of that CE.

    Attributes:
        host_name: Neutron's ``binding:host_id``; empty for a router, which is on every host.
        prefix: the prefix.
    """

    host_name: str
    prefix: AttachedPrefix


@dataclass(frozen=True, slots=True)
class GatewayPort:
    """Where a network in gateway mode meets one PE.

    Attributes:
        host_name: the PE, as in Neutron's ``binding:host_id``.
        address: the PE's.
        port_id: its own port on the network.
        mac: that port's MAC.
    """

    host_name: str
    address: IPv4Address
    port_id: str
    mac: str

    def __post_init__(self) -> None:
        check_mac(self.mac)


@dataclass(frozen=True, slots=True)
class NetworkAttachment:
    """A network of this site in a VPN, with everything any PE of the site may need of it.

    Attributes:
        network_id: the Neutron network, or the transit network of a router.
        port_id: the attachment's Neutron port, the same on all PEs.
        mac: that port's MAC.
        mtu: largest IP packet the network carries, in octets.
        subnets: those that have an address the PE may answer for: the gateway's, or on a transit
            network the PE's own.
        hosts: every CE reached through it, wherever it is bound.
        prefixes: every prefix behind a CE; a router's go to each PE that has hosts of it.
        is_whole: as in ``AttachmentCircuit``.
        gateways: in gateway mode, the PEs' own ports, the preferred PE first; ``port_id`` then is
            of the port that only holds the gateway address.
    """

    network_id: str
    port_id: str
    mac: str
    mtu: int
    subnets: tuple[AttachedSubnet, ...]
    hosts: tuple[BoundHost, ...]
    prefixes: tuple[BoundPrefix, ...] = ()
    is_whole: bool = True
    gateways: tuple[GatewayPort, ...] = ()


@dataclass(frozen=True, slots=True)
class VpnIntent:
    """One VPN at this site, whole.

    Attributes:
        vpn_id: the VPN.
        generation: as in ``VrfIntent``.
        import_rts: RTs whose routes the VPN accepts.
        export_rts: RTs its routes carry.
        rds: RDs to use, dealt out to PEs in turn; empty lets each PE make its own.
        attachments: in order of network id, whole networks first.
        local_pref: as in ``VrfIntent``.
    """

    vpn_id: str
    generation: int
    import_rts: frozenset[RouteTarget]
    export_rts: frozenset[RouteTarget]
    rds: tuple[RouteDistinguisher, ...]
    attachments: tuple[NetworkAttachment, ...]
    local_pref: int | None = None
