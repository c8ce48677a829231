# SPDX-License-Identifier: Apache-2.0
"""Gateways of one region miss each other by BFD, over real daemons."""

from __future__ import annotations

from collections.abc import Iterator
from ipaddress import IPv4Address

import pytest

from isthmus.config.bgp import BgpConfig
from isthmus.model.gateways import GatewayView
from isthmus.pe_agent.bgp.gobgp import GoBgpSpeaker
from isthmus.pe_agent.bgp.gobgp_api import gobgp_pb2
from tests.functional.bgp.network import AS_NUMBER, CoreNetwork, GoBgpd, eventually

pytestmark = pytest.mark.functional
ADDRESSES = {"gw1": IPv4Address("192.0.2.11"), "gw2": IPv4Address("192.0.2.12")}
#: Longer than anything here is waited for: what is missed, BFD or the end of a connection told of.
HOLD_TIME_S = 90


class Gateway:
    """A gobgpd and the speaker of an agent without any VPN."""

    def __init__(self, network: CoreNetwork, name: str, *, is_ready: bool = True) -> None:
        others = tuple(address for other, address in ADDRESSES.items() if other != name)
        self.daemon = GoBgpd(network, name)
        self._config = BgpConfig(
            AS_NUMBER,
            ADDRESSES[name],
            (),
            api=self.daemon.api,
            gateway_neighbors=others,
            hold_time_s=HOLD_TIME_S,
        )
        self.speaker = self.new_speaker()
        if is_ready:
            self.speaker.meet_gateways()

    def new_speaker(self) -> GoBgpSpeaker:
        """A speaker of an agent that has just started and is not ready to serve yet."""
        speaker = GoBgpSpeaker(self._config)
        speaker.start(lambda: None)
        speaker.advertise(frozenset(), frozenset())
        return speaker

    @property
    def view(self) -> GatewayView:
        """What it sees of the other."""
        return self.speaker.rib().gateways

    def is_watched(self) -> bool:
        """Whether BFD with the other is up."""
        (other,) = self.daemon.ask(lambda client: client.neighbors())
        return other.state.bfd_state.session_state == gobgp_pb2.BFD_SESSION_STATE_UP

    def end(self) -> None:
        """End it without a word, as a host without power does."""
        self.daemon.kill()
        self.speaker.stop()


@pytest.fixture(scope="module")
def core(network: CoreNetwork) -> CoreNetwork:
    """The places of two gateways on one link."""
    for name, address in ADDRESSES.items():
        network.add_node(name, address)
    return network


@pytest.fixture
def pair(core: CoreNetwork) -> Iterator[tuple[Gateway, Gateway]]:
    """Both running."""
    first, second = (Gateway(core, name) for name in ADDRESSES)
    yield first, second
    for gateway in (first, second):
        gateway.end()


def test_gateways_that_start_find_each_other(pair: tuple[Gateway, Gateway]) -> None:
    """Both hear each other, and know by then that nobody else is to be heard."""
    for gateway in pair:
        eventually(lambda: gateway.view, _is_whole)  # noqa: B023


def _is_whole(view: GatewayView) -> bool:
    return view.is_settled and len(view.alive) == 1 and not view.is_cut_off


def test_a_gateway_that_falls_silent_is_missed_long_before_the_hold_time(
    core: CoreNetwork, pair: tuple[Gateway, Gateway]
) -> None:
    """By BFD, when three packets of 100 ms are missing; and found again when it is back."""
    first, second = pair
    eventually(lambda: first.view.alive and second.view.alive)
    # It starts with the session, and detects nothing before it is up itself.
    eventually(first.is_watched)
    core.run("core", "ip", "link", "set", "gw2", "down")
    eventually(lambda: not first.view.alive)
    core.run("core", "ip", "link", "set", "gw2", "up")
    eventually(lambda: first.view.alive and second.view.alive)


def test_a_gateway_whose_daemon_ends_is_missed(pair: tuple[Gateway, Gateway]) -> None:
    """Though its host lives."""
    first, second = pair
    eventually(lambda: first.view.alive and second.view.alive)
    second.daemon.kill()
    eventually(lambda: not first.view.alive)
    eventually(lambda: second.view.is_cut_off)


def test_a_gateway_is_heard_once_it_is_ready_to_serve(core: CoreNetwork) -> None:
    """Whoever serves until then goes on, and neither knows of the other."""
    serving, starting = Gateway(core, "gw1"), Gateway(core, "gw2", is_ready=False)
    try:
        eventually(lambda: serving.view.is_settled)
        assert not serving.view.alive
        assert not starting.view.is_settled
        starting.speaker.meet_gateways()
        for gateway in (serving, starting):
            eventually(lambda: gateway.view, _is_whole)  # noqa: B023
    finally:
        for gateway in (serving, starting):
            gateway.end()


def test_an_agent_that_restarts_finds_gateways_as_they_were(
    core: CoreNetwork, pair: tuple[Gateway, Gateway]
) -> None:
    """The daemon has had its sessions all the while, and they stay."""
    first, second = pair
    eventually(lambda: first.view.alive and second.view.alive)
    second.speaker.stop()
    second.speaker = second.new_speaker()
    eventually(lambda: second.view, _is_whole)
    assert first.view.alive


def test_a_gateway_whose_core_link_is_gone_knows_it_at_once(pair: tuple[Gateway, Gateway]) -> None:
    """Its sessions don't; when the link is back they are still there."""
    first, second = pair
    eventually(lambda: first.view.alive and second.view.alive)
    first.speaker.core_link(is_up=False)
    assert first.view.is_cut_off
    first.speaker.core_link(is_up=True)
    eventually(lambda: first.view, _is_whole)
