# SPDX-License-Identifier: Apache-2.0
"""Read ``topology.yaml`` into frozen values, refusing what could not be built."""

from __future__ import annotations

from ipaddress import IPv4Address, IPv4Network
from pathlib import Path

import yaml

from lab.topology import words
from lab.topology.clashes import refuse_repeats, refuse_strangers
from lab.topology.parts import (
    Bgp,
    Core,
    Encapsulation,
    Exchange,
    Flavor,
    Host,
    Interconnect,
    Management,
    ReflectorMake,
    RouteReflector,
    Service,
    Site,
    Topology,
)
from lab.topology.section import Section

SHIPPED = Path(__file__).parents[1] / "topology.yaml"


def load(path: Path = SHIPPED) -> Topology:
    """Read a topology file.

    Raises:
        TopologyInvalid: a value is missing, unknown, malformed, used twice or outside its network.
    """
    return parse(yaml.safe_load(path.read_text(encoding="utf-8")))


def parse(document: object) -> Topology:
    """Turn a parsed YAML document into a `Topology`. Same errors as `load`."""
    top = Section("topology", document)
    topology = Topology(
        as_number=top.take("as_number", words.within(range(1, 2**32))),
        management=_management(top.section("management")),
        encapsulation=_encapsulation(top.section("encapsulation")),
        interconnect=_exchange(top.section("interconnect")),
        core=_core(top.section("core")),
        sites=tuple(_site(section) for section in top.sections("sites")),
        further_sites=tuple(_further_site(section) for section in top.sections("further_sites")),
        route_reflectors=tuple(_reflector(s) for s in top.sections("route_reflectors")),
        bgp=_bgp(top.section("bgp")),
        projects=top.take("projects", words.names),
        flavor=_flavor(top.section("flavor")),
        image=top.take("image", words.name),
    )
    top.done()
    refuse_repeats(topology)
    refuse_strangers(topology)
    return topology


def _management(section: Section) -> Management:
    value = Management(
        network=section.take("network", IPv4Network),
        control=section.take("control", IPv4Address),
        client=section.take("client", IPv4Address),
        client_interface=section.take("client_interface", words.name),
        password=section.take("password", str),
    )
    section.done()
    return value


def _encapsulation(section: Section) -> Encapsulation:
    value = Encapsulation(section.take("network", IPv4Network), section.take("mtu", words.mtu))
    section.done()
    return value


def _exchange(section: Section) -> Exchange:
    value = Exchange(section.take("network", IPv4Network), section.take("exchange", words.name))
    section.done()
    return value


def _core(section: Section) -> Core:
    value = Core(
        section.take("network", IPv4Network),
        section.take("mtu", words.mtu),
        section.take("p_router", words.name),
    )
    section.done()
    return value


def _interconnect(section: Section) -> Interconnect:
    value = Interconnect(
        section.take("management", IPv4Address), section.take("address", IPv4Address)
    )
    section.done()
    return value


def _site(section: Section) -> Site:
    """A site with compute hosts, of the Keystone that sites share."""
    hosts = tuple(_host(host) for host in section.sections("hosts"))
    return _any_site(section, (), hosts)


def _further_site(section: Section) -> Site:
    """A site of its own operator, without compute hosts."""
    return _any_site(section, section.take("projects", words.names), ())


def _any_site(section: Section, projects: tuple[str, ...], hosts: tuple[Host, ...]) -> Site:
    value = Site(
        name=section.take("name", words.name),
        api=section.take("api", IPv4Address),
        route_targets=section.take("route_targets", str),
        services=section.take("services", _services),
        own_projects=projects,
        interconnect=_interconnect(section.section("interconnect")),
        hosts=hosts,
    )
    section.done()
    return value


def _services(value: object) -> frozenset[Service]:
    return frozenset(Service(name) for name in words.sequence(value))


def _host(section: Section) -> Host:
    value = Host(
        name=section.take("name", words.name),
        management=section.take("management", IPv4Address),
        encapsulation=section.take("encapsulation", IPv4Address),
        provider_edge=section.take("provider_edge", IPv4Address),
        core_mac=section.take("core_mac", words.unicast_mac),
        p_mac=section.take("p_mac", words.unicast_mac),
        transport_label=section.take("transport_label", words.label),
        swapped_label=section.take("p_router", words.pop_or_swap),
    )
    section.done()
    return value


def _reflector(section: Section) -> RouteReflector:
    value = RouteReflector(
        name=section.take("name", words.name),
        make=section.take("make", ReflectorMake),
        address=section.take("address", IPv4Address),
    )
    section.done()
    return value


def _bgp(section: Section) -> Bgp:
    seconds = words.within(range(1, 2**16))
    value = Bgp(
        hold_time_s=section.take("hold_time_s", seconds),
        keepalive_s=section.take("keepalive_s", seconds),
        graceful_restart_s=section.take("graceful_restart_s", words.within(range(1, 4096))),
        long_lived_stale_s=section.take("long_lived_stale_s", words.within(range(1, 2**24))),
    )
    section.done()
    return value


def _flavor(section: Section) -> Flavor:
    count = words.within(range(1, 2**16))
    value = Flavor(
        section.take("name", words.name),
        section.take("ram_mib", count),
        section.take("disk_gib", count),
        section.take("vcpus", count),
    )
    section.done()
    return value
