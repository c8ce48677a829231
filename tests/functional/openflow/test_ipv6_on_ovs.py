# SPDX-License-Identifier: Apache-2.0
"""IPv6 hosts that are nothing but Linux, and the PE as their router on a real Open vSwitch.

    vm1 2001:db8:1::/64 SLAAC ─ VLAN 1 ─┐         ┌─ net1 ─┐
                                      br-int ══ patches ══ br-pe
    vm2 2001:db8:2::5 (DHCPv6) ─ VLAN 2 ┘         └─ net2 ─┘ (MTU 1300)

What a DHCPv6 server would give vm2, the test gives it.
"""

from __future__ import annotations

import re
import subprocess
from collections.abc import Iterator
from ipaddress import IPv6Address
from pathlib import Path

import pytest

from isthmus.model.intent import (
    AttachedHost,
    AttachedSubnet,
    AttachmentCircuit,
    RouterAdvertisement,
    VrfIntent,
)
from isthmus.pe_agent.compile.neighbor_discovery import link_local_address
from tests.actors import intent, mac_of, subnet
from tests.functional.openflow.real_switch import RealSwitch, eventually
from tests.functional.openflow.test_agent_on_ovs import NET1, NET2, Site, received

pytestmark = pytest.mark.functional

SLAAC = subnet("2001:db8:1::/64", RouterAdvertisement.SLAAC)
MANAGED = subnet("2001:db8:2::/64", RouterAdvertisement.DHCPV6_STATEFUL)
VM1 = IPv6Address(
    int(SLAAC.prefix.network_address) | int(link_local_address(mac_of("vm1"))) % 2**64
)
VM2 = IPv6Address("2001:db8:2::5")
ROUTER1 = link_local_address(mac_of(NET1))


def red(generation: int = 1) -> VrfIntent:
    """Make the red VPN's intent: both networks have IPv4, too."""
    return intent(
        "red",
        _circuit(NET1, "vm1", VM1, SLAAC, 1442),
        _circuit(NET2, "vm2", VM2, MANAGED, 1300),
        generation=generation,
    )


def _circuit(
    port_id: str, vm: str, address: IPv6Address, attached: AttachedSubnet, mtu: int
) -> AttachmentCircuit:
    host = AttachedHost(vm, mac_of(vm), (address,))
    subnets = (subnet(f"10.{vm[-1]}.0.0/24"), attached)
    return AttachmentCircuit(f"net-{vm}", port_id, mac_of(port_id), mtu, subnets, (host,))


class Ipv6Site(Site):
    """The site, and what its hosts know of IPv6."""

    def say(self, vm: str, *argv: str) -> str:
        """Run a command in a VM; return what it prints."""
        command = self.switch.inside(vm, *argv)
        done = subprocess.run(command, capture_output=True, text=True, timeout=30)
        return done.stdout + done.stderr

    def boot(self, vm: str) -> None:
        """Have a VM's interface come up, as at its start: it looks for a router."""
        self.say(vm, "ip", "link", "set", "eth0", "down")
        self.say(vm, "ip", "link", "set", "eth0", "up")

    def has_router(self, vm: str) -> bool:
        """Whether a VM has a default route of IPv6."""
        return "default via fe80" in self.say(vm, "ip", "-6", "route")

    def ping6(self, target: object, *options: str) -> str:
        """Ping from vm1."""
        return self.say("vm1", "ping", "-6", "-n", *options, str(target))


@pytest.fixture
def site(real_switch: RealSwitch, tmp_path: Path) -> Iterator[Ipv6Site]:
    """Both networks in one VPN, hosts booted after that."""
    site = Ipv6Site(real_switch, tmp_path)
    site.give(red())
    site.boot("vm1")
    site.boot("vm2")
    site.say("vm2", "ip", "-6", "addr", "add", f"{VM2}/64", "dev", "eth0", "nodad")
    eventually(lambda: site.has_router("vm1") and site.has_router("vm2"), within_s=15)
    yield site
    site.stop_agent()


def test_hosts_learn_their_router_and_whether_to_make_addresses(site: Ipv6Site) -> None:
    """RFC 4861 §4.2, §4.6: link-local router, MTU; the prefix with or without the A flag."""
    assert f"default via {ROUTER1}" in site.say("vm1", "ip", "-6", "route")
    assert "mtu 1300" in site.say("vm2", "ip", "-6", "route", "show", "default")
    eventually(lambda: str(VM1) in site.say("vm1", "ip", "-6", "addr"))
    found = re.findall(r"inet6 (\S+) scope global", site.say("vm2", "ip", "-6", "addr"))
    assert found == [f"{VM2}/64"]


