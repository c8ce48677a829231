# SPDX-License-Identifier: Apache-2.0
"""Three PEs that one reflector tells of each other what each asks for."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from ipaddress import IPv4Address

from isthmus.config.bgp import BgpConfig
from isthmus.model.ids import RouteTarget
from isthmus.model.route import VpnRoute
from isthmus.pe_agent.bgp.gobgp import GoBgpSpeaker
from tests.functional.bgp.backbone import A, B, route
from tests.functional.bgp.network import AS_NUMBER, CoreNetwork, GoBgpd, eventually

C = IPv4Address("192.0.2.13")
REFLECTOR, FRR = IPv4Address("192.0.2.102"), IPv4Address("192.0.2.101")
GREEN = RouteTarget.parse("64500:300")
NONE: frozenset[RouteTarget] = frozenset()
CLIENTS = {"pe-a": A, "pe-b": B, "pe-c": C}


def tagged(host: int, *targets: RouteTarget, pe: IPv4Address = A) -> VpnRoute:
    """A route with these route targets."""
    return replace(route(host, pe=pe), route_targets=frozenset(targets))


class Pe:
    """A speaker and its daemon."""

    def __init__(self, network: CoreNetwork, name: str, neighbors: tuple[IPv4Address, ...]) -> None:
        self.daemon = GoBgpd(network, name)
        self.config = BgpConfig(
            AS_NUMBER,
            CLIENTS[name],
            neighbors,
            api=self.daemon.api,
            deferral_time_s=3,
            late_neighbor_s=3,
            quiet_s=1,
        )
        self.start()

    def start(self) -> None:
        """Start an agent's speaker over the daemon there is."""
        self.speaker = GoBgpSpeaker(self.config, is_forwarding_kept=True)
        self.speaker.start(lambda: None)

    def says(self, *routes: VpnRoute, imports: frozenset[RouteTarget] = NONE) -> None:
        """Advertise and ask."""
        self.speaker.advertise(frozenset(routes), imports)

    def eventually_has(self, *routes: VpnRoute) -> None:
        """Wait until the RIB-in is exactly ``routes``."""
        wanted = frozenset(routes)
        eventually(lambda: self.speaker.rib().routes, lambda there: there == wanted, within_s=20)

    def end(self) -> None:
        """End both."""
        self.speaker.stop()
        self.daemon.kill()


MakePe = Callable[..., Pe]
