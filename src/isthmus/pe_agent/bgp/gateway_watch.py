# SPDX-License-Identifier: Apache-2.0
"""Which other gateways of the region are heard, and since when one can rely on that.

No thread, no clock: every time is an argument, in seconds of one monotonic clock.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator
from ipaddress import IPv4Address

from isthmus.model.gateways import GatewayView

# A session opens within two seconds of both ends' start. gobgpd 4.8 ends the first session with one
# whose connection ended before BFD missed it, at once; the next one opens seven seconds later.
_PATIENCE_S = 15.0
_PROBATION_S = 0.5


class GatewayWatch:
    """What a PE sees of the other gateways, as sessions and its core link come and go.

    Args:
        gateways: the others.
    """

    def __init__(self, gateways: Collection[IPv4Address]) -> None:
        self._gateways = frozenset(gateways)
        self._alive: set[IPv4Address] = set()
        self._on_probation: dict[IPv4Address, float] = {}
        self._awaited = self._expected = self._gateways
        self._is_gone = False
        self._is_known = not self._gateways
        self._released_at: float | None = None
        self._is_replaying = False
        self._has_core_link = True

    @property
    def is_waiting(self) -> bool:
        """Whether `settle` may find something to do."""
        return bool(self._on_probation) or not self._is_known

    def daemon_is_up(self, *, is_fresh: bool) -> None:
        """Begin a life of the daemon, or another look at one that ran already."""
        self._hear_nobody()
        self._is_gone = False
        self._is_replaying = True
        self._released_at = None
        if is_fresh:
            self._wait_for(self._expected)

    def daemon_is_gone(self) -> None:
        """No session is known to be up; those alive until now are expected by the next daemon."""
        if not self._is_gone:
            self._is_gone = True
            self._expected = frozenset(self._alive) if self._is_known else self._awaited
        self._hear_nobody()

    def replay_is_over(self, *, knows: bool) -> None:
        """The sessions that the daemon had are known.

        Args:
            knows: it ran already, and had its sessions with the others.
        """
        self._is_replaying = False
        self._is_known = self._is_known or knows

    def released(self, now: float) -> None:
        """Sessions with the others may come up from now on: this PE is ready to serve."""
        if self._released_at is None:
            self._released_at = now

    def core_link(self, *, is_up: bool, now: float) -> bool:
        """The link to the core came or went; return whether that is news.

        Without it nobody is heard, whatever sessions have not noticed yet. When it is back, those
        that were alive are waited for: one of them serves meanwhile.
        """
        if is_up == self._has_core_link:
            return False
        self._has_core_link = is_up
        if not is_up:
            self._wait_for(frozenset(self._alive))
        elif self._released_at is not None:
            self._released_at = now
        return True

    def session(self, neighbor: IPv4Address, *, is_established: bool, now: float) -> None:
        """A neighbor's session came up or went down.

        It counts once it has been up for a moment, unless it was up before anybody looked.
        """
        self._on_probation.pop(neighbor, None)
        self._alive.discard(neighbor)
        if is_established and neighbor in self._gateways:
            if self._is_replaying:
                self._alive.add(neighbor)
            else:
                self._on_probation[neighbor] = now

    def settle(self, now: float) -> bool:
        """Count who has been there for a moment, give up who is late; return whether any is."""
        proven = [one for one, since in self._on_probation.items() if now >= since + _PROBATION_S]
        for gateway in proven:
            del self._on_probation[gateway]
            self._alive.add(gateway)
        is_known_now = not self._is_known and self._have_had_time(now)
        self._is_known = self._is_known or is_known_now
        return bool(proven) or is_known_now

    def deadlines(self) -> Iterator[float]:
        """When `settle` may find something to do without an event."""
        for since in self._on_probation.values():
            yield since + _PROBATION_S
        if self._released_at is not None and not self._is_known:
            yield self._released_at + _PATIENCE_S

    def view(self, *, is_any_neighbor_heard: bool) -> GatewayView:
        """Return what is seen."""
        return GatewayView(
            alive=frozenset(self._alive),
            is_settled=self._is_known and not (self._gateways and self._is_replaying),
            is_cut_off=not (self._has_core_link and is_any_neighbor_heard),
        )

    def _hear_nobody(self) -> None:
        self._alive.clear()
        self._on_probation.clear()

    def _wait_for(self, awaited: frozenset[IPv4Address]) -> None:
        self._is_known = not awaited
        self._awaited = awaited

    def _have_had_time(self, now: float) -> bool:
        if self._released_at is None or not self._has_core_link:
            return False
        return now >= self._released_at + _PATIENCE_S or self._alive.issuperset(self._awaited)