def test_hosts_of_two_networks_reach_each_other(site: Ipv6Site) -> None:
    """Neighbor discovery, both directions of the FIB, right checksums: nothing but Linux judges."""
    eventually(lambda: received(site.ping6(VM2, "-c1", "-W1")) == 1, within_s=15)
    assert received(site.ping6(VM2, "-c3", "-i0.05", "-W2")) == 3
    assert {str(route.prefix) for route in site.daemon.heard} == {f"{VM1}/128", f"{VM2}/128"}


def test_every_address_of_the_router_answers_ping(site: Ipv6Site) -> None:
    """Its gateway addresses, on either link, and the link-local one."""
    eventually(lambda: received(site.ping6(SLAAC.gateway, "-c1", "-W1")) == 1, within_s=15)
    assert received(site.ping6(MANAGED.gateway, "-c1", "-W2")) == 1
    assert received(site.ping6(f"{ROUTER1}%eth0", "-c1", "-W2")) == 1
    neighbors = site.say("vm1", "ip", "-6", "neigh")
    assert re.search(rf"^{ROUTER1} .*lladdr {mac_of(NET1)} router", neighbors, re.MULTILINE)


def test_a_packet_too_big_is_answered(site: Ipv6Site) -> None:
    """With the MTU that would do (RFC 8201); the host then fragments by itself."""
    eventually(lambda: received(site.ping6(VM2, "-c1", "-W1")) == 1, within_s=15)
    output = site.ping6(VM2, "-c2", "-i0.2", "-W2", "-Mdo", "-s1372")
    assert re.search(r"From 2001:db8:1::1 .*Packet too big: mtu=1300", output), output
    assert received(site.ping6(VM2, "-c1", "-W2", "-Mdo", "-s1252")) == 1
    assert received(site.ping6(VM2, "-c1", "-W2", "-s1372")) == 1


def test_an_exceeded_hop_limit_is_answered(site: Ipv6Site) -> None:
    """So that traceroute shows the PE."""
    eventually(lambda: received(site.ping6(VM2, "-c1", "-W1")) == 1, within_s=15)
    output = site.ping6(VM2, "-c1", "-W2", "-t1")
    assert re.search(r"From 2001:db8:1::1 .*Time exceeded: Hop limit", output), output


def test_hosts_of_a_network_that_leaves_the_vpn_forget_their_router(site: Ipv6Site) -> None:
    """At once, not after the hours for which it was promised; their addresses stay."""
    eventually(lambda: str(VM1) in site.say("vm1", "ip", "-6", "addr"))
    site.reconciler.intents.remove("red")
    eventually(lambda: not site.has_router("vm1") and not site.has_router("vm2"))
    assert str(VM1) in site.say("vm1", "ip", "-6", "addr")


def test_hosts_keep_their_router_when_the_agent_stops(site: Ipv6Site) -> None:
    """Forwarding goes on without it."""
    site.stop_agent()
    site.say("vm1", "sleep", "0.5")
    assert site.has_router("vm1")
    site.start_agent()
    eventually(site.is_in_force)


def test_a_host_can_not_take_the_routers_address(site: Ipv6Site) -> None:
    """The PE defends it when the host checks whether it is free (RFC 4862 §5.4.3)."""
    site.say("vm1", "ip", "-6", "addr", "add", f"{SLAAC.gateway}/64", "dev", "eth0")
    eventually(lambda: "dadfailed" in site.say("vm1", "ip", "-6", "addr"))


def test_link_local_packets_stay_on_their_link(site: Ipv6Site) -> None:
    """Not even with the router as next hop on purpose."""
    other = link_local_address(mac_of("vm2"))
    site.say("vm1", "ip", "-6", "neigh", "replace", str(other), "lladdr", mac_of(NET1), "dev",
             "eth0")  # fmt: skip
    assert received(site.ping6(f"{other}%eth0", "-c2", "-i0.1", "-W1")) == 0


def test_a_host_that_was_there_first_hears_of_its_router_at_once(
    real_switch: RealSwitch, tmp_path: Path
) -> None:
    """A network attached later must not wait for its hosts to ask."""
    site = Ipv6Site(real_switch, tmp_path)
    try:
        for vm in ("vm1", "vm2"):
            site.say(vm, "sysctl", "-qw", "net.ipv6.conf.eth0.router_solicitations=0")
            site.boot(vm)
        site.give(red())
        eventually(lambda: site.has_router("vm1") and site.has_router("vm2"), within_s=10)
    finally:
        site.stop_agent()
