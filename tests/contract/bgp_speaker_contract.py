# SPDX-License-Identifier: Apache-2.0
"""What every BgpSpeaker does, its fake included."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from dataclasses import replace
from ipaddress import IPv4Address, ip_network
from typing import Protocol

import pytest

from isthmus.model.errors import SpeakerRefused, SpeakerUnreachable
from isthmus.model.ids import Label, RouteDistinguisher, RouteTarget
from isthmus.model.route import VpnRoute
from isthmus.pe_agent.bgp.speaker import BgpSpeaker

PE, OTHER_PE = IPv4Address("192.0.2.11"), IPv4Address("192.0.2.12")
EMPTY: frozenset[VpnRoute] = frozenset()


def route(prefix: str, *, pe: IPv4Address = PE, label: int = 1000) -> VpnRoute:
    """A route of a PE's first VRF."""
    return VpnRoute(
        rd=RouteDistinguisher.parse(f"{pe}:1"),
        prefix=ip_network(prefix),
        next_hop=pe,
        label=Label(label),
        route_targets=frozenset([RouteTarget.parse("64500:100")]),
    )


OURS = frozenset([route("10.1.0.5/32"), route("2001:db8:1::5/128", label=1001)])
THEIRS = route("10.2.0.5/32", pe=OTHER_PE, label=2000)


class SpeakerBench(Protocol):
    """A speaker's surroundings: its daemon and one neighbor."""

    patience_s: float

    def new_speaker(self) -> BgpSpeaker:
        """Make a speaker, not started, over the daemon there is."""

    def heard_by_neighbor(self) -> frozenset[VpnRoute]:
        """What the neighbor has of this PE now."""

    def neighbor_sends(self, *routes: VpnRoute) -> None:
        """Let the neighbor advertise."""

    def neighbor_withdraws(self, *routes: VpnRoute) -> None:
        """Let the neighbor withdraw."""

    def crash_daemon(self) -> None:
        """End the daemon without a word to its neighbor."""

    def start_daemon(self) -> None:
        """Start the daemon; it knows nothing."""


class RunningSpeaker:
    """A started speaker and how often it said that something changed."""

    def __init__(self, bench: SpeakerBench) -> None:
        self.bench = bench
        self.speaker = bench.new_speaker()
        self.changes = threading.Semaphore(0)
        self.speaker.start(self.changes.release)

    def eventually_hears(self, *routes: VpnRoute) -> None:
        """Wait until exactly ``routes`` are in the RIB."""
        self._wait(lambda: self.speaker.rib().routes == frozenset(routes))

    def eventually_is_complete(self) -> None:
        """Wait until the RIB is complete."""
        self._wait(lambda: self.speaker.rib().is_complete)

    def neighbor_eventually_hears(self, routes: frozenset[VpnRoute]) -> None:
        """Wait until the neighbor has exactly ``routes``."""
        self._wait(lambda: self.bench.heard_by_neighbor() == routes)

    def _wait(self, is_it: object) -> None:
        assert callable(is_it)
        deadline = time.monotonic() + self.bench.patience_s
        while not is_it():
            assert time.monotonic() < deadline, (
                self.speaker.rib(),
                self.bench.heard_by_neighbor(),
            )
            time.sleep(0.01)


