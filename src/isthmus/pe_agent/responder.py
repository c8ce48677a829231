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


class Responder:
    """What the agent has to say, at the rate it may.

    Args:
        compiled: what is in force; None while nothing is.
        clock: seconds that only grow.
    """

    def __init__(
        self, compiled: Callable[[], Compiled | None], clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._compiled = compiled
        self._clock = clock
        self._limits = Limits()
        self._known: Mapping[int, icmp.PuntContext] = {}

    def respond(self, punt: Punt) -> tuple[Injection, ...]:
        """Return what is to be sent for a packet; nothing where silence is wanted."""
        compiled = self._compiled()
        if compiled is None or punt.metadata not in compiled.punts:
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
