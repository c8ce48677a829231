# SPDX-License-Identifier: Apache-2.0
"""When hosts hear that this PE has become their gateway (RFC 5227 §3, RFC 4861 §7.2.6).

Several times, as a frame may be lost, and the integration bridge may not carry the first yet.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from isthmus.pe_agent.openflow.punts import Injection

_WAITS_S = (0.1, 0.4, 1.5)

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
