# SPDX-License-Identifier: Apache-2.0
"""When what happened, read from the log lines of several processes of one machine.

Pure. One machine has one clock, so that times of different logs can be compared; they are
milliseconds since 1970.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

_STAMP = re.compile(r"(\d{4}-\d\d-\d\d \d\d:\d\d:\d\d)[.,](\d{3})")


@dataclass(frozen=True, slots=True)
class Line:
    """A line of a log with the unstamped lines that followed it."""

    at_ms: float
    text: str


@dataclass(frozen=True, slots=True)
class Milestone:
    """Something that happens once on the way, and the line that tells it.

    Attributes:
        source: the log.
        pattern: a regular expression found in the line; ``{names}`` in braces are filled in.
        is_last: the last such line counts, not the first.
    """

    name: str
    source: str
    pattern: str
    is_last: bool = False


@dataclass(frozen=True, slots=True)
class Stage:
    """The time between two milestones, with what happens in it."""

    name: str
    begin: str
    end: str
    meaning: str


def read_lines(log: str) -> list[Line]:
    """The lines of a log whose stamps are local time with milliseconds.

    >>> [line.text[24:] for line in read_lines("2026-11-22 22:11:29.894 flows.installed added=3")]
    ['flows.installed added=3']
    """
    lines: list[Line] = []
    for text in log.splitlines():
        stamp = _STAMP.match(text)
        if stamp:
            seconds = datetime.strptime(stamp[1], "%Y-%m-%d %H:%M:%S").astimezone().timestamp()
            lines.append(Line(seconds * 1000 + int(stamp[2]), text))
        elif lines:
            lines[-1] = Line(lines[-1].at_ms, f"{lines[-1].text}\n{text}")
    return lines


def find_milestones(
    milestones: Iterable[Milestone],
    logs: Mapping[str, Sequence[Line]],
    names: Mapping[str, str],
    begin_ms: float,
    end_ms: float,
) -> dict[str, float]:
    """The time of each milestone between two times; those not found are left out.

    Args:
        milestones: what to look for.
        logs: source → its lines, in order.
        names: what the patterns' names in braces stand for, taken literally.
        begin_ms: nothing earlier counts. Stamps are cut to milliseconds, so one is added.
        end_ms: nothing later counts.
    """
    found = {}
    for milestone in milestones:
        pattern = milestone.pattern
        for name, value in names.items():
            pattern = pattern.replace(f"{{{name}}}", re.escape(value))
        wanted = re.compile(pattern)
        times = [
            line.at_ms
            for line in logs.get(milestone.source, ())
            if begin_ms - 1 <= line.at_ms <= end_ms and wanted.search(line.text)
        ]
        if times:
            found[milestone.name] = max(times) if milestone.is_last else min(times)
    return found


def durations(stages: Iterable[Stage], times: Mapping[str, float]) -> dict[str, float]:
    """How long each stage took, in milliseconds; those with an end that is unknown are left out."""
    return {
        stage.name: times[stage.end] - times[stage.begin]
        for stage in stages
        if stage.begin in times and stage.end in times
    }
