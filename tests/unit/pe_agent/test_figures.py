# SPDX-License-Identifier: Apache-2.0
"""Labels and counts of routes by VPN, and when a report with them is sent."""

from __future__ import annotations

from isthmus.model.intent import VrfIntent
from isthmus.pe_agent.compile.inputs import Inputs
from isthmus.pe_agent.figures import Figures, count
from tests import actors
from tests.actors import BLUE, CORE_PORT, HOSTS, PORTS, RED, RED_WEST, compiled, intent, route


def figures(*intents: VrfIntent) -> dict[str, Figures]:
    """Count on PE1 with two routes of red and one of red and blue learnt."""
    routes = frozenset(
        {route("10.7.0.1/32"), route("10.7.0.2/32"), route("10.7.0.3/32", targets=RED | BLUE)}
    )
    made = compiled(*intents, routes=routes)
    known = {each.vpn_id: each for each in intents}
    return count(Inputs(known, routes, CORE_PORT, PORTS, HOSTS, made.numbers), made)


def test_routes_count_for_each_vpn_that_imports_them() -> None:
    """One that two VPNs import counts twice, one with two route targets of a VPN once."""
    red = intent("red", RED_WEST)
    both = intent("both", actors.BLUE_WEST, imports=RED | BLUE, exports=BLUE)
    found = figures(red, both)
    assert (found["red"].routes_received, found["both"].routes_received) == (3, 3)
    assert (found["red"].routes_sent, found["both"].routes_sent) == (1, 1)


def test_labels_are_those_of_the_vpns_vrfs() -> None:
    """And a VPN without any VRF has none."""
    red, idle = intent("red", RED_WEST), intent("idle", imports=BLUE)
    found = figures(red, idle)
    assert len(found["red"].labels) == 1
    assert found["idle"] == Figures((), 0, 1)
