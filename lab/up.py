# SPDX-License-Identifier: Apache-2.0
"""Bring the lab up: every step makes sure of something, so a second run repairs what is dead."""

from __future__ import annotations

import subprocess
import time
from functools import partial

from lab import (
    backbone,
    clouds,
    compute,
    database,
    identity,
    images,
    machine,
    messaging,
    ovn,
    places,
    process,
    provider_edge,
    region,
    switch,
)
from lab.guest import build
from lab.machine import Machine, connect
from lab.steps import Step, run
from lab.switch import Switch, join
from lab.topology import CONTROL, Host, Site, Topology

_MANAGEMENT_BRIDGE = "management"
_UNDERLAY_BRIDGE = "underlay"
_ETHERNET_MTU = 1500


class ForeignLab(RuntimeError):
    """Another checkout's lab has the addresses this one needs."""


def up(topology: Topology) -> bool:
    """Build the lab or repair it.

    Returns:
        Whether everything runs.

    Raises:
        ForeignLab: another checkout's lab is in the way.
    """
    start = time.monotonic()
    _refuse_foreign(topology)
    _prepare()
    sites = [site.name for site in topology.sites]
    succeeded = run(_steps(topology))
    took = time.monotonic() - start
    if not succeeded:
        print(f"The lab is not complete ({took:.0f} s). `python -m lab up` tries again.")
        return False
    print(f"The lab is up: regions {', '.join(sites)} ({took:.0f} s). To look around:")
    print(f"  export OS_CLIENT_CONFIG_FILE={places.CLOUDS_YAML}")
    print(f"  openstack --os-cloud {sites[0]}-{topology.projects[0]} network list")
    return True


def owner(interface: str) -> str | None:
    """Which checkout's lab an interface of this namespace belongs to; None when there is none."""
    shown = subprocess.run(
        ["ip", "-oneline", "link", "show", interface], capture_output=True, text=True, check=False
    )
    if shown.returncode:
        return None
    return shown.stdout.partition("alias ")[2].strip() or "an unknown lab"


def _refuse_foreign(topology: Topology) -> None:
    interface = topology.management.client_interface
    whose = owner(interface)
    if whose is None:
        return
    if whose != str(places.ROOT):
        raise ForeignLab(
            f"{interface} belongs to {whose}: a lab of another checkout runs on this machine. "
            f"End it there with `python -m lab down` (or, if that checkout is gone, remove the "
            f"interface with `ip link delete {interface}` and end its processes)."
        )
    if machine.keeper(CONTROL) is None:
        # Ours, and what it led to is dead.
        subprocess.run(["ip", "link", "delete", interface], check=False, capture_output=True)


def _prepare() -> None:
    fresh = machine.keeper(CONTROL) is None and not machine.strays()
    for folder in (*places.RUNNING, places.LOGS, places.CACHE):
        folder.mkdir(parents=True, exist_ok=True)
    if fresh:
        for log in places.LOGS.glob("*.log"):
            if not log.name.startswith("bootstrap"):
                log.unlink()
        for left in places.TMP.iterdir():
            if left.is_file():
                left.unlink()


def _steps(topology: Topology) -> list[Step]:
    control = Machine(CONTROL)
    steps = [
        Step("machines and links", partial(_ensure_machines, topology)),
        Step("guest image", lambda: _quietly(build.ensure_built())),
        Step("configuration", partial(_configure, topology)),
        Step("MariaDB", partial(database.ensure_server, topology), ("machines and links",)),
        Step(
            "RabbitMQ",
            partial(_ensure_messaging, topology),
            ("machines and links", "configuration"),
        ),
        Step("backbone: P and reflectors", partial(_backbone, topology), ("machines and links",)),
        Step(
            "databases",
            partial(database.ensure_migrated, topology),
            ("MariaDB", "configuration"),
        ),
        Step("Keystone and catalog", partial(_ensure_identity, topology), ("databases",)),
    ]
    for site in topology.sites:
        hosts = f"{site.name}: switches, OVN"
        services = f"{site.name}: neutron, nova, glance, placement"
        steps += [
            Step(hosts, partial(_ensure_ovn, topology, site, control), ("machines and links",)),
            Step(
                services,
                partial(_ensure_services, site),
                ("databases", "RabbitMQ", hosts),
            ),
            Step(
                f"{site.name}: compute hosts",
                partial(_ensure_compute, topology, site),
                ("Keystone and catalog", "RabbitMQ", hosts),
            ),
            Step(
                f"{site.name}: image and flavor",
                partial(_ensure_images, topology, site),
                (services, "guest image", "Keystone and catalog"),
            ),
            Step(
                f"{site.name}: first requests",
                partial(region.warm_up, topology, site),
                (services, "Keystone and catalog"),
            ),
            Step(
                f"{site.name}: provider edges",
                partial(_ensure_provider_edges, topology, site),
                (hosts, "RabbitMQ", "backbone: P and reflectors", "configuration"),
            ),
        ]
    return steps


