# SPDX-License-Identifier: Apache-2.0
"""A network in gateway mode: one PE of its region serves all hosts, another takes over.

    west  10.91.1.0/24  gateway mode, west-1 and west-2 may be gateways   host on west-1
    east  10.91.2.0/24  distributed                                       host on east-1

The stream is 100 packets a second from host to host and back.
"""

from __future__ import annotations

import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from ipaddress import IPv4Address, IPv4Interface

import pytest

from lab import control, endpoint
from lab.demo.cloud import Cloud
from lab.demo.guest import Pinged
from lab.demo.stage import Stage, side_by_side
from lab.endpoint import Endpoint
from lab.machine import Machine
from lab.topology import Site
from lab.waiting import wait_until
from tests.scenario import figures

NAME, OWNER = "gateways", "compute:gateways"
ROUTE_TARGET = "64500:6910"
NUMBERS = {"west": 1, "east": 2}
MODES = {"west": "gateway", "east": "distributed"}
GATEWAY = IPv4Address("10.91.1.1")
OURS = ("isthmus:", "ovn-lb-hm")
PACKETS_A_SECOND = 100
CONVERGENCE_S, TAKE_OVER_S = 40, 1.0


@dataclass(frozen=True, slots=True)
class Host:
    """A host without a VM."""

    endpoint: Endpoint

    @property
    def address(self) -> IPv4Address:
        """Its own."""
        return self.endpoint.address.ip

    def reaches(self, target: IPv4Address) -> bool:
        """Whether one ping is answered."""
        done = self.endpoint.run(["ping", "-n", "-c", "1", "-W", "1", str(target)], check=False)
        return done.returncode == 0


def remove(stage: Stage, site: Site) -> None:
    """Remove from a region what this test makes there, also what was left by one that died."""
    cloud = stage.cloud(site.name)
    for vpn in cloud.vpns(NAME):
        cloud.delete_vpn(vpn["id"])
    for network in list(cloud.network.networks(name=NAME, project_id=cloud.project_id)):
        for port in list(cloud.network.ports(network_id=network.id)):
            if port.device_owner.startswith(OURS):
                continue
            endpoint.unplug(Machine(port.binding_host_id), port.id)
            cloud.network.delete_port(port.id)
        cloud.network.delete_network(network.id)
    for group in list(cloud.network.security_groups(name=NAME, project_id=cloud.project_id)):
        cloud.network.delete_security_group(group.id)


def make_host(cloud: Cloud, site: Site, network_id: str) -> Host:
    """A host on the region's first compute host, plugged."""
    machine, number = site.hosts[0].name, NUMBERS[site.name]
    group = cloud.network.create_security_group(name=NAME)
    cloud.network.create_security_group_rule(
        security_group_id=group.id,
        direction="ingress",
        ether_type="IPv4",
        protocol="icmp",
        remote_ip_prefix="10.91.0.0/16",
    )
    port = cloud.network.create_port(
        network_id=network_id,
        name=NAME,
        device_owner=OWNER,
        binding_host_id=machine,
        security_group_ids=[group.id],
    )
    plugged = Endpoint(
        machine=Machine(machine),
        port_id=port.id,
        mac=port.mac_address,
        address=IPv4Interface(f"{port.fixed_ips[0]['ip_address']}/24"),
        gateway=IPv4Address(f"10.91.{number}.1"),
        mtu=cloud.network.get_network(network_id).mtu,
    )
    plugged.plug()
    return Host(plugged)


@pytest.fixture(scope="module")
def hosts(stage: Stage) -> Iterator[dict[str, Host]]:
    """A host in each region, by region; its network is in a VPN, ACTIVE."""

    def make(site: Site) -> Host:
        remove(stage, site)
        cloud = stage.cloud(site.name)
        network = cloud.network.create_network(name=NAME)
        cidr = f"10.91.{NUMBERS[site.name]}.0/24"
        cloud.network.create_subnet(network_id=network.id, name=NAME, ip_version=4, cidr=cidr)
        host = make_host(cloud, site, network.id)
        vpn_id = cloud.create_vpn(NAME, cloud.project_id, route_targets=[ROUTE_TARGET])
        associate(cloud, vpn_id, network.id, MODES[site.name])
        cloud.wait_for_vpn(NAME, seconds=CONVERGENCE_S)
        return host

    sites = stage.topology.sites
    try:
        made = side_by_side(make, sites)
        yield {site.name: host for site, host in zip(sites, made, strict=True)}
    finally:
        side_by_side(lambda site: remove(stage, site), sites)


