# SPDX-License-Identifier: Apache-2.0
"""Properties of ``OS::Isthmus::VirtualTenantNetwork``, and what the API takes."""

from __future__ import annotations

from typing import Any

import pytest

from isthmus.heat.translate.virtual_tenant_network import (
    Change,
    body_of,
    change_of,
    live,
    members_by_site,
)

WANTED: dict[str, Any] = {
    "name": None,
    "description": None,
    "type": "l3",
    "prefixes": ["10.0.0.0/16"],
    "members": ["west", "east"],
    "admin_state_up": True,
    "tags": None,
    "failure_policy": "wait",
}


def test_a_body_has_what_was_given_and_nothing_of_heats_own() -> None:
    """The name is the stack's, if none is given."""
    assert body_of(WANTED, "stack-shop-1") == {
        "name": "stack-shop-1",
        "type": "l3",
        "prefixes": ["10.0.0.0/16"],
        "members": ["west", "east"],
        "admin_state_up": True,
    }
    assert body_of(WANTED | {"name": "shop"}, "stack-shop-1")["name"] == "shop"


def change(**difference: Any) -> Change:
    """Return a change of a network of west and east."""
    return change_of(difference, "stack-shop-1", ["west", "east"], "west")


def test_members_come_and_go_one_by_one() -> None:
    """The API has a request for each."""
    assert change(members=["east", "north"]) == Change({}, ("north",), ("west",))
    assert change(members=["east", "west"]) == Change({})


def test_a_network_whose_template_names_no_members_is_this_sites_alone() -> None:
    """As at its creation."""
    assert change(members=None) == Change({}, (), ("east",))


def test_what_a_template_no_longer_says_is_what_it_was_without_it() -> None:
    """Heat says None of it."""
    gone = change(name=None, description=None, admin_state_up=None, rate_kbps=None, tags=None)
    assert gone.body == {
        "name": "stack-shop-1",
        "description": "",
        "admin_state_up": True,
        "rate_kbps": None,
    }
    assert gone.tags == ()


def test_a_policy_is_no_business_of_the_api() -> None:
    """It is Heat's own."""
    assert change(failure_policy="fail") == Change({})


@pytest.mark.parametrize(
    ("shown", "found"),
    [
        ({"members": ["east", "west"]}, {}),
        ({"members": ["east"]}, {"members": ["east"]}),
        ({"description": "by hand"}, {}),
        ({"admin_state_up": False, "status": "DOWN"}, {"admin_state_up": False}),
        ({"tags": ["by-hand"]}, {"tags": ["by-hand"]}),
    ],
)
def test_what_is_otherwise_than_the_template_says_is_found(
    shown: dict[str, Any], found: dict[str, Any]
) -> None:
    """What a template leaves to the API is the API's; lists have no order."""
    assert live(WANTED, shown) == found


def test_members_are_told_by_site() -> None:
    """So that a template can name one."""
    shown = {"site": "east", "network_id": "n", "subnet_ids": ["s"], "drift": ["by hand"]}
    found = members_by_site([shown])
    assert found["east"]["network_id"] == "n"
    assert "drift" not in found["east"]
