# SPDX-License-Identifier: Apache-2.0
"""What a site tells the others by: a machine of its own, its link to the exchange, its etcd.

The machine has an address on the management network, where the site's database and messages are,
and one on the network between the sites, where its etcd listens and from where it reads theirs.
"""

from __future__ import annotations

from ipaddress import IPv4Address
from pathlib import Path

from lab import certificates, places, process
from lab.certificates import Pair
from lab.machine import Machine, connect
from lab.process import Process
from lab.topology import CONTROL, Site, Topology
from lab.waiting import wait_until

EXCHANGE_BRIDGE = "exchange"
_MANAGEMENT_BRIDGE = "management"
_ETHERNET_MTU = 1500
_PORT = 2379
_LOOPBACK = IPv4Address("127.0.0.1")
#: Whom the site's own etcd lets do everything; its own daemon's certificate says so.
_OWN_NAME = "root"


def process_name(site: Site) -> str:
    """The process of the site's etcd."""
    return f"{site.name}-etcd"


def endpoint(site: Site) -> str:
    """Where the site's etcd answers to all sites."""
    return f"https://{site.interconnect.address}:{_PORT}"


def link_name(site_name: str) -> str:
    """The exchange's interface towards a site."""
    return f"to-{site_name}"


def authority(site: Site) -> Pair:
    """The site's certificate authority."""
    return certificates.pair(_keys(site), "ca")


def own(site: Site) -> Pair:
    """What the site's own daemon shows to its etcd."""
    return certificates.pair(_keys(site), "own")


def configure(site: Site) -> None:
    """Make the site's certificates."""
    server = certificates.pair(_keys(site), "server")
    certificates.ensure_authority(authority(site), f"{site.name} interconnect")
    addresses = (site.interconnect.address, _LOOPBACK)
    certificates.ensure_issued(authority(site), server, f"{site.name}-etcd", addresses)
    certificates.ensure_issued(authority(site), own(site), _OWN_NAME)


def ensure_links(topology: Topology) -> None:
    """The exchange, and each site's links to it and to the management network."""
    exchange = Machine(topology.interconnect.exchange)
    if not _has(exchange, EXCHANGE_BRIDGE):
        exchange.ip(f"link add {EXCHANGE_BRIDGE} type bridge")
    exchange.ip(f"link set {EXCHANGE_BRIDGE} up")
    for site in topology.sites:
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


def start(site: Site) -> None:
    """Start the site's etcd; `ensure_ready` waits for it."""
    server, trusted = certificates.pair(_keys(site), "server"), authority(site)
    data = places.STATE / site.name / "etcd"
    data.mkdir(parents=True, exist_ok=True, mode=0o700)
    argv = (
        *("etcd", "--name", site.name, "--data-dir", str(data)),
        *("--listen-client-urls", f"{endpoint(site)},https://{_LOOPBACK}:{_PORT}"),
        *("--advertise-client-urls", endpoint(site)),
        *("--listen-peer-urls", f"http://{_LOOPBACK}:2380"),
        *("--initial-advertise-peer-urls", f"http://{_LOOPBACK}:2380"),
        *("--initial-cluster", f"{site.name}=http://{_LOOPBACK}:2380"),
        *("--client-cert-auth", "--trusted-ca-file", str(trusted.certificate)),
        *("--cert-file", str(server.certificate), "--key-file", str(server.key)),
        *("--logger", "zap", "--log-outputs", "stderr", "--log-level", "warn"),
        *("--auto-compaction-mode", "periodic", "--auto-compaction-retention", "1h"),
    )
    files = (str(server.certificate), str(trusted.certificate))
    process.start(Process(process_name(site), site.interconnect_machine, argv, files=files))


def ensure_ready(site: Site) -> None:
    """Return when the site's etcd answers, and to nobody without a certificate it knows."""
    here, log = Machine(site.interconnect_machine), process.recorded(process_name(site)).log
    healthy = etcdctl(site, "endpoint", "health")
    wait_until(lambda: here.run(healthy, check=False).returncode == 0, 60, process_name(site), log)


def etcdctl(site: Site, *words: str) -> list[str]:
    """The command that asks the site's etcd as its own daemon does, in the site's machine."""
    mine = own(site)
    files = ["--cacert", str(authority(site).certificate)]
    files += ["--cert", str(mine.certificate), "--key", str(mine.key)]
    at = ["--endpoints", f"https://{_LOOPBACK}:{_PORT}"]
    return ["env", "ETCDCTL_API=3", "etcdctl", *at, *files, *words]


def cut(topology: Topology, site_name: str) -> None:
    """Have nothing pass between a site's control plane and the others', which nobody is told of."""
    _check(topology, site_name)
    Machine(topology.interconnect.exchange).ip(f"link set {link_name(site_name)} nomaster")


def heal(topology: Topology, site_name: str) -> None:
    """Undo `cut`."""
    _check(topology, site_name)
    exchange = Machine(topology.interconnect.exchange)
    exchange.ip(f"link set {link_name(site_name)} master {EXCHANGE_BRIDGE}")


def _check(topology: Topology, site_name: str) -> None:
    if site_name not in {site.name for site in topology.sites}:
        raise KeyError(f"the lab has no site {site_name!r}")


def _has(where: Machine, interface: str) -> bool:
    return where.run(["ip", "link", "show", interface], check=False).returncode == 0


def _keys(site: Site) -> Path:
    return places.STATE / site.name / "interconnect"
