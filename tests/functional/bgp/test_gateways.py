# SPDX-License-Identifier: Apache-2.0
"""Gateways of one region miss each other by BFD, over real daemons."""

from __future__ import annotations

import time
from collections.abc import Iterator
from ipaddress import IPv4Address

import pytest

from isthmus.config.bgp import BgpConfig
from isthmus.model.gateways import GatewayView
from isthmus.pe_agent.bgp.gobgp import GoBgpSpeaker
from tests.functional.bgp.network import AS_NUMBER, CoreNetwork, GoBgpd, eventually

pytestmark = pytest.mark.functional
ADDRESSES = {"gw1": IPv4Address("192.0.2.11"), "gw2": IPv4Address("192.0.2.12")}


class Gateway:
    """A gobgpd and the speaker of an agent without any VPN."""

    def __init__(self, network: CoreNetwork, name: str) -> None:
        others = tuple(address for other, address in ADDRESSES.items() if other != name)
        self.daemon = GoBgpd(network, name)
        config = BgpConfig(
            AS_NUMBER, ADDRESSES[name], (), api=self.daemon.api, gateway_neighbors=others
        )
        self.speaker = GoBgpSpeaker(config)
        self.speaker.start(lambda: None)
        self.speaker.advertise(frozenset(), frozenset())

    @property
    def view(self) -> GatewayView:
        """What it sees of the other."""
        return self.speaker.rib().gateways

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
    """Neither takes itself for the only one before."""
    for gateway in pair:
        eventually(lambda: _settled(gateway))  # noqa: B023
        assert len(gateway.view.alive) == 1
        assert not gateway.view.is_cut_off


def _settled(gateway: Gateway) -> bool:
    return gateway.view.is_settled


def test_a_gateway_that_falls_silent_is_missed_long_before_the_hold_time(
    core: CoreNetwork, pair: tuple[Gateway, Gateway]
) -> None:
    """By BFD, when three packets of 100 ms are missing; and found again when it is back."""
    first, second = pair
    eventually(lambda: first.view.alive and second.view.alive)
    # BFD starts with the session, and detects nothing before it is up itself.
    time.sleep(2)
    began = time.monotonic()
    core.run("core", "ip", "link", "set", "gw2", "down")
    eventually(lambda: not first.view.alive, within_s=8)
    # A third of the hold time: only BFD can have done it, on a machine however slow.
    assert time.monotonic() - began < 3
    core.run("core", "ip", "link", "set", "gw2", "up")
    eventually(lambda: first.view.alive and second.view.alive)


def test_a_gateway_whose_daemon_ends_is_missed(pair: tuple[Gateway, Gateway]) -> None:
    """Though its host lives."""
    first, second = pair
    eventually(lambda: first.view.alive and second.view.alive)
    second.daemon.kill()
    eventually(lambda: not first.view.alive, within_s=3)
    assert second.view.is_cut_off
