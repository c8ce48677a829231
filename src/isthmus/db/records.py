# SPDX-License-Identifier: Apache-2.0
"""Rows as values: what the tables and Neutron's own say, free of any session."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from enum import StrEnum
from ipaddress import IPv4Address, IPv4Network

from isthmus.model.intent import RouterAdvertisement
from isthmus.model.ip import IpAddress, IpPrefix

# The directions of a route target.
IMPORT, EXPORT, BOTH = "import", "export", "both"


class Kind(StrEnum):
    """What an association puts into a VPN."""

    NETWORK = "network"
    ROUTER = "router"
    PORT = "port"


@dataclass(frozen=True, slots=True)
class StandardAttributes:
    """What Neutron keeps of every resource.

    Attributes:
        id: of their row; None for a row of the release before that has none yet.
        description: the tenant's own words.
        created_at: when it was made.
        updated_at: when it was changed last.
        revision: counts its changes.
    """

    id: int | None = None
    description: str = ""
    created_at: datetime | None = None
    updated_at: datetime | None = None
    revision: int = 0


@dataclass(frozen=True, slots=True)
class VpnRecord:
    """A VPN as the API knows it, and how far it has been dispatched.

    Attributes:
        targets: pairs of direction and route target, in order.
        rds: in the order given.
        network_ids: the associated networks, in order.
        router_ids: the associated routers, in order.
        port_ids: the associated ports, in order.
        local_pref: of its routes; None for each PE's own default.
        is_up: not taken down by an administrator or its project.
        down_ids: networks, routers and ports whose association was taken down.
        member_projects: whose the association of each network, router and port is.
        is_shared: other projects may use it: every one, or the one that asks.
        vtn_id: the virtual tenant network it was made for; tenants don't see such a VPN.
        standard: Neutron's standard attributes.
        generation: of the intent last dispatched; 0 before the first.
        was_dispatched: the driver accepted that generation.
        dispatched_at: when it did.
        refusal: why the last dispatch failed, for the operator; empty if it did not.
        refusal_for_tenant: the same without the provider's equipment.
    """

    id: str
    project_id: str
    name: str
    type: str
    vni: int | None = None
    targets: tuple[tuple[str, str], ...] = ()
    rds: tuple[str, ...] = ()
    network_ids: tuple[str, ...] = ()
    generation: int = 0
    was_dispatched: bool = False
    dispatched_at: datetime | None = None
    refusal: str = ""
    refusal_for_tenant: str = ""
    router_ids: tuple[str, ...] = ()
    port_ids: tuple[str, ...] = ()
    local_pref: int | None = None
    is_up: bool = True
    down_ids: frozenset[str] = frozenset()
    member_projects: Mapping[str, str] = field(default_factory=dict)
    is_shared: bool = False
    allocates_route_target: bool = False
    allocates_route_distinguisher: bool = False
    vtn_id: str | None = None
    standard: StandardAttributes = StandardAttributes()

    def up(self, target_ids: Iterable[str]) -> tuple[str, ...]:
        """Return those of networks, routers or ports in it that are to be carried."""
        return tuple(t for t in target_ids if self.is_up and t not in self.down_ids)

    def up_members(self) -> frozenset[str]:
        """Return the networks, routers and ports in it whose association is not taken down."""
        members = {*self.network_ids, *self.router_ids, *self.port_ids}
        return frozenset(members - self.down_ids)

    def carried(self) -> VpnRecord:
        """Return the VPN with what is to be carried of it alone."""
        return replace(
            self,
            network_ids=self.up(self.network_ids),
            router_ids=self.up(self.router_ids),
            port_ids=self.up(self.port_ids),
        )

    def targets_of(self, direction: str) -> list[str]:
        """Return the route targets of one direction as typed there."""
        return [value for d, value in self.targets if d == direction]

    def ids_of(self, kind: Kind) -> tuple[str, ...]:
        """Return the networks, routers or ports that are in it."""
        members = {
            Kind.NETWORK: self.network_ids,
            Kind.ROUTER: self.router_ids,
            Kind.PORT: self.port_ids,
        }
        return members[kind]


@dataclass(frozen=True, slots=True)
class AssociationRecord:
    """An association.

    Attributes:
        kind: what it puts into the VPN.
        target_id: the network, router or port.
        is_advertising: of a router its extra routes, of a port its own addresses are advertised.
        routes: what a port has behind it, in the order given.
        is_up: not taken down.
        attachment_mode: of a network, unless it is the region's.
        standard: Neutron's standard attributes.
    """

    kind: Kind
    id: str
    project_id: str
    vpn_id: str
    target_id: str
    is_advertising: bool = True
    routes: tuple[PortRoute, ...] = ()
    is_up: bool = True
    attachment_mode: str | None = None
    standard: StandardAttributes = StandardAttributes()


@dataclass(frozen=True, slots=True)
class PortRoute:
    """A route of a port association.

    Attributes:
        prefix: None for a route of type ``bgpvpn``.
        vpn_id: the VPN whose routes a route of type ``bgpvpn`` stands for.
        local_pref: None leaves the VPN's.
    """

    prefix: IpPrefix | None = None
    vpn_id: str | None = None
    local_pref: int | None = None


@dataclass(frozen=True, slots=True)
class SubnetRecord:
    """A subnet of Neutron's.

    Attributes:
        gateway: of the prefix, or an IPv6 link-local address; None where the tenant disabled it.
        advertisement: how hosts get their addresses, by either of Neutron's IPv6 modes.
    """

    id: str
    prefix: IpPrefix
    gateway: IpAddress | None
    advertisement: RouterAdvertisement = RouterAdvertisement.NONE

    @property
    def is_carried(self) -> bool:
        """Whether a PE can serve it: it has a gateway address to answer for."""
        return self.gateway is not None

    @property
    def is_auto_addressed(self) -> bool:
        """Whether each port has the address made of its MAC there, and no other (EUI-64)."""
        return self.advertisement in (
            RouterAdvertisement.SLAAC,
            RouterAdvertisement.DHCPV6_STATELESS,
        )


@dataclass(frozen=True, slots=True)
class NetworkRecord:
    """A network of Neutron's with its subnets in order of prefix."""

    id: str
    mtu: int
    subnets: tuple[SubnetRecord, ...]


