# SPDX-License-Identifier: Apache-2.0
"""RIB-in outlives its daemon: what is missing after a restart is late, then gone."""

from __future__ import annotations

from dataclasses import replace
from ipaddress import IPv4Address, IPv4Network

from isthmus.config.bgp import BgpConfig
from isthmus.model.ids import Label, RouteDistinguisher, RouteTarget
from isthmus.model.ip import AddressFamily
from isthmus.model.report import NeighborReport
from isthmus.model.route import VpnRoute
from isthmus.pe_agent.bgp.mapping import key_of
from isthmus.pe_agent.bgp.rib import Rib

IPV4, IPV6 = AddressFamily
FIRST, SECOND = IPv4Address("192.0.2.101"), IPv4Address("192.0.2.102")
CONFIG = BgpConfig(64500, IPv4Address("192.0.2.11"), (SECOND, FIRST))
RED = VpnRoute(
    RouteDistinguisher.parse("192.0.2.12:1"),
    IPv4Network("10.2.0.5/32"),
    IPv4Address("192.0.2.12"),
    Label(2000),
    frozenset([RouteTarget.parse("64500:100")]),
)
BLUE = replace(RED, rd=RouteDistinguisher.parse("192.0.2.12:2"))


def _running(rib: Rib, now: float = 0.0) -> None:
    """Bring a RIB to where both neighbors have sent all: RED and BLUE."""
    rib.daemon_is_up(is_fresh=True)
    rib.replay_is_over()
    rib.neighbors_are_released(now)
    for neighbor in (FIRST, SECOND):
        rib.session(neighbor, is_established=True)
        rib.learn(RED)
        rib.learn(BLUE)
        rib.end_of_rib(neighbor, IPV4, now)
    rib.settle(now)


def _restarted(rib: Rib, now: float) -> None:
    rib.daemon_is_gone(now)
    rib.daemon_is_up(is_fresh=True)
    rib.replay_is_over()
    rib.neighbors_are_released(now)


def test_a_rib_is_complete_once_every_neighbor_has_sent_its_end_of_rib() -> None:
    """RFC 4724 §2."""
    rib = Rib(CONFIG)
    rib.daemon_is_up(is_fresh=True)
    rib.replay_is_over()
    rib.neighbors_are_released(0)
    rib.end_of_rib(FIRST, IPV4, 1)
    rib.settle(1)
    assert not rib.snapshot().is_complete

    rib.end_of_rib(SECOND, IPV4, 2)
    rib.settle(2)
    assert rib.snapshot().is_complete


def test_a_neighbor_has_sent_all_once_it_has_for_every_family_it_speaks() -> None:
    """An end-of-RIB is of one family (RFC 4724 §2); one that lacks a family never ends it."""
    rib = Rib(CONFIG)
    rib.daemon_is_up(is_fresh=True)
    rib.replay_is_over()
    rib.neighbors_are_released(0)
    rib.session(FIRST, is_established=True, families=frozenset({IPV4, IPV6}))
    rib.session(SECOND, is_established=True, families=frozenset({IPV4}))
    rib.end_of_rib(FIRST, IPV4, 1)
    rib.end_of_rib(SECOND, IPV4, 1)
    rib.settle(1)
    assert not rib.snapshot().is_complete

    rib.end_of_rib(FIRST, IPV6, 2)
    rib.settle(2)
    assert rib.snapshot().is_complete


def test_nothing_is_complete_before_sessions_may_open() -> None:
    """However long the first advertisement takes."""
    rib = Rib(CONFIG)
    rib.daemon_is_up(is_fresh=True)
    rib.replay_is_over()
    rib.settle(1_000_000)

    assert not rib.snapshot().is_complete
    assert rib.next_deadline(1_000_000) is None


def test_a_neighbor_without_session_is_waited_for_only_briefly_once_another_has_sent_all() -> None:
    """One reflector of two may be down for days."""
    rib = Rib(CONFIG)
    rib.daemon_is_up(is_fresh=True)
    rib.replay_is_over()
    rib.neighbors_are_released(0)
    rib.session(FIRST, is_established=True)
    rib.end_of_rib(FIRST, IPV4, 2)

    assert rib.next_deadline(2) == 2 + CONFIG.late_neighbor_s
    rib.settle(2 + CONFIG.late_neighbor_s)
    assert rib.snapshot().is_complete


