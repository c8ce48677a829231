# SPDX-License-Identifier: Apache-2.0
"""The lab's machines, and the management and underlay networks between them."""

from __future__ import annotations

import subprocess
from collections.abc import Sequence
from ipaddress import IPv4Address

from lab import compute, interconnect, machine, ovn, places, process, switch
from lab.machine import Machine, connect
from lab.switch import join
from lab.topology import CONTROL, Host, Site, Topology

_MANAGEMENT_BRIDGE = "management"
_UNDERLAY_BRIDGE = "underlay"
_ETHERNET_MTU = 1500


def _hosts_file(topology: Topology) -> str:
    lines = ["127.0.0.1 localhost", f"{topology.management.control} {CONTROL}"]
    lines += [f"{host.management} {host.name}" for host in topology.hosts]
    sites = topology.all_sites
    lines += [f"{site.api} {site.control_machine}" for site in sites]
    lines += [f"{s.interconnect.management} {s.interconnect_machine}" for s in sites]
    return "\n".join(lines) + "\n"


def host_machine(host: Host) -> Machine:
    """A compute host, with the directories its daemons want for themselves."""
    return Machine(host.name, (*switch.PRIVATE, *ovn.PRIVATE, *compute.PRIVATE))


def p_machine(topology: Topology) -> Machine:
    """The P router."""
    return Machine(topology.core.p_router, switch.PRIVATE)


def ensure_machines(topology: Topology, sites: Sequence[Site]) -> None:
    """Every machine, the networks on the control machine and the links to all hosts.

    Args:
        topology: the lab.
        sites: those of its sites that are to be there.
    """
    hosts_file = _hosts_file(topology)
    control = Machine(CONTROL)
    reflectors = [Machine(reflector.name) for reflector in topology.route_reflectors]
    controls = [
        Machine(name)
        for site in sites
        for name in (site.control_machine, site.interconnect_machine)
    ]
    exchange = Machine(topology.interconnect.exchange)
    host_machines = [host_machine(host) for host in topology.hosts]
    for each in (control, p_machine(topology), exchange, *controls, *reflectors, *host_machines):
        if machine.keeper(each.name) is None:
            process.forget_machine(each.name)
            each.ensure(hosts_file)
    _ensure_management(topology, control)
    for site in sites:
        _ensure_control_link(topology, site)
    for host in topology.hosts:
        _ensure_host_links(topology, host)
    interconnect.ensure_links(topology, sites)


def _ensure_management(topology: Topology, control: Machine) -> None:
    management = topology.management
    prefix_len = management.network.prefixlen
    present = control.run(["ls", "/sys/class/net"]).stdout.split()
    bridges = (
        (_MANAGEMENT_BRIDGE, _ETHERNET_MTU),
        (_UNDERLAY_BRIDGE, topology.encapsulation.mtu),
    )
    lines = [f"link add {name} type bridge" for name, _ in bridges if name not in present]
    lines += [f"link set {name} mtu {mtu} up" for name, mtu in bridges]
    # Of itself a bridge has the address of one of its ports: with a site's machines Keystone's
    # would go, and be unknown to all others for a minute.
    lines.append(f"link set {_MANAGEMENT_BRIDGE} address {_mac(management.control)}")
    lines.append(f"addr replace {management.control}/{prefix_len} dev {_MANAGEMENT_BRIDGE}")
    control.ip(*lines)
    connect(CONTROL, "client", None, management.client_interface, _ETHERNET_MTU)
    control.ip(f"link set client master {_MANAGEMENT_BRIDGE} up")
    for words in (
        ("link", "set", management.client_interface, "alias", str(places.ROOT), "up"),
        (
            *("addr", "replace", f"{management.client}/{prefix_len}"),
            *("dev", management.client_interface),
        ),
    ):
        subprocess.run(["ip", *words], check=True, capture_output=True)


def _mac(address: IPv4Address) -> str:
    """A locally administered MAC address that an address has for itself."""
    return ":".join(f"{octet:02x}" for octet in (2, 0, *address.packed))


def _ensure_control_link(topology: Topology, site: Site) -> None:
    here, link = Machine(site.control_machine), f"c-{site.name}"
    connect(CONTROL, link, here.name, "management", _ETHERNET_MTU)
    Machine(CONTROL).ip(f"link set {link} master {_MANAGEMENT_BRIDGE} up")
    prefix_len = topology.management.network.prefixlen
    here.ip(
        f"addr replace {site.api}/{prefix_len} dev management",
        "link set management up",
    )


def _ensure_host_links(topology: Topology, host: Host) -> None:
    control, here = Machine(CONTROL), host_machine(host)
    management, underlay = f"m-{host.name}", f"u-{host.name}"
    encapsulation = topology.encapsulation
    join(CONTROL, management, host.name, "management", _ETHERNET_MTU)
    join(CONTROL, underlay, host.name, "underlay", encapsulation.mtu)
    control.ip(
        f"link set {management} master {_MANAGEMENT_BRIDGE} up",
        f"link set {underlay} master {_UNDERLAY_BRIDGE} up",
    )
    prefix_len = topology.management.network.prefixlen
    here.ip(
        f"addr replace {host.management}/{prefix_len} dev management",
        "link set management up",
        "link set underlay up",
    )
    here.run(["ethtool", "-K", "underlay", "tx", "off"])
    control.run(["ethtool", "-K", underlay, "tx", "off"])
