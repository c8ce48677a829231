# SPDX-License-Identifier: Apache-2.0
"""What every benchmark's command line has in common: its options, its output, its exit code.

    --rounds N   how often to measure
    --json       one JSON object with all figures as the last line of standard output
    --check      exit 1 if a target is missed

Exit code 2: nothing was measured, because there is no lab or it does not work; the text says why.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from bench.figures import Outcome

NOTHING_MEASURED = 2


class NotMeasured(RuntimeError):
    """A figure could not be taken; the text tells the reader what to do about it."""


@dataclass(frozen=True, slots=True)
class Benchmark:
    """One benchmark.

    Attributes:
        name: the module's, and the object's key in the JSON.
        title: what it measures.
        rounds: how often, unless the command line says otherwise.
        measure: takes the number of rounds.
    """

    name: str
    title: str
    rounds: int
    measure: Callable[[int], Outcome]


def main(benchmark: Benchmark, arguments: Sequence[str] | None = None) -> int:
    """Run one benchmark by its command line and return its exit code."""
    options = _options(benchmark.title, benchmark.rounds, arguments)
    try:
        outcome = run(benchmark, options.rounds)
    except NotMeasured as reason:
        print(f"{benchmark.name}: {reason}", file=sys.stderr)
        return NOTHING_MEASURED
    if options.json:
        print(json.dumps(describe(benchmark, outcome)))
    return 1 if options.check and outcome.missed else 0


def main_of_all(benchmarks: Sequence[Benchmark], arguments: Sequence[str] | None = None) -> int:
    """Run several benchmarks one after the other and return the worst exit code."""
    options = _options("All benchmarks", None, arguments)
    found: dict[str, object] = {}
    codes = [0]
    for benchmark in benchmarks:
        try:
            outcome = run(benchmark, options.rounds or benchmark.rounds)
        except NotMeasured as reason:
            print(f"{benchmark.name}: {reason}", file=sys.stderr)
            codes.append(NOTHING_MEASURED)
            continue
        found[benchmark.name] = describe(benchmark, outcome)
        if options.check and outcome.missed:
            codes.append(1)
    if options.json:
        print(json.dumps(found))
    return max(codes)


def run(benchmark: Benchmark, rounds: int) -> Outcome:
    """Measure, and print what was found for a person to read."""
    print(f"{benchmark.title} ({rounds} rounds)", flush=True)
    outcome = benchmark.measure(rounds)
    print(outcome.text)
    for target in outcome.targets:
        print(f"  {target}")
    print(flush=True)
    return outcome


def describe(benchmark: Benchmark, outcome: Outcome) -> dict[str, object]:
    """An outcome with where and when it was taken, JSON-ready."""
    return {
        "bench": benchmark.name,
        "date": datetime.now(UTC).isoformat(timespec="seconds"),
        "machine": machine(),
        **outcome.to_json(),
    }


def machine() -> dict[str, object]:
    """The machine, as far as it matters to figures."""
    return {
        "cores": os.cpu_count(),
        "kernel": platform.release(),
        "load": round(os.getloadavg()[0], 2),
    }


def _options(title: str, rounds: int | None, arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=title)
    parser.add_argument("--rounds", type=_positive, default=rounds, help="how often to measure")
    parser.add_argument("--json", action="store_true", help="one JSON object as the last line")
    parser.add_argument("--check", action="store_true", help="exit 1 if a target is missed")
    return parser.parse_args(arguments)


def _positive(text: str) -> int:
    number = int(text)
    if number < 1:
        raise argparse.ArgumentTypeError("at least 1")
    return number
