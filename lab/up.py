# SPDX-License-Identifier: Apache-2.0
"""Bring the lab up: every step makes sure of something, so a second run repairs what is dead."""

from __future__ import annotations

import subprocess
import time
from collections.abc import Sequence
from dataclasses import replace
from functools import partial

from lab import (
    backbone,
    clouds,
    compute,
    database,
    heat,
    identity,
    images,
    interconnect,
    introduction,
    machine,
    messaging,
    ovn,
    places,
    present,
    provider_edge,
    region,
    schemas,
    wiring,
)
from lab.guest import build
from lab.machine import Machine
from lab.steps import Step, run
from lab.switch import Switch
from lab.topology import CONTROL, Keystone, Service, Site, Topology


class ForeignLab(RuntimeError):
    """Another checkout's lab has the addresses this one needs."""


class NotFurther(RuntimeError):
    """What was to be brought up beside the lab can't be."""


def up(topology: Topology, names: Sequence[str] = ()) -> bool:
    """Build the lab or repair it; or bring further sites up beside it.

    Args:
        topology: what to build.
        names: of further sites; none: all the rest, and those that were brought up before.

    Returns:
        Whether everything runs.

    Raises:
        ForeignLab: another checkout's lab is in the way.
        NotFurther: a name is no further site's, or there is no lab to be beside of.
    """
    start = time.monotonic()
    _refuse_foreign(topology)
    further = _further(topology, names)
    if names:
        sites = further
        failed = run(_further_steps(topology, sites))
    else:
        _prepare()
        sites = (*topology.sites, *further)
        failed = run(_steps(topology)) or run(_further_steps(topology, further))
    took = time.monotonic() - start
    if failed:
        print(f"The lab is not complete ({took:.0f} s). `python -m lab up` tries again.")
        return False
    regions = ", ".join(site.name for site in sites)
    print(f"The lab is up: regions {regions} ({took:.0f} s). To look around:")
    print(f"  export OS_CLIENT_CONFIG_FILE={places.CLOUDS_YAML}")
    account = topology.keystone_of(sites[0]).projects[0]
    print(f"  openstack --os-cloud {sites[0].name}-{account} network list")
    return True


def _further(topology: Topology, names: Sequence[str]) -> tuple[Site, ...]:
    if not names:
        return present.further(topology)
    known = {site.name: site for site in topology.further_sites}
    for name in names:
        if name not in known:
            raise NotFurther(f"{name} is no further site; there are: {', '.join(known)}")
    if machine.keeper(CONTROL) is None:
        raise NotFurther("There is no lab to be beside of: `python -m lab up` first.")
    return tuple(known[name] for name in names)


def start_site(topology: Topology, site: Site) -> list[str]:
    """Start everything of one site again; the others are not touched.

    Returns:
        What did not start and why, a sentence each; empty when all of it runs.
    """
    steps = [*_link_steps(topology), *_site_steps(topology, site)]
    own = {step.name for step in steps}
    # What else they wait for belongs to no site, and is there.
    return run(replace(step, after=tuple(n for n in step.after if n in own)) for step in steps)


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
    machine.end_unrecorded()
    fresh = not machine.strays()
    for folder in (*places.RUNNING, places.LOGS, places.CACHE):
        folder.mkdir(parents=True, exist_ok=True)
    if fresh:
        for log in places.LOGS.glob("*.log"):
            if not log.name.startswith("bootstrap"):
                log.unlink()


def _machines_step(topology: Topology, sites: Sequence[Site]) -> Step:
    return Step("machines and links", partial(wiring.ensure_machines, topology, sites))


def _further_steps(topology: Topology, sites: Sequence[Site]) -> list[Step]:
    """What sites of other operators are, which nobody has invited yet."""
    there = present.sites(topology)
    steps = [
        _machines_step(topology, [*there, *(site for site in sites if site not in there)]),
        Step("configuration", partial(_configure, topology, sites), ("machines and links",)),
    ]
    for site in sites:
        steps += _site_steps(topology, site)
    return steps


def _steps(topology: Topology) -> list[Step]:
    steps = [
        *_link_steps(topology),
        Step("guest image", lambda: _quietly(build.ensure_built())),
        Step("configuration", partial(_configure, topology, topology.sites)),
        _identity_step(topology, topology.keystone, ("machines and links", "configuration")),
    ]
    for site in topology.sites:
        steps += _site_steps(topology, site)
    steps.append(
        Step(
            "sites joined by invitation",
            partial(introduction.ensure_introduced, topology),
            tuple(
                f"{site.name}: {what}"
                for site in topology.sites
                for what in ("interconnect", "first requests")
            ),
        )
    )
    return steps


def _link_steps(topology: Topology) -> list[Step]:
    """Everything that has a link to something else."""
    return [
        _machines_step(topology, present.sites(topology)),
        Step("backbone: P and reflectors", partial(_backbone, topology), ("machines and links",)),
    ]


