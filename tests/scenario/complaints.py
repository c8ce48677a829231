# SPDX-License-Identifier: Apache-2.0
"""What our own processes complained of while a test ran: the reason is there, not in the test."""

from __future__ import annotations

import re
from pathlib import Path

from lab import places

# The lab's own stamp, the process and the level, then our package's name.
COMPLAINT = re.compile(r"^\S+ \S+ \d+ (WARNING|ERROR|CRITICAL) isthmus\.")
MOST, WIDTH = 15, 300


class Complaints:
    """Reads the lab's logs from where they ended when this was made."""

    def __init__(self, logs: Path = places.LOGS) -> None:
        self._logs = logs
        self._ends = {log: log.stat().st_size for log in logs.glob("*.log")}

    def read(self) -> str:
        """Return the last complaints since then, those of each process together."""
        lines: list[str] = []
        for log in sorted(self._logs.glob("*.log")):
            with log.open("rb") as text:
                start = self._ends.get(log, 0)
                text.seek(start if start <= log.stat().st_size else 0)
                new = text.read().decode(errors="replace").splitlines()
            found = [line[:WIDTH] for line in new if COMPLAINT.match(line)]
            lines += [f"{log.name}: {line}" for line in found[-MOST:]]
        return "\n".join(lines)
