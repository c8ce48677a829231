# SPDX-License-Identifier: Apache-2.0
"""Route targets and RDs given out, shared and kept from strangers."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest

from isthmus.model.ids import RouteDistinguisher, RouteTarget
from isthmus.model.pools import NumberPool

if TYPE_CHECKING:
    from tests.cloud import Cloud

VPNS = "/bgpvpn/bgpvpns"
RED, BLUE = "red-project", "blue-project"


@contextmanager
def pool(cloud: Cloud, *texts: str) -> Iterator[None]:
    """Have the operator configure a pool of each."""
    before = cloud.plugin._options
    cloud.plugin._options = replace(
        before,
        route_target_pool=NumberPool.parse(RouteTarget, texts),
        route_distinguisher_pool=NumberPool.parse(RouteDistinguisher, texts),
    )
    yield
    cloud.plugin._options = before


@contextmanager
def members_create(cloud: Cloud) -> Iterator[None]:
    """Have the operator let members create VPNs and set their route targets."""
    from neutron import policy
    from oslo_policy.policy import Rules

    lists = ("route_targets", "import_targets", "export_targets")
    allowed = ["create_bgpvpn", "create_bgpvpn:project_id", "create_bgpvpn:tenant_id"]
    allowed += [f"{verb}_bgpvpn:{name}" for verb in ("create", "update", "get") for name in lists]
    policy.refresh()
    policy._ENFORCER.set_rules(
        Rules.from_dict(dict.fromkeys(allowed, "")), overwrite=False, use_conf=False
    )
    yield
    policy.refresh()


def test_a_vpn_that_asks_for_a_route_target_gets_one_of_the_pool(cloud: Cloud) -> None:
    """No other has it; it is free again when the VPN goes."""
    with pool(cloud, "64500:100-102"):
        typed = cloud.vpn(route_targets=["64500:101"])
        made = [cloud.vpn(route_targets=[], allocate_route_target=True) for _ in range(2)]
        given = {target for vpn in made for target in vpn["route_targets"]}
        assert given == {"64500:100", "64500:102"}
        assert [vpn["allocate_route_target"] for vpn in (typed, *made)] == [False, True, True]
        body = {"bgpvpn": {"project_id": RED, "allocate_route_target": True}}
        refused = cloud.request("POST", VPNS, body)
        assert refused.status == 409
        assert refused.sentence == "The provider has no route target left to give."
        assert cloud.request("DELETE", f"{VPNS}/{typed['id']}").status == 204
        assert cloud.vpn(route_targets=[], allocate_route_target=True)["route_targets"] == [
            "64500:101"
        ]


def test_a_vpn_that_asks_for_an_rd_gets_one_of_the_pool(cloud: Cloud) -> None:
    """After those it names; nobody else has it, until it is given up or the VPN goes."""
    with pool(cloud, "64500:7-9"):
        wish: dict[str, Any] = {"allocate_route_distinguisher": True}
        typed = cloud.vpn(route_distinguishers=["64500:8"])
        first = cloud.vpn(route_distinguishers=["64501:1"], **wish)
        second = cloud.vpn(BLUE, **wish)
        assert first["route_distinguishers"][0] == "64501:1"
        given = {first["route_distinguishers"][1], *second["route_distinguishers"]}
        assert given == {"64500:7", "64500:9"}
        asked = [vpn["allocate_route_distinguisher"] for vpn in (typed, first, second)]
        assert asked == [False, True, True]
        refused = cloud.request("POST", VPNS, {"bgpvpn": {"project_id": RED, **wish}})
        assert refused.status == 409
        assert refused.sentence == "The provider has no route distinguisher left to give."
        none: dict[str, Any] = {"bgpvpn": {"route_distinguishers": []}}
        assert cloud.request("PUT", f"{VPNS}/{first['id']}", none).status == 200
        again = cloud.vpn(**wish)
        assert again["route_distinguishers"] == first["route_distinguishers"][1:]
        assert cloud.request("DELETE", f"{VPNS}/{typed['id']}").status == 204
        assert cloud.vpn(**wish)["route_distinguishers"] == ["64500:8"]
        found = cloud.request("GET", f"{VPNS}?allocate_route_distinguisher=true")
        assert len(found["bgpvpns"]) == 4


@pytest.mark.parametrize("number", ["route_target", "route_distinguisher"])
def test_without_a_pool_there_is_none_to_give(cloud: Cloud, number: str) -> None:
    """400 with what to do instead."""
    body = {"bgpvpn": {"project_id": RED, f"allocate_{number}": True}}
    with pool(cloud):
        refused = cloud.request("POST", VPNS, body)
    assert (refused.status, "no pool" in refused.sentence) == (400, True)
    assert cloud.leftovers() == {}


def test_two_projects_are_not_merged_by_a_typo(cloud: Cloud) -> None:
    """Whoever may not share is refused, in any direction; one's own project is no stranger."""
    cloud.vpn(BLUE, route_targets=["64500:1"])
    with members_create(cloud):
        for attribute in ("route_targets", "import_targets", "export_targets"):
            body = {"bgpvpn": {attribute: ["64500:2", "64500:1"]}}
            refused = cloud.request("POST", VPNS, body, RED)
            assert refused.status == 409
            assert refused.sentence == "Route target 64500:1 is in use by another project."
        mine = cloud.request("POST", VPNS, {"bgpvpn": {"route_targets": ["64500:2"]}}, RED)
        assert mine.status == 201, mine
        again = cloud.request("POST", VPNS, {"bgpvpn": {"import_targets": ["64500:2"]}}, RED)
        assert again.status == 201
        body = {"bgpvpn": {"route_targets": ["64500:1"]}}
        path = f"{VPNS}/{mine['bgpvpn']['id']}"
        assert cloud.request("PUT", path, body, RED).status == 409
        assert cloud.request("PUT", path, body).status == 200


def test_a_route_target_given_up_is_anybodys(cloud: Cloud) -> None:
    """By a change or a deletion."""
    first = cloud.vpn(BLUE, route_targets=["64500:1", "64500:2"])
    body = {"bgpvpn": {"route_targets": ["64500:2"]}}
    assert cloud.request("PUT", f"{VPNS}/{first['id']}", body).status == 200
    with members_create(cloud):
        body = {"bgpvpn": {"route_targets": ["64500:1"]}}
        assert cloud.request("POST", VPNS, body, RED).status == 201
        assert cloud.request("DELETE", f"{VPNS}/{first['id']}").status == 204
        body = {"bgpvpn": {"route_targets": ["64500:2"]}}
        assert cloud.request("POST", VPNS, body, RED).status == 201


@pytest.mark.parametrize("number", [200])
def test_a_vpn_may_have_many_route_targets(cloud: Cloud, number: int) -> None:
    """In a constant number of statements."""
    with cloud.statements() as few:
        cloud.vpn(route_targets=["64500:1"])
    with cloud.statements() as many:
        made = cloud.vpn(route_targets=[f"64500:{n}" for n in range(2, number)])
    assert len(many) == len(few)
    assert len(made["route_targets"]) == number - 2