def associate(cloud: Cloud, vpn_id: str, network_id: str, mode: str) -> None:
    """Put a network into a VPN, in a mode of its own."""
    body = {"network_id": network_id, "attachment_mode": mode}
    path = f"/v2.0/bgpvpn/bgpvpns/{vpn_id}/network_associations"
    cloud.call("POST", path, {"network_association": body})


def serving(stage: Stage) -> list[str]:
    """The hosts of the west that answer for the gateway's address."""
    found = []
    for host in stage.topology.sites[0].hosts:
        dump = ["ovs-ofctl", "dump-flows", "br-pe", f"arp,arp_tpa={GATEWAY}"]
        if f"arp_tpa={GATEWAY}" in control.run_in(host.name, dump).stdout:
            found.append(host.name)
    return found


def serves_alone(stage: Stage, host: str) -> bool:
    """Whether a host is the one gateway."""
    return serving(stage) == [host]


@contextmanager
def counted(near: Host, far: Host, seconds: int, at_most: int) -> Iterator[None]:
    """A stream from end to end that outlasts what happens inside, and loses few packets."""
    interval = str(1 / PACKETS_A_SECOND)
    words = ["ping", "-n", "-q", "-i", interval, "-c", str(seconds * PACKETS_A_SECOND)]
    command = [*near.endpoint.enter(), *words, "-W", "1", str(far.address)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as stream:
        yield
        assert stream.poll() is None, f"the stream of {seconds} s ended before the event did"
        output, _ = stream.communicate(timeout=seconds + 30)
    result = Pinged.read(output)
    lost = result.sent - result.received
    figures.add(f"gateway mode: {lost} of {result.sent} packets lost, at most {at_most} allowed")
    assert lost <= at_most


def test_another_gateway_takes_over_within_a_second_and_hands_back_without_loss(
    stage: Stage, hosts: dict[str, Host]
) -> None:
    """The serving PE is cut off from the core; Neutron has no part in it."""
    near, far = hosts["west"], hosts["east"]
    for one, other in ((near, far), (far, near)):
        reaches = partial(one.reaches, other.address)
        wait_until(reaches, CONVERGENCE_S, f"an answer of {other.address}")
    wait_until(lambda: len(serving(stage)) == 1, 20, "one gateway")
    (preferred,) = serving(stage)
    (substitute,) = (h.name for h in stage.topology.sites[0].hosts if h.name != preferred)

    with counted(near, far, 20, at_most=int(TAKE_OVER_S * PACKETS_A_SECOND)):
        time.sleep(3)
        control.run_in(preferred, ["ip", "link", "set", "core", "down"])
        wait_until(lambda: substitute in serving(stage), 10, "the other gateway")
        time.sleep(3)
    assert near.reaches(far.address)
    assert far.reaches(near.address)

    with counted(near, far, 45, at_most=0):
        control.run_in(preferred, ["ip", "link", "set", "core", "up"])
        wait_until(partial(serves_alone, stage, preferred), 35, "the preferred gateway")
        time.sleep(3)


def test_a_network_moves_between_modes_and_loses_a_second_at_most(
    stage: Stage, hosts: dict[str, Host]
) -> None:
    """To distributed and back to gateways, while its host talks to the other region."""
    near, far = hosts["west"], hosts["east"]
    cloud = stage.cloud("west")
    vpn_id = cloud.vpn(NAME)["id"]
    (association,) = cloud.associations(vpn_id)
    path = f"/v2.0/bgpvpn/bgpvpns/{vpn_id}/network_associations/{association['id']}"
    wait_until(partial(near.reaches, far.address), CONVERGENCE_S, "an answer")
    for mode in ("distributed", "gateway"):
        with counted(near, far, 25, at_most=PACKETS_A_SECOND):
            time.sleep(2)
            cloud.call("PUT", path, {"network_association": {"attachment_mode": mode}})
            cloud.wait_for_vpn(NAME, seconds=CONVERGENCE_S)
            time.sleep(4)
        assert near.reaches(far.address)
        assert far.reaches(near.address)
