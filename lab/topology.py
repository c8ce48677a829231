# SPDX-License-Identifier: Apache-2.0
"""Read ``topology.yaml`` into frozen values, refusing what could not be built."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from ipaddress import IPv4Address, IPv4Network
from pathlib import Path
from typing import Any, TypeVar

import yaml

SHIPPED = Path(__file__).with_name("topology.yaml")
#: The machine of all control planes. Its name is the lab's own, so no other machine may have it.
CONTROL = "ctl"
_MAC = re.compile(r"(?:[0-9a-f]{2}:){5}[0-9a-f]{2}")
_NAME = re.compile(r"[a-z][a-z0-9-]{0,14}")
_T = TypeVar("_T")
_LABELS = range(16, 2**20)


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


@dataclass(frozen=True, slots=True)
class Site:
    """One OpenStack region and its hosts.

    Attributes:
        route_targets: the range it gives out, as in ``[isthmus] route_target_pool``.
    """

    name: str
    api: IPv4Address
    route_targets: str
    interconnect: Interconnect
    hosts: tuple[Host, ...]

    @property
    def interconnect_machine(self) -> str:
        """The name of the machine by which it talks with the other sites."""
        return f"{self.name}-interconnect"


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
    """Everything the lab consists of."""

    as_number: int
    management: Management
    encapsulation: Encapsulation
    interconnect: Exchange
    core: Core
    sites: tuple[Site, ...]
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


class _Section:
    """One mapping of the file, which knows where it is so that a refusal can say so."""

    def __init__(self, where: str, value: object) -> None:
        if not isinstance(value, Mapping):
            raise TopologyInvalid(f"{where}: expected keys and values, found {value!r}")
        self.where = where
        self._values: dict[str, Any] = dict(value)

    def take(self, key: str, read: Callable[[Any], _T]) -> _T:
        """Remove ``key`` and read its value; `done` later refuses what nobody took."""
        if key not in self._values:
            raise TopologyInvalid(f"{self.where}: {key} is missing")
        value = self._values.pop(key)
        try:
            return read(value)
        except (TypeError, ValueError) as reason:
            raise TopologyInvalid(f"{self.where}: {key}: {reason}") from reason

    def section(self, key: str) -> _Section:
        """Remove ``key`` and take its value as a section of its own."""
        return _Section(f"{self.where}.{key}", self.take(key, lambda value: value))

    def sections(self, key: str) -> list[_Section]:
        """Remove ``key`` and take its value as a list of sections."""
        values = self.take(key, _sequence)
        return [_Section(f"{self.where}.{key}[{n}]", value) for n, value in enumerate(values)]

    def done(self) -> None:
        """Refuse keys that nobody took: most likely misspelt."""
        if self._values:
            raise TopologyInvalid(f"{self.where}: unknown {', '.join(sorted(self._values))}")


def load(path: Path = SHIPPED) -> Topology:
    """Read a topology file.

    Raises:
        TopologyInvalid: a value is missing, unknown, malformed, used twice or outside its network.
    """
    return parse(yaml.safe_load(path.read_text(encoding="utf-8")))


def parse(document: object) -> Topology:
    """Turn a parsed YAML document into a `Topology`. Same errors as `load`."""
    top = _Section("topology", document)
    topology = Topology(
        as_number=top.take("as_number", _within(range(1, 2**32))),
        management=_management(top.section("management")),
        encapsulation=_encapsulation(top.section("encapsulation")),
        interconnect=_exchange(top.section("interconnect")),
        core=_core(top.section("core")),
        sites=tuple(_site(section) for section in top.sections("sites")),
        route_reflectors=tuple(_reflector(s) for s in top.sections("route_reflectors")),
        bgp=_bgp(top.section("bgp")),
        projects=top.take("projects", lambda names: tuple(_name(n) for n in _sequence(names))),
        flavor=_flavor(top.section("flavor")),
        image=top.take("image", _name),
    )
    top.done()
    _refuse_repeats(topology)
    _refuse_strangers(topology)
    return topology


def _management(section: _Section) -> Management:
    value = Management(
        network=section.take("network", IPv4Network),
        control=section.take("control", IPv4Address),
        client=section.take("client", IPv4Address),
        client_interface=section.take("client_interface", _name),
        password=section.take("password", str),
    )
    section.done()
    return value


def _encapsulation(section: _Section) -> Encapsulation:
    value = Encapsulation(section.take("network", IPv4Network), section.take("mtu", _MTU))
    section.done()
    return value


def _exchange(section: _Section) -> Exchange:
    value = Exchange(section.take("network", IPv4Network), section.take("exchange", _name))
    section.done()
    return value


def _core(section: _Section) -> Core:
    value = Core(
        section.take("network", IPv4Network),
        section.take("mtu", _MTU),
        section.take("p_router", _name),
    )
    section.done()
    return value


def _interconnect(section: _Section) -> Interconnect:
    value = Interconnect(
        section.take("management", IPv4Address), section.take("address", IPv4Address)
    )
    section.done()
    return value


def _site(section: _Section) -> Site:
    value = Site(
        name=section.take("name", _name),
        api=section.take("api", IPv4Address),
        route_targets=section.take("route_targets", str),
        interconnect=_interconnect(section.section("interconnect")),
        hosts=tuple(_host(host) for host in section.sections("hosts")),
    )
    section.done()
    return value


def _host(section: _Section) -> Host:
    value = Host(
        name=section.take("name", _name),
        management=section.take("management", IPv4Address),
        encapsulation=section.take("encapsulation", IPv4Address),
        provider_edge=section.take("provider_edge", IPv4Address),
        core_mac=section.take("core_mac", _unicast_mac),
        p_mac=section.take("p_mac", _unicast_mac),
        transport_label=section.take("transport_label", _label),
        swapped_label=section.take("p_router", _pop_or_swap),
    )
    section.done()
    return value


def _reflector(section: _Section) -> RouteReflector:
    value = RouteReflector(
        name=section.take("name", _name),
        make=section.take("make", ReflectorMake),
        address=section.take("address", IPv4Address),
    )
    section.done()
    return value


def _bgp(section: _Section) -> Bgp:
    seconds = _within(range(1, 2**16))
    value = Bgp(
        hold_time_s=section.take("hold_time_s", seconds),
        keepalive_s=section.take("keepalive_s", seconds),
        graceful_restart_s=section.take("graceful_restart_s", _within(range(1, 4096))),
        long_lived_stale_s=section.take("long_lived_stale_s", _within(range(1, 2**24))),
    )
    section.done()
    return value


def _flavor(section: _Section) -> Flavor:
    count = _within(range(1, 2**16))
    value = Flavor(
        section.take("name", _name),
        section.take("ram_mib", count),
        section.take("disk_gib", count),
        section.take("vcpus", count),
    )
    section.done()
    return value


def _sequence(value: object) -> list[Any]:
    if not isinstance(value, list) or not value:
        raise TopologyInvalid(f"expected a list with something in it, found {value!r}")
    return value


def _name(value: object) -> str:
    # Names become interface, host and file names; interfaces hold 15 octets.
    if not isinstance(value, str) or not _NAME.fullmatch(value):
        raise TopologyInvalid(f"{value!r} is no name (small letters, digits, dashes; 15 at most)")
    return value


def _unicast_mac(value: object) -> str:
    if not isinstance(value, str) or not _MAC.fullmatch(value):
        raise TopologyInvalid(f"{value!r} is no MAC address (six pairs of small hex digits)")
    if int(value[:2], 16) & 1:
        raise TopologyInvalid(f"{value} is a group address")
    return value


def _within(numbers: range) -> Callable[[object], int]:
    def read(value: object) -> int:
        if not isinstance(value, int) or value not in numbers:
            raise TopologyInvalid(f"{value!r} is not within {numbers.start}..{numbers.stop - 1}")
        return value

    return read


_MTU = _within(range(1280, 9217))
_label = _within(_LABELS)


def _pop_or_swap(value: object) -> int | None:
    if value == "pop":
        return None
    words = str(value).split()
    if words[:2] != ["swap", "to"] or len(words) != 3 or not words[2].isdecimal():
        raise TopologyInvalid(f'{value!r} is neither "pop" nor "swap to LABEL"')
    return _label(int(words[2]))


def _refuse_repeats(topology: Topology) -> None:
    hosts, reflectors, sites = topology.hosts, topology.route_reflectors, topology.sites
    management = topology.management
    for what, values in (
        ("site name", [s.name for s in sites]),
        (
            "machine name",
            [h.name for h in hosts]
            + [r.name for r in reflectors]
            + [s.interconnect_machine for s in sites]
            + [topology.core.p_router, topology.interconnect.exchange, CONTROL],
        ),
        (
            "management address",
            [management.control, management.client]
            + [s.api for s in sites]
            + [s.interconnect.management for s in sites]
            + [h.management for h in hosts],
        ),
        ("interconnect address", [s.interconnect.address for s in sites]),
        ("encapsulation address", [h.encapsulation for h in hosts]),
        (
            "core address",
            [h.provider_edge for h in hosts] + [r.address for r in reflectors],
        ),
        ("MAC address", [m for h in hosts for m in (h.core_mac, h.p_mac)]),
        ("transport label", [h.transport_label for h in hosts]),
        ("project", list(topology.projects)),
    ):
        _refuse_repeated(what, values)


def _refuse_repeated(what: str, values: Iterable[object]) -> None:
    seen: set[object] = set()
    for value in values:
        if value in seen:
            raise TopologyInvalid(f"{what} {value} is used twice")
        seen.add(value)


def _refuse_strangers(topology: Topology) -> None:
    management = topology.management
    for network, addresses in (
        (
            management.network,
            [management.control, management.client]
            + [s.api for s in topology.sites]
            + [s.interconnect.management for s in topology.sites]
            + [h.management for h in topology.hosts],
        ),
        (topology.interconnect.network, [s.interconnect.address for s in topology.sites]),
        (topology.encapsulation.network, [h.encapsulation for h in topology.hosts]),
        (
            topology.core.network,
            [h.provider_edge for h in topology.hosts]
            + [r.address for r in topology.route_reflectors],
        ),
    ):
        for address in addresses:
            if address not in network:
                raise TopologyInvalid(f"{address} is outside {network}")
