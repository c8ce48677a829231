# SPDX-License-Identifier: Apache-2.0
"""A VPN-IPv4 route that nobody could import, or that does not fit on the wire, does not exist."""

from __future__ import annotations

from ipaddress import IPv4Address, IPv4Network

import pytest

from isthmus.model.errors import InvalidValue
from isthmus.model.ids import Label, RouteDistinguisher, RouteTarget
from isthmus.model.route import VpnRoute


def route(targets: frozenset[RouteTarget], local_pref: int = 100) -> VpnRoute:
    """Return a route to 10.1.0.5/32 by PE 192.0.2.11."""
    return VpnRoute(
        rd=RouteDistinguisher.parse("192.0.2.11:1"),
        prefix=IPv4Network("10.1.0.5/32"),
        next_hop=IPv4Address("192.0.2.11"),
        label=Label(1000),
        route_targets=targets,
        local_pref=local_pref,
    )


def test_a_route_without_a_route_target_is_refused() -> None:
    """Nobody could import it (RFC 4364 §4.3.1), and an empty list resets sessions."""
    with pytest.raises(InvalidValue, match="carries no route target"):
        route(frozenset())


@pytest.mark.parametrize("local_pref", [-1, 2**32])
def test_a_local_preference_wider_than_32_bits_is_refused(local_pref: int) -> None:
    """RFC 4271 §5.1.5."""
    with pytest.raises(InvalidValue):
        route(frozenset({RouteTarget.parse("64500:1")}), local_pref)
