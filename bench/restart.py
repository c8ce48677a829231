# SPDX-License-Identifier: Apache-2.0
"""A PE that restarts, and how everything grows from 10 VRFs to 1,000, of 10 routes each.

Needs no lab, but root and what the functional tests need. For each size one PE is built (agent,
Open vSwitch, gobgpd, a reflector with the other PEs' routes), then:

agent       the agent alone is killed and started; its flows go on all the while
host        agent, gobgpd and ovs-vswitchd are killed and started: until the first flow of a route,
            and the last
one more    another PE advertises one more route: until its flow is there, and the agent's CPU time
memory      resident, of the agent, once all is in force
"""

from __future__ import annotations

import sys
import tempfile
import time
from dataclasses import dataclass, field
from pathlib import Path

from bench.command import Benchmark, NotMeasured, main
from bench.figures import Outcome, Target, median, table
from bench.one_pe import OnePe, TookTooLong, one_more_route, until_flows
from tests.functional.bgp.network import missing_for_bgp
from tests.functional.openflow.real_switch import missing

SIZES = (10, 100, 1_000)
ROUTES = 10
_PATIENCE_S = 400.0
_MORE_ROUTES = 10
#: A hundred times the VRFs: a route that is one of a few costs little more than one of many.
_DEARER_ROUTE = 20.0
#: Ten times the VRFs may take ten times as long and some; Open vSwitch's ports do not.
_STEEPEST = 20.0


@dataclass(slots=True)
class Grown:
    """What was measured at one size; a sample a round."""

    agent_s: list[float] = field(default_factory=list)
    agent_cpu_s: list[float] = field(default_factory=list)
    first_s: list[float] = field(default_factory=list)
    last_s: list[float] = field(default_factory=list)
    host_cpu_s: list[float] = field(default_factory=list)
    route_ms: list[float] = field(default_factory=list)
    route_cpu_ms: list[float] = field(default_factory=list)
    memory_kib: list[float] = field(default_factory=list)

    def medians(self) -> dict[str, float]:
        """Return the median of each figure."""
        return {name: round(median(getattr(self, name)), 3) for name in self.__slots__}


def measure_size(vrfs: int, rounds: int) -> Grown:
    """Build one PE and restart it."""
    grown = Grown()
    with tempfile.TemporaryDirectory(prefix="pe") as name:
        folder = Path(name)
        folder.chmod(0o755)
        pe = OnePe(folder, vrfs, ROUTES)
        try:
            pe.start_agent()
            pe.wait_until_settled(_PATIENCE_S)
            for _ in range(rounds):
                _restart(pe, grown)
        finally:
            pe.close()
    return grown


def _restart(pe: OnePe, grown: Grown) -> None:
    pe.kill_agent()
    began = time.monotonic()
    pe.start_agent()
    pe.wait_until_settled(_PATIENCE_S)
    grown.agent_s.append(time.monotonic() - began)
    grown.agent_cpu_s.append(pe.cpu_ms() / 1000)
    samples, cpu_ms = one_more_route(pe, _MORE_ROUTES)
    grown.route_ms += samples
    grown.route_cpu_ms.append(cpu_ms)
    grown.memory_kib.append(pe.memory_kib())
    pe.crash()
    first, last = until_flows(pe, _PATIENCE_S)
    grown.first_s.append(first)
    grown.last_s.append(last)
    pe.wait_until_settled(_PATIENCE_S)
    grown.host_cpu_s.append(pe.cpu_ms() / 1000)


def measure(rounds: int) -> Outcome:
    """Measure every size and say how it grows."""
    if lacking := missing() or missing_for_bgp():
        raise NotMeasured(f"this needs {lacking}")
    try:
        found = {vrfs: measure_size(vrfs, rounds).medians() for vrfs in SIZES}
    except TookTooLong as error:
        raise NotMeasured(f"a PE did not come up: {error}") from error
    return outcome(found, rounds)


def outcome(found: dict[int, dict[str, float]], rounds: int) -> Outcome:
    """Put together figures, a table and the targets."""
    few, some, many = (found[size] for size in SIZES)
    per_vrf = (many["memory_kib"] - few["memory_kib"]) / (SIZES[-1] - SIZES[0])
    rows = [
        (
            f"{vrfs:,}",
            f"{each['agent_s']:.1f}",
            f"{each['agent_cpu_s']:.1f}",
            f"{each['first_s']:.1f}",
            f"{each['last_s']:.1f}",
            f"{each['host_cpu_s']:.1f}",
            f"{each['route_ms']:.0f}",
            f"{each['route_cpu_ms']:.0f}",
            f"{each['memory_kib'] / 1024:.0f}",
        )
        for vrfs, each in found.items()
    ]
    head = ("VRFs", "agent s", "CPU s", "first s", "last s", "CPU s", "route ms", "CPU ms", "MiB")
    return Outcome(
        figures={
            "rounds": rounds,
            "routes_per_vrf": ROUTES,
            "by_vrfs": {str(vrfs): each for vrfs, each in found.items()},
            "memory_kib_per_vrf": round(per_vrf, 1),
        },
        text=f"{table(head, rows)}\n  {per_vrf:.0f} KiB of the agent's memory for each VRF",
        targets=[
            Target(
                "a route among 1,000 VRFs costs, to one among 10, CPU time of",
                many["route_cpu_ms"] / max(few["route_cpu_ms"], 1),
                _DEARER_ROUTE,
                " times",
            ),
            Target(
                "the last flow of 1,000 VRFs takes, to that of 100,",
                many["last_s"] / some["last_s"],
                _STEEPEST,
                " times",
            ),
        ],
    )


BENCHMARK = Benchmark("restart", "A PE restarts, with 10, 100 and 1,000 VRFs", 1, measure)


if __name__ == "__main__":
    sys.exit(main(BENCHMARK))
