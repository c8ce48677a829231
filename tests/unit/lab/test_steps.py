# SPDX-License-Identifier: Apache-2.0
"""Steps run as early as they may, and each tells its line."""

from __future__ import annotations

import io
import threading
from pathlib import Path

import pytest

from lab.steps import Step, Unreachable, run
from lab.waiting import NeverCame


def test_a_step_waits_for_those_it_is_after() -> None:
    """The second sees what the first left."""
    seen: list[str] = []
    steps = [
        Step("first", lambda: seen.append("first")),
        Step("second", lambda: seen.append("second"), after=("first",)),
    ]
    out = io.StringIO()
    assert run(steps, out) == []
    assert seen == ["first", "second"]
    assert "✓ first" in out.getvalue()


def test_steps_that_do_not_wait_for_each_other_run_side_by_side() -> None:
    """Each of the two needs the other to have begun."""
    both = threading.Barrier(2, timeout=5)

    def meet() -> None:
        both.wait()

    assert run([Step("left", meet), Step("right", meet)], io.StringIO()) == []


def test_what_is_behind_a_failed_step_is_left_out_and_the_rest_goes_on() -> None:
    """One line names the reason."""
    done: list[str] = []

    def fail() -> None:
        raise RuntimeError("no bridge")

    steps = [
        Step("broken", fail),
        Step("behind", lambda: done.append("behind"), after=("broken",)),
        Step("beside", lambda: done.append("beside")),
    ]
    out = io.StringIO()
    assert run(steps, out) == ["broken: no bridge"]
    assert done == ["beside"]
    assert "✗ broken: no bridge" in out.getvalue()


def test_a_failed_step_shows_the_end_of_its_log(tmp_path: Path) -> None:
    """The reader need not look for it."""
    log = tmp_path / "daemon.log"
    log.write_text("\n".join(f"line {n}" for n in range(40)))

    def wait_in_vain() -> None:
        raise NeverCame("daemon", 1, log)

    out = io.StringIO()
    run([Step("daemon", wait_in_vain)], out)
    assert f"see {log}" in out.getvalue()
    assert "| line 39" in out.getvalue()
    assert "| line 3\n" not in out.getvalue()


def test_a_step_after_one_that_does_not_come_before_it_is_refused() -> None:
    """Otherwise it would wait for ever."""
    with pytest.raises(Unreachable):
        run([Step("late", lambda: None, after=("early",))], io.StringIO())
