# SPDX-License-Identifier: Apache-2.0
"""Processes as the kernel has them: which is which, who is whose child, how one is started.

A process is known by its number and its start time, so one whose number the kernel has given to
somebody else since is never touched.
"""

from __future__ import annotations

import contextlib
import os
import signal
import time
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from lab import places

_POLL_S = 0.02


@dataclass(frozen=True, slots=True)
class Pid:
    """A process by number and start time, which together never come back."""

    number: int
    started: int

    @classmethod
    def of(cls, number: int) -> Pid | None:
        """The process that has this number now; None when there is none or it is a zombie."""
        try:
            fields = Path(f"/proc/{number}/stat").read_text().rpartition(")")[2].split()
        except OSError:
            return None
        return None if fields[0] in "ZX" else cls(number, int(fields[19]))

    @classmethod
    def read(cls, path: Path) -> Pid | None:
        """What `write` wrote; None when there is nothing readable."""
        try:
            number, started = path.read_text().split()
            return cls(int(number), int(started))
        except (OSError, ValueError):
            return None

    def write(self, path: Path) -> None:
        """Record this process."""
        path.write_text(f"{self.number} {self.started}\n")

    def is_alive(self) -> bool:
        """Whether this very process still runs."""
        with contextlib.suppress(ChildProcessError):
            os.waitpid(self.number, os.WNOHANG)
        return Pid.of(self.number) == self

    def send(self, number: signal.Signals) -> None:
        """Send a signal; nothing happens when the process is gone."""
        if self.is_alive():
            with contextlib.suppress(ProcessLookupError):
                os.kill(self.number, number)


def spawn(command: list[str], log_file: Path, extra: Mapping[str, str] | None = None) -> Pid:
    """Start a command in a session of its own, its output appended to a log."""
    log = os.open(log_file, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o644)
    try:
        number = os.posix_spawnp(
            command[0],
            command,
            environment(extra),
            file_actions=[
                (os.POSIX_SPAWN_OPEN, 0, os.devnull, os.O_RDONLY, 0),
                (os.POSIX_SPAWN_DUP2, log, 1),
                (os.POSIX_SPAWN_DUP2, log, 2),
            ],
            setsid=True,
        )
    finally:
        os.close(log)
    pid = Pid.of(number)
    if pid is None:
        raise ProcessLookupError(f"{command[0]} ended at once; see {log_file}")
    return pid


def children(number: int) -> list[Pid]:
    """The children of a process, as they are now."""
    try:
        numbers = Path(f"/proc/{number}/task/{number}/children").read_text().split()
    except OSError:
        return []
    return [pid for child in numbers if (pid := Pid.of(int(child)))]


def command_line(entry: Path) -> list[str]:
    """The words of a process's command; ``entry`` is its folder in /proc. Empty when it is gone."""
    try:
        return (entry / "cmdline").read_bytes().decode(errors="replace").split("\0")
    except OSError:
        return []


def descendants(number: int) -> list[Pid]:
    """Every process below a pid, as it is now, parents first."""
    children: dict[int, list[int]] = defaultdict(list)
    for entry in Path("/proc").iterdir():
        if entry.name.isdecimal():
            with contextlib.suppress(OSError):
                parent = (entry / "stat").read_text().rpartition(")")[2].split()[1]
                children[int(parent)].append(int(entry.name))

    def below(parent: int) -> Iterator[int]:
        for child in children[parent]:
            yield child
            yield from below(child)

    return [pid for child in below(number) if (pid := Pid.of(child))]


def environment(extra: Mapping[str, str] | None = None) -> dict[str, str]:
    """What a process of the lab finds in its environment, whoever started the lab."""
    return {
        "PATH": f"{places.VENV}/bin:{places.BIN}:/usr/sbin:/usr/bin:/sbin:/bin",
        "HOME": str(places.STATE),
        "LANG": "C.UTF-8",
        # Neutron and MariaDB name files there after a pid, and believe what they find; machines
        # count their own pids, from the beginning whenever they are made.
        "TMPDIR": "/run/tmp",
        # nova-manage still starts eventlet by default
        "OS_NOVA_DISABLE_EVENTLET_PATCHING": "1",
        **(extra or {}),
    }


def all_gone(family: Sequence[Pid], patience_s: float) -> bool:
    """Wait until none of the processes runs; False when one still does after the patience."""
    end = time.monotonic() + patience_s
    while any(member.is_alive() for member in family):
        if time.monotonic() > end:
            return False
        time.sleep(_POLL_S)
    return True
