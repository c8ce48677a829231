# SPDX-License-Identifier: Apache-2.0
"""Packets that are too big, or at the end of their TTL, through OVN and two regions' PEs.

west  10.91.1.0/24 2001:db8:91:1::/64  MTU of the region
east  10.91.2.0/24 2001:db8:91:2::/64  MTU 1300
both  10.92.0.0/24 2001:db8:92::/64    one subnet in two regions, hosts from different pools
"""

from __future__ import annotations

import re
from collections.abc import Iterator

import pytest

from lab.demo.stage import Stage, side_by_side
from tests.scenario import figures
from tests.scenario.rig import Host, Rig, rigs

NUMBERS = {"west": 1, "east": 2}
SMALL_MTU = 1300


def hops(host: Host, target: str) -> list[str]:
    """Trace the route to an address, as busybox does: UDP to ports nobody listens on."""
    family = ["-6"] if ":" in target else []
    words = ["busybox", "traceroute", "-n", "-q1", "-w2", "-m5", *family, target]
    output = host.endpoint.run(words, check=False).stdout
    return re.findall(r"^ *\d+  (\S+)", output, re.MULTILINE)


def reassembled(host: Host) -> int:
    """Return how many packets a host has put together."""
    lines = host.endpoint.run(["cat", "/proc/net/snmp"]).stdout.splitlines()
    names, values = (line.split() for line in lines if line.startswith("Ip:"))
    return int(dict(zip(names, values, strict=True))["ReasmOKs"])


def let_probes_in(rig: Rig) -> None:
    """Have the rig's security group admit UDP."""
    (group,) = rig.network.security_groups(name=rig.name)
    for ether_type in ("IPv4", "IPv6"):
        rig.network.create_security_group_rule(
            security_group_id=group.id, direction="ingress", ether_type=ether_type, protocol="udp"
        )


@pytest.fixture
def far_apart(stage: Stage) -> Iterator[tuple[Host, Host]]:
    """A host in each region; that in the east is on a network with a small MTU."""

    def make(rig: Rig) -> Host:
        number = NUMBERS[rig.site.name]
        network_id = rig.make_network(f"10.91.{number}.0/24", f"2001:db8:91:{number}::/64")
        if rig.site.name == "east":
            rig.network.update_network(network_id, mtu=SMALL_MTU)
        host = rig.make_host(network_id, 0)
        let_probes_in(rig)
        rig.associate(rig.make_vpn("64500:9100"), "network", network_id)
        rig.settle()
        return host

    with rigs(stage, "icmp") as both:
        near, far = side_by_side(make, both)
        for target in far.addresses.values():
            near.must_reach(target)
        yield near, far


@pytest.fixture
def neighbors(stage: Stage) -> Iterator[tuple[Host, Host]]:
    """A host in each region, of the same subnets."""

    def make(rig: Rig) -> Host:
        number = NUMBERS[rig.site.name]
        network_id = rig.make_network("10.92.0.0/24", "2001:db8:92::/64")
        host = rig.make_host(
            network_id,
            0,
            fixed_ips=[
                {"subnet_id": subnet.id, "ip_address": f"{start}{number}00"}
                for subnet in rig.network.subnets(network_id=network_id)
                for start in ("10.92.0." if subnet.ip_version == 4 else "2001:db8:92::",)
            ],
        )
        rig.associate(rig.make_vpn("64500:9200"), "network", network_id)
        rig.settle()
        return host

    with rigs(stage, "virtual-subnet") as both:
        near, far = side_by_side(make, both)
        yield near, far


def test_traceroute_shows_the_gateway_of_either_side(far_apart: tuple[Host, Host]) -> None:
    """And nothing of the backbone, whose routers are not the customer's."""
    near, far = far_apart
    ipv4, ipv6 = (str(far.addresses[version]) for version in (4, 6))
    assert hops(near, ipv4) == ["10.91.1.1", "10.91.2.1", ipv4]
    assert hops(near, ipv6) == ["2001:db8:91:1::1", "2001:db8:91:2::1", ipv6]


def test_packets_larger_than_the_far_network_arrive_in_fragments(
    far_apart: tuple[Host, Host],
) -> None:
    """The far PE cuts requests; a sender that forbids it is told by the far gateway."""
    near, far = far_apart
    ipv4 = str(far.addresses[4])
    words = ["ping", "-n", "-c20", "-i0.1", "-W2", "-s1372", ipv4]
    output = near.endpoint.run([*words, "-Mdont"], check=False).stdout
    figures.add(f"packets of 1400 octets into a network of {SMALL_MTU}: {output.splitlines()[-2]}")
    assert " 20 received" in output
    assert reassembled(far) >= 20
    words = ["ping", "-n", "-c1", "-W2", "-s1372", "-Mdo", ipv4]
    output = near.endpoint.run(words, check=False).stdout
    assert f"From 10.91.2.1 icmp_seq=1 Frag needed and DF set (mtu = {SMALL_MTU})" in output


def test_hosts_of_one_subnet_reach_each_other_from_region_to_region(
    neighbors: tuple[Host, Host],
) -> None:
    """Each finds the other on its own link, where its PE answers for it (RFC 7814)."""
    near, far = neighbors
    for host, other in ((near, far), (far, near)):
        for target in other.addresses.values():
            host.must_reach(target)
            pinged = host.ping(target, 10)
            assert (pinged.sent, pinged.received) == (10, 10)
            figures.add(f"one subnet, two regions: {pinged}")
