# SPDX-License-Identifier: Apache-2.0
"""Properties of ``OS::Neutron::BGPVPN-…-ASSOCIATION``, and what the API takes."""

from __future__ import annotations

from typing import Any

import pytest

from isthmus.heat.translate.associations import (
    body_of,
    change_of,
    check_routes,
    live,
    routes_of,
)

PREFIX = {"type": "prefix", "prefix": "198.51.100.0/24", "bgpvpn_id": None, "local_pref": None}
PASSED_ON = {"type": "bgpvpn", "prefix": None, "bgpvpn_id": "v2", "local_pref": 200}
WANTED: dict[str, Any] = {
    "port_id": "p",
    "bgpvpn_id": "v",
    "admin_state_up": True,
    "description": None,
    "advertise_fixed_ips": None,
    "routes": [PREFIX, PASSED_ON],
}
SENT = [
    {"type": "prefix", "prefix": "198.51.100.0/24"},
    {"type": "bgpvpn", "bgpvpn_id": "v2", "local_pref": 200},
]


def test_a_body_has_what_is_not_the_apis_own_choice() -> None:
    """So that a Neutron that knows fewer attributes takes it too."""
    assert body_of(WANTED, "port_id") == {"port_id": "p", "routes": SENT}
    off = {"router_id": "r", "advertise_extra_routes": False, "admin_state_up": False}
    assert body_of(off, "router_id") == off


def test_of_a_route_goes_what_its_type_means() -> None:
    """Heat fills in the rest with nothing."""
    assert routes_of(WANTED["routes"]) == SENT


def test_what_a_template_no_longer_says_is_what_it_was_without_it() -> None:
    """Heat says None of it."""
    gone = dict.fromkeys(("advertise_fixed_ips", "routes", "description", "attachment_mode"))
    assert change_of(gone) == {
        "advertise_fixed_ips": True,
        "routes": [],
        "description": "",
        "attachment_mode": None,
    }
    assert change_of({"advertise_extra_routes": False}) == {"advertise_extra_routes": False}
    assert change_of({"routes": [PREFIX]}) == {"routes": SENT[:1]}


@pytest.mark.parametrize("wrong", [PREFIX | {"prefix": None}, PASSED_ON | {"bgpvpn_id": None}])
def test_a_route_without_its_subject_is_refused(wrong: dict[str, Any]) -> None:
    """Before anything is made."""
    assert wrong["type"] in check_routes([wrong])
    assert not check_routes(WANTED["routes"])


@pytest.mark.parametrize(
    ("shown", "found"),
    [
        ({"routes": SENT[::-1], "advertise_fixed_ips": False}, {}),
        ({"routes": SENT[:1]}, {"routes": SENT[:1]}),
        ({"admin_state_up": False}, {"admin_state_up": False}),
    ],
)
def test_what_is_otherwise_than_the_template_says_is_found(
    shown: dict[str, Any], found: dict[str, Any]
) -> None:
    """What a template leaves to the API is the API's; lists have no order."""
    assert live(WANTED, shown) == found
