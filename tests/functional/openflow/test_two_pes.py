# SPDX-License-Identifier: Apache-2.0
"""Two PEs, each a whole agent on a real Open vSwitch, joined by a cable; routes carried by hand.

vm1 10.1.0.5 ─ br-int ══ br-pe ══ br-core ──── br-core ══ br-pe ══ br-int ─ vm2 10.2.0.5
192.0.2.11 ╰─ MPLS, or MPLS-in-GRE ─╯ 192.0.2.12
"""

from __future__ import annotations

import dataclasses
import re
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack
from ipaddress import IPv4Address
from pathlib import Path

import pytest

from isthmus.model.intent import AttachedHost, AttachmentCircuit
from isthmus.model.provider_edge import Encapsulation, TransportNextHop
from tests.actors import PE1, PE2, core_mac_of, intent, mac_of, provider_edge, subnet
from tests.fakes.speaker import FakeBgpDaemon, FakeSpeaker
from tests.functional.openflow.real_switch import RealSwitch, eventually, missing
from tests.functional.openflow.running_agent import RunningAgent

pytestmark = pytest.mark.functional

NET = "11111111-0000-4000-8000-000000000001"


class Site:
    """One PE with one VM."""

    def __init__(self, switch: RealSwitch, state_path: Path, number: int) -> None:
        self.switch = switch
        self.number = number
        self.vm = f"vm{number}"
        self.address = f"10.{number}.0.5"
        self.daemon = FakeBgpDaemon()
        self._state_path = state_path
        switch.add_vm(self.vm, mac_of(self.vm), self.address, f"10.{number}.0.1", tag=1)

    def start(self, encapsulation: Encapsulation, pe: IPv4Address, other: IPv4Address) -> None:
        """Start an agent that serves the red VPN; the other PE is adjacent: one label."""
        adjacent = {other: TransportNextHop(None, core_mac_of(other))}
        edge = provider_edge(pe, encapsulation=encapsulation)
        edge = dataclasses.replace(edge, remote_pes=adjacent)
        speaker = FakeSpeaker(self.daemon)
        self.running = RunningAgent(self.switch, edge, self._state_path, speaker)
        host = AttachedHost(self.vm, mac_of(self.vm), (IPv4Address(self.address),))
        attached = (subnet(f"10.{self.number}.0.0/24"),)
        circuit = AttachmentCircuit("net", NET, mac_of(NET), 1442, attached, (host,))
        self.running.agent.reconciler.intents.apply(intent("red", circuit))
        self.running.agent.reconciler.note_synced()
        eventually(lambda: self.running.is_in_force() and self.daemon.heard)
        self.switch.tag_plug(NET, 1)


Sites = tuple[Site, Site]


@pytest.fixture(params=list(Encapsulation))
def sites(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Sites]:
    """Two PEs that have each other's routes."""
    if reason := missing():
        pytest.skip(reason)
    with ExitStack() as stack:
        made = []
        for number in (1, 2):
            folder = stack.enter_context(tempfile.TemporaryDirectory(prefix="ovs"))
            switch = RealSwitch(Path(folder))
            stack.callback(switch.stop)
            switch.start()
            made.append(Site(switch, tmp_path / str(number), number))
        west, east = made
        west.switch.join_core(east.switch, str(PE1), str(PE2))
        for site, mine, theirs in ((west, PE1, PE2), (east, PE2, PE1)):
            site.start(request.param, mine, theirs)
            stack.callback(site.running.stop)
        west.daemon.neighbor_sends(*east.daemon.heard)
        east.daemon.neighbor_sends(*west.daemon.heard)
        eventually(lambda: any(east.address in flow for flow in west.switch.flows()))
        eventually(lambda: any(west.address in flow for flow in east.switch.flows()))
        yield west, east


def ping(site: Site, to: str, *options: str) -> str:
    """Ping from a site's VM."""
    argv = site.switch.inside(site.vm, "ping", "-n", *options, to)
    return subprocess.run(argv, capture_output=True, text=True, timeout=30).stdout


def test_vms_behind_two_pes_reach_each_other(sites: Sites) -> None:
    """Labelled on the way; a first packet may be lost to the tunnel's own ARP."""
    west, east = sites
    eventually(lambda: " 0 received" not in ping(west, east.address, "-c1", "-W1"), 10)
    assert "5 received" in ping(west, east.address, "-c5", "-i0.05", "-W2")
    assert "5 received" in ping(east, west.address, "-c5", "-i0.05", "-W2")
    assert "5 received" in ping(west, east.address, "-c5", "-i0.05", "-W2", "-Mdo", "-s1414")


def test_traceroute_sees_both_pes_and_nothing_between(sites: Sites) -> None:
    """The core stays hidden: its hops are not the customer's (pipe model, RFC 3443)."""
    west, east = sites
    eventually(lambda: "1 received" in ping(west, east.address, "-c1", "-W1"), 10)
    for ttl, hop in ((1, "10.1.0.1"), (2, "10.2.0.1")):
        output = ping(west, east.address, "-c1", "-W2", f"-t{ttl}")
        assert re.search(rf"From {re.escape(hop)} .*Time to live exceeded", output), output


def test_a_withdrawn_route_is_gone_from_the_flows(sites: Sites) -> None:
    """And its host from sight."""
    west, east = sites
    west.daemon.neighbor_withdraws(*east.daemon.heard)
    eventually(lambda: not any(east.address in flow for flow in west.switch.flows()))
    assert " 0 received" in ping(west, east.address, "-c1", "-W1")
