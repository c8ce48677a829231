# SPDX-License-Identifier: Apache-2.0
"""What a packet through the VPN costs, against plain Ethernet over the same hosts and switches.

    vpn       endpoint ─ br-int ─ br-pe ──── br-core ── P, labels ─── br-core ─ br-pe ─ …
    plain     endpoint ─ br-int ─ br-bench ─ br-core ── P, Ethernet ─ br-core ─ br-bench ─ …
    provider  endpoint ─ br-int ──────────── br-core ── P, Ethernet ─ br-core ─ …

The peer is "plain": the same kind of ports with the same security group and MTU in the same OVN
pipeline, which leave br-int by a port plugged as an attachment is, into a bridge that switches by
MAC address where br-pe routes and labels. The targets are about it. "provider" is Neutron's own
flat provider network on the core bridges: one bridge and, as OVN tracks no connection at a
physical network's port, one connection tracking less per host.

All are there at the same time and take turns of a second, there and back again; ratios are taken
within a round of such turns, and the median of the rounds counts.
"""

from __future__ import annotations

import contextlib
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from bench.command import Benchmark, NotMeasured, main
from bench.figures import Outcome, Target, median, spread, table
from bench.ways import Way, answering, through_bridges, through_provider_network, through_vpn
from bench.workbench import open_workbench
from lab import process

LEAST_RATIO = 0.95
_SLICES = 4
_TCP_S = 1
_UDP_S = 1
#: Nothing is lost on two cores at this rate. At half of it the switches mostly wake up and sleep.
_PACKETS_PER_S = 15_000
_OCTETS = 64
#: The way the targets compare with.
PEER = "plain"


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


@dataclass(frozen=True, slots=True)
class _Slice:
    """One way's turn.

    Attributes:
        cpu_s: of all switches on the way, during the UDP stream.
    """

    mbit_s: float
    cpu_s: float
    packets: int
    lost: int


def measure(rounds: int) -> Outcome:
    """Measure all ways ``rounds`` times.

    Raises:
        NotMeasured: the lab is not up, or one of the ways does not carry packets.
    """
    with open_workbench() as bench, contextlib.ExitStack() as stack:
        ways = [
            through_vpn(bench),
            stack.enter_context(through_bridges(bench)),
            stack.enter_context(through_provider_network(bench)),
        ]
        for way in ways:
            stack.enter_context(answering(way))
        switches = [bench.near.host.name, bench.topology.core.p_router, bench.far.host.name]
        found: dict[str, list[Round]] = {way.name: [] for way in ways}
        for number in range(rounds):
            for name, measured in _round(ways, switches).items():
                found[name].append(measured)
                print(f"  {number + 1}/{rounds} {name:<9}{measured}", flush=True)
    return report(found)


def report(found: Mapping[str, Sequence[Round]]) -> Outcome:
    """Compare the rounds of the VPN with those of its peers. Pure."""
    rows: list[tuple[str, ...]] = []
    figures: dict[str, object] = {"rounds": len(found["vpn"]), "packets_per_s": _PACKETS_PER_S}
    targets = []
    for name, rounds in found.items():
        figures[name] = {
            "mbit_s": spread(r.mbit_s for r in rounds),
            "us_per_packet": spread(r.us_per_packet for r in rounds),
            "lost_percent": spread(r.lost_percent for r in rounds),
        }
        columns = ([r.mbit_s for r in rounds], [r.us_per_packet for r in rounds])
        lost = median([r.lost_percent for r in rounds])
        rows.append((name, f"{median(columns[0]):.0f}", f"{median(columns[1]):.2f}", f"{lost:.2f}"))
    for peer in sorted(found.keys() - {"vpn"}):
        pairs = list(zip(found["vpn"], found[peer], strict=True))
        speed = [ours.mbit_s / theirs.mbit_s for ours, theirs in pairs]
        cost = [theirs.us_per_packet / ours.us_per_packet for ours, theirs in pairs]
        figures[f"vpn_to_{peer}"] = {"throughput": spread(speed), "cost": spread(cost)}
        rows.append((f"vpn to {peer}", f"{median(speed):.3f}", f"{median(cost):.3f}", ""))
        if peer == PEER:
            targets = [
                Target(name, median(ratios), LEAST_RATIO, more_is_better=True)
                for name, ratios in (
                    ("throughput, VPN to plain", speed),
                    ("packets per CPU second, VPN to plain", cost),
                )
            ]
    head = ("median", "TCP Mbit/s", "µs a packet", "UDP lost %")
    return Outcome(figures, table(head, rows), targets)


def _round(ways: Sequence[Way], switches: Sequence[str]) -> dict[str, Round]:
    """Measure all ways in short turns, so that what else the machine does hits all alike."""
    slices: dict[str, list[_Slice]] = {way.name: [] for way in ways}
    for number in range(_SLICES):
        for way in ways if number % 2 else reversed(ways):
            slices[way.name].append(_slice(way, switches))
    return {name: together(taken) for name, taken in slices.items()}


def _slice(way: Way, switches: Sequence[str]) -> _Slice:
    tcp = way.iperf3("-C", "cubic", seconds=_TCP_S)
    rate = f"{_PACKETS_PER_S * _OCTETS * 8}"
    before = sum(_cpu_s(name) for name in switches)
    udp = way.iperf3("-u", "-l", str(_OCTETS), "-b", rate, seconds=_UDP_S)
    spent = sum(_cpu_s(name) for name in switches) - before
    return _Slice(
        tcp["bits_per_second"] / 1e6, spent, int(udp["packets"]), int(udp["lost_packets"])
    )


def together(slices: Sequence[_Slice]) -> Round:
    """Make a round of its slices.

    Raises:
        NotMeasured: no packet of the UDP stream arrived.
    """
    sent, lost = (sum(s.packets for s in slices), sum(s.lost for s in slices))
    if sent <= lost:
        raise NotMeasured("no packet of a UDP stream arrived")
    return Round(
        mbit_s=sum(s.mbit_s for s in slices) / len(slices),
        us_per_packet=sum(s.cpu_s for s in slices) / (sent - lost) * 1e6,
        lost_percent=lost / sent * 100,
    )


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
