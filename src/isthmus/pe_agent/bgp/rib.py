# SPDX-License-Identifier: Apache-2.0
"""RIB-in as a value that outlives the daemon: what neighbors told, what may be stale, what is late.

No thread, no clock: every time is an argument, in seconds of one monotonic clock.
"""

from __future__ import annotations

from collections.abc import Iterator
from ipaddress import IPv4Address

from isthmus.config.bgp import BgpConfig
from isthmus.model.ip import AddressFamily
from isthmus.model.report import NeighborReport
from isthmus.model.route import LabelledRoute, VpnRoute
from isthmus.pe_agent.bgp.gateway_watch import GatewayWatch
from isthmus.pe_agent.bgp.mapping import Labelled, RouteKey, SpokenFamily, key_of
from isthmus.pe_agent.bgp.speaker import RibIn


class Rib:
    """Best paths by route key, with those a restarted daemon has not confirmed yet.

    One life of the daemon is: `daemon_is_up`, the replay of what it knows, `replay_is_over`,
    `neighbors_are_released` (perhaps earlier), `gateways_are_released`, events, `daemon_is_gone`.
    """

    def __init__(self, config: BgpConfig) -> None:
        self._config = config
        self._routes: dict[RouteKey, VpnRoute] = {}
        self._values: set[VpnRoute] = set()
        self._stale: set[RouteKey] = set()
        self._is_converging = False
        self._is_complete = False
        self._established: set[IPv4Address] = set()
        self._families: dict[IPv4Address, frozenset[SpokenFamily]] = {}
        self._constraining: set[IPv4Address] = set()
        self._ends_of_rib: dict[tuple[IPv4Address, SpokenFamily], float] = {}
        self._labelled: frozenset[LabelledRoute] = frozenset()
        self._stale_labelled: frozenset[LabelledRoute] = frozenset()
        self._heard = 0
        self._heard_before = 0
        self._quiet_since = float("-inf")
        self._released_at: float | None = None
        self._gone_at: float | None = None
        self._gateways = GatewayWatch(config.gateway_neighbors)
        self._is_fresh = True
        self._snapshot: RibIn | None = None
        self._revision = 0

    @property
    def revision(self) -> int:
        """Differs whenever `snapshot` does."""
        return self._revision

    @property
    def is_waiting(self) -> bool:
        """Whether `settle` may find something to do: somebody is late."""
        return (
            self._gone_at is not None
            or self._is_converging
            or not self._is_complete
            or self._gateways.is_waiting
        )

    def daemon_is_up(self, *, is_fresh: bool) -> None:
        """Begin a life of the daemon; all routes are stale until heard again.

        Args:
            is_fresh: the daemon knows nothing: what it lacks is not withdrawn but late.
        """
        self._stale = set(self._routes)
        self._stale_labelled = self._all_labelled()
        self._labelled = frozenset()
        self._ends_of_rib.clear()
        self._established.clear()
        self._gateways.daemon_is_up(is_fresh=is_fresh)
        self._released_at = None
        self._gone_at = None
        self._is_converging = self._is_converging or is_fresh
        self._is_fresh = is_fresh
        self._has_changed()

    def replay_is_over(self, *, has_met_gateways: bool = True) -> None:
        """All that the daemon knew has been heard.

        Args:
            has_met_gateways: a daemon that ran already had its sessions with them.
        """
        self._gateways.replay_is_over(knows=has_met_gateways and not self._is_fresh)
        self._has_changed()
        if not self._is_converging:
            self._drop_stale()

    def daemon_is_gone(self, now: float) -> None:
        """Keep the routes for now; no session is known to be up."""
        if self._gone_at is None:
            self._gone_at = now
        self._established.clear()
        self._gateways.daemon_is_gone()
        self._has_changed()

    def neighbors_are_released(self, now: float) -> None:
        """Sessions may come up from now on."""
        if self._released_at is None:
            self._released_at = now

    def gateways_are_released(self, now: float) -> None:
        """Sessions with other gateways may come up from now on: this PE is ready to serve."""
        self._gateways.released(now)

    def core_link(self, *, is_up: bool, now: float) -> None:
        """The link to the core came or went; sessions over it have not noticed yet."""
        if self._gateways.core_link(is_up=is_up, now=now):
            self._has_changed()

    def learn(self, route: VpnRoute) -> None:
        """A neighbor's path became best, or is heard again."""
        key = key_of(route)
        self._heard += 1
        self._stale.discard(key)
        old = self._routes.get(key)
        if old == route:
            return
        if old is not None:
            self._values.discard(old)
        self._routes[key] = route
        self._values.add(route)
        self._has_changed()

    def forget(self, key: RouteKey) -> None:
        """No neighbor's usable path is best any more."""
        self._stale.discard(key)
        old = self._routes.pop(key, None)
        if old is not None:
            self._values.discard(old)
            self._has_changed()

    def hear_labelled(self, routes: frozenset[LabelledRoute]) -> None:
        """``routes`` are all that neighbors tell of labels."""
        if routes != self._labelled:
            self._labelled = routes
            self._has_changed()

    def session(
        self,
        neighbor: IPv4Address,
        *,
        is_established: bool,
        families: frozenset[SpokenFamily] | None = None,
        constrains: bool = False,
        now: float = 0.0,
    ) -> None:
        """A neighbor's session came up or went down.

        Args:
            neighbor: whose session.
            is_established: it is up.
            families: those the session carries; None if that is not known.
            constrains: the neighbor waits to be asked for route targets.
            now: the time.
        """
        if families is not None:
            self._families[neighbor] = families
            (self._constraining.add if constrains else self._constraining.discard)(neighbor)
        if is_established == (neighbor in self._established):
            return
        if is_established:
            self._established.add(neighbor)
        else:
            self._established.discard(neighbor)
        self._gateways.session(neighbor, is_established=is_established, now=now)
        self._has_changed()

    def end_of_rib(self, neighbor: IPv4Address, family: SpokenFamily, now: float) -> None:
        """A neighbor has sent all its routes of a family once (RFC 4724 §2)."""
        self._ends_of_rib.setdefault((neighbor, family), now)

    def settle(self, now: float) -> None:
        """Give up what is late: what is still stale is gone once nobody is to be waited for."""
        if self._heard != self._heard_before:
            self._heard_before, self._quiet_since = self._heard, now
        if self._gone_at is not None:
            if now >= self._end_of_stale_time():
                # By now a neighbor may have given a label to another VPN (RFC 9494 §4.3).
                for key in tuple(self._routes):
                    self.forget(key)
                self._stale_labelled = frozenset()
                self.hear_labelled(frozenset())
            return
        if self._gateways.settle(now):
            self._has_changed()
        if any(self._is_awaited(neighbor, now) for neighbor in self._config.all_neighbors):
            return
        if self._is_converging:
            self._is_converging = False
            self._drop_stale()
        if not self._is_complete:
            self._is_complete = True
            self._has_changed()

    def next_deadline(self, now: float) -> float | None:
        """When `settle` may next find something to do without an event."""
        if self._gone_at is not None:
            is_kept = self._routes or self._all_labelled()
            times: tuple[float, ...] = (self._end_of_stale_time(),) if is_kept else ()
        else:
            times = tuple(self._deadlines()) if self.is_waiting else ()
        return min((time for time in times if now < time < float("inf")), default=None)

    def snapshot(self) -> RibIn:
        """Return all of it as a value; the same object until something changes."""
        if self._snapshot is None:
            self._snapshot = RibIn(
                routes=frozenset(self._values),
                is_complete=self._is_complete,
                neighbors=tuple(
                    NeighborReport(address, address in self._established)
                    for address in self._config.all_neighbors
                ),
                labelled=self._all_labelled(),
                gateways=self._gateways.view(is_any_neighbor_heard=bool(self._established)),
            )
        return self._snapshot

    def _all_labelled(self) -> frozenset[LabelledRoute]:
        """Return what is told of labels, and what was of PEs of which nothing is told yet."""
        if not self._stale_labelled:
            return self._labelled
        told = {route.pe for route in self._labelled}
        return self._labelled.union(one for one in self._stale_labelled if one.pe not in told)

    def _is_awaited(self, neighbor: IPv4Address, now: float) -> bool:
        patience, late = self._patience(neighbor)
        sent_at = self._has_sent_all_at(neighbor)
        if sent_at is not None:
            return neighbor in self._constraining and now < min(self._quiet_at(sent_at), patience)
        # One that is sending gets all the time; one without session only until it is surely late,
        # for then the others are there to tell.
        return now < (patience if neighbor in self._established else min(patience, late))

    def _has_sent_all_at(self, neighbor: IPv4Address) -> float | None:
        """When a neighbor had sent all routes of all families it speaks; None if it has not."""
        least: SpokenFamily = AddressFamily.IPV4
        if neighbor in self._config.labelled_neighbors:
            least = Labelled.IPV4
        families = self._families.get(neighbor) or {least}
        ends = [self._ends_of_rib.get((neighbor, family)) for family in families]
        return None if None in ends else max(end for end in ends if end is not None)

    def _quiet_at(self, sent_at: float) -> float:
        return max(sent_at, self._quiet_since) + self._config.quiet_s

    def _patience(self, neighbor: IPv4Address) -> tuple[float, float]:
        """Until when to wait for a neighbor with a session, and for one without."""
        if self._released_at is None:
            return (float("inf"), float("inf"))
        config = self._config
        is_labelled = neighbor in config.labelled_neighbors
        # A reflector does not tell what a P router does.
        alike = config.labelled_neighbors if is_labelled else config.neighbors
        ends = map(self._has_sent_all_at, alike)
        first = min((end for end in ends if end is not None), default=float("inf"))
        return (self._released_at + config.graceful_restart_time_s, first + config.late_neighbor_s)

    def _deadlines(self) -> Iterator[float]:
        yield from self._gateways.deadlines()
        for neighbor in self._config.all_neighbors:
            yield from self._patience(neighbor)
            sent_at = self._has_sent_all_at(neighbor)
            if sent_at is not None and neighbor in self._constraining:
                yield self._quiet_at(sent_at)

    def _end_of_stale_time(self) -> float:
        assert self._gone_at is not None  # noqa: S101 -- for the type checker
        config = self._config
        return self._gone_at + config.graceful_restart_time_s + config.long_lived_stale_time_s

    def _drop_stale(self) -> None:
        for key in tuple(self._stale):
            self.forget(key)
        if self._stale_labelled:
            self._stale_labelled = frozenset()
            self._has_changed()

    def _has_changed(self) -> None:
        self._snapshot = None
        self._revision += 1
