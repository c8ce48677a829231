# SPDX-License-Identifier: Apache-2.0
"""Fragments, traceroute and floods through two PEs on real switches, judged by Linux hosts.

vm1 10.1.0.5 2001:db8:1::5 ─ br-int ══ br-pe ══ br-core ──── br-core ══ br-pe ══ br-int ─ vm2
                                       carries 1300 octets                        10.2.0.5 …2::5
"""

from __future__ import annotations

import re
import subprocess
import sys
import time
from collections.abc import Iterator
from ipaddress import IPv4Address
from pathlib import Path

import pytest

from isthmus.model.intent import AttachedHost, AttachedSubnet, AttachmentCircuit
from isthmus.model.provider_edge import Encapsulation
from tests.actors import BLUE, intent, mac_of, route, subnet
from tests.functional.openflow.real_switch import RealSwitch, eventually, missing
from tests.functional.openflow.test_agent_on_ovs import NET1, NET2, Site
from tests.functional.openflow.two_sites import DualSite, adjacent_pes, two_sites

pytestmark = pytest.mark.functional

Sites = tuple[DualSite, DualSite]
OVERHEAD = {Encapsulation.MPLS: 8, Encapsulation.MPLS_IN_GRE: 28}
FLOOD = """
import socket, sys, time
sender = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
sender.setsockopt(socket.IPPROTO_IP, socket.IP_TTL, 1)
sent, until = 0, time.monotonic() + 3
while time.monotonic() < until:
    for _ in range(int(sys.argv[1])):
        sender.sendto(b"flood", ("10.2.0.5", 9))
        sent += 1
    time.sleep(0.0001)
print(sent)
"""
#: Packets without a pause; a machine that is busy pauses for long.
FEW, MANY = "1", "20"
TRACEROUTE = ("busybox", "traceroute", "-n", "-q1", "-w2", "-m5")


@pytest.fixture(params=list(Encapsulation))
def sites(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Sites]:
    """Two PEs whose core carries packets of 1300 octets."""
    if reason := missing():
        pytest.skip(reason)
    edges = adjacent_pes(request.param, 1300 + OVERHEAD[request.param])
    with two_sites(tmp_path, edges) as made:
        yield made


@pytest.fixture
def hidden_sites(tmp_path: Path) -> Iterator[Sites]:
    """Two PEs that hide from traceroute."""
    if reason := missing():
        pytest.skip(reason)
    with two_sites(tmp_path, adjacent_pes(hide_from_traceroute=True)) as made:
        yield made


def hops(site: DualSite, to: str) -> list[str]:
    """Trace the route from a site's VM."""
    output = site.say(*TRACEROUTE, *(("-6",) if ":" in to else ()), to)
    return re.findall(r"^ *\d+  (\S+)", output, re.MULTILINE)


def reassembled(site: DualSite) -> int:
    """Return how many packets a site's VM has put together (RFC 4293's ReasmOKs)."""
    lines = site.say("cat", "/proc/net/snmp").splitlines()
    names, values = (line.split() for line in lines if line.startswith("Ip:"))
    return int(dict(zip(names, values, strict=True))["ReasmOKs"])


def test_packets_that_may_be_fragmented_arrive_however_big(sites: Sites) -> None:
    """Request and reply, each in fragments; a packet that is a fragment already is cut again."""
    west, east = sites
    # A busy machine may lose one.
    assert west.ping("10.2.0.5", "-c5", "-i0.1", "-W2", "-Mdont", "-s1272") >= 4
    assert reassembled(east) == 0
    assert west.ping("10.2.0.5", "-c20", "-i0.05", "-W2", "-Mdont", "-s1400") >= 19
    assert reassembled(east) >= 19
    assert west.ping("10.2.0.5", "-c5", "-i0.1", "-W2", "-Mdont", "-s8000") >= 4
    assert reassembled(east) >= 23


