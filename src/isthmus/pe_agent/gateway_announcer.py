# SPDX-License-Identifier: Apache-2.0
"""When hosts hear that this PE has become their gateway (RFC 5227 §3, RFC 4861 §7.2.6).

Several times, as a frame may be lost, and the integration bridge may not carry the first yet. Where
another gateway is not heard, for longer than the hold time after which it knows at last that it is
cut off (RFC 4271 §6.5): until then it may answer hosts as well.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from isthmus.pe_agent.compile.gateways import Announcement
from isthmus.pe_agent.openflow.punts import Injection

_WAITS_S = (0.1, 0.1, 0.1, 0.2, 0.2, 0.3, 1.0)
_MORE_WAITS_S = (4.0, 4.0, 4.0)

Announcements = Mapping[int, Announcement]
"""OpenFlow port of an attachment this PE is the gateway of → what says so."""


@dataclass(frozen=True, slots=True)
class _Told:
    what: Announcement
    times: int
    next_at: float | None


class Schedule:
    """What is to be told when; every time is an argument, in seconds of one clock."""

    def __init__(self) -> None:
        self._told: dict[int, _Told] = {}

    def due(self, announcements: Announcements, now: float) -> list[Injection]:
        """Return what is to be sent now: what is new at once, then some more times."""
        self._told = {
            port: told for port, told in self._told.items() if announcements.get(port) == told.what
        }
        injections: list[Injection] = []
        for port, what in sorted(announcements.items(), key=lambda each: each[0]):
            told = self._told.get(port)
            if told is not None and (told.next_at is None or now < told.next_at):
                continue
            times = 0 if told is None else told.times + 1
            waits_s = _WAITS_S + _MORE_WAITS_S if what.unheard else _WAITS_S
            next_at = now + waits_s[times] if times < len(waits_s) else None
            self._told[port] = _Told(what, times, next_at)
            injections.extend(Injection(frame, port) for frame in what.frames)
        return injections

    def next_at(self) -> float | None:
        """When something is due next; None while there is nothing to repeat."""
        return min(
            (told.next_at for told in self._told.values() if told.next_at is not None),
            default=None,
        )
