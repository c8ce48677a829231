# SPDX-License-Identifier: Apache-2.0
"""Every benchmark has the same options and exit codes."""

import json

import pytest

from bench.command import Benchmark, NotMeasured, main, main_of_all
from bench.figures import Outcome, Target

SLOW = Outcome({"ms": 7}, "seven", [Target("time", 7, 5, " ms")])
FAST = Outcome({"ms": 3}, "three", [Target("time", 3, 5, " ms")])


def bench(outcome: Outcome, name: str = "some") -> Benchmark:
    """A benchmark that finds what it is told to."""
    return Benchmark(name, "A benchmark", 1, lambda _rounds: outcome)


def without_a_lab(_rounds: int) -> Outcome:
    """A benchmark's work where no lab is up."""
    raise NotMeasured("the lab is not up")


def test_json_is_one_object_and_the_last_line(capsys: pytest.CaptureFixture[str]) -> None:
    """Programs read the last line, people the rest."""
    assert main(bench(FAST), ["--json"]) == 0
    found = json.loads(capsys.readouterr().out.splitlines()[-1])
    assert found["ms"] == 3
    assert found["targets"]["time"]["is_met"]


def test_a_missed_target_matters_only_when_asked() -> None:
    """Measuring is no test: only ``--check`` makes it one."""
    assert main(bench(SLOW), []) == 0
    assert main(bench(SLOW), ["--check"]) == 1
    assert main(bench(FAST), ["--check"]) == 0


def test_rounds_are_those_asked_for() -> None:
    """The command line goes before the benchmark's own number."""
    asked: list[int] = []

    def measure(rounds: int) -> Outcome:
        asked.append(rounds)
        return FAST

    main(Benchmark("some", "A benchmark", 20, measure), ["--rounds", "3"])
    main(Benchmark("some", "A benchmark", 20, measure), [])
    assert asked == [3, 20]


def test_no_rounds_are_refused() -> None:
    """Nothing measured is no figure."""
    with pytest.raises(SystemExit):
        main(bench(FAST), ["--rounds", "0"])


def test_without_a_lab_it_says_so_and_never_looks_measured(
    capsys: pytest.CaptureFixture[str],
) -> None:
    """The exit code differs from a missed target's."""
    assert main(Benchmark("some", "A benchmark", 1, without_a_lab), ["--json"]) == 2
    said = capsys.readouterr()
    assert "the lab is not up" in said.err
    assert "{" not in said.out


def test_all_together_are_one_object_and_the_worst_exit_code(
    capsys: pytest.CaptureFixture[str],
) -> None:
    """One that can't be measured does not keep the others from it."""
    absent = Benchmark("absent", "A benchmark", 1, without_a_lab)
    both = [bench(FAST, "fast"), bench(SLOW, "slow")]
    assert main_of_all([*both, absent], ["--json", "--check"]) == 2
    assert set(json.loads(capsys.readouterr().out.splitlines()[-1])) == {"fast", "slow"}
    assert main_of_all(both, ["--check"]) == 1
    assert main_of_all(both, []) == 0
