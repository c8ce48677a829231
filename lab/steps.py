# SPDX-License-Identifier: Apache-2.0
"""Run steps side by side as their prerequisites allow, and tell a line about each."""

from __future__ import annotations

import sys
import threading
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import TextIO

_LAST_LINES = 15


@dataclass(frozen=True, slots=True)
class Step:
    """One step of bringing the lab up.

    Attributes:
        action: does it; what it returns, if anything, is told with the line.
        after: names of steps that must have succeeded before.
    """

    name: str
    action: Callable[[], str | None]
    after: tuple[str, ...] = ()


@dataclass(slots=True)
class _Progress:
    step: Step
    ended: threading.Event = field(default_factory=threading.Event)
    succeeded: bool = False
    failure: str = ""


class Unreachable(ValueError):
    """A step waits for one that does not come before it."""


def run(steps: Iterable[Step], out: TextIO = sys.stdout) -> list[str]:
    """Run every step as early as possible; those behind a failed one are left out.

    Returns:
        Which failed and why, a sentence each; empty when all succeeded.

    Raises:
        Unreachable: a prerequisite is not among the earlier steps.
    """
    progress: dict[str, _Progress] = {}
    for step in steps:
        for name in step.after:
            if name not in progress:
                raise Unreachable(f"{step.name!r} is after {name!r}, which does not come before it")
        progress[step.name] = _Progress(step)
    speak = threading.Lock()

    def work(mine: _Progress) -> None:
        try:
            before = [progress[name] for name in mine.step.after]
            for other in before:
                other.ended.wait()
            if all(other.succeeded for other in before):
                mine.failure = _tell(mine.step, out, speak)
                mine.succeeded = not mine.failure
        finally:
            mine.ended.set()

    threads = [threading.Thread(target=work, args=(each,)) for each in progress.values()]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return [each.failure for each in progress.values() if each.failure]


def _tell(step: Step, out: TextIO, speak: threading.Lock) -> str:
    """Do a step and tell its line; return why it failed, if it did."""
    start = time.monotonic()
    try:
        said = step.action()
    except Exception as reason:  # whatever it was, the reader is told and the rest goes on
        with speak:
            print(f"  ✗ {step.name}: {reason} ({time.monotonic() - start:.1f} s)", file=out)
            log = getattr(reason, "log", None)
            if isinstance(log, Path):
                _show_end(log, out)
            out.flush()
        return f"{step.name}: {reason}"
    with speak:
        detail = f": {said}" if said else ""
        print(f"  ✓ {step.name}{detail} ({time.monotonic() - start:.1f} s)", file=out, flush=True)
    return ""


def _show_end(log: Path, out: TextIO) -> None:
    print(f"    see {log}", file=out)
    if log.exists():
        lines = log.read_text(encoding="utf-8", errors="replace").splitlines()
        for line in lines[-_LAST_LINES:]:
            print(f"    | {line}", file=out)
