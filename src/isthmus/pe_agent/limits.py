# SPDX-License-Identifier: Apache-2.0
"""How often the agent answers: a token bucket for each VRF and kind of answer, one over all.

A host that floods its own VRF with packets to be answered takes answers away from that VRF alone
(RFC 1812 §4.3.2.8, RFC 4443 §2.4 (f)). Times are arguments.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from enum import StrEnum


class Work(StrEnum):
    """What a packet from the switch asks of the agent."""

    ANSWER = "answered"
    FRAGMENT = "fragmented"


# Many errors at once are many hosts' first packets; every packet of a sender may need fragmenting.
PER_S = {Work.ANSWER: 100.0, Work.FRAGMENT: 300.0}
"""Of one VRF."""

ALL_PER_S = 1000.0
"""Of all VRFs: a tenth of a core."""


class TokenBucket:
    """Lets through ``rate`` a second, and ``burst`` at once; full at ``now``, in seconds."""

    def __init__(self, rate: float, burst: float, now: float) -> None:
        self._rate = rate
        self._burst = burst
        self._tokens = burst
        self._filled_at = now

    def take(self, now: float) -> bool:
        """Take a token if there is one."""
        self._tokens = min(self._burst, self._tokens + (now - self._filled_at) * self._rate)
        self._filled_at = now
        if self._tokens < 1:
            return False
        self._tokens -= 1
        return True


class Limits:
    """Which work is done and which is left, counted by VRF number."""

    def __init__(self) -> None:
        self._buckets: dict[tuple[int, Work], TokenBucket] = {}
        self._all: TokenBucket | None = None
        self._counts: dict[int, Counter[str]] = {}

    def allow(self, vrf_number: int, work: Work, now: float) -> bool:
        """Tell whether this work may be done now, and count it."""
        bucket = self._buckets.get((vrf_number, work))
        if bucket is None:
            bucket = TokenBucket(PER_S[work], PER_S[work], now)
            self._buckets[vrf_number, work] = bucket
        if self._all is None:
            self._all = TokenBucket(ALL_PER_S, ALL_PER_S, now)
        is_allowed = bucket.take(now) and self._all.take(now)
        counts = self._counts.setdefault(vrf_number, Counter())
        counts[work.value if is_allowed else "limited"] += 1
        return is_allowed

    def counts(self) -> Mapping[int, Mapping[str, int]]:
        """Return how many packets of each VRF were answered, fragmented and left. Any thread."""
        return {number: dict(counts) for number, counts in sorted(self._counts.copy().items())}

    def forget_others(self, vrf_numbers: frozenset[int]) -> None:
        """Forget VRFs that are gone: their numbers will be given to others."""
        self._counts = {n: counts for n, counts in self._counts.items() if n in vrf_numbers}
        self._buckets = {key: each for key, each in self._buckets.items() if key[0] in vrf_numbers}
