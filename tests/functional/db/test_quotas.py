# SPDX-License-Identifier: Apache-2.0
"""Many clients want more than their project may have, at once, on a real database."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from tests.cloud import Answer, Cloud

VPNS = "/bgpvpn/bgpvpns"
RED = "red-project"
CLIENTS, LIMIT, REQUESTS = 8, 5, 24


def asked(cloud: Cloud, quota: str, ask: Callable[[int], Answer]) -> list[int]:
    """Limit the red project, have all clients ask; return the answers' codes."""
    limits = {"quota": {quota: LIMIT}}
    assert cloud.request("PUT", f"/quotas/{RED}", limits).status == 200
    with ThreadPoolExecutor(CLIENTS) as clients:
        return sorted(answer.status for answer in clients.map(ask, range(REQUESTS)))


EXACTLY_THE_LIMIT = [201] * LIMIT + [409] * (REQUESTS - LIMIT)


def test_a_project_gets_exactly_as_many_vpns_as_its_quota(cloud: Cloud) -> None:
    """Whoever is counted at the same moment is counted too; no client is told of a deadlock."""
    body = {"bgpvpn": {"project_id": RED}}
    answers = asked(cloud, "mpls_vpn", lambda _: cloud.request("POST", VPNS, body))
    assert answers == EXACTLY_THE_LIMIT
    assert len(cloud.request("GET", VPNS)["bgpvpns"]) == LIMIT


def test_a_project_gets_exactly_as_many_associations_as_its_quota(cloud: Cloud) -> None:
    """In whatever VPNs."""
    vpns = [cloud.vpn(route_targets=[f"64500:{n}"])["id"] for n in range(CLIENTS)]
    networks = [cloud.network(f"10.{n}.0.0/24") for n in range(REQUESTS)]

    def ask(number: int) -> Answer:
        return cloud.associate(vpns[number % CLIENTS], networks[number])

    assert asked(cloud, "mpls_vpn_association", ask) == EXACTLY_THE_LIMIT