def test_packets_that_forbid_it_are_answered_and_then_fit(sites: Sites) -> None:
    """RFC 1191 and RFC 8201: the host learns 1300 at the first one."""
    west, _ = sites
    output = west.say("ping", "-n", "-c1", "-W2", "-Mdo", "-s1400", "10.2.0.5")
    assert re.search(r"From 10\.1\.0\.1 .*Frag needed and DF set \(mtu = 1300\)", output), output
    output = west.say("ping", "-n", "-c1", "-W2", "-Mdo", "-s1400", "2001:db8:2::5")
    assert re.search(r"From 2001:db8:1::1 .*Packet too big: mtu=1300", output), output
    assert west.ping("10.2.0.5", "-c1", "-W2", "-s1400") == 1
    # The first reply teaches the far host.
    assert west.ping("2001:db8:2::5", "-c3", "-i0.2", "-W2", "-s1400") >= 2


def test_traceroute_shows_both_gateways_and_the_host(sites: Sites) -> None:
    """The gateway of the sender, that of the receiver; nothing of the core."""
    west, east = sites
    assert hops(west, "10.2.0.5") == ["10.1.0.1", "10.2.0.1", "10.2.0.5"]
    assert hops(east, "10.1.0.5") == ["10.2.0.1", "10.1.0.1", "10.1.0.5"]
    assert hops(west, "2001:db8:2::5") == ["2001:db8:1::1", "2001:db8:2::1", "2001:db8:2::5"]


def test_hidden_pes_leave_only_the_host_to_be_seen(hidden_sites: Sites) -> None:
    """Of either family, from either side."""
    west, east = hidden_sites
    assert hops(west, "10.2.0.5") == ["10.2.0.5"]
    assert hops(west, "2001:db8:2::5") == ["2001:db8:2::5"]
    assert hops(east, "10.1.0.5") == ["10.1.0.5"]


def test_a_flood_reaches_the_agent_at_the_rate_of_the_meter(sites: Sites) -> None:
    """What exceeds it is dropped in the switch; the agent answers no more than its share."""
    west, _ = sites
    flood = west.switch.inside("vm1", sys.executable, "-c", FLOOD, MANY)
    began = time.monotonic()
    done = subprocess.run(flood, capture_output=True, text=True, timeout=30)
    seconds = time.monotonic() - began
    sent = int(done.stdout)
    ((_, counts),) = west.running.agent.responder.counts().items()
    handed_over = sum(counts.values())
    assert sent > 2 * handed_over
    assert handed_over <= 500 * (seconds + 1) * 1.1
    assert counts["answered"] <= 100 * (seconds + 1) * 1.1


def test_a_tenant_who_floods_takes_no_answer_from_another(
    real_switch: RealSwitch, tmp_path: Path
) -> None:
    """Red sends thousands of packets to be answered; blue's few are, all of them."""
    site = Site(real_switch, tmp_path)
    try:
        red = _circuit(NET1, "vm1", "10.1.0.5", subnet("10.1.0.0/24"))
        site.reconciler.intents.apply(intent("red", red))
        blue = _circuit(NET2, "vm2", "10.2.0.5", subnet("10.2.0.0/24"))
        site.give(intent("blue", blue, imports=BLUE))
        reds, blues = route("10.2.0.5/32"), route("10.9.0.9/32", targets=BLUE)
        site.daemon.neighbor_sends(reds, blues)
        eventually(lambda: any("10.9.0.9" in flow for flow in site.switch.flows()))
        flood = subprocess.Popen(site.switch.inside("vm1", sys.executable, "-c", FLOOD, FEW))
        argv = site.switch.inside("vm2", "ping", "-n", "-c20", "-i0.1", "-W2", "-t1", "10.9.0.9")
        output = subprocess.run(argv, capture_output=True, text=True, timeout=60).stdout
        flood.wait(30)
        assert output.count("Time to live exceeded") >= 19, output
        by_answers = [
            counts["answered"] for counts in site.running.agent.responder.counts().values()
        ]
        assert len(by_answers) == 2
        assert max(by_answers) > 2 * min(by_answers)
    finally:
        site.stop_agent()


def _circuit(port_id: str, vm: str, address: str, attached: AttachedSubnet) -> AttachmentCircuit:
    host = AttachedHost(vm, mac_of(vm), (IPv4Address(address),))
    return AttachmentCircuit(f"net-{vm}", port_id, mac_of(port_id), 1442, (attached,), (host,))
