# SPDX-License-Identifier: Apache-2.0
"""What every BgpSpeaker does, its fake included."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from ipaddress import IPv4Address, ip_network
from typing import Protocol

import pytest

from isthmus.model.errors import SpeakerRefused, SpeakerUnreachable
from isthmus.model.ids import Label, NullLabel, RouteDistinguisher, RouteTarget
from isthmus.model.route import LabelledRoute, VpnRoute
from isthmus.pe_agent.bgp.speaker import BgpSpeaker

PE, OTHER_PE = IPv4Address("192.0.2.11"), IPv4Address("192.0.2.12")
P, OTHER_P = IPv4Address("192.0.2.1"), IPv4Address("192.0.2.2")
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
RED, BLUE = RouteTarget.parse("64500:100"), RouteTarget.parse("64500:200")
IMPORTS = frozenset([RED])
LSP = LabelledRoute(OTHER_PE, P, Label(1016))
OTHER_LSP = LabelledRoute(OTHER_PE, OTHER_P, NullLabel.EXPLICIT)


class SpeakerBench(Protocol):
    """A speaker's surroundings: its daemon, a neighbor, and the router P that tells labels."""

    patience_s: float

    def new_speaker(self) -> BgpSpeaker:
        """Make a speaker, not started, over the daemon there is."""

    def heard_by_neighbor(self) -> frozenset[VpnRoute]:
        """What the neighbor has of this PE now."""

    def neighbor_sends(self, *routes: VpnRoute) -> None:
        """Let the neighbor advertise."""

    def neighbor_withdraws(self, *routes: VpnRoute) -> None:
        """Let the neighbor withdraw."""

    def asked_of_neighbor(self) -> frozenset[RouteTarget]:
        """The route targets this PE wants of the neighbor, as the neighbor has it."""

    def heard_by_p(self) -> frozenset[LabelledRoute]:
        """The labels P has of this PE now."""

    def p_tells(self, *routes: LabelledRoute) -> None:
        """Let P tell labels, all as good as each other; those told before are gone."""

    def crash_daemon(self) -> None:
        """End the daemon without a word to its neighbor."""

    def start_daemon(self) -> None:
        """Start the daemon; it knows nothing."""


class FakeDaemon(Protocol):
    """What both fake daemons have in common."""

    heard: frozenset[VpnRoute]
    asked: frozenset[RouteTarget]
    labels_heard: frozenset[LabelledRoute]

    def neighbor_sends(self, *routes: VpnRoute) -> None:
        """The neighbor advertises."""

    def neighbor_withdraws(self, *routes: VpnRoute) -> None:
        """The neighbor withdraws."""

    def p_tells(self, *routes: LabelledRoute) -> None:
        """P tells these labels and no others."""

    def crash(self) -> None:
        """End and forget everything."""

    def start(self) -> None:
        """Run, knowing nothing."""