def _quietly(_: object) -> None:
    """Drop a step's result, which has nothing to tell."""


def _hosts_file(topology: Topology) -> str:
    lines = ["127.0.0.1 localhost", f"{topology.management.control} {CONTROL}"]
    lines += [f"{host.management} {host.name}" for host in topology.hosts]
    lines += [f"{site.api} {site.name}-{CONTROL}" for site in topology.sites]
    return "\n".join(lines) + "\n"


def _host_machine(host: Host) -> Machine:
    ovn_logs = "/var/log/ovn"
    return Machine(host.name, (*switch.PRIVATE, ovn_logs, *compute.PRIVATE))


def _p_machine(topology: Topology) -> Machine:
    return Machine(topology.core.p_router, switch.PRIVATE)


def _ensure_machines(topology: Topology) -> None:
    hosts_file = _hosts_file(topology)
    control = Machine(CONTROL)
    reflectors = [Machine(reflector.name) for reflector in topology.route_reflectors]
    host_machines = [_host_machine(host) for host in topology.hosts]
    for each in (control, _p_machine(topology), *reflectors, *host_machines):
        if machine.keeper(each.name) is None:
            process.forget_machine(each.name)
            each.ensure(hosts_file)
    _ensure_management(topology, control)
    for host in topology.hosts:
        _ensure_host_links(topology, host)


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
    for address in (management.control, *(site.api for site in topology.sites)):
        lines.append(f"addr replace {address}/{prefix_len} dev {_MANAGEMENT_BRIDGE}")
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


def _ensure_host_links(topology: Topology, host: Host) -> None:
    control, here = Machine(CONTROL), _host_machine(host)
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


def _configure(topology: Topology) -> None:
    identity.configure(topology)
    for site in topology.sites:
        region.configure(topology, site)
        for host in site.hosts:
            compute.configure(site, host)
            provider_edge.configure(topology, site, host)
    clouds.write(topology)


def _ensure_messaging(topology: Topology) -> None:
    messaging.start(topology)
    messaging.ensure_ready(topology)


def _backbone(topology: Topology) -> None:
    backbone.ensure_p_router(topology, Switch(_p_machine(topology)))
    for reflector in topology.route_reflectors:
        backbone.ensure_reflector(topology, reflector, Machine(reflector.name))


def _ensure_ovn(topology: Topology, site: Site, control: Machine) -> None:
    ovn.ensure_central(control, site)
    for host in site.hosts:
        its_switch = Switch(_host_machine(host))
        its_switch.ensure()
        ovn.ensure_chassis(topology, site, host, its_switch)
    ovn.wait_for_chassis(control, site)


def _ensure_identity(topology: Topology) -> None:
    identity.start(topology)
    identity.ensure_ready(topology)


def _ensure_services(site: Site) -> None:
    region.start_apis(site)
    region.wait_for_apis(site)


def _ensure_compute(topology: Topology, site: Site) -> None:
    region.start_nova(site)
    for host in site.hosts:
        compute.start_libvirt(host)
        compute.start_nova(site, host)
    compute.wait_for_hosts(site)
    compute.ensure_zones(topology, site)


def _ensure_images(topology: Topology, site: Site) -> None:
    images.ensure_images(topology, site, build.ensure_built())


def _ensure_provider_edges(topology: Topology, site: Site) -> None:
    for host in site.hosts:
        backbone.ensure_core_bridge(topology, host, Switch(_host_machine(host)))
        provider_edge.start(host)
