# SPDX-License-Identifier: Apache-2.0
"""What a PE makes of the sessions with the other gateways of its region."""

from __future__ import annotations

from ipaddress import IPv4Address

import pytest

from isthmus.config.bgp import BgpConfig
from isthmus.model.gateways import GatewayView
from isthmus.model.ip import AddressFamily
from isthmus.pe_agent.bgp.rib import Rib

REFLECTOR, GATEWAY = IPv4Address("192.0.2.101"), IPv4Address("192.0.2.12")
CONFIG = BgpConfig(64500, IPv4Address("192.0.2.11"), (REFLECTOR,), gateway_neighbors=(GATEWAY,))


@pytest.fixture
def rib() -> Rib:
    """Of a daemon that knows nothing yet, with sessions of every kind opening at 0."""
    rib = Rib(CONFIG)
    rib.daemon_is_up(is_fresh=True)
    rib.replay_is_over()
    rib.neighbors_are_released(0)
    rib.gateways_are_released(0)
    return rib


def test_a_gateway_is_alive_while_its_session_is_up(rib: Rib) -> None:
    """BFD ends the session when the gateway is silent for 0.3 s."""
    rib.session(GATEWAY, is_established=True, now=1)
    rib.settle(1.5)
    assert rib.snapshot().gateways.alive == {GATEWAY}
    rib.session(GATEWAY, is_established=False, now=2)
    assert not rib.snapshot().gateways.alive


def test_a_gateway_whose_session_ends_at_once_was_not_there(rib: Rib) -> None:
    """One that handed over to it would have to take over again."""
    rib.session(GATEWAY, is_established=True, now=1)
    assert rib.next_deadline(1) == 1.5
    rib.settle(1.4)
    assert not rib.snapshot().gateways.alive
    rib.session(GATEWAY, is_established=False, now=1.4)
    rib.settle(2)
    assert not rib.snapshot().gateways.alive
    assert not rib.snapshot().gateways.is_settled


def test_a_gateway_comes_back_though_nothing_else_is_waited_for(rib: Rib) -> None:
    """A RIB that is at rest wakes up for it."""
    rib.session(REFLECTOR, is_established=True)
    rib.end_of_rib(REFLECTOR, AddressFamily.IPV4, 1)
    rib.settle(200)
    assert not rib.is_waiting
    rib.session(GATEWAY, is_established=True, now=300)
    assert rib.is_waiting
    assert rib.next_deadline(300) == 300.5


def test_gateways_are_known_once_all_are_there_or_late(rib: Rib) -> None:
    """Until then this one may be taking another's place."""
    rib.settle(1)
    assert not rib.snapshot().gateways.is_settled
    assert rib.next_deadline(1) == 15
    rib.settle(15)
    assert rib.snapshot().gateways.is_settled


def test_gateways_are_known_at_once_when_all_are_there(rib: Rib) -> None:
    """Nobody has to be waited for."""
    rib.session(GATEWAY, is_established=True)
    rib.settle(1)
    assert rib.snapshot().gateways == GatewayView(frozenset({GATEWAY}))


def test_an_agent_that_finds_a_running_daemon_knows_at_once() -> None:
    """The daemon has had its sessions all the while."""
    rib = Rib(CONFIG)
    rib.daemon_is_up(is_fresh=False)
    rib.session(GATEWAY, is_established=True, now=100)
    assert not rib.snapshot().gateways.is_settled
    rib.replay_is_over()
    assert rib.snapshot().gateways == GatewayView(frozenset({GATEWAY}))


def test_an_agent_that_finds_a_daemon_without_gateways_waits_for_them() -> None:
    """The former agent ended before it was ready to serve."""
    rib = Rib(CONFIG)
    rib.daemon_is_up(is_fresh=False)
    rib.replay_is_over(has_met_gateways=False)
    rib.settle(100)
    assert not rib.snapshot().gateways.is_settled
    rib.gateways_are_released(100)
    rib.settle(115)
    assert rib.snapshot().gateways.is_settled


def test_nobody_is_known_before_this_one_is_ready_to_serve() -> None:
    """Gateways hear it from then on, and it them."""
    rib = Rib(CONFIG)
    rib.daemon_is_up(is_fresh=True)
    rib.replay_is_over()
    rib.neighbors_are_released(0)
    rib.settle(100)
    assert not rib.snapshot().gateways.is_settled
    rib.gateways_are_released(100)
    assert rib.next_deadline(100) == 115


def test_one_without_a_core_link_is_cut_off_at_once(rib: Rib) -> None:
    """Its sessions find out when their hold time is over."""
    rib.session(REFLECTOR, is_established=True)
    before = rib.revision
    rib.core_link(is_up=False, now=1)
    assert rib.snapshot().gateways.is_cut_off
    assert rib.revision != before
    rib.core_link(is_up=True, now=2)
    assert not rib.snapshot().gateways.is_cut_off


def test_when_the_core_link_is_back_those_that_were_alive_are_waited_for(rib: Rib) -> None:
    """One of them serves, and hands back once it hears this one."""
    for neighbor in (REFLECTOR, GATEWAY):
        rib.session(neighbor, is_established=True)
    rib.settle(1)
    rib.core_link(is_up=False, now=1)
    rib.session(GATEWAY, is_established=False)
    rib.settle(30)
    rib.core_link(is_up=True, now=31)
    rib.settle(31)
    assert not rib.snapshot().gateways.is_settled
    assert rib.next_deadline(31) == 46
    rib.session(GATEWAY, is_established=True, now=32)
    rib.settle(32.5)
    assert rib.snapshot().gateways.is_settled


def test_when_the_core_link_is_back_the_dead_are_not_waited_for(rib: Rib) -> None:
    """Nobody serves meanwhile."""
    rib.session(REFLECTOR, is_established=True)
    rib.settle(15)
    rib.core_link(is_up=False, now=16)
    rib.core_link(is_up=True, now=17)
    assert rib.snapshot().gateways.is_settled


def test_what_was_known_is_forgotten_with_the_daemon(rib: Rib) -> None:
    """The new one has to look first."""
    rib.session(GATEWAY, is_established=True)
    rib.settle(1)
    rib.daemon_is_gone(2)
    assert rib.snapshot().gateways.is_cut_off
    rib.daemon_is_up(is_fresh=True)
    assert not rib.snapshot().gateways.is_settled


def test_a_daemon_that_restarts_does_not_wait_for_the_dead(rib: Rib) -> None:
    """The agent knows who was alive when the last one ended."""
    rib.settle(15)
    rib.daemon_is_gone(20)
    rib.daemon_is_gone(21)
    rib.daemon_is_up(is_fresh=True)
    rib.replay_is_over()
    assert rib.snapshot().gateways.is_settled


def test_one_that_hears_any_neighbor_is_not_cut_off(rib: Rib) -> None:
    """Reflectors may all be dead, and the others still there; or the other way round."""
    assert rib.snapshot().gateways.is_cut_off
    for neighbor in (REFLECTOR, GATEWAY):
        rib.session(neighbor, is_established=True)
        assert not rib.snapshot().gateways.is_cut_off
        rib.session(neighbor, is_established=False)


def test_a_gateway_is_no_neighbor_that_is_reported_or_waited_for(rib: Rib) -> None:
    """It tells no routes."""
    assert [neighbor.address for neighbor in rib.snapshot().neighbors] == [REFLECTOR]


def test_without_other_gateways_all_is_known() -> None:
    """Every PE of a region in distributed mode."""
    assert Rib(BgpConfig(64500, IPv4Address("192.0.2.11"), ())).snapshot().gateways.is_settled
