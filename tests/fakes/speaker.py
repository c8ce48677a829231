# SPDX-License-Identifier: Apache-2.0
"""A BGP speaker with memory, and a daemon behind it that crashes when told to.

The daemon outlives its speakers, as gobgpd outlives the agent; one neighbor stands for all.
"""

from __future__ import annotations

from collections.abc import Callable
from ipaddress import IPv4Address

from isthmus.model.errors import EdgeError, InvalidValue, SpeakerRefused, SpeakerUnreachable
from isthmus.model.ids import NullLabel, RouteTarget
from isthmus.model.report import NeighborReport
from isthmus.model.route import LabelledRoute, VpnRoute
from isthmus.pe_agent.bgp.speaker import RibIn
from isthmus.pe_agent.bgp.validate import check_routes

NEIGHBOR = IPv4Address("192.0.2.101")
PE = IPv4Address("192.0.2.11")


class FakeBgpDaemon:
    """What a daemon and its neighbor know.

    Attributes:
        own: what the daemon has been told to advertise.
        heard: what the neighbor has; survives a crash, for the neighbor waits (RFC 4724).
        asked: route targets the neighbor is asked for; it survives likewise.
        labels_heard: what the P router has of this PE; likewise.
        is_running: answers its API.
    """

    def __init__(self, neighbor: IPv4Address = NEIGHBOR, address: IPv4Address = PE) -> None:
        self.neighbor = neighbor
        self._address = address
        self.asked: frozenset[RouteTarget] = frozenset()
        self.labels_heard: frozenset[LabelledRoute] = frozenset()
        self._told_by_p: frozenset[LabelledRoute] = frozenset()
        self._labels: frozenset[LabelledRoute] = frozenset()
        self.own: frozenset[VpnRoute] = frozenset()
        self.heard: frozenset[VpnRoute] = frozenset()
        self.is_running = True
        self.listeners: list[Callable[[], None]] = []
        self._sent_by_neighbor: dict[object, VpnRoute] = {}
        self._learnt: frozenset[VpnRoute] = frozenset()
        self._is_neighbor_up = True
        self._is_released = False
        self._has_end_of_rib = False
        self._is_sending = False
        self._imports: frozenset[RouteTarget] = frozenset()

    @property
    def rib(self) -> RibIn:
        """What a speaker of this daemon shows, whether it runs or not."""
        is_up = self.is_running and self._is_released and self._is_neighbor_up
        reports = (NeighborReport(self.neighbor, is_established=is_up),)
        return RibIn(self._learnt, self._has_end_of_rib, reports, self._labels)

    def tell(self, routes: frozenset[VpnRoute], imports: frozenset[RouteTarget]) -> None:
        """Take all routes, then let the neighbor's session open."""
        self.own = routes
        self._imports = imports
        self._is_released = True
        self._exchange()

    def crash(self) -> None:
        """End and forget everything; the neighbor keeps what it heard."""
        self.is_running = self._is_released = False
        self.own = frozenset()
        self._changed()

    def start(self) -> None:
        """Run again, knowing nothing until a speaker repeats itself."""
        self.is_running = True
        self._changed()

    def neighbor_sends(self, *routes: VpnRoute) -> None:
        """The neighbor advertises; a route of the same RD and prefix is replaced."""
        self._is_sending = False
        self._sent_by_neighbor |= {(route.rd, route.prefix): route for route in routes}
        self._exchange()

    def neighbor_sends_some(self, *routes: VpnRoute) -> None:
        """The neighbor advertises, as one that has come up and has more to send."""
        self._is_sending = True
        self._sent_by_neighbor |= {(route.rd, route.prefix): route for route in routes}
        self._exchange()

    def neighbor_withdraws(self, *routes: VpnRoute) -> None:
        """The neighbor withdraws."""
        for route in routes:
            del self._sent_by_neighbor[(route.rd, route.prefix)]
        self._exchange()

    def p_tells(self, *routes: LabelledRoute) -> None:
        """The P router tells these labels and no others."""
        self._told_by_p = frozenset(routes)
        self._exchange()

    def neighbor_goes_down(self) -> None:
        """The session is lost; routes stay on both sides (RFC 4724 §4.2)."""
        self._is_neighbor_up = False
        self._changed()

    def neighbor_comes_up(self) -> None:
        """The session is back; both sides repeat all they have."""
        self._is_neighbor_up = True
        self._exchange()

    def _exchange(self) -> None:
        if self.is_running and self._is_released and self._is_neighbor_up:
            self.heard = self.own
            self.asked = self._imports
            self.labels_heard = frozenset(
                [LabelledRoute(self._address, self._address, NullLabel.IMPLICIT)]
            )
            self._labels = self._told_by_p
            self._learnt = frozenset(self._sent_by_neighbor.values())
            self._has_end_of_rib = not self._is_sending
        self._changed()

    def _changed(self) -> None:
        for listener in tuple(self.listeners):
            listener()


