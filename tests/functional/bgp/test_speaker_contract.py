# SPDX-License-Identifier: Apache-2.0
"""The contract of BgpSpeaker on a real gobgpd and real neighbors."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from ipaddress import IPv4Address

import pytest

from isthmus.config.bgp import BgpConfig
from isthmus.model.ids import RouteTarget
from isthmus.model.route import LabelledRoute, VpnRoute
from isthmus.pe_agent.bgp.gobgp import GoBgpSpeaker
from isthmus.pe_agent.bgp.speaker import BgpSpeaker
from tests.contract.bgp_speaker_contract import (
    OTHER_P,
    PE,
    BgpSpeakerContract,
    P,
    SpeakerBench,
)
from tests.functional.bgp.network import (
    AS_NUMBER,
    CONSTRAINED_FAMILIES,
    LABELLED_FAMILIES,
    CoreNetwork,
    GoBgpd,
    gobgp_reflector_configuration,
)

pytestmark = pytest.mark.functional
NEIGHBOR = IPv4Address("192.0.2.102")
REFLECTING = gobgp_reflector_configuration(NEIGHBOR, [PE], families=CONSTRAINED_FAMILIES)


class GoBgpBench:
    """A gobgpd of the PE, one as its neighbor, and two as P routers, each with its own path."""

    patience_s = 20.0

    def __init__(self, daemon: GoBgpd, neighbor: GoBgpd, routers: Sequence[GoBgpd]) -> None:
        self._daemon = daemon
        self._neighbor = neighbor
        self._routers = routers
        self._told: tuple[LabelledRoute, ...] = ()

    def new_speaker(self) -> BgpSpeaker:
        """Make a speaker, not started, over the daemon there is."""
        config = BgpConfig(
            AS_NUMBER, PE, (NEIGHBOR,), api=self._daemon.api, labelled_neighbors=(P, OTHER_P)
        )
        return GoBgpSpeaker(config)

    def heard_by_neighbor(self) -> frozenset[VpnRoute]:
        """What the neighbor has of this PE now."""
        return self._neighbor.learnt_from(PE)

    def neighbor_sends(self, *routes: VpnRoute) -> None:
        """Let the neighbor advertise."""
        self._neighbor.advertise(*routes)

    def neighbor_withdraws(self, *routes: VpnRoute) -> None:
        """Let the neighbor withdraw."""
        self._neighbor.withdraw(*routes)

    def asked_of_neighbor(self) -> frozenset[RouteTarget]:
        """The route targets this PE wants of the neighbor."""
        return self._neighbor.asked_by(PE)

    def heard_by_p(self) -> frozenset[LabelledRoute]:
        """The labels the first P has of this PE now."""
        return self._routers[0].labels_from(PE)

    def p_tells(self, *routes: LabelledRoute) -> None:
        """Let each P tell those of ``routes`` that lead over it."""
        for address, router in zip((P, OTHER_P), self._routers, strict=True):
            mine = [route for route in routes if route.next_hop == address]
            router.tell(*mine)
            still = {route.pe for route in mine}
            gone = [one for one in self._told if one.next_hop == address and one.pe not in still]
            router.tell_no_more(*gone)
        self._told = routes

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
    network.add_node("p", P)
    network.add_node("other-p", OTHER_P)
    return network


class TestGoBgpSpeaker(BgpSpeakerContract):
    """gobgpd 4.8 over gRPC."""

    @pytest.fixture
    def bench(self, nodes: CoreNetwork) -> Iterator[SpeakerBench]:
        """Two daemons that know nothing of a former test."""
        neighbor = GoBgpd(nodes, "neighbor", REFLECTING)
        routers = [
            GoBgpd(
                nodes,
                name,
                gobgp_reflector_configuration(address, [PE], families=LABELLED_FAMILIES),
            )
            for name, address in (("p", P), ("other-p", OTHER_P))
        ]
        daemon = GoBgpd(nodes, "pe")
        yield GoBgpBench(daemon, neighbor, routers)
        for each in (daemon, neighbor, *routers):
            each.kill()
