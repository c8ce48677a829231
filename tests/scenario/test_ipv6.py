# SPDX-License-Identifier: Apache-2.0
"""Two dual-stack networks in two regions: hosts learn their router and reach each other.

    west  2001:db8:90:1::/64  SLAAC              host makes its address of its MAC
    east  2001:db8:90:2::/64  DHCPv6 (stateful)  host has the address Neutron gave it

The hosts are namespaces: nothing but Linux hears the PE's router advertisements.
"""

from __future__ import annotations

import re
import time
from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial
from ipaddress import IPv4Address, IPv4Interface, IPv6Address, ip_address
from typing import Any

import pytest

from lab import endpoint
from lab.demo.cloud import Cloud
from lab.demo.evidence import ATTACHMENT_OWNER
from lab.demo.guest import Pinged
from lab.demo.stage import Stage, side_by_side
from lab.endpoint import Endpoint
from lab.machine import Machine
from lab.topology import Site
from lab.waiting import wait_until
from tests.scenario import figures

NAME = "ipv6"
ROUTE_TARGET = "64500:6900"
OWNER = "compute:ipv6"
#: Mode of the IPv6 subnet, by region.
MODES = {"west": "slaac", "east": "dhcpv6-stateful"}
NUMBERS = {"west": 1, "east": 2}
ADMITTED = {"IPv4": ("icmp", "10.90.0.0/16"), "IPv6": ("ipv6-icmp", "2001:db8:90::/48")}
ROUTER_S, CONVERGENCE_S, SILENCE_S = 30, 30, 20


@dataclass(frozen=True, slots=True)
class Host:
    """A host without a VM, with an address of each family."""

    endpoint: Endpoint
    address: IPv4Address
    address6: IPv6Address
    mode: str

    def start(self) -> None:
        """Plug it; what a DHCPv6 client would do is done by hand."""
        self.endpoint.plug()
        if self.mode == "dhcpv6-stateful":
            words = ["ip", "-6", "addr", "add", f"{self.address6}/64", "dev", "eth0", "nodad"]
            self.endpoint.run(words)

    def router(self) -> str:
        """Its default router of IPv6, learnt from an advertisement; empty while it has none."""
        routes = self.endpoint.run(["ip", "-6", "route", "show", "default"]).stdout
        found = re.search(r"default via (fe80::\S+) .*proto ra", routes)
        return found[1] if found else ""

    def has_address(self) -> bool:
        """Whether it has the IPv6 address by which Neutron knows it."""
        shown = self.endpoint.run(["ip", "-6", "addr", "show", "dev", "eth0", "-tentative"]).stdout
        return f"inet6 {self.address6}/" in shown

    def ping(self, target: IPv4Address | IPv6Address, count: int) -> Pinged:
        """Ping, ten times a second."""
        words = ["ping", "-n", "-q", "-c", str(count), "-i", "0.1", "-W", "1", str(target)]
        return Pinged.read(self.endpoint.run(words, check=False).stdout)

    def reaches(self, target: IPv4Address | IPv6Address) -> bool:
        """Whether one ping is answered."""
        done = self.endpoint.run(["ping", "-n", "-c", "1", "-W", "1", str(target)], check=False)
        return done.returncode == 0

    def misses(self, target: IPv4Address | IPv6Address) -> bool:
        """Whether one ping is not answered."""
        return not self.reaches(target)


def remove(stage: Stage, site: Site) -> None:
    """Remove from a region what this test makes there, also what was left by one that died."""
    cloud = stage.cloud(site.name)
    for vpn in cloud.vpns(NAME):
        cloud.delete_vpn(vpn["id"])
    for network in list(cloud.network.networks(name=NAME, project_id=cloud.project_id)):
        for port in list(cloud.network.ports(network_id=network.id)):
            if port.device_owner == ATTACHMENT_OWNER:
                continue
            endpoint.unplug(Machine(port.binding_host_id), port.id)
            cloud.network.delete_port(port.id)
        cloud.network.delete_network(network.id)
    for group in list(cloud.network.security_groups(name=NAME, project_id=cloud.project_id)):
        cloud.network.delete_security_group(group.id)