class FakeSpeaker:
    """BgpSpeaker over a `FakeBgpDaemon`; ``on_change`` is called at once, in the caller's thread.

    Attributes:
        daemon: what it speaks through; may be shared by a speaker that comes after this one.
        fail_next_advertise: raised by the next `advertise` that is otherwise acceptable, once.
        advertised: every set of routes that was accepted, in order.
        meetings: how often it was told that this PE is ready to serve.
        has_core_link: what it was told last.
    """

    def __init__(self, daemon: FakeBgpDaemon | None = None) -> None:
        self.daemon = daemon or FakeBgpDaemon()
        self.fail_next_advertise: EdgeError | None = None
        self.advertised: list[frozenset[VpnRoute]] = []
        self.meetings = 0
        self.has_core_link = True
        self._wanted: frozenset[VpnRoute] | None = None
        self._imports: frozenset[RouteTarget] = frozenset()
        self._on_change: Callable[[], None] = lambda: None

    def start(self, on_change: Callable[[], None]) -> None:
        """Connect and keep connected."""
        self._on_change = on_change
        self.daemon.listeners.append(self._daemon_changed)

    def stop(self) -> None:
        """Disconnect; the daemon and its sessions go on."""
        if self._daemon_changed in self.daemon.listeners:
            self.daemon.listeners.remove(self._daemon_changed)

    def rib(self) -> RibIn:
        """Return the last known RIB-in."""
        return self.daemon.rib

    def read_advertised(self) -> frozenset[VpnRoute]:
        """Ask the daemon what it has of this PE to advertise."""
        if not self.daemon.is_running:
            raise SpeakerUnreachable("The daemon is away.")
        return self.daemon.own

    def advertise(
        self, routes: frozenset[VpnRoute], imports: frozenset[RouteTarget] = frozenset()
    ) -> None:
        """Make ``routes`` all that neighbors hear from this PE; ask for those of ``imports``."""
        try:
            check_routes(routes)
        except InvalidValue as error:
            raise SpeakerRefused(error.for_operator) from None
        if len({(route.rd, route.prefix) for route in routes}) < len(routes):
            raise SpeakerRefused("Two routes to advertise share route distinguisher and prefix.")
        error_to_raise, self.fail_next_advertise = self.fail_next_advertise, None
        if isinstance(error_to_raise, SpeakerRefused):
            raise error_to_raise
        self._wanted, self._imports = routes, imports
        if error_to_raise is not None:
            raise error_to_raise
        if not self.daemon.is_running:
            raise SpeakerUnreachable("The daemon is away.")
        self.advertised.append(routes)
        self.daemon.tell(routes, imports)

    def meet_gateways(self) -> None:
        """Let other gateways hear this PE."""
        self.meetings += 1

    def core_link(self, *, is_up: bool) -> None:
        """Note whether the link to the core is up."""
        self.has_core_link = is_up

    def _daemon_changed(self) -> None:
        if self.daemon.is_running and self._wanted is not None and self.daemon.own != self._wanted:
            self.daemon.tell(self._wanted, self._imports)
            return
        self._on_change()