class FakeDaemonBench:
    """A bench on a fake daemon, which plays the neighbors too."""

    def __init__(
        self, daemon: FakeDaemon, new_speaker: Callable[[], BgpSpeaker], patience_s: float
    ) -> None:
        self.new_speaker = new_speaker
        self.patience_s = patience_s
        self.neighbor_sends = daemon.neighbor_sends
        self.neighbor_withdraws = daemon.neighbor_withdraws
        self.p_tells = daemon.p_tells
        self.crash_daemon = daemon.crash
        self.start_daemon = daemon.start
        self._daemon = daemon

    def heard_by_neighbor(self) -> frozenset[VpnRoute]:
        """What the neighbor has of this PE now."""
        return self._daemon.heard

    def asked_of_neighbor(self) -> frozenset[RouteTarget]:
        """The route targets this PE wants of the neighbor."""
        return self._daemon.asked

    def heard_by_p(self) -> frozenset[LabelledRoute]:
        """The labels P has of this PE now."""
        return self._daemon.labels_heard


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

    def eventually_hears_labels(self, *routes: LabelledRoute) -> None:
        """Wait until exactly these labels are in the RIB."""
        self._wait(lambda: self.speaker.rib().labelled == frozenset(routes))

    def p_eventually_hears(self, *routes: LabelledRoute) -> None:
        """Wait until P has exactly these labels of this PE."""
        self._wait(lambda: self.bench.heard_by_p() == frozenset(routes))

    def neighbor_is_eventually_asked_for(self, *targets: RouteTarget) -> None:
        """Wait until the neighbor is asked for exactly these route targets."""
        self._wait(lambda: self.bench.asked_of_neighbor() == frozenset(targets))

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

        running.speaker.advertise(OURS, IMPORTS)
        running.neighbor_eventually_hears(OURS)
        running.eventually_hears(THEIRS)
        running.eventually_is_complete()
        assert running.speaker.rib().neighbors[0].is_established

    def test_advertising_nothing_opens_the_sessions_too(
        self, bench: SpeakerBench, running: RunningSpeaker
    ) -> None:
        """A PE without VMs still learns where the others are."""
        bench.neighbor_sends(THEIRS)
        running.speaker.advertise(EMPTY, IMPORTS)

        running.eventually_hears(THEIRS)
        assert bench.heard_by_neighbor() == EMPTY

    def test_what_is_advertised_is_all_that_neighbors_hear(
        self, bench: SpeakerBench, running: RunningSpeaker
    ) -> None:
        """The whole set, each time; telling it twice changes nothing."""
        changed = frozenset([route("10.1.0.6/32", label=1001), route("10.1.0.7/32")])
        for wanted in (OURS, OURS, changed, EMPTY, OURS):
            running.speaker.advertise(wanted, IMPORTS)
            running.neighbor_eventually_hears(wanted)

    def test_routes_come_and_go_with_the_neighbors_word(
        self, bench: SpeakerBench, running: RunningSpeaker
    ) -> None:
        """And each time somebody is told."""
        running.speaker.advertise(OURS, IMPORTS)
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
        running.speaker.advertise(OURS, IMPORTS)
        for bad in (
            replace(route("10.1.0.8/32"), next_hop=IPv4Address("0.0.0.0")),
            route("10.1.0.5/32", label=1001),
        ):
            with pytest.raises(SpeakerRefused):
                running.speaker.advertise(OURS | {bad, route("10.1.0.9/32")}, IMPORTS)

        running.neighbor_eventually_hears(OURS)

    def test_the_daemon_tells_what_it_has_to_advertise(
        self, bench: SpeakerBench, running: RunningSpeaker
    ) -> None:
        """This PE's routes, not those of others; from the daemon, not from memory."""
        bench.neighbor_sends(THEIRS)
        running.speaker.advertise(OURS, IMPORTS)
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
        running.speaker.advertise(OURS, IMPORTS)
        bench.neighbor_sends(THEIRS)
        running.neighbor_eventually_hears(OURS)
        running.eventually_hears(THEIRS)
        running.eventually_is_complete()
        more = OURS | {route("10.1.0.7/32")}

        bench.crash_daemon()
        with pytest.raises(SpeakerUnreachable):
            running.speaker.advertise(more, IMPORTS)
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
        running.speaker.advertise(OURS, IMPORTS)
        running.neighbor_eventually_hears(OURS)
        running.eventually_is_complete()
        running.speaker.stop()

        successor = RunningSpeaker(bench)
        successor.eventually_hears(THEIRS)
        successor.eventually_is_complete()
        assert bench.heard_by_neighbor() == OURS
        kept = frozenset([route("10.1.0.5/32")])
        successor.speaker.advertise(kept, IMPORTS)
        successor.neighbor_eventually_hears(kept)
        successor.speaker.stop()

    def test_labels_come_and_go_with_the_word_of_p(
        self, bench: SpeakerBench, running: RunningSpeaker
    ) -> None:
        """All that are equally good, with implicit and explicit null (RFC 8277, RFC 3032 §2.1)."""
        adjacent = LabelledRoute(OTHER_P, OTHER_P, NullLabel.IMPLICIT)
        bench.p_tells(LSP, OTHER_LSP)
        running.speaker.advertise(OURS, IMPORTS)
        running.eventually_hears_labels(LSP, OTHER_LSP)
        running.eventually_is_complete()
        relabelled = replace(LSP, label=Label(1017))
        while running.changes.acquire(blocking=False):
            pass

        bench.p_tells(relabelled, OTHER_LSP, adjacent)
        running.eventually_hears_labels(relabelled, OTHER_LSP, adjacent)
        assert running.changes.acquire(timeout=bench.patience_s)
        bench.p_tells(OTHER_LSP)
        running.eventually_hears_labels(OTHER_LSP)
        bench.p_tells()
        running.eventually_hears_labels()

    def test_p_hears_how_this_pe_is_reached(self, running: RunningSpeaker) -> None:
        """By popping the label (implicit null), unasked, from the first advertisement on."""
        assert running.bench.heard_by_p() == frozenset()
        running.speaker.advertise(EMPTY, IMPORTS)
        running.p_eventually_hears(LabelledRoute(PE, PE, NullLabel.IMPLICIT))

    def test_a_crash_of_the_daemon_loses_no_label(
        self, bench: SpeakerBench, running: RunningSpeaker
    ) -> None:
        """They lead on while it is away; what P changed meanwhile is heard when it is back."""
        bench.p_tells(LSP)
        running.speaker.advertise(OURS, IMPORTS)
        running.eventually_hears_labels(LSP)
        running.eventually_is_complete()

        bench.crash_daemon()
        assert running.speaker.rib().labelled == {LSP}
        bench.p_tells(OTHER_LSP)
        bench.start_daemon()
        assert running.speaker.rib().labelled
        running.eventually_hears_labels(OTHER_LSP)
        running.p_eventually_hears(LabelledRoute(PE, PE, NullLabel.IMPLICIT))

    def test_neighbors_are_asked_for_what_is_imported(
        self, bench: SpeakerBench, running: RunningSpeaker
    ) -> None:
        """RFC 4684; a successor asks for what it wants, whatever was asked for before."""
        running.speaker.advertise(OURS, frozenset([RED]))
        running.neighbor_is_eventually_asked_for(RED)
        running.speaker.advertise(OURS, frozenset([RED, BLUE]))
        running.neighbor_is_eventually_asked_for(RED, BLUE)
        running.speaker.stop()

        successor = RunningSpeaker(bench)
        assert bench.asked_of_neighbor() == {RED, BLUE}
        successor.speaker.advertise(OURS, frozenset([BLUE]))
        successor.neighbor_is_eventually_asked_for(BLUE)
        successor.speaker.stop()
