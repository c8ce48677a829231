# SPDX-License-Identifier: Apache-2.0
"""From a tenant's request to the first reply from the other region, stage by stage.

    new attachment  a network is associated with a VPN that the far region's network is in
    VPN changes     both networks are attached; the near VPN gets the far one's route target

    request ──API──▶ answer ──dispatch──▶ near agent has the intent
                                            │ agent: plug, compile, flows
                        OVN's binding ◀─────┼────▶ route advertised ──BGP──▶ far agent has heard
                              │             │                                  │ flows
                              └─────────────┴───────────────┬──────────────────┘
                                                     ready ─▶ first reply

The prober in the near region sends an echo request every 2 ms and asks for its gateway's MAC
address as eagerly, so that a guest's own patience is not measured. Far and near run on one
machine with one clock; stages are read from the log lines of the processes themselves.
"""

from __future__ import annotations

import contextlib
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from ipaddress import IPv4Interface, IPv4Network

from bench.command import Benchmark, main
from bench.figures import Outcome, Target, percentile, spread, table
from bench.timeline import Milestone, Stage, durations, find_milestones
from bench.watching import Log, Prober, now_ms, probing, watching_flows
from bench.workbench import Region, Workbench, insist, open_workbench
from lab import places
from lab.endpoint import Endpoint
from lab.machine import Machine

NEW, CHANGE = "new attachment", "VPN changes"
#: Scenario → (percentile, limit in ms).
LIMITS = {NEW: ((50, 500), (95, 1000)), CHANGE: ((50, 150),)}

_COMMON, _PRIVATE = "64500:65001", "64500:65002"
_PATIENCE_S = 30.0
#: Between a round's end and the next one's begin nothing is left to do anywhere.
_REST_S = 1.0
#: Tables of br-int in which OVN binds a port (physical to logical, and back), and of br-pe.
_BINDING, _FIB = (0, 65), 20

MILESTONES = (
    Milestone("received", "near agent", r"intent\.received vpn={vpn} "),
    Milestone("plugged", "near agent", r"switch\.changed port_added=ipe"),
    Milestone("bound", "near br-int", r"event=ADDED table=(0|65) ", is_last=True),
    Milestone("near flows", "near br-pe", r"event=ADDED table=20 .*nw_dst={far} "),
    Milestone("advertised", "near agent", r"route\.advertised .*prefix={near}/32"),
    Milestone("heard", "far agent", r"route\.learnt .*prefix={near}/32"),
    Milestone("far flows", "far br-pe", r"event=ADDED table=20 .*nw_dst={near} "),
)
STAGES = (
    Stage("API", "request", "answer", "Neutron takes the request"),
    Stage("dispatch", "answer", "received", "journal, attachment port, intent to the agent"),
    Stage("agent", "received", "advertised", "plug, compile, flows, route to the daemon"),
    Stage("OVN's binding", "plugged", "bound", "from the plug to flows in br-int"),
    Stage("BGP", "advertised", "heard", "daemon, a route reflector, daemon"),
    Stage("flows", "heard", "far flows", "the far agent compiles and installs"),
    Stage("first packet", "ready", "reply", "from the last of these to the first reply"),
    Stage("all", "request", "reply", "what the tenant waits"),
)


@dataclass(frozen=True, slots=True)
class Scene:
    """Everything that is the same in all rounds.

    Attributes:
        others: attachments on the near host that are not the benchmark's.
    """

    bench: Workbench
    prober: Prober
    near: Endpoint
    far: Endpoint
    logs: Mapping[str, Log]
    others: set[str]


def measure(rounds: int) -> Outcome:
    """Measure both scenarios.

    Raises:
        NotMeasured: the lab is not up, or no reply came.
    """
    with open_workbench() as bench, contextlib.ExitStack() as stack:
        near, near_network = _attachable(bench.near, 1)
        far, far_network = _attachable(bench.far, 2)
        far_vpn = bench.far.vpn("first-packet", _COMMON)
        bench.far.associate(far_vpn, far_network)
        scene = Scene(
            bench,
            stack.enter_context(probing(near, far.address.ip)),
            near,
            far,
            {name: stack.enter_context(log) for name, log in _logs(bench).items()},
            _circuits(bench.near),
        )
        found = {
            NEW: _new_attachment(scene, rounds, near_network),
            CHANGE: _vpn_changes(scene, rounds, near_network),
        }
    return report(found)


def _logs(bench: Workbench) -> dict[str, contextlib.AbstractContextManager[Log]]:
    near, far = (region.machine for region in bench.regions)

    def agent(machine: Machine) -> contextlib.AbstractContextManager[Log]:
        return contextlib.nullcontext(Log(places.LOGS / f"{machine.name}-pe-agent.log"))

    return {
        "near agent": agent(near),
        "far agent": agent(far),
        "near br-int": watching_flows(near, "br-int", *_BINDING),
        "near br-pe": watching_flows(near, "br-pe", _FIB),
        "far br-pe": watching_flows(far, "br-pe", _FIB),
    }


