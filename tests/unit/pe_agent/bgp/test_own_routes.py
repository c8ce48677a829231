# SPDX-License-Identifier: Apache-2.0
"""The daemon is told differences, and they add up to what is wanted."""

from __future__ import annotations

from dataclasses import replace
from ipaddress import IPv4Address, IPv4Network

import pytest
from hypothesis import given
from hypothesis import strategies as st

from isthmus.model.difference import Difference
from isthmus.model.errors import SpeakerRefused
from isthmus.model.ids import Label, RouteDistinguisher, RouteTarget
from isthmus.model.route import VpnRoute
from isthmus.pe_agent.bgp.mapping import RouteKey, key_of
from isthmus.pe_agent.bgp.own_routes import OwnRoutes


def _route(host: int, label: int = 1000) -> VpnRoute:
    return VpnRoute(
        RouteDistinguisher.parse("192.0.2.11:1"),
        IPv4Network((0x0A010000 + host, 32)),
        IPv4Address("192.0.2.11"),
        Label(label),
        frozenset([RouteTarget.parse("64500:100")]),
    )


TABLES = st.dictionaries(st.integers(0, 5), st.integers(16, 18), max_size=6).map(
    lambda table: frozenset(_route(host, label) for host, label in table.items())
)


@given(TABLES, st.lists(TABLES, min_size=1, max_size=6))
def test_differences_turn_what_the_daemon_has_into_what_is_wanted(
    found: frozenset[VpnRoute], wishes: list[frozenset[VpnRoute]]
) -> None:
    """From any state to any other, whatever a former agent left."""
    own = OwnRoutes()
    own.is_known(found)
    daemon: dict[RouteKey, VpnRoute] = {key_of(route): route for route in found}
    for wanted in wishes:
        own.want(wanted)
        difference = own.difference()
        for route in difference.new:
            daemon[key_of(route)] = route
        for route in difference.gone:
            del daemon[key_of(route)]
        own.is_told()

        assert frozenset(daemon.values()) == wanted
        assert all(own.is_wanted(key) for key in daemon)
        assert own.difference() == Difference(frozenset(), frozenset())


def test_a_changed_label_is_no_withdrawal() -> None:
    """It replaces; neighbors never lose the route."""
    own = OwnRoutes()
    own.want(frozenset([_route(1, 1000)]))
    own.is_told()
    own.want(frozenset([_route(1, 1001)]))

    assert own.difference() == Difference(frozenset({_route(1, 1001)}), frozenset())


def test_two_routes_of_one_key_are_refused_and_nothing_changes() -> None:
    """The second would replace the first, in whatever order a set has."""
    own = OwnRoutes()
    own.want(frozenset([_route(1), _route(2)]))
    for bad in ({_route(3, 16), _route(3, 17)}, {_route(1), _route(1, 17), _route(2)}):
        with pytest.raises(SpeakerRefused):
            own.want(frozenset(bad))

    assert own.wanted == frozenset({_route(1), _route(2)})
    own.want(frozenset([_route(1, 17), _route(2)]))
    assert own.wanted == frozenset({_route(1, 17), _route(2)})


def test_a_route_that_may_not_be_sent_is_refused_and_nothing_changes() -> None:
    """The operator learns which."""
    own = OwnRoutes()
    own.want(frozenset([_route(1)]))
    with pytest.raises(SpeakerRefused, match=r"0\.0\.0\.0"):
        own.want(frozenset([_route(1), replace(_route(2), next_hop=IPv4Address("0.0.0.0"))]))

    assert own.wanted == frozenset({_route(1)})


def test_nothing_is_withdrawn_before_the_first_wish() -> None:
    """A restarted agent does not know yet what it wants."""
    own = OwnRoutes()
    own.is_known(frozenset([_route(1)]))

    assert not own.difference().gone
    assert own.is_wanted(key_of(_route(1)))


def test_an_undone_wish_leaves_the_one_before() -> None:
    """The daemon refused what validation let pass."""
    own = OwnRoutes()
    own.want(frozenset([_route(1)]))
    before = own.wanted
    own.want(frozenset([_route(2)]))
    own.want_again(before)

    assert own.wanted == frozenset({_route(1)})
    assert own.is_wanted(key_of(_route(1)))
    assert not own.is_wanted(key_of(_route(2)))
