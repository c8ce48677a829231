# SPDX-License-Identifier: Apache-2.0
"""Two PEs with a dual-stack VM each, on real switches joined by a cable; routes carried by hand."""

from __future__ import annotations

import functools
import re
import subprocess
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, replace
from ipaddress import IPv4Address, IPv6Address
from pathlib import Path

from isthmus.model.intent import AttachedHost, AttachmentCircuit
from isthmus.model.provider_edge import Encapsulation, ProviderEdge, TransportNextHop
from tests.actors import PE1, PE2, core_mac_of, intent, mac_of, provider_edge, subnet
from tests.fakes.speaker import FakeBgpDaemon, FakeSpeaker
from tests.functional.openflow.real_switch import RealSwitch, eventually
from tests.functional.openflow.running_agent import RunningAgent

NET = "11111111-0000-4000-8000-000000000001"
MTU = 1442


@dataclass(frozen=True, slots=True)
class Addresses:
    """What a site's VM has; its gateways have the first addresses of its subnets."""

    ipv4: str
    ipv6: str

    @property
    def gateways(self) -> tuple[str, str]:
        """The PE's, of either family."""
        return self.ipv4.rpartition(".")[0] + ".1", self.ipv6.rpartition("::")[0] + "::1"


FAR_APART = (Addresses("10.1.0.5", "2001:db8:1::5"), Addresses("10.2.0.5", "2001:db8:2::5"))


class DualSite:
    """One PE with one VM; ``number`` is 1 or 2."""

    def __init__(self, switch: RealSwitch, number: int, addresses: Addresses) -> None:
        self.switch = switch
        self.vm = f"vm{number}"
        self.addresses = addresses
        self.mac = mac_of(f"{NET}-{number}")
        self.daemon = FakeBgpDaemon()
        ipv4, ipv6 = addresses.gateways
        switch.add_vm(self.vm, mac_of(self.vm), addresses.ipv4, ipv4, tag=1)
        self.say("ip", "-6", "addr", "add", f"{addresses.ipv6}/64", "dev", "eth0", "nodad")
        self.say("ip", "-6", "route", "add", "default", "via", ipv6)

    def start(self, edge: ProviderEdge, state_path: Path) -> None:
        """Start an agent that serves the red VPN."""
        self.running = RunningAgent(self.switch, edge, state_path, FakeSpeaker(self.daemon))
        ipv4, ipv6 = self.addresses.gateways
        subnets = (subnet(f"{ipv4[:-1]}0/24"), subnet(f"{ipv6[:-1]}/64"))
        host = AttachedHost(
            self.vm,
            mac_of(self.vm),
            (IPv4Address(self.addresses.ipv4), IPv6Address(self.addresses.ipv6)),
        )
        circuit = AttachmentCircuit("net", NET, self.mac, MTU, subnets, (host,))
        self.running.agent.reconciler.intents.apply(intent("red", circuit))
        self.running.agent.reconciler.note_synced()
        eventually(lambda: self.running.is_in_force() and self.daemon.heard)
        self.switch.tag_plug(NET, 1)

    def say(self, *argv: str) -> str:
        """Run a command in the VM; return what it prints."""
        command = self.switch.inside(self.vm, *argv)
        done = subprocess.run(command, capture_output=True, text=True, timeout=60)
        return done.stdout + done.stderr

    def knows(self, address: str) -> bool:
        """Whether the PE has a route to an address."""
        return any(address in flow for flow in self.switch.flows())

    def ping(self, to: str, *options: str) -> int:
        """Ping from the VM; return how many answers came."""
        found = re.search(r"(\d+) received", self.say("ping", "-n", *options, to))
        return int(found[1]) if found else 0


@contextmanager
def two_sites(
    tmp_path: Path,
    edges: Sequence[ProviderEdge],
    addresses: Sequence[Addresses] = FAR_APART,
) -> Iterator[tuple[DualSite, DualSite]]:
    """Run two PEs that have each other's routes, and whose VMs have found each other."""
    with ExitStack() as stack:
        made = []
        for number in (1, 2):
            folder = stack.enter_context(tempfile.TemporaryDirectory(prefix="ovs"))
            switch = RealSwitch(Path(folder))
            stack.callback(switch.stop)
            switch.start()
            made.append(DualSite(switch, number, addresses[number - 1]))
        west, east = made
        west.switch.join_core(east.switch, str(PE1), str(PE2))
        for site, edge in zip(made, edges, strict=True):
            site.start(edge, tmp_path / site.vm)
            stack.callback(site.running.stop)
        west.daemon.neighbor_sends(*east.daemon.heard)
        east.daemon.neighbor_sends(*west.daemon.heard)
        for site, other in ((west, east), (east, west)):
            for address in (other.addresses.ipv4, other.addresses.ipv6):
                eventually(functools.partial(site.knows, address))
        for address in (east.addresses.ipv4, east.addresses.ipv6):
            eventually(functools.partial(west.ping, address, "-c1", "-W1"), within_s=15)
        yield west, east


def adjacent_pes(
    encapsulation: Encapsulation = Encapsulation.MPLS,
    core_mtu: int = 1600,
    *,
    hide_from_traceroute: bool = False,
) -> tuple[ProviderEdge, ProviderEdge]:
    """Make two PEs with no P between them."""
    first, second = (
        replace(
            provider_edge(mine, encapsulation=encapsulation, core_mtu=core_mtu),
            remote_pes={other: TransportNextHop(None, core_mac_of(other))},
            hide_from_traceroute=hide_from_traceroute,
        )
        for mine, other in ((PE1, PE2), (PE2, PE1))
    )
    return first, second
