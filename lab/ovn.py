# SPDX-License-Identifier: Apache-2.0
"""OVN of a region: its central databases on the control machine, its chassis on the hosts."""

from __future__ import annotations

from functools import partial

from lab import places, process
from lab.machine import Machine
from lab.switch import Switch
from lab.topology import Host, Site, Topology
from lab.waiting import START_S, wait_until

#: Directories ovn-controller keeps its files in; a chassis has them for itself.
PRIVATE = ("/var/log/ovn",)
NB_PORT = 6641
SB_PORT = 6642
_QUIET = ("-vsyslog:off", "-vfile:off")
_DATABASES = (("nb", NB_PORT, "ovn-nbctl"), ("sb", SB_PORT, "ovn-sbctl"))


def socket(site: Site, database: str) -> str:
    """The unix socket of a region's northbound (nb) or southbound (sb) database."""
    return f"/run/ovn-{site.name}/{database}.sock"


def ensure_central(control: Machine, site: Site) -> None:
    """Northbound and southbound database and ovn-northd of one region."""
    run = f"/run/ovn-{site.name}"
    control.run(["mkdir", "-p", run])
    for database, port, client in _DATABASES:
        _ensure_database(control, site, database, port)
        ready = [client, f"--db=unix:{socket(site, database)}", "--timeout=1", "init"]
        wait_until(
            partial(control.succeeds, ready),
            START_S,
            f"OVN {database} of {site.name}",
            places.LOGS / f"{site.name}-ovn-{database}.log",
        )
    process.start(
        process.Process(
            f"{site.name}-ovn-northd",
            site.control_machine,
            (
                "ovn-northd",
                f"--ovnnb-db=unix:{socket(site, 'nb')}",
                f"--ovnsb-db=unix:{socket(site, 'sb')}",
                f"--unixctl={run}/northd.ctl",
                *_QUIET,
                "-vconsole:info",
            ),
            {"OVN_RUNDIR": run},
        )
    )


def _ensure_database(control: Machine, site: Site, database: str, port: int) -> None:
    file = places.STATE / f"{site.name}-ovn-{database}.db"
    if not file.exists():
        schema = f"/usr/share/ovn/ovn-{database}.ovsschema"
        control.run(["ovsdb-tool", "create", str(file), schema])
    process.start(
        process.Process(
            f"{site.name}-ovn-{database}",
            site.control_machine,
            (
                "ovsdb-server",
                str(file),
                f"--remote=punix:{socket(site, database)}",
                f"--remote=ptcp:{port}:{site.api}",
                f"--unixctl=/run/ovn-{site.name}/{database}.ctl",
                *_QUIET,
                "-vconsole:warn",
            ),
        )
    )


def ensure_chassis(topology: Topology, site: Site, host: Host, switch: Switch) -> None:
    """The host's bridges for OVN and its ovn-controller.

    br-phy carries Geneve: the userspace datapath only tunnels from an address on one of its own
    bridges.
    """
    external = {
        "system-id": host.name,
        "hostname": host.name,
        "ovn-remote": f"tcp:{site.api}:{SB_PORT}",
        "ovn-encap-type": "geneve",
        "ovn-encap-ip": str(host.encapsulation),
        "ovn-bridge-datapath-type": "netdev",
        "ovn-bridge-mappings": "physnet1:br-ex",
        "ovn-cms-options": "enable-chassis-as-gw",
    }
    switch.vsctl(
        *("set", "Open_vSwitch", ".", "ovs-version=3.1.0"),
        *(f"external_ids:{key}={value}" for key, value in external.items()),
        *switch.bridge("br-phy"),
        *switch.port("br-phy", "underlay"),
        *switch.bridge("br-int", "fail-mode=secure"),
        *switch.bridge("br-ex", "fail-mode=standalone"),
    )
    prefix_len = topology.encapsulation.network.prefixlen
    switch.machine.ip(
        f"addr replace {host.encapsulation}/{prefix_len} dev br-phy",
        f"link set br-phy mtu {topology.encapsulation.mtu} up",
    )
    # The userspace datapath does not fill in checksums a kernel left to its device.
    switch.machine.run(["ethtool", "-K", "br-phy", "tx", "off"])
    switch.machine.run(["mkdir", "-p", "/run/ovn"])
    process.start(
        process.Process(
            f"{host.name}-ovn-controller",
            host.name,
            ("ovn-controller", "--pidfile", *_QUIET, "-vconsole:info"),
        )
    )


def wait_for_chassis(control: Machine, site: Site) -> None:
    """Return when every host of the region is in its southbound database; at once without any."""
    if not site.hosts:
        return

    def registered() -> bool:
        command = ["ovn-sbctl", f"--db=unix:{socket(site, 'sb')}", "--bare", "--columns=name"]
        said = control.run([*command, "list", "chassis"]).stdout.split()
        return {host.name for host in site.hosts} <= set(said)

    log = places.LOGS / f"{site.hosts[0].name}-ovn-controller.log"
    wait_until(registered, START_S, f"chassis of {site.name} in its southbound database", log)
