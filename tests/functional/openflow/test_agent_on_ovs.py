# SPDX-License-Identifier: Apache-2.0
"""The whole agent on a real Open vSwitch, its BGP daemon faked; hosts are network namespaces.

    vm1 10.1.0.5 ─ VLAN 1 ─┐         ┌─ net1 ─┐
                         br-int ══ patches ══ br-pe ══ br-core
    vm2 10.2.0.5 ─ VLAN 2 ─┘         └─ net2 ─┘ (MTU 1300)

br-int switches by MAC address here; in the lab OVN does its work.
"""

from __future__ import annotations

import re
import subprocess
import threading
import time
from collections.abc import Iterator
from ipaddress import IPv4Address
from pathlib import Path

import pytest

from isthmus.model.intent import AttachedHost, AttachedSubnet, AttachmentCircuit, VrfIntent
from tests.actors import intent, mac_of, provider_edge, subnet
from tests.fakes.speaker import FakeBgpDaemon, FakeSpeaker
from tests.functional.openflow.real_switch import RealSwitch, eventually
from tests.functional.openflow.running_agent import RunningAgent

pytestmark = pytest.mark.functional

NET1 = "11111111-0000-4000-8000-000000000001"
NET2 = "22222222-0000-4000-8000-000000000002"


class Site:
    """A switch with two VMs, and an agent that can be killed and started."""

    def __init__(self, switch: RealSwitch, state_path: Path) -> None:
        self.switch = switch
        self.daemon = FakeBgpDaemon()
        self._state_path = state_path
        switch.add_vm("vm1", mac_of("vm1"), "10.1.0.5", "10.1.0.1", tag=1)
        switch.add_vm("vm2", mac_of("vm2"), "10.2.0.5", "10.2.0.1", tag=2)
        self.start_agent()

    def start_agent(self) -> None:
        """Start an agent in a thread of this process."""
        speaker = FakeSpeaker(self.daemon)
        self.running = RunningAgent(self.switch, provider_edge(), self._state_path, speaker)
        self.reconciler = self.running.agent.reconciler

    def stop_agent(self) -> None:
        """End it as SIGTERM does."""
        self.running.stop()

    def give(self, given: VrfIntent) -> None:
        """Let the server apply an intent and wait until it is in force."""
        self.reconciler.intents.apply(given)
        self.reconciler.note_synced()
        eventually(self.is_in_force)
        self.switch.tag_plug(NET1, 1)
        self.switch.tag_plug(NET2, 2)

    def is_in_force(self) -> bool:
        """Whether the agent says so of everything."""
        return all(vrf.is_in_force for vrf in self.reconciler.report().vrfs)

    def ping(self, *options: str) -> str:
        """Ping vm2 from vm1."""
        argv = self.switch.inside("vm1", "ping", "-n", *options, "10.2.0.5")
        return subprocess.run(argv, capture_output=True, text=True, timeout=30).stdout


@pytest.fixture
def site(real_switch: RealSwitch, tmp_path: Path) -> Iterator[Site]:
    """A site in whose red VPN both networks are."""
    site = Site(real_switch, tmp_path)
    site.give(red())
    yield site
    site.stop_agent()


def red(generation: int = 1, mtu: int = 1300) -> VrfIntent:
    """Make the red VPN's intent: two networks, a VM in each."""
    return intent(
        "red",
        _circuit(NET1, "vm1", "10.1.0.5", subnet("10.1.0.0/24"), 1442),
        _circuit(NET2, "vm2", "10.2.0.5", subnet("10.2.0.0/24"), mtu),
        generation=generation,
    )


def _circuit(
    port_id: str, vm: str, address: str, attached: AttachedSubnet, mtu: int
) -> AttachmentCircuit:
    host = AttachedHost(vm, mac_of(vm), (IPv4Address(address),))
    return AttachmentCircuit(f"net-{vm}", port_id, mac_of(port_id), mtu, (attached,), (host,))


def received(output: str) -> int:
    """Read how many answers ping got."""
    found = re.search(r"(\d+) received", output)
    assert found, output
    return int(found[1])


def test_vms_of_two_networks_reach_each_other(site: Site) -> None:
    """Through the PE, which each of them knows as its gateway."""
    assert received(site.ping("-c3", "-i0.05", "-W2")) == 3
    assert {str(route.prefix) for route in site.daemon.heard} == {"10.1.0.5/32", "10.2.0.5/32"}


def test_a_packet_too_big_is_answered(site: Site) -> None:
    """By the gateway, with the MTU that would do (RFC 1191)."""
    assert received(site.ping("-c1", "-W2")) == 1
    output = site.ping("-c2", "-i0.2", "-W2", "-Mdo", "-s1372")
    assert re.search(r"From 10\.1\.0\.1 .*(mtu = 1300)", output), output
    assert received(site.ping("-c1", "-W2", "-Mdo", "-s1272")) == 1


def test_an_expired_ttl_is_answered(site: Site) -> None:
    """So that traceroute shows the PE."""
    output = site.ping("-c1", "-W2", "-t1")
    assert re.search(r"From 10\.1\.0\.1 .*Time to live exceeded", output), output


def test_an_agent_that_stops_and_starts_loses_no_packet(site: Site) -> None:
    """Flows stay; the new one finds them right."""
    assert received(site.ping("-c1", "-W2")) == 1
    flows = site.switch.flows()
    outputs: list[str] = []
    stream = threading.Thread(target=lambda: outputs.append(site.ping("-c150", "-i0.01", "-W2")))
    stream.start()
    time.sleep(0.3)
    site.stop_agent()
    assert site.switch.flows() == flows
    site.start_agent()
    eventually(site.is_in_force)
    assert site.switch.flows() == flows
    stream.join()
    assert received(outputs[0]) == 150


def test_a_switch_killed_gets_its_flows_back_within_a_second(site: Site) -> None:
    """Its bridge comes back empty."""
    flows = site.switch.flows()
    site.switch.kill_vswitchd()
    site.switch.start_vswitchd()
    took_s = eventually(lambda: site.switch.flows() == flows)
    assert took_s < 1.5
    assert received(site.ping("-c3", "-i0.2", "-W2")) >= 1


def test_removing_the_intent_leaves_nothing(site: Site) -> None:
    """Neither plug, nor route, nor flow that lets anything through."""
    site.reconciler.intents.remove("red")
    eventually(lambda: "ppe" not in site.switch.vsctl("list-ports", "br-pe"))
    assert site.daemon.heard == frozenset()
    assert not [flow for flow in site.switch.flows() if "output" in flow and "table=25" not in flow]
    assert received(site.ping("-c1", "-W1")) == 0


def test_a_new_attachment_is_in_force_soon(site: Site) -> None:
    """From intent to plug, flows and route: tens of milliseconds on an idle machine."""
    took_s = []
    for generation in range(2, 8):
        began = time.monotonic()
        site.reconciler.intents.apply(red(generation, mtu=1300 + generation))
        eventually(site.is_in_force)
        took_s.append(time.monotonic() - began)
        site.reconciler.intents.remove("red")
        eventually(lambda: not site.daemon.heard)
    assert sorted(took_s)[len(took_s) // 2] < 1, took_s
