# SPDX-License-Identifier: Apache-2.0
"""What a packet through the VPN costs, against plain Ethernet over the same hosts and switches.

    vpn    endpoint ─ br-int ─ br-pe ─ br-core ─── P, labels ─── br-core ─ br-pe ─ br-int ─ endpoint
    plain  endpoint ─ br-int ───────── br-core ── P, Ethernet ── br-core ───────── br-int ─ endpoint

The peer is a flat provider network of Neutron in either region, mapped onto the hosts' core
bridges: the same kind of ports with the same security group in the same OVN pipeline, the same
MTU, the same core links and the same P router, switching by MAC address. Both are there at the
same time and are measured in turn, which first changing every round; the ratio is taken within a
round and the median of the rounds is what counts.
"""

from __future__ import annotations

import contextlib
import json
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv4Interface, IPv4Network
from pathlib import Path

from bench.command import Benchmark, NotMeasured, main
from bench.figures import Outcome, Target, median, spread, table
from bench.watching import running
from bench.workbench import PREFIX, Region, Workbench, open_workbench
from lab import process
from lab.endpoint import Endpoint
from lab.waiting import NeverCame, wait_until

LEAST_RATIO = 0.95
_TCP_S = 4
_UDP_S = 4
#: Low enough that nothing is lost on two cores, high enough that the idle switch is negligible.
_PACKETS_PER_S = 8_000
_OCTETS = 64
_TARGET = "64500:65001"


@dataclass(frozen=True, slots=True)
class Way:
    """One way from the near to the far endpoint."""

    name: str
    client: Endpoint
    server: Endpoint

    def iperf3(self, *options: str, seconds: int) -> dict[str, float]:
        """Run iperf3 and return what the far end received.

        Raises:
            NotMeasured: iperf3 failed.
        """
        command = ["iperf3", "-c", str(self.server.address.ip), "-t", str(seconds), "-J", *options]
        done = self.client.run(command, check=False, timeout_s=seconds + 20)
        try:
            found = json.loads(done.stdout)
        except ValueError:
            found = {"error": done.stderr or done.stdout or "no output"}
        if "error" in found:
            raise NotMeasured(f"iperf3 over {self.name}: {found['error']}")
        end = found["end"]
        return dict(end["sum_received"] if "sum_received" in end else end["sum"])


@dataclass(frozen=True, slots=True)
class Round:
    """One path in one round.

    Attributes:
        mbit_s: of one TCP connection.
        us_per_packet: CPU time of all switches on the way for one packet of the UDP stream.
        lost_percent: of the UDP stream.
    """

    mbit_s: float
    us_per_packet: float
    lost_percent: float

    def __str__(self) -> str:
        return (
            f"{self.mbit_s:7.0f} Mbit/s {self.us_per_packet:7.2f} µs a packet"
            f" {self.lost_percent:6.2f} % lost"
        )


def measure(rounds: int) -> Outcome:
    """Measure both ways ``rounds`` times.

    Raises:
        NotMeasured: the lab is not up, or one of the ways does not carry packets.
    """
    with open_workbench() as bench, contextlib.ExitStack() as stack:
        ways = [_vpn(bench), stack.enter_context(_plain(bench))]
        for way in ways:
            stack.enter_context(_answering(way))
        switches = [bench.near.host.name, bench.topology.core.p_router, bench.far.host.name]
        found: dict[str, list[Round]] = {way.name: [] for way in ways}
        for number in range(rounds):
            for way in ways if number % 2 else reversed(ways):
                found[way.name].append(_round(way, switches))
                print(f"  {number + 1}/{rounds} {way.name:<6}{found[way.name][-1]}", flush=True)
    return report(found["vpn"], found["plain"])


def report(vpn: Sequence[Round], plain: Sequence[Round]) -> Outcome:
    """Compare the rounds of both ways. Pure."""
    speed = [ours.mbit_s / theirs.mbit_s for ours, theirs in zip(vpn, plain, strict=True)]
    cost = [
        theirs.us_per_packet / ours.us_per_packet for ours, theirs in zip(vpn, plain, strict=True)
    ]
    ways = {"vpn": vpn, "plain": plain}
    rows = [
        (
            name,
            f"{median([r.mbit_s for r in found]):.0f}",
            f"{median([r.us_per_packet for r in found]):.2f}",
            f"{median([r.lost_percent for r in found]):.2f}",
        )
        for name, found in ways.items()
    ]
    rows.append(("ratio", f"{median(speed):.3f}", f"{median(cost):.3f}", ""))
    head = ("median", "TCP Mbit/s", "µs a packet", "UDP lost %")
    return Outcome(
        figures={
            "rounds": len(vpn),
            "packets_per_s": _PACKETS_PER_S,
            "ratio_throughput": spread(speed),
            "ratio_cost": spread(cost),
            **{
                name: {
                    "mbit_s": spread(r.mbit_s for r in found),
                    "us_per_packet": spread(r.us_per_packet for r in found),
                    "lost_percent": spread(r.lost_percent for r in found),
                }
                for name, found in ways.items()
            },
        },
        text=table(head, rows),
        targets=[
            Target(name, median(ratios), LEAST_RATIO, more_is_better=True)
            for name, ratios in (
                ("throughput, VPN to plain", speed),
                ("packets per CPU second, VPN to plain", cost),
            )
        ],
    )


