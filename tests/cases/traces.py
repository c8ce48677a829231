# SPDX-License-Identifier: Apache-2.0
"""Paths through the golden cases: what is asked of a PE, and the path that comes of it.

``traces.yaml`` has for each case the question as one would type it and what is printed.
``python -m tests.cases.traces`` writes all answers anew; read the difference before committing.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path

import yaml

from isthmus.cmd.trace import render
from isthmus.pe_agent.look.tracing import read_question
from isthmus.pe_agent.trace.path import as_json, trace
from tests.cases.case import FOLDER, read_case

FILE = FOLDER / "traces.yaml"


@dataclass(frozen=True)
class AskedPath:
    """One question and its answer."""

    case: str
    asked: str
    expected: tuple[str, ...]

    def lines(self) -> list[str]:
        """Compute the answer."""
        case = read_case(FOLDER / self.case)
        words = self.asked.split()
        options = dict(zip(words[::2], words[1::2], strict=True))
        question = read_question(
            {
                "from": options.get("--from"),
                "label": options.get("--from-core"),
                "to": options["--to"],
                "octets": options.get("--octets", 64),
            }
        )
        compiled = case.compile()
        inputs = replace(case.inputs, numbers=compiled.numbers)
        path = as_json(trace(case.pe, inputs, compiled, question))
        agent = {"host": "pe", "address": str(case.pe.address)}
        return render({**path, "agent": agent, "unread": []}).splitlines()[1:]


def all_paths() -> list[AskedPath]:
    """Return every question."""
    plain = yaml.safe_load(FILE.read_text())
    return [
        AskedPath(case, asked, tuple(expected or ()))
        for case, paths in plain.items()
        for asked, expected in paths.items()
    ]


def update(file: Path = FILE) -> None:
    """Write every answer anew."""
    text: dict[str, dict[str, list[str]]] = {}
    for path in all_paths():
        text.setdefault(path.case, {})[path.asked] = path.lines()
    file.write_text(yaml.safe_dump(text, sort_keys=False, width=1000, allow_unicode=True))


if __name__ == "__main__":
    update()