@dataclass(frozen=True, slots=True)
class AttachmentRecord:
    """The attachment of a network; ``mac`` is None while its port does not exist.

    Attributes:
        fixed_ips: pairs of subnet id and address the port has, in order.
        mode: the one the network is in.
        device_owner: the port's, which may still be that of another mode; None without a port.
    """

    network_id: str
    port_id: str
    claimed_at: datetime
    mac: str | None
    fixed_ips: tuple[tuple[str, str], ...]
    mode: str = "distributed"
    device_owner: str | None = None


@dataclass(frozen=True, slots=True)
class GatewayPortRecord:
    """A gateway's port on a network.

    Attributes:
        address: the PE's; None if it was never heard, or is forgotten.
        mac: None while the port does not exist.
    """

    network_id: str
    pe: str
    port_id: str
    claimed_at: datetime
    address: IPv4Address | None
    mac: str | None


@dataclass(frozen=True, slots=True)
class RouterRecord:
    """A router of Neutron's, without what is ours of it.

    Attributes:
        subnets: those it has an interface on, with their networks, in order of prefix.
        routes: its extra routes, as pairs of destination and next hop.
        gateway_families: IP versions that its external gateway has an address of.
    """

    id: str
    subnets: tuple[RoutedSubnet, ...]
    routes: tuple[tuple[IpPrefix, IpAddress], ...]
    gateway_families: frozenset[int]

    @property
    def has_ipv6(self) -> bool:
        """Whether any subnet of it is an IPv6 one."""
        return any(routed.subnet.prefix.version == 6 for routed in self.subnets)


@dataclass(frozen=True, slots=True)
class RoutedSubnet:
    """A subnet a router has an interface on, and its network."""

    network_id: str
    subnet: SubnetRecord


@dataclass(frozen=True, slots=True)
class TransitRecord:
    """The network between a router and the PEs.

    Attributes:
        router_port_id: the router's port on it.
        ipv4_prefix: its IPv4 subnet.
        claimed_at: when a worker set out to make it.
        router_mac: of the router's port; None while the router has no interface there.
    """

    router_id: str
    network_id: str
    router_port_id: str
    ipv4_prefix: IPv4Network
    claimed_at: datetime
    router_mac: str | None


@dataclass(frozen=True, slots=True)
class CustomerPort:
    """A CE as Neutron has it: one address of one bound port.

    Attributes:
        moves_to: the compute host its VM is about to run on; None while it stays.
    """

    network_id: str
    port_id: str
    mac: str
    host_name: str
    subnet_id: str
    address: IpAddress
    moves_to: str | None = None


@dataclass(frozen=True, slots=True)
class ProviderEdgeRecord:
    """A PE and when it was last heard.

    Attributes:
        core_payload: largest IP packet its core link carries, in octets; None if it did not say.
    """

    name: str
    address: str
    heard_at: datetime
    neighbors: int
    neighbors_established: int
    core_payload: int | None = None
    last_error: str = ""


@dataclass(frozen=True, slots=True)
class PeReportRecord:
    """What a PE says of one VPN."""

    pe: str
    vpn_id: str
    generation: int
    is_in_force: bool
    reason: str
    labels: tuple[int, ...] = ()
    routes_sent: int = 0
    routes_received: int = 0