def _vpn(bench: Workbench) -> Way:
    """A network in each region, both in one VPN."""
    endpoints = []
    for number, region in enumerate(bench.regions, start=1):
        prefix = IPv4Network(f"10.{number}.0.0/24")
        network = region.network("vpn")
        region.subnet(network, prefix, prefix[1])
        endpoints.append(_endpoint(region, network, prefix, 10, prefix[1]))
        region.associate(region.vpn("forwarding", _TARGET), network)
    return Way("vpn", *endpoints)


@contextlib.contextmanager
def _plain(bench: Workbench) -> Iterator[Way]:
    """A flat provider network in each region, both on the core; the mapping ends with the block."""
    prefix = IPv4Network("10.3.0.0/24")
    with contextlib.ExitStack() as stack:
        for region in bench.regions:
            stack.enter_context(_mapped_to_core(region))
        endpoints = []
        for number, region in enumerate(bench.regions, start=1):
            network = region.network(
                "plain", provider_network_type="flat", provider_physical_network=PREFIX
            )
            region.subnet(network, prefix, None)
            endpoints.append(_endpoint(region, network, prefix, 10 * number, None))
        yield Way("plain", *endpoints)


def _endpoint(
    region: Region, network: str, prefix: IPv4Network, host: int, gateway: IPv4Address | None
) -> Endpoint:
    address = IPv4Interface(f"{prefix[host]}/{prefix.prefixlen}")
    return region.endpoint(network, address, gateway)


@contextlib.contextmanager
def _mapped_to_core(region: Region) -> Iterator[None]:
    """Let OVN reach the host's core bridge under the benchmark's physical network."""
    vsctl = ["ovs-vsctl", "--timeout=20"]
    key = "external_ids:ovn-bridge-mappings"
    before = region.machine.run([*vsctl, "get", "Open_vSwitch", ".", key]).stdout.strip().strip('"')
    mapping = f"{before},{PREFIX}:br-core"
    region.machine.run([*vsctl, "set", "Open_vSwitch", ".", f'{key}="{mapping}"'])
    try:
        yield
    finally:
        region.machine.run([*vsctl, "set", "Open_vSwitch", ".", f'{key}="{before}"'])


@contextlib.contextmanager
def _answering(way: Way) -> Iterator[None]:
    """An iperf3 server at the far end, once packets get there.

    Raises:
        NotMeasured: they do not within half a minute.
    """
    ping = ["ping", "-c", "1", "-W", "1", str(way.server.address.ip)]
    try:
        wait_until(
            lambda: way.client.run(ping, check=False).returncode == 0, 30, f"a ping over {way.name}"
        )
    except NeverCame as reason:
        raise NotMeasured(f"{reason}; `make lab-status` tells more") from reason
    with running([*way.server.enter(), "iperf3", "-s"], subprocess.DEVNULL):
        time.sleep(0.5)
        yield


def _round(way: Way, switches: Sequence[str]) -> Round:
    tcp = way.iperf3("-O", "1", seconds=_TCP_S)
    rate = f"{_PACKETS_PER_S * _OCTETS * 8}"
    before = [_cpu_s(name) for name in switches]
    udp = way.iperf3("-u", "-l", str(_OCTETS), "-b", rate, seconds=_UDP_S)
    spent = sum(_cpu_s(name) for name in switches) - sum(before)
    received = udp["packets"] - udp["lost_packets"]
    if received <= 0:
        raise NotMeasured(f"no packet of the UDP stream arrived over {way.name}")
    return Round(tcp["bits_per_second"] / 1e6, spent / received * 1e6, udp["lost_percent"])


def _cpu_s(machine: str) -> float:
    """CPU time a machine's ovs-vswitchd has had so far, all its threads."""
    pid = process.main_pid(f"{machine}-vswitchd")
    if pid is None:
        raise NotMeasured(f"ovs-vswitchd of {machine} does not run; `make lab-status` tells more")
    threads = Path(f"/proc/{pid.number}/task").glob("*/schedstat")
    return sum(int(thread.read_text().split()[0]) for thread in threads) / 1e9


BENCHMARK = Benchmark("forwarding", "A packet through the VPN against plain Ethernet", 10, measure)


if __name__ == "__main__":
    sys.exit(main(BENCHMARK))
