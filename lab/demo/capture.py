# SPDX-License-Identifier: Apache-2.0
"""Packets as tcpdump sees them on a link of the lab."""

from __future__ import annotations

import re
import signal
import subprocess
import threading
from collections.abc import Callable
from dataclasses import dataclass
from types import TracebackType
from typing import IO, Self

from lab import machine
from lab.pid import children

_LABELS = re.compile(r"\(label (\d+)")
_ADDRESSES = re.compile(r"\) (?:IP )?([\d.]+) > ([\d.]+):")


@dataclass(frozen=True, slots=True)
class Labelled:
    """A labelled packet in one line of tcpdump.

    Attributes:
        labels: from the top of the stack to its bottom.
    """

    line: str
    labels: tuple[int, ...]
    source: str
    destination: str

    @classmethod
    def read(cls, line: str) -> Labelled | None:
        """Read a line; None when it is no labelled IPv4 packet."""
        addresses = _ADDRESSES.search(line)
        labels = tuple(int(label) for label in _LABELS.findall(line))
        if addresses is None or not labels:
            return None
        return cls(line, labels, addresses[1], addresses[2])


class Capture:
    """tcpdump on one interface of a machine, for as long as the context lasts.

    Args:
        where: the machine.
        interface: there.
        expression: what to capture, in tcpdump's words.

    Attributes:
        lines: what was seen so far, a line per packet.
    """

    def __init__(self, where: str, interface: str, expression: str) -> None:
        self._command = machine.enter(where)
        self._command += ["tcpdump", "-l", "-nn", "-e", "-t", "-i", interface]
        self._command += ["--immediate-mode", "-B", "8192", expression]
        self._process: subprocess.Popen[str] | None = None
        self._readers: list[threading.Thread] = []
        self.lines: list[str] = []

    def __enter__(self) -> Self:
        """Start; packets are seen from now on."""
        self._process = subprocess.Popen(
            self._command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
        )
        listening = threading.Event()
        for stream, read in (
            (self._process.stdout, self.lines.append),
            # It says that it listens before it sees the first packet.
            (self._process.stderr, lambda line: listening.set() if "listening" in line else None),
        ):
            reader = threading.Thread(target=_read_lines, args=(stream, read))
            reader.start()
            self._readers.append(reader)
        if not listening.wait(10):
            self.stop()
            raise RuntimeError(f"tcpdump does not listen: {' '.join(self._command)}")
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        value: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Stop and keep what was seen."""
        self.stop()

    def stop(self) -> list[str]:
        """Stop; the lines seen, one a packet."""
        if self._process is not None:
            # The process is nsenter's; tcpdump is its child and must be asked itself.
            for tcpdump in children(self._process.pid):
                tcpdump.send(signal.SIGINT)
            self._process.wait(20)
            for reader in self._readers:
                reader.join()
            for stream in (self._process.stdout, self._process.stderr):
                if stream:
                    stream.close()
            self._process = None
        return self.lines


def _read_lines(stream: IO[str], read: Callable[[str], None]) -> None:
    for line in stream:
        if line.strip():
            read(line.rstrip("\n"))
