# SPDX-License-Identifier: Apache-2.0
"""The BGPVPN API against networking-bgpvpn's with its Dummy driver: time and SQL statements.

Both answer the same requests in turn, whoever begins changing from round to round, with 1,000 VPNs
in place of which 100 have 10 networks each. Ratios are taken within a round. Needs no lab.
"""

from __future__ import annotations

import itertools
import sys
from collections import defaultdict
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

from bench import api_population as population
from bench.api_population import COLLECTION, Project
from bench.api_sites import OURS, PEER, Answer, Site, both
from bench.command import Benchmark, main
from bench.figures import Outcome, Target, median, percentile, spread, table

MANY_TARGETS = 200
OPERATIONS = ("create", "show", "list", "list own", "update", "associate", "dissociate", "delete")
_FASTER_LIST, _ASSOCIATE_SHARE = 20.0, 0.5
#: The peer takes seconds for the list of all, so these rounds have to do.
_LISTS = 5
#: Two medians of the same thing differ by so much on a shared machine.
_NOISE = 1.02


@dataclass(slots=True)
class Measured:
    """All answers, by operation; the same position is the same round on both sites."""

    answers: dict[str, dict[str, list[Answer]]] = field(
        default_factory=lambda: defaultdict(lambda: defaultdict(list))
    )

    def ms(self, site: str, operation: str) -> list[float]:
        """Return the times of an operation, round by round."""
        return [answer.ms for answer in self.answers[site][operation]]

    def statements(self, site: str, operation: str) -> int:
        """Return how many statements it takes at most."""
        return max(answer.statements for answer in self.answers[site][operation])

    def ratio(self, operation: str) -> float:
        """Return the median share of the peer's time that ours takes."""
        pairs = zip(self.ms(OURS, operation), self.ms(PEER, operation), strict=True)
        return median([ours / peer for ours, peer in pairs])


def requests(site: Site, project: Project, full: str, turn: int) -> Iterator[tuple[str, Answer]]:
    """Do one of each operation; what is made is unmade."""
    target = [f"64500:{100_000 + turn}", f"64501:{turn}"]
    body = population.body(project, f"new-{turn}", target)
    made = site.must("POST", COLLECTION, {"bgpvpn": body})
    yield "create", made
    vpn = f"{COLLECTION}/{made.body['bgpvpn']['id']}"
    yield "show", site.must("GET", f"{COLLECTION}/{full}")
    change = {"bgpvpn": {"name": f"changed-{turn}", "route_targets": target[:1]}}
    yield "update", site.must("PUT", vpn, change)
    yield "list own", site.must("GET", COLLECTION, project=project.id)
    associated = population.associate(site, project, full, population.NETWORKS_EACH)
    yield "associate", associated
    association = associated.body["network_association"]["id"]
    yield (
        "dissociate",
        site.must("DELETE", f"{COLLECTION}/{full}/network_associations/{association}"),
    )
    yield "delete", site.must("DELETE", vpn)


def measure(rounds: int) -> Outcome:
    """Measure both."""
    measured = Measured()
    with both(population.seed()) as sites:
        full = {name: population.populate(site) for name, site in sites.items()}
        # The first round warms caches on both and is not counted.
        for turn in range(rounds + 1):
            counted = measured if turn else Measured()
            _round(sites, full, turn, counted)
        few = sites[OURS].must("GET", f"{COLLECTION}?project_id={Project(0).id}")
        many = {name: _many_targets(site) for name, site in sites.items()}
    return outcome(measured, rounds, few, many)


def _round(
    sites: dict[str, Site], full: dict[str, dict[int, str]], turn: int, measured: Measured
) -> None:
    project = Project(turn % population.PROJECTS)
    order = [OURS, PEER] if turn % 2 else [PEER, OURS]
    running = [
        (name, requests(sites[name], project, full[name][project.number], turn)) for name in order
    ]
    for answers in zip(*(operations for _, operations in running), strict=True):
        for (name, _), (operation, answer) in zip(running, answers, strict=True):
            measured.answers[name][operation].append(answer)
    if turn > _LISTS:
        return
    for name in order:
        listed = sites[name].must("GET", COLLECTION)
        assert len(listed.body["bgpvpns"]) == population.VPNS
        measured.answers[name]["list"].append(listed)


def _many_targets(site: Site) -> Answer:
    targets = [f"64500:{200_000 + n}" for n in range(MANY_TARGETS)]
    body = population.body(Project(1), "many", targets)
    return site.ask("POST", COLLECTION, {"bgpvpn": body})


def outcome(measured: Measured, rounds: int, few: Answer, many: dict[str, Answer]) -> Outcome:
    """Turn answers into figures and targets.

    Args:
        measured: all answers.
        rounds: how many there were.
        few: our list of one project's VPNs.
        many: each site's answer to many route targets.
    """
    listing = measured.statements(OURS, "list")
    ratios = {operation: measured.ratio(operation) for operation in OPERATIONS}
    targets = [
        Target(
            "list, times as fast per row", 1 / ratios["list"], _FASTER_LIST, more_is_better=True
        ),
        Target("statements of a list of 1,000 over one of 10", listing - few.statements, 0),
        Target("create, share of the peer's time", ratios["create"], _NOISE),
        Target("associate, share of the peer's time", ratios["associate"], _ASSOCIATE_SHARE),
        Target(f"answer to {MANY_TARGETS} route targets", many[OURS].status, 201),
    ]
    figures: dict[str, object] = {
        "rounds": rounds,
        "vpns": population.VPNS,
        "operations": {
            operation: {
                "ratio": round(ratios[operation], 4),
                **{
                    name: {
                        **spread(measured.ms(name, operation)),
                        "statements": measured.statements(name, operation),
                    }
                    for name in (OURS, PEER)
                },
            }
            for operation in OPERATIONS
        },
        "many_targets": {
            name: {"status": a.status, "ms": round(a.ms, 2), "statements": a.statements}
            for name, a in many.items()
        },
    }
    return Outcome(figures, _text(measured, ratios, many), targets)


def _text(measured: Measured, ratios: dict[str, float], many: dict[str, Answer]) -> str:
    columns: list[Callable[[str, str], Any]] = [
        lambda site, op: f"{percentile(measured.ms(site, op), 50):.1f}",
        lambda site, op: f"{percentile(measured.ms(site, op), 95):.1f}",
        measured.statements,
    ]
    rows = [
        (
            operation,
            *(column(site, operation) for site, column in itertools.product((OURS, PEER), columns)),
            f"{ratios[operation]:.3f}",
        )
        for operation in OPERATIONS
    ]
    head = ("ms", "p50", "p95", "SQL", "peer p50", "p95", "SQL", "ours/peer")
    told = ", ".join(
        f"{name} {answer.status} ({answer.ms:.0f} ms)" for name, answer in many.items()
    )
    return f"{table(head, rows)}\n  {MANY_TARGETS} route targets on one VPN: {told}"


BENCHMARK = Benchmark("api", "The BGPVPN API, ours and networking-bgpvpn's", 20, measure)


if __name__ == "__main__":
    sys.exit(main(BENCHMARK))