def _identity_step(topology: Topology, keystone: Keystone, after: tuple[str, ...]) -> Step:
    return Step(_catalog(keystone), partial(_ensure_identity, topology, keystone), after)


def _catalog(keystone: Keystone) -> str:
    whose = f"{keystone.owner.name}: " if keystone.owner else ""
    return f"{whose}Keystone and catalog"


def _site_steps(topology: Topology, site: Site) -> list[Step]:
    hosts = f"{site.name}: switches, OVN"
    services = f"{site.name}: {', '.join(sorted(site.services - {Service.HEAT}))}"
    databases, messages = f"{site.name}: databases", f"{site.name}: RabbitMQ"
    keystone = topology.keystone_of(site)
    catalog = _catalog(keystone)
    apis_ready = (services, catalog)
    made = ("machines and links", "configuration")
    steps = [
        Step(databases, partial(_ensure_databases, topology, site), made),
        Step(messages, partial(_ensure_messaging, topology, site), made),
        Step(hosts, partial(_ensure_ovn, topology, site), ("machines and links",)),
        Step(f"{site.name}: etcd", partial(_ensure_etcd, site), made),
        Step(
            f"{site.name}: interconnect",
            partial(interconnect.start_daemon, site),
            (databases, messages, f"{site.name}: etcd"),
        ),
        Step(services, partial(_ensure_services, site), (databases, messages, hosts)),
    ]
    if keystone.owner:
        # In the same MariaDB as the rest of the site.
        steps.append(_identity_step(topology, keystone, (databases,)))
    if Service.HEAT in site.services:
        heats = partial(_ensure_heat, topology, site)
        steps.append(Step(f"{site.name}: heat", heats, (databases, messages, catalog)))
    warm = partial(region.warm_up, topology, site)
    steps.append(Step(f"{site.name}: first requests", warm, apis_ready))
    return steps + (_host_steps(topology, site, apis_ready) if site.hosts else [])


def _host_steps(topology: Topology, site: Site, apis_ready: tuple[str, str]) -> list[Step]:
    hosts, messages = f"{site.name}: switches, OVN", f"{site.name}: RabbitMQ"
    return [
        Step(
            f"{site.name}: compute hosts",
            partial(_ensure_compute, topology, site),
            (apis_ready[1], f"{site.name}: databases", messages, hosts),
        ),
        Step(
            f"{site.name}: image and flavor",
            partial(_ensure_images, topology, site),
            (*apis_ready, "guest image"),
        ),
        Step(
            f"{site.name}: provider edges",
            partial(_ensure_provider_edges, topology, site),
            (hosts, messages, "backbone: P and reflectors", "configuration"),
        ),
    ]


def _quietly(_: object) -> None:
    """Drop a step's result, which has nothing to tell."""


def _configure(topology: Topology, sites: Sequence[Site]) -> None:
    for site in sites:
        identity.configure(topology, topology.keystone_of(site))
        region.configure(topology, site)
        if Service.HEAT in site.services:
            heat.configure(topology, site)
        interconnect.configure(topology, site)
        for host in site.hosts:
            compute.configure(site, host)
            provider_edge.configure(topology, site, host)
    clouds.write(topology, present.sites(topology))


def _ensure_databases(topology: Topology, site: Site) -> str:
    database.of_site(site).ensure(topology.management.password)
    return schemas.ensure_site(site)


def _ensure_messaging(topology: Topology, site: Site) -> None:
    messaging.start(topology, site)
    messaging.ensure_ready(site)


def _backbone(topology: Topology) -> None:
    backbone.ensure_p_router(topology, Switch(wiring.p_machine(topology)))
    for reflector in topology.route_reflectors:
        backbone.ensure_reflector(topology, reflector, Machine(reflector.name))


def _ensure_ovn(topology: Topology, site: Site) -> None:
    control = Machine(site.control_machine)
    ovn.ensure_central(control, site)
    for host in site.hosts:
        its_switch = Switch(wiring.host_machine(host))
        its_switch.ensure()
        ovn.ensure_chassis(topology, site, host, its_switch)
    ovn.wait_for_chassis(control, site)


def _ensure_identity(topology: Topology, keystone: Keystone) -> None:
    password = topology.management.password
    database.of_keystone(keystone).ensure(password)
    # Keystone's own commands want the cache too.
    identity.start_cache(keystone)
    schemas.ensure_identity(keystone, password)
    identity.start(keystone)
    identity.ensure_ready(keystone, password)


def _ensure_etcd(site: Site) -> None:
    interconnect.start_etcd(site)
    interconnect.ensure_ready(site)
    interconnect.secure(site)


def _ensure_services(site: Site) -> None:
    region.start_apis(site)
    region.wait_for_apis(site)


def _ensure_heat(topology: Topology, site: Site) -> None:
    heat.start(site)
    heat.ensure_ready(topology, site)


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
        backbone.ensure_core_bridge(topology, host, Switch(wiring.host_machine(host)))
        provider_edge.start(host)