class BgpSpeakerContract:
    """Subclass with a fixture ``bench``."""

    @pytest.fixture
    def running(self, bench: SpeakerBench) -> Iterator[RunningSpeaker]:
        """A speaker that has been started and told nothing yet."""
        running = RunningSpeaker(bench)
        yield running
        running.speaker.stop()

    def test_the_first_advertisement_opens_the_sessions(
        self, bench: SpeakerBench, running: RunningSpeaker
    ) -> None:
        """Before it, an end-of-RIB would withdraw what is not compiled yet (RFC 4724 §4.1)."""
        bench.neighbor_sends(THEIRS)
        assert not running.speaker.rib().neighbors[0].is_established
        assert not running.speaker.rib().is_complete
        assert not running.speaker.rib().routes

        running.speaker.advertise(OURS)
        running.neighbor_eventually_hears(OURS)
        running.eventually_hears(THEIRS)
        running.eventually_is_complete()
        assert running.speaker.rib().neighbors[0].is_established

    def test_advertising_nothing_opens_the_sessions_too(
        self, bench: SpeakerBench, running: RunningSpeaker
    ) -> None:
        """A PE without VMs still learns where the others are."""
        bench.neighbor_sends(THEIRS)
        running.speaker.advertise(EMPTY)

        running.eventually_hears(THEIRS)
        assert bench.heard_by_neighbor() == EMPTY

    def test_what_is_advertised_is_all_that_neighbors_hear(
        self, bench: SpeakerBench, running: RunningSpeaker
    ) -> None:
        """The whole set, each time; telling it twice changes nothing."""
        changed = frozenset([route("10.1.0.6/32", label=1001), route("10.1.0.7/32")])
        for wanted in (OURS, OURS, changed, EMPTY, OURS):
            running.speaker.advertise(wanted)
            running.neighbor_eventually_hears(wanted)

    def test_routes_come_and_go_with_the_neighbors_word(
        self, bench: SpeakerBench, running: RunningSpeaker
    ) -> None:
        """And each time somebody is told."""
        running.speaker.advertise(OURS)
        bench.neighbor_sends(THEIRS)
        running.eventually_hears(THEIRS)
        other = route("10.2.0.6/32", pe=OTHER_PE)
        relabelled = replace(THEIRS, label=Label(2001))
        while running.changes.acquire(blocking=False):
            pass

        bench.neighbor_sends(relabelled, other)
        running.eventually_hears(relabelled, other)
        assert running.changes.acquire(timeout=bench.patience_s)
        bench.neighbor_withdraws(relabelled)
        running.eventually_hears(other)

    def test_a_route_that_may_not_be_sent_changes_nothing(
        self, bench: SpeakerBench, running: RunningSpeaker
    ) -> None:
        """Nor do two of one prefix and RD, of which one would win by chance."""
        running.speaker.advertise(OURS)
        for bad in (
            replace(route("10.1.0.8/32"), next_hop=IPv4Address("0.0.0.0")),
            route("10.1.0.5/32", label=1001),
        ):
            with pytest.raises(SpeakerRefused):
                running.speaker.advertise(OURS | {bad, route("10.1.0.9/32")})

        running.neighbor_eventually_hears(OURS)

    def test_the_daemon_tells_what_it_has_to_advertise(
        self, bench: SpeakerBench, running: RunningSpeaker
    ) -> None:
        """This PE's routes, not those of others; from the daemon, not from memory."""
        bench.neighbor_sends(THEIRS)
        running.speaker.advertise(OURS)
        running.eventually_hears(THEIRS)
        assert running.speaker.read_advertised() == OURS
        bench.crash_daemon()
        with pytest.raises(SpeakerUnreachable):
            running.speaker.read_advertised()
        bench.start_daemon()
        running.neighbor_eventually_hears(OURS)

    def test_a_crash_of_the_daemon_loses_nothing(
        self, bench: SpeakerBench, running: RunningSpeaker
    ) -> None:
        """RIB-in stays, what is asked meanwhile is remembered, the neighbor never notices."""
        running.speaker.advertise(OURS)
        bench.neighbor_sends(THEIRS)
        running.neighbor_eventually_hears(OURS)
        running.eventually_hears(THEIRS)
        running.eventually_is_complete()
        more = OURS | {route("10.1.0.7/32")}

        bench.crash_daemon()
        with pytest.raises(SpeakerUnreachable):
            running.speaker.advertise(more)
        assert running.speaker.rib().routes == {THEIRS}
        assert bench.heard_by_neighbor() >= OURS

        bench.start_daemon()
        running.neighbor_eventually_hears(more)
        assert running.speaker.rib().routes == {THEIRS}
        assert running.speaker.rib().is_complete

    def test_a_speaker_that_stops_withdraws_nothing(
        self, bench: SpeakerBench, running: RunningSpeaker
    ) -> None:
        """Its successor withdraws what it does not want, and nothing before it has spoken."""
        bench.neighbor_sends(THEIRS)
        running.speaker.advertise(OURS)
        running.neighbor_eventually_hears(OURS)
        running.eventually_is_complete()
        running.speaker.stop()

        successor = RunningSpeaker(bench)
        successor.eventually_hears(THEIRS)
        successor.eventually_is_complete()
        assert bench.heard_by_neighbor() == OURS
        kept = frozenset([route("10.1.0.5/32")])
        successor.speaker.advertise(kept)
        successor.neighbor_eventually_hears(kept)
        successor.speaker.stop()
