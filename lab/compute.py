# SPDX-License-Identifier: Apache-2.0
"""A compute host: libvirtd and nova-compute, guests emulated by QEMU, which may move."""

from __future__ import annotations

import shutil
import uuid
from functools import partial
from pathlib import Path

from lab import clouds, database, places, process, remote_shell, settings
from lab.machine import Machine
from lab.process import Process
from lab.topology import Host, Site, Topology
from lab.waiting import START_S, wait_until

#: Directories libvirt and SSH keep their files in; a compute host has them for itself.
PRIVATE = (
    *("/var/lib/libvirt", "/var/cache/libvirt", "/var/log/libvirt", "/etc/libvirt"),
    *remote_shell.PRIVATE,
)

#: The same path on every host, as block migration wants it, and private to each.
_INSTANCES = "/var/lib/libvirt/instances"


def configure(site: Site, host: Host) -> None:
    """Write the configuration of nova-compute and libvirtd, and of what VMs move by."""
    etc, state = places.ETC / host.name, places.STATE / host.name
    (state / "provider_config").mkdir(parents=True, exist_ok=True)
    nova = f"--config-file {places.ETC}/{site.name}/nova/nova.conf"
    own = f"--config-file {etc}/nova-compute.conf"
    values = {
        "host": host.name,
        "management": str(host.management),
        "state": str(state),
        "instances": _INSTANCES,
        "privsep": f"{places.tool('privsep-helper')} {nova} {own}",
        "host_uuid": str(uuid.uuid5(uuid.NAMESPACE_DNS, host.name)),
    }
    settings.write(f"{host.name}/nova-compute.conf", "nova-compute.conf", values)
    machine = Machine(host.name, PRIVATE)
    machine.path(_INSTANCES).mkdir(parents=True, exist_ok=True)
    libvirt = machine.path("/etc/libvirt")
    if not (libvirt / "libvirtd.conf").exists():
        shutil.copytree("/etc/libvirt", libvirt, dirs_exist_ok=True, symlinks=True)
        # libvirt's own default network needs dnsmasq and nobody needs it
        for link in Path(libvirt, "qemu", "networks", "autostart").glob("*"):
            link.unlink()
    for name in ("qemu.conf", "libvirtd.conf"):
        (libvirt / name).write_text(settings.render(name, values), encoding="utf-8")
    remote_shell.ensure_key()
    remote_shell.configure(host)


def start_libvirt(host: Host) -> None:
    """libvirtd, ready when this returns, and the way to it from other hosts."""
    remote_shell.start(host)
    machine = Machine(host.name, PRIVATE)
    machine.run(["mkdir", "-p", "/run/libvirt"])
    file = str(machine.path("/etc/libvirt/libvirtd.conf"))
    libvirtd = Process(f"{host.name}-libvirtd", host.name, ("libvirtd", "--listen"), files=(file,))
    if process.start(libvirtd):
        ready = ["test", "-S", "/run/libvirt/libvirt-sock"]
        wait_until(
            partial(machine.succeeds, ready),
            START_S,
            f"libvirtd of {host.name}",
            libvirtd.log,
        )


def start_nova(site: Site, host: Host) -> None:
    """nova-compute; `wait_for_hosts` waits for it."""
    files = (
        f"{places.ETC}/{site.name}/nova/nova.conf",
        f"{places.ETC}/{host.name}/nova-compute.conf",
    )
    argv = (places.tool("nova-compute"), *(f"--config-file={file}" for file in files))
    process.start(Process(f"{host.name}-nova-compute", host.name, argv, files=files))


def wait_for_hosts(site: Site) -> None:
    """Return when nova can place servers on every host of the region."""
    done = places.STATE / site.name / "cell-hosts"
    if done.exists():
        return
    wanted = {host.name for host in site.hosts}
    query = "SELECT host FROM nova.compute_nodes WHERE deleted = 0"
    log = places.LOGS / f"{site.hosts[0].name}-nova-compute.log"
    wait_until(
        lambda: wanted <= set(database.of_site(site).execute(query).split()),
        START_S,
        f"compute hosts of {site.name} in nova's database",
        log,
        every_s=0.3,
    )
    nova = f"--config-file={places.ETC}/{site.name}/nova/nova.conf"
    Machine(site.control_machine).run(
        [places.tool("nova-manage"), nova, "cell_v2", "discover_hosts"], timeout_s=180
    )
    done.touch()


def ensure_zones(topology: Topology, site: Site) -> None:
    """An availability zone per host, named like it, so that a tenant can choose where a VM runs.

    Nova refuses to put a host into a zone once it has a server, hence at once.
    """
    done = places.STATE / site.name / "zones"
    if done.exists():
        return
    nova = clouds.connect(topology, site.name).compute
    present = {aggregate.name: aggregate for aggregate in nova.aggregates()}
    for host in site.hosts:
        aggregate = present.get(host.name)
        if aggregate is None:
            aggregate = nova.create_aggregate(name=host.name, availability_zone=host.name)
        if host.name not in (aggregate.hosts or ()):
            nova.add_host_to_aggregate(aggregate, host.name)
    done.touch()