def make_network(cloud: Cloud, site: Site) -> str:
    """A network with a subnet of each family; its id."""
    network = cloud.network.create_network(name=NAME)
    number, mode = NUMBERS[site.name], MODES[site.name]
    cloud.network.create_subnet(
        network_id=network.id, name=NAME, ip_version=4, cidr=f"10.90.{number}.0/24"
    )
    cloud.network.create_subnet(
        network_id=network.id,
        name=f"{NAME}-{mode}",
        ip_version=6,
        cidr=f"2001:db8:90:{number}::/64",
        gateway_ip=f"2001:db8:90:{number}::1",
        ipv6_ra_mode=mode,
        ipv6_address_mode=mode,
    )
    return str(network.id)


def make_group(cloud: Cloud) -> str:
    """A security group that admits ping from both regions' prefixes, in both families; its id."""
    group = cloud.network.create_security_group(name=NAME)
    for ether_type, (protocol, prefix) in ADMITTED.items():
        cloud.network.create_security_group_rule(
            security_group_id=group.id,
            direction="ingress",
            ether_type=ether_type,
            protocol=protocol,
            remote_ip_prefix=prefix,
        )
    return str(group.id)


def make_host(cloud: Cloud, site: Site, network_id: str) -> Host:
    """A host on the region's first compute host, plugged."""
    machine = site.hosts[0].name
    port: Any = cloud.network.create_port(
        network_id=network_id,
        name=NAME,
        device_owner=OWNER,
        binding_host_id=machine,
        security_group_ids=[make_group(cloud)],
    )
    found = {a.version: a for a in (ip_address(ip["ip_address"]) for ip in port.fixed_ips)}
    mtu = cloud.network.get_network(network_id).mtu
    number = NUMBERS[site.name]
    plugged = Endpoint(
        machine=Machine(machine),
        port_id=port.id,
        mac=port.mac_address,
        address=IPv4Interface(f"{found[4]}/24"),
        gateway=IPv4Address(f"10.90.{number}.1"),
        mtu=mtu,
    )
    host = Host(plugged, IPv4Address(found[4]), IPv6Address(found[6]), MODES[site.name])
    host.start()
    return host


@pytest.fixture
def hosts(stage: Stage) -> Iterator[dict[str, Host]]:
    """A host in each region, by region; its network is in a VPN, ACTIVE."""

    def make(site: Site) -> Host:
        remove(stage, site)
        cloud = stage.cloud(site.name)
        network_id = make_network(cloud, site)
        host = make_host(cloud, site, network_id)
        vpn_id = cloud.create_vpn(NAME, cloud.project_id, route_targets=[ROUTE_TARGET])
        cloud.associate(vpn_id, network_id)
        cloud.wait_for_vpn(NAME, seconds=CONVERGENCE_S)
        return host

    sites = stage.topology.sites
    try:
        made = side_by_side(make, sites)
        yield {site.name: host for site, host in zip(sites, made, strict=True)}
    finally:
        side_by_side(lambda site: remove(stage, site), sites)


def test_dual_stack_hosts_reach_each_other_across_regions_until_dissociated(
    stage: Stage, hosts: dict[str, Host]
) -> None:
    """Router and, with SLAAC, address come from the PE's advertisements; then both families."""
    near, far = hosts["west"], hosts["east"]
    start = time.monotonic()
    for host in hosts.values():
        where = host.endpoint.machine.name
        wait_until(host.router, ROUTER_S, f"a router advertisement on {where}", every_s=0.5)
        wait_until(host.has_address, ROUTER_S, f"{host.address6} on {where}", every_s=0.5)
    figures.add(f"IPv6 hosts had router and address {time.monotonic() - start:.1f} s after ACTIVE")

    for target in (far.address6, far.address):
        wait_until(partial(near.reaches, target), CONVERGENCE_S, f"an answer of {target}")
    for pinged in (near.ping(far.address6, 20), far.ping(near.address6, 20)):
        assert (pinged.sent, pinged.received) == (20, 20)
        figures.add(f"ping6 between regions: {pinged}")

    west = stage.cloud("west")
    vpn_id = west.vpn(NAME)["id"]
    for association in west.associations(vpn_id):
        west.dissociate(vpn_id, association["id"])
    for target in (far.address6, far.address):
        wait_until(partial(near.misses, target), SILENCE_S, f"silence of {target}")
    assert near.ping(far.address, 5).received == 0
    assert not near.router(), "It was told that its router has gone (RFC 4861 §6.2.5)."
    assert far.ping(near.address6, 5).received == 0
