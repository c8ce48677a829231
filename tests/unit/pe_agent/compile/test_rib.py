# SPDX-License-Identifier: Apache-2.0
"""What a VRF imports, and which of several routes it uses."""

from __future__ import annotations

from dataclasses import replace
from ipaddress import IPv4Address, IPv4Network
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from isthmus.model.ids import Label
from isthmus.model.ip import AddressFamily, IpPrefix
from isthmus.model.route import VpnRoute
from isthmus.pe_agent.compile.membership import CircuitShare
from isthmus.pe_agent.compile.numbers import LabelKey
from isthmus.pe_agent.compile.rib import Candidate, Fib, RemotePath, RoutesByTarget, compile_fib
from isthmus.pe_agent.compile.routes import LocalPath, OwnPrefix
from isthmus.pe_agent.compile.vrfs import make_vrf
from tests.actors import BLUE, PE1, PE2, PE3, RED, RED_WEST, VPN_RED, intent, route
from tests.strategies import vpn_routes

LABELS: dict[LabelKey, int] = {((VPN_RED,), family): 1000 + family for family in AddressFamily}
VRF = make_vrf(
    (VPN_RED,), (CircuitShare(RED_WEST),), {VPN_RED: intent(VPN_RED, RED_WEST)}, (1, LABELS), PE1
)
PREFIX = IPv4Network("10.2.0.7/32")
HOST = LocalPath(2, "fa:16:3e:00:00:01", "fa:16:3e:00:00:11", 1442)
OTHER = replace(HOST, mac="fa:16:3e:00:00:12")


def own(*paths: LocalPath, local_pref: int = 100, is_host: bool = False) -> OwnPrefix:
    """Make what the VRF itself delivers to."""
    return OwnPrefix(paths, local_pref, RED, is_host)


def remote(each: VpnRoute) -> RemotePath:
    """Return where a route leads."""
    return RemotePath(each.next_hop, each.label)


def fib_of(
    *routes: VpnRoute,
    own: dict[IpPrefix, OwnPrefix] | None = None,
    reachable: frozenset[IPv4Address] = frozenset({PE2, PE3}),
) -> Fib:
    """Compile the FIB of red's VRF from remote routes."""
    candidates = [Candidate(each, remote(each)) for each in routes]
    return compile_fib(VRF, own or {}, RoutesByTarget(candidates), reachable.__contains__)


def test_a_vrf_never_learns_a_route_it_does_not_import() -> None:
    """One RT in common is needed, and enough."""
    red, blue = route("10.2.0.7/32"), route("10.2.0.8/32", targets=BLUE)
    both = route("10.2.0.9/32", targets=RED | BLUE)
    assert fib_of(red, blue, both).paths.keys() == {red.prefix, both.prefix}


def test_the_highest_local_preference_wins() -> None:
    """In either order (RFC 4271 §9.1.1)."""
    winner, loser = route("10.2.0.7/32", PE3, local_pref=200), route("10.2.0.7/32", PE2)
    assert fib_of(winner, loser).paths == {PREFIX: (remote(winner),)}
    assert fib_of(loser, winner).paths == {PREFIX: (remote(winner),)}


@pytest.mark.parametrize(
    ("first", "second"),
    [
        (route("10.2.0.7/32", PE2), route("10.2.0.7/32", PE3)),
        (route("10.2.0.7/32", PE2, 400, number=2), route("10.2.0.7/32", PE2, 500, number=1)),
    ],
    ids=["next hop", "label"],
)
def test_what_is_equal_is_used_together_in_an_order_that_does_not_change(
    first: VpnRoute, second: VpnRoute
) -> None:
    """The same at every PE and every start: lowest next hop first, then lowest label."""
    expected = {PREFIX: (remote(first), remote(second))}
    assert fib_of(first, second).paths == expected
    assert fib_of(second, first).paths == expected


def test_one_path_learnt_twice_is_one_path() -> None:
    """A PE may tell of a prefix under two RDs."""
    once, again = route("10.2.0.7/32", number=1), route("10.2.0.7/32", number=2)
    assert fib_of(once, again).paths == {PREFIX: (remote(once),)}


def test_a_prefix_is_spread_over_at_most_eight_paths() -> None:
    """The first in order."""
    routes = [route("10.2.0.7/32", PE2, 500 + number) for number in range(12)]
    (paths,) = fib_of(*routes).paths.values()
    assert paths == tuple(remote(each) for each in routes[:8])


def test_an_own_host_wins_over_any_route() -> None:
    """What is plugged here is here."""
    better = route("10.2.0.7/32", local_pref=2**32 - 1)
    fib = fib_of(better, own={PREFIX: own(HOST, is_host=True)})
    assert fib == Fib({PREFIX: (HOST,)}, ())


def test_an_own_prefix_wins_over_other_pes_equally_good_ones() -> None:
    """The shortest way; RFC 4271 §9.1.2.2 prefers what is inside in the same spirit."""
    fib = fib_of(route("10.2.0.7/32"), own={PREFIX: own(HOST)})
    assert fib == Fib({PREFIX: (HOST,)}, ())


def test_another_pes_better_route_wins_over_an_own_prefix_except_for_what_the_core_brings() -> None:
    """Some PE has not heard of the better one yet: its packets are not lost meanwhile."""
    better = route("10.2.0.7/32", local_pref=101)
    fib = fib_of(better, own={PREFIX: own(HOST, OTHER)})
    assert fib == Fib({PREFIX: (remote(better),)}, (), {PREFIX: (HOST, OTHER)})


def test_two_ports_with_one_prefix_are_used_together() -> None:
    """In this VRF, or one in another VRF of this PE."""
    assert fib_of(own={PREFIX: own(HOST, OTHER)}).paths == {PREFIX: (HOST, OTHER)}
    candidates = [Candidate(route("10.2.0.7/32", PE1), path) for path in (OTHER, HOST)]
    fib = compile_fib(VRF, {PREFIX: own(HOST)}, RoutesByTarget(candidates), lambda _: False)
    assert fib == Fib({PREFIX: (HOST, OTHER)}, (), {PREFIX: (HOST,)})


def test_a_route_whose_next_hop_nothing_leads_to_takes_no_part() -> None:
    """RFC 4271 §9.1.2; it is named, and the next best is used."""
    lost = route("10.2.0.7/32", PE3, local_pref=200)
    fib = fib_of(lost, route("10.2.0.7/32", PE2, 600), reachable=frozenset({PE2}))
    assert fib == Fib({PREFIX: (RemotePath(PE2, Label(600)),)}, (lost,))


def test_a_local_route_of_another_vrf_needs_no_tunnel() -> None:
    """It leads to an attachment of this PE."""
    candidate = Candidate(route("10.2.0.7/32", PE1), HOST)
    fib = compile_fib(VRF, {}, RoutesByTarget([candidate]), lambda _: False)
    assert fib == Fib({PREFIX: (HOST,)}, ())


@given(st.lists(vpn_routes), st.randoms(use_true_random=False))
def test_the_order_routes_arrive_in_does_not_matter(routes: list[VpnRoute], random: Random) -> None:
    """Nor how often."""
    again = random.sample([*routes, *routes], 2 * len(routes))
    assert fib_of(*again) == fib_of(*set(routes))
