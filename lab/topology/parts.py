# SPDX-License-Identifier: Apache-2.0
"""What the lab consists of, as frozen values."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from ipaddress import IPv4Address, IPv4Network

#: The machine of all control planes. Its name is the lab's own, so no other machine may have it.
CONTROL = "ctl"


class TopologyInvalid(ValueError):
    """The topology file says something that can't be built; the text says where and why."""


class ReflectorMake(StrEnum):
    """Which daemon a route reflector runs."""

    FRR = "frr"
    GOBGP = "gobgp"


@dataclass(frozen=True, slots=True)
class Management:
    """The network of APIs, databases and message queues."""

    network: IPv4Network
    control: IPv4Address
    client: IPv4Address
    client_interface: str
    password: str


@dataclass(frozen=True, slots=True)
class Encapsulation:
    """Underlay of the regions' own Geneve tunnels."""

    network: IPv4Network
    mtu: int


@dataclass(frozen=True, slots=True)
class Exchange:
    """The network between the sites' control planes.

    Attributes:
        exchange: the machine every site has its one link to.
    """

    network: IPv4Network
    exchange: str


@dataclass(frozen=True, slots=True)
class Core:
    """The backbone between provider edges."""

    network: IPv4Network
    mtu: int
    p_router: str


@dataclass(frozen=True, slots=True)
class Host:
    """A compute host, which is also a PE (RFC 4364 §1.2).

    Attributes:
        transport_label: what other PEs push to reach this one.
        swapped_label: what P swaps it to; None when P pops it (RFC 3031 §3.16).
        p_mac: P's MAC address on this host's core link.
    """

    name: str
    management: IPv4Address
    encapsulation: IPv4Address
    provider_edge: IPv4Address
    core_mac: str
    p_mac: str
    transport_label: int
    swapped_label: int | None


@dataclass(frozen=True, slots=True)
class Interconnect:
    """The machine by which a site talks with the others.

    Attributes:
        address: on the network between the sites.
    """

    management: IPv4Address
    address: IPv4Address


class Service(StrEnum):
    """What OpenStack consists of at a site, beside Keystone."""

    NEUTRON = "neutron"
    PLACEMENT = "placement"
    GLANCE = "glance"
    NOVA = "nova"
    HEAT = "heat"


@dataclass(frozen=True, slots=True)
class Site:
    """One OpenStack region and its hosts.

    Attributes:
        route_targets: the range it gives out, as in ``[isthmus] route_target_pool``.
        own_projects: of its own Keystone; none if it shares the others'.
    """

    name: str
    api: IPv4Address
    route_targets: str
    services: frozenset[Service]
    own_projects: tuple[str, ...]
    interconnect: Interconnect
    hosts: tuple[Host, ...]

    @property
    def has_own_identity(self) -> bool:
        """Whether it has a Keystone of its own."""
        return bool(self.own_projects)

    @property
    def control_machine(self) -> str:
        """The name of the machine of its control plane."""
        return f"{self.name}-ctl"

    @property
    def interconnect_machine(self) -> str:
        """The name of the machine by which it talks with the other sites."""
        return f"{self.name}-interconnect"


@dataclass(frozen=True, slots=True)
class Keystone:
    """A Keystone: that of a site's own, or the one that the others share.

    Attributes:
        owner: the site whose own it is; None if it is shared.
        address: where it and its cache answer.
        sites: the regions of its catalog.
        projects: that it knows, each with a user of the same name.
    """

    owner: Site | None
    address: IPv4Address
    sites: tuple[Site, ...]
    projects: tuple[str, ...]

    @property
    def machine(self) -> str:
        """The name of the machine it runs in."""
        return self.owner.control_machine if self.owner else CONTROL

    def named(self, what: str) -> str:
        """Name something of it, as what is a site's is named: after the site first."""
        return f"{self.owner.name}-{what}" if self.owner else what


@dataclass(frozen=True, slots=True)
class RouteReflector:
    """A route reflector (RFC 4456)."""

    name: str
    make: ReflectorMake
    address: IPv4Address


@dataclass(frozen=True, slots=True)
class Bgp:
    """Timers every BGP session of the lab has."""

    hold_time_s: int
    keepalive_s: int
    graceful_restart_s: int
    long_lived_stale_s: int


@dataclass(frozen=True, slots=True)
class Flavor:
    """The size of a guest."""

    name: str
    ram_mib: int
    disk_gib: int
    vcpus: int


@dataclass(frozen=True, slots=True)
class Topology:
    """Everything the lab consists of.

    Attributes:
        sites: those that are there from the beginning.
        further_sites: those that are brought up when they are asked for.
        projects: of the Keystone that sites share.
    """

    as_number: int
    management: Management
    encapsulation: Encapsulation
    interconnect: Exchange
    core: Core
    sites: tuple[Site, ...]
    further_sites: tuple[Site, ...]
    route_reflectors: tuple[RouteReflector, ...]
    bgp: Bgp
    projects: tuple[str, ...]
    flavor: Flavor
    image: str

    @property
    def hosts(self) -> tuple[Host, ...]:
        """Every host of every site, in the file's order."""
        return tuple(host for site in self.sites for host in site.hosts)

    def site_of(self, host_name: str) -> Site:
        """The site a host belongs to."""
        return next(s for s in self.sites if host_name in {h.name for h in s.hosts})

    @property
    def all_sites(self) -> tuple[Site, ...]:
        """Every site there may be, in the file's order."""
        return self.sites + self.further_sites

    def site(self, name: str) -> Site:
        """The site of a name.

        Raises:
            KeyError: there is none.
        """
        for site in self.all_sites:
            if site.name == name:
                return site
        raise KeyError(f"the lab has no site {name!r}")

    @property
    def keystone(self) -> Keystone:
        """The Keystone that sites share."""
        return Keystone(None, self.management.control, self.sites, self.projects)

    def keystone_of(self, site: Site) -> Keystone:
        """The Keystone a site asks."""
        if site.has_own_identity:
            return Keystone(site, site.api, (site,), site.own_projects)
        return self.keystone
