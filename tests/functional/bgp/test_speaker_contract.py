# SPDX-License-Identifier: Apache-2.0
"""The contract of BgpSpeaker on a real gobgpd and a real neighbor."""

from __future__ import annotations

from collections.abc import Iterator
from ipaddress import IPv4Address

import pytest

from isthmus.model.route import VpnRoute
from isthmus.pe_agent.bgp.config import BgpConfig
from isthmus.pe_agent.bgp.gobgp import GoBgpSpeaker
from isthmus.pe_agent.bgp.speaker import BgpSpeaker
from tests.contract.bgp_speaker_contract import PE, BgpSpeakerContract, SpeakerBench
from tests.functional.bgp.network import (
    AS_NUMBER,
    CoreNetwork,
    GoBgpd,
    gobgp_reflector_configuration,
)

pytestmark = pytest.mark.functional
NEIGHBOR = IPv4Address("192.0.2.102")


class GoBgpBench:
    """A gobgpd of the PE and a gobgpd as its neighbor."""

    patience_s = 15.0

    def __init__(self, daemon: GoBgpd, neighbor: GoBgpd) -> None:
        self._daemon = daemon
        self._neighbor = neighbor

    def new_speaker(self) -> BgpSpeaker:
        """Make a speaker, not started, over the daemon there is."""
        return GoBgpSpeaker(BgpConfig(AS_NUMBER, PE, (NEIGHBOR,), api=self._daemon.api))

    def heard_by_neighbor(self) -> frozenset[VpnRoute]:
        """What the neighbor has of this PE now."""
        return self._neighbor.learnt_from(PE)

    def neighbor_sends(self, *routes: VpnRoute) -> None:
        """Let the neighbor advertise."""
        self._neighbor.advertise(*routes)

    def neighbor_withdraws(self, *routes: VpnRoute) -> None:
        """Let the neighbor withdraw."""
        self._neighbor.withdraw(*routes)

    def crash_daemon(self) -> None:
        """End the daemon without a word to its neighbor."""
        self._daemon.kill()

    def start_daemon(self) -> None:
        """Start the daemon; it knows nothing."""
        self._daemon.start()


@pytest.fixture(scope="module")
def nodes(network: CoreNetwork) -> CoreNetwork:
    """The PE's and the neighbor's place on the core."""
    network.add_node("pe", PE)
    network.add_node("neighbor", NEIGHBOR)
    return network


class TestGoBgpSpeaker(BgpSpeakerContract):
    """gobgpd 4.8 over gRPC."""

    @pytest.fixture
    def bench(self, nodes: CoreNetwork) -> Iterator[SpeakerBench]:
        """Two daemons that know nothing of a former test."""
        neighbor = GoBgpd(nodes, "neighbor", gobgp_reflector_configuration(NEIGHBOR, [PE]))
        daemon = GoBgpd(nodes, "pe")
        yield GoBgpBench(daemon, neighbor)
        daemon.kill()
        neighbor.kill()