def test_a_neighbor_that_is_sending_gets_all_the_time() -> None:
    """A long table takes longer than a dead neighbor is worth waiting for."""
    rib = Rib(CONFIG)
    rib.daemon_is_up(is_fresh=True)
    rib.replay_is_over()
    rib.neighbors_are_released(0)
    rib.session(SECOND, is_established=True)
    rib.end_of_rib(FIRST, IPV4, 2)
    rib.settle(2 + CONFIG.late_neighbor_s)
    assert not rib.snapshot().is_complete

    rib.settle(CONFIG.graceful_restart_time_s)
    assert rib.snapshot().is_complete


def test_nobody_is_waited_for_longer_than_the_restart_time() -> None:
    """No neighbor at all: the PE has to go on with what it has."""
    rib = Rib(CONFIG)
    rib.daemon_is_up(is_fresh=True)
    rib.replay_is_over()
    rib.neighbors_are_released(10)

    assert rib.next_deadline(10) == 10 + CONFIG.graceful_restart_time_s
    rib.settle(10 + CONFIG.graceful_restart_time_s)
    assert rib.snapshot().is_complete


def test_a_pe_without_neighbors_has_a_complete_rib() -> None:
    """A lonely PE still joins its own VRFs."""
    rib = Rib(replace(CONFIG, neighbors=()))
    rib.daemon_is_up(is_fresh=True)
    rib.replay_is_over()
    rib.settle(0)

    assert rib.snapshot().is_complete


def test_routes_stay_while_the_daemon_restarts() -> None:
    """Forwarding needs no BGP daemon; neighbors are shown as down."""
    rib = Rib(CONFIG)
    _running(rib)
    rib.daemon_is_gone(10)
    rib.settle(10)

    assert rib.snapshot().routes == {RED, BLUE}
    assert rib.snapshot().is_complete
    assert rib.snapshot().neighbors == (
        NeighborReport(FIRST, is_established=False),
        NeighborReport(SECOND, is_established=False),
    )


def test_a_route_no_neighbor_repeats_after_a_restart_is_gone_when_all_have_sent() -> None:
    """It was withdrawn meanwhile."""
    rib = Rib(CONFIG)
    _running(rib)
    _restarted(rib, 10)
    for neighbor in (FIRST, SECOND):
        assert rib.snapshot().routes == {RED, BLUE}
        rib.learn(RED)
        rib.end_of_rib(neighbor, IPV4, 15)
    rib.settle(15)

    assert rib.snapshot().routes == {RED}


def test_a_second_crash_does_not_make_late_routes_look_withdrawn() -> None:
    """The daemon crashed again before neighbors had repeated themselves."""
    rib = Rib(CONFIG)
    _running(rib)
    _restarted(rib, 10)
    rib.daemon_is_gone(11)
    rib.daemon_is_up(is_fresh=False)
    rib.replay_is_over()
    rib.settle(11)

    assert rib.snapshot().routes == {RED, BLUE}


def test_what_a_running_daemon_does_not_have_is_withdrawn() -> None:
    """Only our connection was lost; the daemon heard everything meanwhile."""
    rib = Rib(CONFIG)
    _running(rib)
    rib.daemon_is_gone(10)
    rib.daemon_is_up(is_fresh=False)
    rib.learn(BLUE)
    rib.replay_is_over()

    assert rib.snapshot().routes == {BLUE}


def test_routes_are_gone_when_the_daemon_stays_away_longer_than_neighbors_would_wait() -> None:
    """Their labels may mean another VPN by then."""
    rib = Rib(CONFIG)
    _running(rib)
    rib.daemon_is_gone(10)
    end = rib.next_deadline(10)
    assert end == 10 + CONFIG.graceful_restart_time_s + CONFIG.long_lived_stale_time_s

    rib.settle(end - 1)
    assert rib.snapshot().routes == {RED, BLUE}
    rib.settle(end)
    assert not rib.snapshot().routes
    assert rib.next_deadline(end) is None


def test_a_route_replaces_the_one_of_the_same_key() -> None:
    """Same RD and prefix: a changed label, not a second route."""
    rib = Rib(CONFIG)
    _running(rib)
    moved = replace(RED, label=Label(2001))
    rib.learn(moved)

    assert rib.snapshot().routes == {moved, BLUE}
    rib.forget(key_of(RED))
    assert rib.snapshot().routes == {BLUE}


def test_what_is_heard_twice_changes_nothing() -> None:
    """Nobody is woken for it."""
    rib = Rib(CONFIG)
    _running(rib)
    before, snapshot = rib.revision, rib.snapshot()
    rib.learn(RED)
    rib.session(FIRST, is_established=True)
    rib.end_of_rib(FIRST, IPV4, 5)
    rib.forget(key_of(replace(RED, prefix=IPv4Network("10.9.0.0/16"))))
    rib.settle(5)

    assert rib.revision == before
    assert rib.snapshot() is snapshot
