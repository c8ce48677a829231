# SPDX-License-Identifier: Apache-2.0
"""What a VM sees of the others: typed at its console, read from its screen."""

from __future__ import annotations

import re
from dataclasses import dataclass
from ipaddress import IPv4Address

from lab import control
from lab.demo.tenants import Server
from lab.demo.terminal import Failed

_COUNTS = re.compile(r"(\d+) packets transmitted, (\d+) (?:packets )?received")
_RTT = re.compile(r"= ([\d.]+)/([\d.]+)/([\d.]+)")


@dataclass(frozen=True, slots=True)
class Pinged:
    """What ping counted.

    Attributes:
        rtt_ms: minimum, average and maximum; None when nothing came back.
    """

    sent: int
    received: int
    rtt_ms: tuple[float, float, float] | None

    @property
    def lost(self) -> int:
        """Requests without an answer."""
        return self.sent - self.received

    def __str__(self) -> str:
        text = f"{self.received} of {self.sent} answered"
        if self.rtt_ms:
            text += ", rtt {:.2f}/{:.2f}/{:.2f} ms".format(*self.rtt_ms)
        return text

    @classmethod
    def read(cls, text: str) -> Pinged:
        """Read the summary ping prints at its end.

        Raises:
            Failed: there is none; the text shows what there is instead.
        """
        counts = _COUNTS.search(text)
        if counts is None:
            raise Failed(f"ping said: {text.strip() or 'nothing'}")
        rtt = _RTT.search(text)
        numbers = (float(rtt[1]), float(rtt[2]), float(rtt[3])) if rtt else None
        return cls(int(counts[1]), int(counts[2]), numbers)


def ping(
    server: Server, address: IPv4Address, count: int = 5, options: str = "-i 0.2 -W 2"
) -> Pinged:
    """Ping from a VM."""
    command = f"ping -q -c {count} {options} {address}"
    return Pinged.read(control.guest_run(server.name, command, timeout_s=30 + count).stdout)


def reaches(server: Server, address: IPv4Address) -> bool:
    """Whether a VM gets an answer from an address."""
    return ping(server, address, 1, "-W 1").received == 1


def page(server: Server, address: IPv4Address, patience_s: int = 5) -> str:
    """The page a VM gets from an address, or nothing when there is no answer."""
    command = f"timeout {patience_s} wget -q -O - http://{address}/ 2>/dev/null"
    done = control.guest_run(server.name, command, timeout_s=patience_s + 30)
    return str(done.stdout).strip()


class Stream:
    """100 pings a second from one VM to another, counted to the last one.

    It ends by itself after the given number, so that no packet is on its way when it is counted.
    """

    def __init__(self, server: Server, address: IPv4Address, seconds: int, size: int = 56) -> None:
        self._server = server
        self._log = f"/tmp/stream-{address}-{size}"
        self._count = seconds * 100
        self._command = f"ping -q -i 0.01 -W 10 -s {size} -c {self._count} {address}"

    def start(self) -> None:
        """Begin to send; returns at once."""
        self._run(f"rm -f {self._log}; {self._command} >{self._log} 2>&1 &")

    def is_under_way(self) -> bool:
        """Whether it sends."""
        return bool(self._run("pidof ping").strip())

    def is_over(self) -> bool:
        """Whether everything has been sent and waited for."""
        return bool(_COUNTS.search(self._run(f"cat {self._log}")))

    def result(self) -> Pinged:
        """What became of the packets."""
        return Pinged.read(self._run(f"cat {self._log}"))

    def stop(self) -> None:
        """End it early, as nobody will count."""
        self._run("killall ping 2>/dev/null")

    def _run(self, command: str) -> str:
        return str(control.guest_run(self._server.name, command, timeout_s=60).stdout)
