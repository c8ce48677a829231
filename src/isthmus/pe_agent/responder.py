# SPDX-License-Identifier: Apache-2.0
"""Responds to packets the switch hands over: as the link's router, or as the VRF they are in."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping

from isthmus.pe_agent.compile import icmp, neighbor_discovery
from isthmus.pe_agent.compile.inputs import Compiled
from isthmus.pe_agent.compile.pipeline import ATTACHMENT
from isthmus.pe_agent.limits import Limits, Work
from isthmus.pe_agent.openflow.punts import Injection, Punt

_RARP = bytes.fromhex("8035")


class Responder:
    """What the agent has to say, at the rate it may.

    Args:
        compiled: what is in force; None while nothing is.
        note_arrival: is told the Neutron port of a VM that begins to run here.
        clock: seconds that only grow.
    """

    def __init__(
        self,
        compiled: Callable[[], Compiled | None],
        note_arrival: Callable[[str], None] = lambda _: None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._compiled = compiled
        self._note_arrival = note_arrival
        self._clock = clock
        self._limits = Limits()
        self._known: Mapping[int, icmp.PuntContext] = {}

    def respond(self, punt: Punt) -> tuple[Injection, ...]:
        """Return what is to be sent for a packet; nothing where silence is wanted."""
        compiled = self._compiled()
        if compiled is None or punt.metadata not in compiled.punts:
            return ()
        if punt.frame[12:14] == _RARP:
            port_id = compiled.arriving.get((punt.in_port, punt.frame[6:12].hex(":")))
            if port_id is not None:
                self._note_arrival(port_id)
            return ()
        if compiled.punts is not self._known:
            self._known = compiled.punts
            self._limits.forget_others(frozenset(compiled.punts))
        is_asked = punt.table == ATTACHMENT
        reason = icmp.PuntReason.TTL_EXPIRED if punt.is_ttl_expired else icmp.PuntReason.TOO_BIG
        is_cut = not is_asked and icmp.is_to_be_fragmented(punt.frame, reason)
        work = Work.FRAGMENT if is_cut else Work.ANSWER
        if not self._limits.allow(punt.metadata, work, self._clock()):
            return ()
        if is_asked:
            link = compiled.links.get(punt.in_port)
            frame = None if link is None else neighbor_discovery.answer(punt.frame, link)
            return () if frame is None else (Injection(frame, punt.in_port),)
        context = compiled.punts[punt.metadata]
        frames = icmp.respond(punt.frame, reason, punt.metadata, context)
        return tuple(map(Injection, frames))

    def counts(self) -> Mapping[int, Mapping[str, int]]:
        """Return, by VRF number, how many packets were answered, fragmented, left. Any thread."""
        return self._limits.counts()
