# SPDX-License-Identifier: Apache-2.0
"""Properties of ``OS::Neutron::BGPVPN``, and what the API takes."""

from __future__ import annotations

from typing import Any

import pytest

from isthmus.heat.translate.bgpvpn import body_of, change_of, live

WANTED: dict[str, Any] = {
    "name": "red",
    "description": None,
    "type": "l3",
    "tenant_id": None,
    "route_targets": ["64500:1"],
    "import_targets": None,
    "allocate_route_target": False,
    "allocate_route_distinguisher": False,
    "local_pref": None,
    "vni": None,
    "admin_state_up": True,
    "tags": None,
}


def test_what_is_not_given_is_not_sent() -> None:
    """A Neutron that knows fewer attributes takes it too."""
    assert body_of(WANTED, "x") == {"name": "red", "type": "l3", "route_targets": ["64500:1"]}


def test_what_is_given_is_sent() -> None:
    """Under the API's names."""
    more = {"vni": 7, "tenant_id": "red-project", "admin_state_up": False, "local_pref": 0}
    body = body_of(WANTED | more | {"name": None, "allocate_route_target": True}, "stack-vpn-1")
    assert body["name"] == "stack-vpn-1"
    assert body["project_id"] == "red-project"
    assert (body["vni"], body["local_pref"], body["admin_state_up"]) == (7, 0, False)
    assert body["allocate_route_target"]


def test_what_a_template_no_longer_says_is_what_it_was_without_it() -> None:
    """Heat says None of it."""
    gone = dict.fromkeys(("name", "description", "admin_state_up", "local_pref", "route_targets"))
    assert change_of(gone, "stack-vpn-1", WANTED, {}) == {
        "name": "stack-vpn-1",
        "description": "",
        "local_pref": None,
        "admin_state_up": True,
        "route_targets": [],
    }


def test_a_change_of_a_list_keeps_what_the_pool_gave() -> None:
    """It is no part of the template."""
    before = WANTED | {"allocate_route_target": True}
    shown = {"route_targets": ["64500:1", "64500:100001"]}
    changed = change_of({"route_targets": ["64500:2"]}, "x", before, shown)
    assert changed == {"route_targets": ["64500:2", "64500:100001"]}
    changed = change_of({"route_targets": None}, "x", before, shown)
    assert changed == {"route_targets": ["64500:100001"]}


@pytest.mark.parametrize(
    ("wanted", "shown", "found"),
    [
        ({}, {"route_targets": ["64500:1"], "description": "by hand"}, {}),
        ({}, {"route_targets": ["64500:9"]}, {"route_targets": ["64500:9"]}),
        ({"allocate_route_target": True}, {"route_targets": ["64500:1", "64500:100001"]}, {}),
        ({}, {"admin_state_up": False}, {"admin_state_up": False}),
        ({"route_targets": ["64500:1", "64500:2"]}, {"route_targets": ["64500:2", "64500:1"]}, {}),
    ],
)
def test_what_is_otherwise_than_the_template_says_is_found(
    wanted: dict[str, Any], shown: dict[str, Any], found: dict[str, Any]
) -> None:
    """What a pool gave, and what a template leaves to the API, is not."""
    assert live(WANTED | wanted, shown) == found
