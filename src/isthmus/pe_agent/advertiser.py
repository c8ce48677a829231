# SPDX-License-Identifier: Apache-2.0
"""When hosts of attached IPv6 networks hear of their router without asking (RFC 4861 §6.2.4).

A host that was there before its network was attached hears of the router at once; one that has
heard of it does not forget it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from isthmus.pe_agent.compile.neighbor_discovery import (
    ADVERTISE_EVERY_S,
    Link,
    advertise,
    take_leave,
)
from isthmus.pe_agent.openflow.punts import Injection

# The first may be too early for the integration bridge to carry it (§6.2.4 has three of them).
_FIRST_WAITS_S = (2.0, 16.0)
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