def report(found: Mapping[str, Sequence[Mapping[str, float]]]) -> Outcome:
    """Make figures of rounds, each the milestones' times. Pure."""
    figures: dict[str, object] = {}
    texts = []
    targets = []
    for scenario, rounds in found.items():
        stages = [durations(STAGES, times) for times in rounds]
        spreads = {
            stage.name: spread(taken[stage.name] for taken in stages if stage.name in taken)
            for stage in STAGES
        }
        figures[scenario] = {"rounds": len(rounds), "stages_ms": spreads}
        rows = [
            (name, *(_whole(of[key]) for key in ("p50", "p95", "least", "most")), of["samples"])
            for name, of in spreads.items()
            if of["samples"]
        ]
        head = (f"{scenario}, ms", "p50", "p95", "least", "most", "rounds")
        texts.append(table(head, rows))
        total = [taken["all"] for taken in stages]
        targets += [
            Target(f"{scenario}, p{percent}", percentile(total, percent), limit, " ms")
            for percent, limit in LIMITS[scenario]
        ]
    return Outcome(figures, "\n\n".join(texts), targets)


def _whole(figure: float | None) -> str:
    return "-" if figure is None else f"{figure:.0f}"


def _attachable(region: Region, number: int) -> tuple[Endpoint, str]:
    """A network with an endpoint that asks for its gateway's MAC address every few ms."""
    prefix = IPv4Network(f"10.{number}.0.0/24")
    network = region.network("first-packet")
    region.subnet(network, prefix, prefix[1])
    endpoint = region.endpoint(
        network, IPv4Interface(f"{prefix[10]}/{prefix.prefixlen}"), prefix[1]
    )
    endpoint.run(["sysctl", "-qw", "net.ipv4.neigh.eth0.retrans_time_ms=4"])
    return endpoint, network


def _new_attachment(scene: Scene, rounds: int, network: str) -> list[dict[str, float]]:
    region = scene.bench.near
    vpn = region.vpn("first-packet", _COMMON)
    path = ""

    def associate() -> None:
        nonlocal path
        path = region.associate(vpn, network)

    def dissociate() -> None:
        region.call("delete", path)
        insist(lambda: _circuits(region) == scene.others, _PATIENCE_S, "the attachment to go")
        # A VM that was never in a VPN does not know its gateway's MAC address.
        scene.near.run(["ip", "neigh", "flush", "dev", "eth0"])

    found = _rounds(scene, vpn, rounds, associate, dissociate)
    region.remove_vpn(vpn)
    return found


def _vpn_changes(scene: Scene, rounds: int, network: str) -> list[dict[str, float]]:
    region = scene.bench.near
    vpn = region.vpn("first-packet", _PRIVATE)
    region.associate(vpn, network)
    insist(lambda: _circuits(region) != scene.others, _PATIENCE_S, "the attachment")
    time.sleep(_REST_S)
    return _rounds(
        scene,
        vpn,
        rounds,
        lambda: region.set_route_targets(vpn, _PRIVATE, _COMMON),
        lambda: region.set_route_targets(vpn, _PRIVATE),
    )


def _rounds(
    scene: Scene, vpn: str, rounds: int, act: Callable[[], None], undo: Callable[[], None]
) -> list[dict[str, float]]:
    """One round that is not counted, for what is slow only the first time, then ``rounds``."""
    found = [_round(scene, vpn, act, undo) for _ in range(rounds + 1)]
    return found[1:]


def _round(
    scene: Scene, vpn: str, act: Callable[[], None], undo: Callable[[], None]
) -> dict[str, float]:
    time.sleep(_REST_S)
    for log in scene.logs.values():
        log.skip()
    times = {"request": now_ms()}
    act()
    times["answer"] = now_ms()
    times["reply"] = scene.prober.wait_for("up", _PATIENCE_S)
    # What was logged before the reply has been written by now.
    time.sleep(0.2)
    names = {"vpn": vpn, "near": str(scene.near.address.ip), "far": str(scene.far.address.ip)}
    logs = {source: log.read() for source, log in scene.logs.items()}
    times |= find_milestones(MILESTONES, logs, names, times["request"], times["reply"])
    parts = [times[name] for name in ("bound", "near flows", "far flows") if name in times]
    if parts:
        times["ready"] = max(parts)
    undo()
    scene.prober.wait_for("down", _PATIENCE_S)
    return times


def _circuits(region: Region) -> set[str]:
    """The integration bridge's ends of the attachments plugged on a region's host."""
    command = ["ovs-vsctl", "--timeout=20", "list-ports", "br-int"]
    ports = region.machine.run(command).stdout.split()
    return {port for port in ports if port.startswith("ipe")}


BENCHMARK = Benchmark(
    "first_packet", "From associating to the first reply across regions", 20, measure
)


if __name__ == "__main__":
    sys.exit(main(BENCHMARK))
