# SPDX-License-Identifier: Apache-2.0
"""Two PEs, each a whole agent on a real Open vSwitch, joined by a cable; routes carried by hand.

vm1 10.1.0.5 ─ br-int ══ br-pe ══ br-core ──── br-core ══ br-pe ══ br-int ─ vm2 10.2.0.5
192.0.2.11 ╰─ MPLS, or MPLS-in-GRE ─╯ 192.0.2.12
"""

from __future__ import annotations

import dataclasses
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from ipaddress import IPv4Address
from pathlib import Path

from isthmus.model.intent import AttachedHost, AttachmentCircuit
from isthmus.model.provider_edge import Encapsulation, TransportNextHop
from tests.actors import PE1, PE2, core_mac_of, intent, mac_of, provider_edge, subnet
from tests.fakes.speaker import FakeBgpDaemon, FakeSpeaker
from tests.functional.openflow.real_switch import RealSwitch, eventually
from tests.functional.openflow.running_agent import RunningAgent

NET = "11111111-0000-4000-8000-000000000001"


class Site:
    """One PE with one VM, to which others may be added.

    Attributes:
        switch: the switch of its host.
        vm: its first VM, which has ``address``.
        daemon: its BGP daemon.
        running: its agent.
        circuit: the attachment of its network, with the VMs there are.
    """

    def __init__(self, switch: RealSwitch, state_path: Path, number: int) -> None:
        self.switch = switch
        self.number = number
        self.vm = f"vm{number}"
        self.address = f"10.{number}.0.5"
        self.daemon = FakeBgpDaemon()
        self._state_path = state_path
        attached = (subnet(f"10.{number}.0.0/24"),)
        self.circuit = AttachmentCircuit("net", NET, mac_of(NET), 1442, attached, ())
        self.add_vm(self.vm, self.address)

    def add_vm(self, name: str, address: str) -> None:
        """Add a VM to the network; the agent is not told."""
        self.switch.add_vm(name, mac_of(name), address, f"10.{self.number}.0.1", tag=1)
        host = AttachedHost(name, mac_of(name), (IPv4Address(address),))
        hosts = tuple(sorted((*self.circuit.hosts, host)))
        self.circuit = dataclasses.replace(self.circuit, hosts=hosts)

    def start(self, encapsulation: Encapsulation, pe: IPv4Address, other: IPv4Address) -> None:
        """Start an agent that serves the red VPN; the other PE is adjacent: one label."""
        adjacent = {other: TransportNextHop(None, core_mac_of(other))}
        edge = provider_edge(pe, encapsulation=encapsulation)
        edge = dataclasses.replace(edge, remote_pes=adjacent)
        speaker = FakeSpeaker(self.daemon)
        self.running = RunningAgent(self.switch, edge, self._state_path, speaker)
        self.running.agent.reconciler.intents.apply(intent("red", self.circuit))
        self.running.agent.reconciler.note_synced()
        eventually(lambda: self.running.is_in_force() and self.daemon.heard)
        self.switch.tag_plug(NET, 1)


Sites = tuple[Site, Site]


@contextmanager
def joined_sites(tmp_path: Path, encapsulation: Encapsulation) -> Iterator[Sites]:
    """Start two PEs and let them have each other's routes."""
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
            site.start(encapsulation, mine, theirs)
            stack.callback(site.running.stop)
        exchange(west, east)
        eventually(lambda: any(east.address in flow for flow in west.switch.flows()))
        eventually(lambda: any(west.address in flow for flow in east.switch.flows()))
        yield west, east


def exchange(west: Site, east: Site) -> None:
    """Let each PE hear what the other advertises now, and no more."""
    for one, other in ((west, east), (east, west)):
        told = {(route.rd, route.prefix) for route in other.daemon.heard}
        gone = [route for route in one.daemon.rib.routes if (route.rd, route.prefix) not in told]
        one.daemon.neighbor_sends(*other.daemon.heard)
        one.daemon.neighbor_withdraws(*gone)
