# SPDX-License-Identifier: Apache-2.0
"""Tells hosts of attached IPv6 networks about their router without being asked (RFC 4861 §6.2.4).

A host that was there before its network was attached hears of the router at once; one that has
heard of it does not forget it.
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass

from isthmus.pe_agent.compile.neighbor_discovery import (
    ADVERTISE_EVERY_S,
    Link,
    advertise,
    take_leave,
)
from isthmus.pe_agent.openflow.punts import Injection

LOG = logging.getLogger(__name__)

# The first may be too early for the integration bridge to carry it (§6.2.4 has three of them).
_FIRST_WAITS_S = (2.0, 16.0)
_LONGEST_SEND_S = 2.0
_FINAL_ADVERTISEMENTS = 3


@dataclass(frozen=True, slots=True)
class _Told:
    link: Link
    times: int
    next_at: float


class Schedule:
    """Which link is to be told when; every time is an argument, in seconds of one clock."""

    def __init__(self) -> None:
        self._told: dict[int, _Told] = {}

    def due(self, links: Mapping[int, Link], now: float) -> list[Injection]:
        """Return what is to be sent now, given the links there are, by OpenFlow port."""
        self._told = {
            port: told for port, told in self._told.items() if links.get(port) == told.link
        }
        injections = []
        for port, link in sorted(links.items()):
            frame = advertise(link)
            told = self._told.get(port)
            if frame is None or (told is not None and now < told.next_at):
                continue
            times = 1 if told is None else told.times + 1
            wait_s = dict(enumerate(_FIRST_WAITS_S, start=1)).get(times, ADVERTISE_EVERY_S)
            self._told[port] = _Told(link, times, now + wait_s)
            injections.append(Injection(frame, port))
        return injections

    def next_at(self) -> float | None:
        """When something is due next; None while there is nobody to tell."""
        return min((told.next_at for told in self._told.values()), default=None)


def farewells(links: Mapping[int, Link]) -> list[Injection]:
    """Return what tells hosts that they have lost their router (§6.2.5).

    Several at once: the link is unplugged right after, and there is no other time.

    Args:
        links: those about to be unplugged, by OpenFlow port.
    """
    frames = [(port, take_leave(link)) for port, link in sorted(links.items())]
    return [
        Injection(frame, port)
        for port, frame in frames
        if frame is not None
        for _ in range(_FINAL_ADVERTISEMENTS)
    ]


class RouterAdvertiser:
    """A thread that keeps to a `Schedule`.

    Args:
        links: the links there are, by OpenFlow port.
        send: sends frames.
    """

    def __init__(
        self,
        links: Callable[[], Mapping[int, Link]],
        send: Callable[[Iterable[Injection]], None],
    ) -> None:
        self._links = links
        self._send = send
        self._schedule = Schedule()
        self._wake = threading.Event()
        self._is_stopping = False
        self._thread = threading.Thread(target=self._run, name="advertiser", daemon=True)

    def start(self) -> None:
        """Start the thread."""
        self._thread.start()

    def look(self) -> None:
        """Look at the links again: there may be new ones. From any thread."""
        self._wake.set()

    def stop(self) -> None:
        """End the thread; hosts keep what they have heard."""
        self._is_stopping = True
        self._wake.set()
        if self._thread.is_alive():
            self._thread.join(_LONGEST_SEND_S)

    def _run(self) -> None:
        while not self._is_stopping:
            now = time.monotonic()
            try:
                injections = self._schedule.due(self._links(), now)
                self._send(injections)
                if injections:
                    LOG.debug("router.advertised links=%d", len(injections))
            except Exception:
                LOG.exception("router.not_advertised")
            next_at = self._schedule.next_at()
            self._wake.wait(None if next_at is None else max(0.0, next_at - now))
            self._wake.clear()
