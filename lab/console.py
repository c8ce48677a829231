# SPDX-License-Identifier: Apache-2.0
"""A guest's serial console as a way to run commands in it, without any network."""

from __future__ import annotations

import fcntl
import itertools
import os
import re
import select
import shlex
import subprocess
import termios
import time
import tty
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from lab import machine, places
from lab.machine import Machine

_INTERRUPT = b"\x03"
_PROBE_S = 1.0
_numbers = itertools.count()


class NoConsole(LookupError):
    """No host runs a guest of that name, or several do."""


@dataclass(slots=True)
class _Console:
    """An open console. It stays open: QEMU takes up to a second to notice that one was opened.

    Attributes:
        seen: what was read since the last line typed.
        has_shell: a shell has answered on it.
    """

    terminal: str
    descriptor: int
    seen: bytes = b""
    has_shell: bool = False

    def is_connected(self) -> bool:
        """Whether QEMU is still at the other end."""
        poll = select.poll()
        poll.register(self.descriptor, select.POLLHUP)
        return not poll.poll(0)

    def type(self, text: str) -> None:
        """Type, forgetting what was read before."""
        self.seen = b""
        rest = text.encode()
        while rest:
            select.select([], [self.descriptor], [])
            rest = rest[os.write(self.descriptor, rest) :]

    def read_until(self, pattern: str, end: float) -> re.Match[bytes] | None:
        """Read until a pattern appears; None when it does not before ``end``."""
        while True:
            found = re.search(pattern.encode(), self.seen)
            if found or time.monotonic() > end:
                return found
            if select.select([self.descriptor], [], [], 0.2)[0]:
                self.seen += os.read(self.descriptor, 65536)


_open: dict[str, _Console] = {}


def run(server: str, command: str, timeout_s: float) -> subprocess.CompletedProcess[str]:
    """Type a line into a guest's shell and read what it prints; see `lab.control.guest_run`."""
    if "\n" in command:
        raise ValueError(f"one line of shell, please: {command!r}")
    end = time.monotonic() + timeout_s
    console = _find(server)
    with _alone(console):
        if not console.has_shell:
            _await_shell(server, console, end)
        token = _token()
        # The quotes keep the echo of the typed line from looking like what echo prints.
        console.type(
            f"echo B''{token}; eval {shlex.quote(command)} </dev/null; echo E''{token}:$?\n"
        )
        found = console.read_until(rf"E{token}:(\d+)\r?\n", end)
        if found is None:
            os.write(console.descriptor, _INTERRUPT)
            console.has_shell = False
            said = console.seen[-400:].decode(errors="replace")
            raise TimeoutError(f"{server}: {command!r} did not end in {timeout_s:g} s: {said!r}")
    text = console.seen[: found.start()].decode(errors="replace").replace("\r", "")
    return subprocess.CompletedProcess(command, int(found[1]), text.partition(f"B{token}\n")[2])


def _find(server: str) -> _Console:
    known = _open.get(server)
    if known is not None:
        if known.is_connected():
            return known
        os.close(known.descriptor)
        del _open[server]
    terminal = _terminal(server)
    descriptor = os.open(terminal, os.O_RDWR | os.O_NOCTTY | os.O_NONBLOCK | os.O_CLOEXEC)
    # At once: by default it would wait until the other end has read everything.
    tty.setraw(descriptor, termios.TCSANOW)
    _open[server] = _Console(terminal, descriptor)
    return _open[server]


def _terminal(server: str) -> str:
    """The terminal QEMU gave the server's serial port, from libvirt's records on the hosts."""
    found = []
    for name in machine.names():
        records = Machine(name).run(["sh", "-c", "cat /run/libvirt/qemu/*.xml"], check=False).stdout
        for record in records.split("</domstatus>"):
            names = re.findall(r"<nova:name>(.*?)</nova:name>", record)
            names += re.findall(r"<uuid>(.*?)</uuid>", record)[:1]
            terminal = re.search(r"<console type='pty' tty='(.*?)'", record)
            if server in names and terminal:
                found.append(terminal[1])
    if len(found) != 1:
        raise NoConsole(f"{len(found)} running guests are called {server!r}")
    return found[0]


@contextmanager
def _alone(console: _Console) -> Iterator[None]:
    lock = places.TMP / f"console{console.terminal.replace('/', '-')}"
    with lock.open("w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield


def _await_shell(server: str, console: _Console, end: float) -> None:
    """What is typed while the guest boots is lost, so ask again until a shell answers."""
    while True:
        token = _token()
        console.type(f"echo R''{token}\n")
        if console.read_until(f"R{token}\r?\n", min(end, time.monotonic() + _PROBE_S)):
            console.has_shell = True
            return
        if time.monotonic() > end:
            raise TimeoutError(f"{server}: no shell answered on its console")


def _token() -> str:
    return f"{os.getpid():x}x{next(_numbers):x}"
