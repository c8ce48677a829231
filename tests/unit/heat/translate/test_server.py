# SPDX-License-Identifier: Apache-2.0
"""Where a server is put, and what the compute API is asked for."""

from __future__ import annotations

import base64
from collections import Counter
from dataclasses import replace
from itertools import permutations
from typing import Any

import pytest

from isthmus.heat.translate.server import (
    Placed,
    body_of,
    first_address,
    group_template,
    least,
    near,
    network_at,
    networks_of,
    spread,
    why_failed,
)

EAST: dict[str, Any] = {"site": "east", "status": "ACTIVE", "network_id": "n-east"}
ADDRESSES = {"shop": [{"addr": "10.0.0.5"}, {"addr": "2001:db8::5"}]}


def test_near_is_here_where_here_is_a_member() -> None:
    """Else the first there is."""
    assert near(["west", "east"], "west") == "west"
    assert near(["west", "east"], "north") == "east"
    with pytest.raises(ValueError, match="no members"):
        near([], "west")


def place(stack: list[Placed], number: int) -> list[Placed]:
    """Return the servers when this one has chosen."""
    site = least(["west", "north", "east"], stack, number)
    return [replace(each, site=site) if each.number == number else each for each in stack]


@pytest.mark.parametrize("order", list(permutations(range(1, 6))))
def test_servers_made_at_once_spread_evenly_in_whatever_order_they_look(
    order: tuple[int, ...],
) -> None:
    """Also where one of them knows only what was before the others had chosen."""
    stack = [Placed(0, "0", "west"), *(Placed(n, str(n), None) for n in range(1, 6))]
    before, chosen = list(stack), stack
    for number in order:
        alone = next(each for each in place(before, number) if each.number == number)
        chosen = place(chosen, number)
        assert alone in chosen
    assert set(Counter(each.site for each in chosen).values()) == {2}


def test_who_takes_anothers_place_does_not_count_it() -> None:
    """So that servers made anew, one after the other, stay as even as they were."""
    stack = [Placed(1, "a", "east"), Placed(2, "b", "west"), Placed(3, "b", None)]
    assert least(["west", "east"], stack, 3) == "west"
    stack = [*stack[:2], Placed(3, "b", "west"), Placed(4, "a", None)]
    assert least(["west", "east"], stack, 4) == "east"


def test_a_network_without_members_has_no_place() -> None:
    """That is told."""
    with pytest.raises(ValueError, match="no members"):
        least([], [Placed(1, "a", None)], 1)


def test_a_server_goes_on_the_network_that_its_site_made() -> None:
    """Once it is there, though not all of it may be well."""
    assert network_at([EAST], "east") == "n-east"
    assert network_at([EAST | {"status": "DEGRADED"}], "east") == "n-east"
    assert network_at([EAST | {"status": "PENDING"}], "east") is None
    assert network_at([EAST | {"network_id": None}], "east") is None


def test_a_site_that_will_not_have_the_network_is_told() -> None:
    """With what it says."""
    with pytest.raises(LookupError, match="west is no member"):
        network_at([EAST], "west")
    with pytest.raises(LookupError, match="east: refused"):
        network_at([EAST | {"status": "ERROR", "status_reason": "refused"}], "east")


def test_the_compute_api_is_asked_for_what_is_given() -> None:
    """And for nothing else."""
    given = {
        "name": None,
        "security_groups": ["web"],
        "key_name": "k",
        "config_drive": None,
        "scheduler_hints": {"group": "g"},
    }
    networks = [{"uuid": "n"}, {"port": "p"}]
    body = body_of(given, "stack-web", networks, "#!/bin/sh")
    assert body == {
        "name": "stack-web",
        "networks": networks,
        "key_name": "k",
        "security_groups": [{"name": "web"}],
        "scheduler_hints": {"group": "g"},
        "user_data": base64.b64encode(b"#!/bin/sh").decode(),
    }
    assert body_of({"name": "web"}, "x", [], "") == {"name": "web", "networks": []}


def test_addresses_and_faults_are_told_as_templates_want_them() -> None:
    """Also of a server that has none yet."""
    assert first_address(ADDRESSES) == "10.0.0.5"
    assert first_address({}) == ""
    assert networks_of(ADDRESSES) == {"shop": ["10.0.0.5", "2001:db8::5"]}
    assert why_failed({"fault": {"message": "No valid host."}}) == "No valid host."
    assert "no reason" in why_failed({"fault": None})


def test_more_servers_of_a_group_leave_the_others_where_they_are() -> None:
    """In turn at each of the sites."""
    assert spread(3, ["west", "east"]) == {"0": "west", "1": "east", "2": "west"}
    assert spread(5, ["west", "east"]).items() > spread(3, ["west", "east"]).items()
    assert spread(1, []) == {"0": None}


def test_a_group_is_a_stack_of_its_servers() -> None:
    """Each with what the group says; without sites each finds its own."""
    template = group_template(2, ["west"], {"image": "i", "key_name": None})
    assert template["resources"]["1"]["properties"] == {"image": "i", "site": "west"}
    template = group_template(1, [], {"image": "i"})
    assert template["resources"]["0"]["properties"] == {"image": "i", "rule": "spread"}
    template = group_template(1, ["west"], {"networks": [{"network": "n", "fixed_ip": None}]})
    assert template["resources"]["0"]["properties"]["networks"] == [{"network": "n"}]
    assert group_template(0, [], {})["resources"] == {}
