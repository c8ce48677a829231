# SPDX-License-Identifier: Apache-2.0
"""Many clients ask for route targets and RDs at once, on a real database."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest

from isthmus.model.ids import AdministeredNumber, RouteDistinguisher, RouteTarget
from isthmus.model.pools import NumberPool

if TYPE_CHECKING:
    from tests.cloud import Answer, Cloud

VPNS = "/bgpvpn/bgpvpns"
RED, BLUE = "red-project", "blue-project"
CLIENTS, POOL = 8, 24


@pytest.mark.parametrize("kind", [RouteTarget, RouteDistinguisher])
def test_no_number_is_given_twice(cloud: Cloud, kind: type[AdministeredNumber]) -> None:
    """As many are given as there are, however many ask; the rest are told."""
    name = kind.words.replace(" ", "_")
    before = cloud.plugin._options
    pool: Any = NumberPool.parse(kind, [f"64500:1000-{999 + POOL}"])
    cloud.plugin._options = replace(before, **{f"{name}_pool": pool})

    def ask(number: int) -> Answer:
        body = {"project_id": (RED, BLUE)[number % 2], f"allocate_{name}": True}
        return cloud.request("POST", VPNS, {"bgpvpn": body})

    with ThreadPoolExecutor(CLIENTS) as clients:
        answers = list(clients.map(ask, range(POOL + CLIENTS)))
    cloud.plugin._options = before
    given = [a["bgpvpn"][f"{name}s"][0] for a in answers if a.status == 201]
    assert sorted(answer.status for answer in answers) == [201] * POOL + [409] * CLIENTS
    assert len(set(given)) == POOL


def test_two_projects_never_get_one_route_target_at_the_same_moment(cloud: Cloud) -> None:
    """Whoever comes second is refused, though neither saw the other at first."""
    from neutron import policy
    from oslo_policy.policy import Rules

    policy.refresh()
    allowed = ("create_bgpvpn", "create_bgpvpn:project_id", "create_bgpvpn:route_targets")
    policy._ENFORCER.set_rules(
        Rules.from_dict(dict.fromkeys(allowed, "")), overwrite=False, use_conf=False
    )

    def ask(project: str) -> int:
        body = {"bgpvpn": {"route_targets": [f"64500:{number}"]}}
        return cloud.request("POST", VPNS, body, project).status

    with ThreadPoolExecutor(2) as clients:
        for number in range(1, 11):
            statuses = sorted(clients.map(ask, (RED, BLUE)))
            assert statuses == [201, 409], number
    policy.refresh()
