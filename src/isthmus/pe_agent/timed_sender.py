# SPDX-License-Identifier: Apache-2.0
"""Sends frames nobody asked for, when a schedule says so."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Iterable
from typing import Generic, Protocol, TypeVar

from isthmus.pe_agent.openflow.punts import Injection

LOG = logging.getLogger(__name__)

_LONGEST_SEND_S = 2.0
_Facts_contra = TypeVar("_Facts_contra", contravariant=True)


class Schedule(Protocol[_Facts_contra]):
    """What is to be sent when; every time is an argument, in seconds of one clock."""

    def due(self, facts: _Facts_contra, now: float, /) -> list[Injection]:
        """Return what is to be sent now, given how things are."""

    def next_at(self) -> float | None:
        """When something is due next; None while nothing is."""


class TimedSender(Generic[_Facts_contra]):
    """A thread that keeps to a `Schedule`.

    Args:
        name: of the thread, and of what is sent in the log.
        schedule: used by the thread alone.
        facts: how things are now.
        send: sends frames.
    """

    def __init__(
        self,
        name: str,
        schedule: Schedule[_Facts_contra],
        facts: Callable[[], _Facts_contra],
        send: Callable[[Iterable[Injection]], None],
    ) -> None:
        self._name = name
        self._schedule = schedule
        self._facts = facts
        self._send = send
        self._wake = threading.Event()
        self._is_stopping = False
        self._thread = threading.Thread(target=self._run, name=name, daemon=True)

    def start(self) -> None:
        """Start the thread."""
        self._thread.start()

    def look(self) -> None:
        """Look again: things may have changed. From any thread."""
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
                injections = self._schedule.due(self._facts(), now)
                self._send(injections)
                if injections:
                    LOG.debug("frames.sent what=%s count=%d", self._name, len(injections))
            except Exception:
                LOG.exception("frames.not_sent what=%s", self._name)
            next_at = self._schedule.next_at()
            self._wake.wait(None if next_at is None else max(0.0, next_at - now))
            self._wake.clear()
