# SPDX-License-Identifier: Apache-2.0
"""What a VRF imports, and which of several routes it uses."""

from __future__ import annotations

from ipaddress import IPv4Address, IPv4Network
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from isthmus.model.ip import AddressFamily, IpPrefix
from isthmus.model.route import VpnRoute
from isthmus.pe_agent.compile.numbers import LabelKey
from isthmus.pe_agent.compile.rib import Candidate, Fib, RemotePath, RoutesByTarget, compile_fib
from isthmus.pe_agent.compile.routes import LocalHost
from isthmus.pe_agent.compile.vrfs import make_vrf
from tests.actors import BLUE, PE1, PE2, PE3, RED, RED_WEST, VPN_RED, intent, route
from tests.strategies import vpn_routes

LABELS: dict[LabelKey, int] = {((VPN_RED,), family): 1000 + family for family in AddressFamily}
VRF = make_vrf((VPN_RED,), (RED_WEST,), {VPN_RED: intent(VPN_RED, RED_WEST)}, (1, LABELS), PE1)
PREFIX = IPv4Network("10.2.0.7/32")
HOST = LocalHost(2, "fa:16:3e:00:00:01", "fa:16:3e:00:00:11", 1442)


def fib_of(
    *routes: VpnRoute,
    own: dict[IpPrefix, LocalHost] | None = None,
    reachable: frozenset[IPv4Address] = frozenset({PE2, PE3}),
) -> Fib:
    """Compile the FIB of red's VRF from remote routes."""
    candidates = [Candidate(each, RemotePath(each.next_hop, each.label)) for each in routes]
    return compile_fib(VRF, own or {}, RoutesByTarget(candidates), reachable.__contains__)


def test_a_vrf_never_learns_a_route_it_does_not_import() -> None:
    """One RT in common is needed, and enough."""
    red, blue = route("10.2.0.7/32"), route("10.2.0.8/32", targets=BLUE)
    both = route("10.2.0.9/32", targets=RED | BLUE)
    assert fib_of(red, blue, both).paths.keys() == {red.prefix, both.prefix}


@pytest.mark.parametrize(
    ("winner", "loser"),
    [
        (route("10.2.0.7/32", PE3, local_pref=200), route("10.2.0.7/32", PE2)),
        (route("10.2.0.7/32", PE2), route("10.2.0.7/32", PE3)),
        (route("10.2.0.7/32", PE2, 500, number=1), route("10.2.0.7/32", PE2, 400, number=2)),
        (route("10.2.0.7/32", PE2, 400), route("10.2.0.7/32", PE2, 500)),
    ],
    ids=["local preference", "next hop", "route distinguisher", "label"],
)
def test_the_best_route_wins_by_its_fields_alone(winner: VpnRoute, loser: VpnRoute) -> None:
    """In either order; no two different routes are ever equally good."""
    expected = {PREFIX: RemotePath(winner.next_hop, winner.label)}
    assert fib_of(winner, loser).paths == expected
    assert fib_of(loser, winner).paths == expected


def test_a_local_host_wins_over_any_route() -> None:
    """What is plugged here is here."""
    better = route("10.2.0.7/32", local_pref=4000)
    assert fib_of(better, own={PREFIX: HOST}).paths == {PREFIX: HOST}


def test_a_route_whose_next_hop_nothing_leads_to_takes_no_part() -> None:
    """RFC 4271 §9.1.2; it is named, and the next best is used."""
    lost = route("10.2.0.7/32", PE3, local_pref=200)
    fib = fib_of(lost, route("10.2.0.7/32", PE2, 600), reachable=frozenset({PE2}))
    assert {
        prefix: path.label.value
        for prefix, path in fib.paths.items()
        if isinstance(path, RemotePath)
    } == {PREFIX: 600}
    assert fib.unresolved == (lost,)


def test_a_local_route_of_another_vrf_needs_no_tunnel() -> None:
    """It leads to an attachment of this PE."""
    candidate = Candidate(route("10.2.0.7/32", PE1), HOST)
    fib = compile_fib(VRF, {}, RoutesByTarget([candidate]), lambda _: False)
    assert fib == Fib({PREFIX: HOST}, ())


@given(st.lists(vpn_routes), st.randoms(use_true_random=False))
def test_the_order_routes_arrive_in_does_not_matter(routes: list[VpnRoute], random: Random) -> None:
    """Nor how often."""
    again = random.sample([*routes, *routes], 2 * len(routes))
    assert fib_of(*again) == fib_of(*set(routes))
