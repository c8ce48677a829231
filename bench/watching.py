# SPDX-License-Identifier: Apache-2.0
"""What is watched while something is measured: a prober's answers, logs, changes of flows."""

from __future__ import annotations

import contextlib
import queue
import signal
import subprocess
import threading
import time
from collections.abc import Iterator
from ipaddress import IPv4Address
from pathlib import Path
from typing import IO

from bench import prober
from bench.command import NotMeasured
from bench.timeline import Line, read_lines
from lab import places
from lab.endpoint import Endpoint
from lab.machine import Machine, enter
from lab.pid import descendants

_INTERVAL_S = 0.002
_SILENCE_S = 0.3


def now_ms() -> float:
    """Return the time as logs stamp it, in milliseconds since 1970."""
    return time.time() * 1000


class Prober:
    """Answers seen by a prober that runs in an endpoint."""

    def __init__(self, output: IO[str]) -> None:
        self._lines: queue.Queue[str] = queue.Queue()
        threading.Thread(target=self._read, args=(output,), daemon=True).start()

    def _read(self, output: IO[str]) -> None:
        for line in output:
            self._lines.put(line)
        self._lines.put("")

    def wait_for(self, change: str, seconds: float) -> float:
        """Wait for ``up`` or ``down`` and return its time in milliseconds since 1970.

        Raises:
            NotMeasured: it did not come.
        """
        try:
            line = self._lines.get(timeout=seconds)
        except queue.Empty:
            raise NotMeasured(f"the probed path did not go {change} within {seconds:g} s") from None
        found, _, at_ms = line.partition(" ")
        if found != change:
            raise NotMeasured(f"the probed path went {found or 'away'} instead of {change}")
        return float(at_ms)


@contextlib.contextmanager
def probing(endpoint: Endpoint, address: IPv4Address) -> Iterator[Prober]:
    """Probe an address from an endpoint as long as the block lasts."""
    script = [str(places.PYTHON), "-S", "-E", str(prober.__file__), str(address)]
    with running(
        [*endpoint.enter(), *script, str(_INTERVAL_S), str(_SILENCE_S)], subprocess.PIPE
    ) as child:
        assert child.stdout is not None
        yield Prober(child.stdout)


class Log:
    """The part of a log that was written since the last look."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._offset = 0
        self.skip()

    def skip(self) -> None:
        """Leave what is there unread."""
        self._offset = self._path.stat().st_size if self._path.exists() else 0

    def read(self) -> list[Line]:
        """The lines written since."""
        if not self._path.exists():
            return []
        with self._path.open("rb") as file:
            file.seek(self._offset)
            octets = file.read()
        self._offset += len(octets)
        return read_lines(octets.decode(errors="replace"))


@contextlib.contextmanager
def watching_flows(machine: Machine, bridge: str, *tables: int) -> Iterator[Log]:
    """A log of the changes of a bridge's tables, by OpenFlow's own flow monitor."""
    path = places.LOGS / f"bench-{machine.name}-{bridge}.log"
    monitor = [*enter(machine.name), "ovs-ofctl", "--timestamp", "monitor", bridge]
    watch = [f"watch:!initial,table={table}" for table in tables]
    with path.open("w") as file, running([*monitor, *watch], file):
        yield Log(path)


@contextlib.contextmanager
def running(command: list[str], output: int | IO[str]) -> Iterator[subprocess.Popen[str]]:
    """A command that runs as long as the block lasts, with all that it started."""
    child = subprocess.Popen(
        command, stdin=subprocess.DEVNULL, stdout=output, stderr=subprocess.STDOUT, text=True
    )
    try:
        yield child
    finally:
        # nsenter leaves the process it started in another pid namespace to itself.
        family = descendants(child.pid)
        child.terminate()
        for member in family:
            member.send(signal.SIGTERM)
        child.wait()
