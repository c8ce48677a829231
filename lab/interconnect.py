# SPDX-License-Identifier: Apache-2.0
"""What a site tells the others by: a machine of its own, its link to the exchange, etcd, daemon.

The machine has an address on the management network, where the site's database and messages are,
and one on the network between the sites, where its etcd listens and from where it reads theirs.
"""

from __future__ import annotations

import shutil
from collections.abc import Iterable
from functools import partial
from pathlib import Path

from isthmus.interconnect.certificates.folder import Folder
from lab import places, process, settings
from lab.machine import Machine, connect
from lab.process import Process
from lab.schemas import neutron_files
from lab.topology import CONTROL, Site, Topology
from lab.waiting import START_S, wait_until

EXCHANGE_BRIDGE = "exchange"
_MANAGEMENT_BRIDGE = "management"
_ETHERNET_MTU = 1500
_PORT = 2379
_LOOPBACK = "127.0.0.1"


def process_name(site: Site) -> str:
    """The process of the site's etcd."""
    return f"{site.name}-etcd"


def daemon_name(site: Site) -> str:
    """The process of the site's ``isthmus-interconnect``."""
    return f"{site.name}-interconnect"


def endpoint(site: Site) -> str:
    """Where the site's etcd answers to all sites."""
    return f"https://{site.interconnect.address}:{_PORT}"


def link_name(site_name: str) -> str:
    """The exchange's interface towards a site."""
    return f"to-{site_name}"


def folder(site: Site) -> Folder:
    """The site's authority, certificates and secret."""
    return Folder(places.STATE / site.name / "interconnect")


def configure(topology: Topology, site: Site) -> None:
    """Make the site's certificates, and write the daemon's configuration."""
    folder(site).prepare(site.name, [str(site.interconnect.address), _LOOPBACK])
    values = settings.of_site(topology, site) | {
        "as_number": str(topology.as_number),
        "address": str(site.interconnect.address),
        "certificates": str(folder(site).path),
        "endpoint": endpoint(site),
    }
    settings.write(_file(site), "interconnect.conf", values)


def ensure_links(topology: Topology, sites: Iterable[Site]) -> None:
    """The exchange, and the links of sites to it and to the management network."""
    exchange = Machine(topology.interconnect.exchange)
    if not _has(exchange, EXCHANGE_BRIDGE):
        exchange.ip(f"link add {EXCHANGE_BRIDGE} type bridge")
    exchange.ip(f"link set {EXCHANGE_BRIDGE} up")
    for site in sites:
        here, to_site, management = (
            Machine(site.interconnect_machine),
            link_name(site.name),
            f"m-{site.name}",
        )
        connect(exchange.name, to_site, here.name, "sites", _ETHERNET_MTU)
        connect(CONTROL, management, here.name, "management", _ETHERNET_MTU)
        exchange.ip(f"link set {to_site} master {EXCHANGE_BRIDGE} up")
        Machine(CONTROL).ip(f"link set {management} master {_MANAGEMENT_BRIDGE} up")
        at = site.interconnect
        here.ip(
            f"addr replace {at.management}/{topology.management.network.prefixlen} dev management",
            f"addr replace {at.address}/{topology.interconnect.network.prefixlen} dev sites",
            "link set management up",
            "link set sites up",
        )


def etcd_data(site: Site) -> Path:
    """Where the site's etcd keeps everything."""
    return places.STATE / site.name / "etcd"


def start_etcd(site: Site) -> None:
    """Start the site's etcd; `ensure_ready` waits for it."""
    data = etcd_data(site)
    data.mkdir(parents=True, exist_ok=True, mode=0o700)
    server, authority = _key("server.crt", site), _key("ca.crt", site)
    argv = (
        *("etcd", "--name", site.name, "--data-dir", str(data)),
        *("--listen-client-urls", f"{endpoint(site)},https://{_LOOPBACK}:{_PORT}"),
        *("--advertise-client-urls", endpoint(site)),
        *("--listen-peer-urls", f"http://{_LOOPBACK}:2380"),
        *("--initial-advertise-peer-urls", f"http://{_LOOPBACK}:2380"),
        *("--initial-cluster", f"{site.name}=http://{_LOOPBACK}:2380"),
        *("--client-cert-auth", "--trusted-ca-file", authority),
        *("--cert-file", server, "--key-file", _key("server.key", site)),
        *("--logger", "zap", "--log-outputs", "stderr", "--log-level", "warn"),
        *("--auto-compaction-mode", "periodic", "--auto-compaction-retention", "1h"),
    )
    files = (server, authority)
    process.start(Process(process_name(site), site.interconnect_machine, argv, files=files))


def lose_data(site: Site) -> None:
    """Remove everything a site's etcd, which must not run, has kept."""
    shutil.rmtree(etcd_data(site), ignore_errors=True)


def ensure_ready(site: Site) -> None:
    """Return when the site's etcd answers."""
    here, log = Machine(site.interconnect_machine), process.recorded(process_name(site)).log
    healthy = etcdctl(site, "endpoint", "health")
    wait_until(partial(here.succeeds, healthy), START_S, process_name(site), log)


def secure(site: Site) -> None:
    """Let nobody do anything in the site's etcd who was not let, as an operator does it."""
    program, *files = _daemon(site)
    Machine(site.interconnect_machine).run([program, "prepare", *files])


def start_daemon(site: Site) -> None:
    """Start the site's ``isthmus-interconnect``."""
    files = tuple(option.partition("=")[2] for option in _daemon(site)[1:])
    argv = _daemon(site)
    machine = site.interconnect_machine
    process.start(Process(daemon_name(site), machine, argv, supervised=True, files=files))


def _daemon(site: Site) -> tuple[str, ...]:
    neutron = neutron_files(site)[0]
    own = f"--config-file={places.ETC / _file(site)}"
    return places.tool("isthmus-interconnect"), neutron, own


def _file(site: Site) -> str:
    return f"{site.name}/interconnect.conf"


def etcdctl(site: Site, *words: str) -> list[str]:
    """The command that asks the site's etcd as its own daemon does, in the site's machine."""
    files = ["--cacert", _key("ca.crt", site)]
    files += ["--cert", _key("own.crt", site), "--key", _key("own.key", site)]
    at = ["--endpoints", f"https://{_LOOPBACK}:{_PORT}"]
    return ["env", "ETCDCTL_API=3", "etcdctl", *at, *files, *words]


def cut(topology: Topology, site_name: str) -> None:
    """Have nothing pass between a site's control plane and the others', which nobody is told of."""
    _change_link(topology, site_name, "nomaster")


def heal(topology: Topology, site_name: str) -> None:
    """Undo `cut`."""
    _change_link(topology, site_name, f"master {EXCHANGE_BRIDGE}")


def _change_link(topology: Topology, site_name: str, change: str) -> None:
    link = link_name(topology.site(site_name).name)
    Machine(topology.interconnect.exchange).ip(f"link set {link} {change}")


def _has(where: Machine, interface: str) -> bool:
    return where.succeeds(["ip", "link", "show", interface])


def _key(name: str, site: Site) -> str:
    return str(Path(folder(site).path) / name)
