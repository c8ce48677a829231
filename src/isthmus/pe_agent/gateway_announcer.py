# SPDX-License-Identifier: Apache-2.0
"""Tells hosts, when this PE becomes their gateway, that it is (RFC 5227 §3, RFC 4861 §7.2.6).

Several times, as a frame may be lost, and the integration bridge may not carry the first yet.
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass

from isthmus.pe_agent.openflow.punts import Injection

LOG = logging.getLogger(__name__)

_WAITS_S = (0.1, 0.4, 1.5)
_LONGEST_SEND_S = 2.0

Announcements = Mapping[int, tuple[bytes, ...]]
"""OpenFlow port of an attachment this PE is the gateway of → the frames that say so."""


@dataclass(frozen=True, slots=True)
class _Told:
    frames: tuple[bytes, ...]
    times: int
    next_at: float | None


class Schedule:
    """What is to be told when; every time is an argument, in seconds of one clock."""

    def __init__(self) -> None:
        self._told: dict[int, _Told] = {}

    def due(self, announcements: Announcements, now: float) -> list[Injection]:
        """Return what is to be sent now: what is new at once, then some more times."""
        self._told = {
            port: told
            for port, told in self._told.items()
            if announcements.get(port) == told.frames
        }
        injections: list[Injection] = []
        for port, frames in sorted(announcements.items()):
            told = self._told.get(port)
            if told is not None and (told.next_at is None or now < told.next_at):
                continue
            times = 0 if told is None else told.times + 1
            next_at = now + _WAITS_S[times] if times < len(_WAITS_S) else None
            self._told[port] = _Told(frames, times, next_at)
            injections.extend(Injection(frame, port) for frame in frames)
        return injections

    def next_at(self) -> float | None:
        """When something is due next; None while there is nothing to repeat."""
        return min(
            (told.next_at for told in self._told.values() if told.next_at is not None),
            default=None,
        )


class GatewayAnnouncer:
    """A thread that keeps to a `Schedule`.

    Args:
        announcements: what this PE is the gateway of now.
        send: sends frames.
    """

    def __init__(
        self,
        announcements: Callable[[], Announcements],
        send: Callable[[Iterable[Injection]], None],
    ) -> None:
        self._announcements = announcements
        self._send = send
        self._schedule = Schedule()
        self._wake = threading.Event()
        self._is_stopping = False
        self._thread = threading.Thread(target=self._run, name="gateway-announcer", daemon=True)

    def start(self) -> None:
        """Start the thread."""
        self._thread.start()

    def look(self) -> None:
        """Look again: this PE may have become a gateway. From any thread."""
        self._wake.set()

    def stop(self) -> None:
        """End the thread."""
        self._is_stopping = True
        self._wake.set()
        if self._thread.is_alive():
            self._thread.join(_LONGEST_SEND_S)

    def _run(self) -> None:
        while not self._is_stopping:
            now = time.monotonic()
            try:
                injections = self._schedule.due(self._announcements(), now)
                self._send(injections)
                if injections:
                    LOG.info("gateway.announced frames=%d", len(injections))
            except Exception:
                LOG.exception("gateway.not_announced")
            next_at = self._schedule.next_at()
            self._wake.wait(None if next_at is None else max(0.0, next_at - now))
            self._wake.clear()
