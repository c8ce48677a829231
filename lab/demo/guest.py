# SPDX-License-Identifier: Apache-2.0
"""What a VM sees of the others: typed at its console, read from its screen."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from ipaddress import IPv4Address

from lab import control
from lab.console import NoConsole
from lab.demo.tenants import Server
from lab.demo.terminal import Failed

_COUNTS = re.compile(r"(\d+) packets transmitted, (\d+) (?:packets )?received")
_ANSWERED = re.compile(r"icmp_seq=(\d+) ttl")
_RTT = re.compile(r"= ([\d.]+)/([\d.]+)/([\d.]+)")

#: Packets of a stream a second.
RATE = 100


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

    @classmethod
    def read_ended(cls, text: str, most: int) -> Pinged:
        """Read what ping printed that was ended, without packets that were on their way then.

        Args:
            text: its end, with a line for each of the last answers.
            most: so many can have been on their way; of more, all are lost.

        Raises:
            Failed: there is no summary; the text shows what there is instead.
        """
        result = cls.read(text)
        last = max(map(int, _ANSWERED.findall(text)), default=0)
        return replace(result, sent=last) if 0 < last >= result.sent - most else result


def has_address(server: Server) -> bool:
    """Whether a guest has booted and has its address from DHCP."""
    try:
        done = control.guest_run(server.name, "ip -4 addr show dev eth0", timeout_s=10)
    except (TimeoutError, NoConsole):
        return False
    return f"inet {server.address}/" in done.stdout


def ping(
    server: Server, address: IPv4Address, count: int = 5, options: str = "-i 0.2 -W 2"
) -> Pinged:
    """Ping from a VM."""
    command = f"ping -q -c {count} {options} {address}"
    return Pinged.read(control.guest_run(server.name, command, timeout_s=30 + count).stdout)


def reaches(server: Server, address: IPv4Address) -> bool:
    """Whether one ping is answered; not, where the guest has no address yet."""
    command = f"ping -q -c 1 -W 1 {address}"
    return control.guest_run(server.name, command, timeout_s=31).returncode == 0


def page(server: Server, address: IPv4Address, patience_s: int = 5) -> str:
    """The page a VM gets from an address, or nothing when there is no answer."""
    command = f"timeout {patience_s} wget -q -O - http://{address}/ 2>/dev/null"
    done = control.guest_run(server.name, command, timeout_s=patience_s + 30)
    return str(done.stdout).strip()


class Stream:
    """100 pings a second from one VM to another, counted to the last one.

    It ends by itself after the given number, so that no packet is on its way when it is counted;
    or when it is ended, and what is not answered of its last second then does not count.
    """

    def __init__(self, server: Server, address: IPv4Address, seconds: int, size: int = 56) -> None:
        self._server = server
        self._log = f"/tmp/stream-{address}-{size}"
        self._count = seconds * RATE
        self._command = f"ping -i 0.01 -W 10 -s {size} -c {self._count} {address}"

    def start(self) -> None:
        """Begin to send; returns at once."""
        self._run(f"rm -f {self._log}; {self._command} >{self._log} 2>&1 &")

    def is_under_way(self) -> bool:
        """Whether it sends."""
        return bool(self._run("pidof ping").strip())

    def is_over(self) -> bool:
        """Whether everything has been sent and waited for."""
        return bool(_COUNTS.search(self._end_of_log()))

    def result(self) -> Pinged:
        """What became of the packets."""
        text = self._end_of_log()
        result = Pinged.read(text)
        return result if result.sent == self._count else Pinged.read_ended(text, RATE)

    def end(self) -> None:
        """Have it send no more; it is over soon."""
        self._run("killall -INT ping 2>/dev/null")

    def _end_of_log(self) -> str:
        return self._run(f"tail -n 12 {self._log}")

    def _run(self, command: str) -> str:
        return str(control.guest_run(self._server.name, command, timeout_s=60).stdout)
