# SPDX-License-Identifier: Apache-2.0
"""Two PEs, each a speaker and its gobgpd, and two route reflectors of different make between them.

A ──┬── FRR ────┬── B
    └── GoBGP ──┘
"""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Iterator, Sequence
from dataclasses import replace
from ipaddress import IPv4Address, IPv4Network, IPv6Network
from typing import Protocol

from isthmus.config.bgp import BgpConfig
from isthmus.model.errors import EdgeError
from isthmus.model.ids import Label, RouteDistinguisher, RouteTarget
from isthmus.model.route import VpnRoute
from isthmus.pe_agent.bgp import mapping
from isthmus.pe_agent.bgp.gobgp import GoBgpSpeaker
from isthmus.pe_agent.bgp.gobgp_client import GoBgpClient
from tests.functional.bgp.network import (
    AS_NUMBER,
    CoreNetwork,
    FrrReflector,
    GoBgpd,
    eventually,
    gobgp_reflector_configuration,
)

A, B = IPv4Address("192.0.2.11"), IPv4Address("192.0.2.12")
FRR, GOBGP = IPv4Address("192.0.2.101"), IPv4Address("192.0.2.102")
NODES = {"pe-a": A, "pe-b": B, "rr-frr": FRR, "rr-gobgp": GOBGP}
TIMERS = BgpConfig(
    AS_NUMBER,
    A,
    (FRR, GOBGP),
    graceful_restart_time_s=30,
    long_lived_stale_time_s=30,
    deferral_time_s=3,
    late_neighbor_s=3,
    constrains_routes=False,
)


def route(host: int, *, pe: IPv4Address = A, label: int = 1000, vrf: int = 1) -> VpnRoute:
    """The route to a VM of one of a PE's VRFs."""
    return VpnRoute(
        rd=RouteDistinguisher.parse(f"{pe}:{vrf}"),
        prefix=IPv4Network((0x0A010000 + host, 32)),
        next_hop=pe,
        label=Label(label),
        route_targets=frozenset(
            [RouteTarget.parse("64500:100"), RouteTarget.parse(f"192.0.2.1:{vrf}")]
        ),
    )


def ipv6_route(host: int, *, pe: IPv4Address = A, label: int = 2000, vrf: int = 1) -> VpnRoute:
    """The same of IPv6, which has a label of its own."""
    prefix = IPv6Network((0x20010DB8 << 96 | host, 128))
    return replace(route(host, pe=pe, label=label, vrf=vrf), prefix=prefix)


class Pe:
    """A provider edge as BGP sees it: an agent's speaker and a daemon."""

    def __init__(
        self,
        network: CoreNetwork,
        name: str,
        *,
        timers: BgpConfig = TIMERS,
    ) -> None:
        self.daemon = GoBgpd(network, name)
        self.config = replace(timers, router_id=NODES[name], api=self.daemon.api)
        self.start_agent()

    def start_agent(self) -> None:
        """Start a new agent over the daemon there is."""
        self.speaker = GoBgpSpeaker(self.config, is_forwarding_kept=True)
        self.speaker.start(lambda: None)

    def routes(self) -> frozenset[VpnRoute]:
        """The RIB-in."""
        return self.speaker.rib().routes

    def eventually_has(self, *routes: VpnRoute, within_s: float = 15) -> None:
        """Wait until the RIB-in is exactly ``routes``."""
        wanted = frozenset(routes)
        eventually(self.routes, lambda there: there == wanted, within_s=within_s)

    def eventually_is_settled(self) -> None:
        """Wait until both sessions are up and the RIB is complete."""
        eventually(
            self.speaker.rib,
            lambda rib: rib.is_complete and all(one.is_established for one in rib.neighbors),
            within_s=20,
        )


class Backbone:
    """The reflectors and the PEs, started together."""

    def __init__(
        self,
        network: CoreNetwork,
        *,
        timers: BgpConfig = TIMERS,
        frr_families: Sequence[str] = ("ipv4 vpn", "ipv6 vpn"),
    ) -> None:
        clients = [A, B]
        self.frr = FrrReflector(network, "rr-frr", FRR, clients, frr_families)
        self.gobgp = GoBgpd(network, "rr-gobgp", gobgp_reflector_configuration(GOBGP, clients))
        self.a = Pe(network, "pe-a", timers=timers)
        self.b = Pe(network, "pe-b")

    def open_sessions(self, *routes: VpnRoute) -> None:
        """Let A advertise ``routes`` and wait until B has them."""
        self.b.speaker.advertise(frozenset())
        self.a.speaker.advertise(frozenset(routes))
        self.b.eventually_has(*routes)
        self.a.eventually_is_settled()
        self.b.eventually_is_settled()

    def eventually_forgets_staleness(self) -> None:
        """Wait until both reflectors have heard all of A's routes again."""
        eventually(lambda: not self._stale_at_reflectors())

    def close(self) -> None:
        """End all daemons; those that are dead already too."""
        for pe in (self.a, self.b):
            pe.speaker.stop()
            pe.daemon.kill()
        self.frr.kill()
        self.gobgp.kill()

    def _stale_at_reflectors(self) -> bool:
        shown = [self.frr.show(f"bgp {family} vpn") for family in ("ipv4", "ipv6")]
        at_frr = "stale" in str(shown)
        return at_frr or self.gobgp.has_stale_routes()


class HasDaemon(Protocol):
    """Whatever speaks through a gobgpd."""

    daemon: GoBgpd


@contextlib.contextmanager
def counting_withdrawals(pe: HasDaemon) -> Iterator[list[str]]:
    """Collect every route that is lost at a PE, even for a moment, while the context lasts."""
    lost: list[str] = []
    client = GoBgpClient(pe.daemon.api)
    is_following = threading.Event()

    def follow() -> None:
        with contextlib.suppress(EdgeError):
            for event in client.watch():
                is_following.set()
                for path in event.table.paths:
                    is_route = path.HasField("nlri") and mapping.vpn_family(path) is not None
                    if is_route and path.is_withdraw:
                        lost.append("{} {}".format(*mapping.decode_key(path)))

    thread = threading.Thread(target=follow)
    thread.start()
    assert is_following.wait(5)
    try:
        yield lost
    finally:
        client.close()
        thread.join()
