# SPDX-License-Identifier: Apache-2.0
"""From one request for a virtual tenant network over two sites to the first packet between them.

    request ─API─▶ answer ─▶ near member made ─▶ its document ─▶ far member made ─▶ its document
                                                                        │ the near site has heard
             every member ACTIVE ─▶ a port in each region, plugged ─▶ first reply

A client sees what it would see of a real one: it asks for the network's state until all members
are ACTIVE, then makes its ports. Their plugging stands for a VM's start, which takes longer.
"""

from __future__ import annotations

import contextlib
import itertools
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from ipaddress import IPv4Interface, IPv4Network
from typing import Any

from bench.command import Benchmark, main
from bench.figures import Outcome, Target, percentile, spread, table
from bench.timeline import Stage, durations
from bench.watching import now_ms, probing
from bench.workbench import Region, Workbench, insist, open_workbench
from lab.endpoint import Endpoint, unplug

PATH = "/vtn/virtual_tenant_networks"
LIMITS = ((50, 5_000), (95, 10_000))
STAGES = (
    Stage("API", "request", "answer", "Neutron takes the request"),
    Stage("near member", "answer", "near", "the asked site has made its part"),
    Stage("far member", "answer", "far", "the far site has heard and made its part"),
    Stage("known", "far", "known", "the asked site has heard so: every member is ACTIVE"),
    Stage("ports", "known", "plugged", "a port in each region, bound to its host and plugged"),
    Stage("first packet", "plugged", "reply", "until the first reply"),
    Stage("all", "request", "reply", "what the tenant waits"),
)
_PREFIX = "10.77.0.0/16"
# Not the workbench's own: it removes by hand what is called so.
_NAME = "bench-vtn-"
_PATIENCE_S = 60.0
_EVERY_S = 0.05
_NOT_FOUND = 404


@dataclass(frozen=True, slots=True)
class Vtn:
    """A virtual tenant network, by the API of the site where it was asked for."""

    region: Region
    id: str

    def members(self) -> list[dict[str, Any]]:
        """What is known there of its members."""
        found: list[dict[str, Any]] = self.region.call("get", f"{PATH}/{self.id}/members")[
            "members"
        ]
        return found

    def is_active(self) -> bool:
        """Whether every member is known to be ACTIVE."""
        return all(member["status"] == "ACTIVE" for member in self.members())

    def delete(self) -> bool:
        """Ask for its end; refused while a site is not known to have no port on it any more."""
        answer = self.region.cloud.network.delete(f"{PATH}/{self.id}")
        return bool(answer.ok or answer.status_code == _NOT_FOUND)


def ask(region: Region, name: str, prefix: str, sites: Sequence[str]) -> Vtn:
    """Ask one site for a virtual tenant network over several."""
    body = {"name": name, "prefixes": [prefix], "members": list(sites)}
    made = region.call("post", PATH, {"virtual_tenant_network": body})["virtual_tenant_network"]
    return Vtn(region, str(made["id"]))


def measure(rounds: int) -> Outcome:
    """Measure.

    Raises:
        NotMeasured: the lab is not up, or no reply came.
    """
    with open_workbench() as bench:
        _clean(bench)
        try:
            found = [_round(bench, number) for number in range(rounds + 1)]
        finally:
            _clean(bench)
    return report(found[1:])


def report(rounds: Sequence[Mapping[str, float]]) -> Outcome:
    """Make figures of rounds, each the milestones' times. Pure."""
    stages = [durations(STAGES, times) for times in rounds]
    spreads = {
        stage.name: spread(taken[stage.name] for taken in stages if stage.name in taken)
        for stage in STAGES
    }
    rows = [
        (name, *(_whole(of[key]) for key in ("p50", "p95", "least", "most")), of["samples"])
        for name, of in spreads.items()
    ]
    head = ("one request, ms", "p50", "p95", "least", "most", "rounds")
    total = [taken["all"] for taken in stages]
    targets = [
        Target(f"request to first packet, p{percent}", percentile(total, percent), limit, " ms")
        for percent, limit in LIMITS
    ]
    return Outcome({"rounds": len(rounds), "stages_ms": spreads}, table(head, rows), targets)


def _whole(figure: float | None) -> str:
    return "-" if figure is None else f"{figure:.0f}"


def _round(bench: Workbench, number: int) -> dict[str, float]:
    sites = [region.site.name for region in bench.regions]
    name = f"{_NAME}{number}"
    times = {"request": now_ms()}
    vtn = ask(bench.near, name, _PREFIX, sites)
    times["answer"] = now_ms()
    waiting: dict[str, Callable[[], object]] = {
        "near": lambda: _own_status(bench.near, vtn) == "ACTIVE",
        "far": lambda: _own_status(bench.far, vtn) == "ACTIVE",
        "known": vtn.is_active,
    }
    for milestone, condition in waiting.items():
        _insist(condition, f"{milestone}: {name}")
        times[milestone] = now_ms()
    with _endpoints(bench, vtn) as (near, far):
        times["plugged"] = now_ms()
        with probing(near, far.address.ip) as prober:
            times["reply"] = prober.wait_for("up", _PATIENCE_S)
    _insist(vtn.delete, "the network to be without ports")
    _insist(lambda: not _networks(bench), "the network's end in both regions")
    return times


def _own_status(region: Region, vtn: Vtn) -> str:
    """What a site says of its own part; empty while it has not heard of it."""
    answer = region.cloud.network.get(f"{PATH}/{vtn.id}/members?site={region.site.name}")
    members = answer.json().get("members", []) if answer.ok else []
    return str(members[0]["status"]) if members else ""


@contextlib.contextmanager
def _endpoints(bench: Workbench, vtn: Vtn) -> Iterator[tuple[Endpoint, Endpoint]]:
    members = {member["site"]: member for member in vtn.members()}
    near, far = (_plug(region, members[region.site.name]) for region in bench.regions)
    try:
        yield near, far
    finally:
        _remove_ports(bench)


def _plug(region: Region, member: Mapping[str, Any]) -> Endpoint:
    prefix = next(IPv4Network(prefix) for prefix in member["prefixes"] if ":" not in str(prefix))
    address = IPv4Interface(f"{prefix[10]}/{prefix.prefixlen}")
    endpoint = region.endpoint(str(member["network_id"]), address, prefix[1])
    endpoint.run(["sysctl", "-qw", "net.ipv4.neigh.eth0.retrans_time_ms=4"])
    return endpoint


def _remove_ports(bench: Workbench) -> None:
    for region in bench.regions:
        for port in region.cloud.network.ports(device_owner="compute:bench"):
            unplug(region.machine, port.id)
            region.cloud.network.delete_port(port.id)


def _networks(bench: Workbench) -> list[str]:
    found = (region.cloud.network.networks() for region in bench.regions)
    return [each.id for each in itertools.chain(*found) if each.name.startswith(_NAME)]


def _clean(bench: Workbench) -> None:
    """Remove what an interrupted run left."""
    _remove_ports(bench)
    for vtn in bench.near.call("get", PATH)["virtual_tenant_networks"]:
        if vtn["name"].startswith(_NAME):
            _insist(Vtn(bench.near, str(vtn["id"])).delete, "an earlier run's end")
    _insist(lambda: not _networks(bench), "the end of an earlier run's networks")


def _insist(condition: Callable[[], object], what: str) -> None:
    insist(condition, _PATIENCE_S, what, every_s=_EVERY_S)


BENCHMARK = Benchmark(
    "vtn", "From one request for a network over two sites to the first packet", 10, measure
)


if __name__ == "__main__":
    sys.exit(main(BENCHMARK))
