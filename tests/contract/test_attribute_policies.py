# SPDX-License-Identifier: Apache-2.0
"""An operator says who may set and see any single attribute of an association."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING

import pytest

from tests.contract.associations import RED, VPNS, associate

if TYPE_CHECKING:
    from tests.cloud import Cloud

ADMIN, OWNER = "role:admin", "project_id:%(project_id)s"
Restrict = Callable[..., None]


@pytest.fixture
def restrict(cloud: Cloud) -> Iterator[Restrict]:
    """A function that adds rules, as a policy file does."""
    from neutron import policy
    from oslo_policy.policy import Rules

    del cloud
    policy.refresh()

    def add(check: str, *rules: str) -> None:
        wanted = Rules.from_dict(dict.fromkeys(rules, check))
        policy._ENFORCER.set_rules(wanted, overwrite=False, use_conf=False)

    yield add
    policy.refresh()


def target(cloud: Cloud, kind: str) -> str:
    """Make what is to be associated."""
    network_id = cloud.network("10.1.0.0/24")
    if kind == "router":
        return cloud.route(network_id)
    cloud.host("west-1")
    return network_id if kind == "network" else str(cloud.port(network_id, "west-1")["id"])


@pytest.mark.parametrize(
    ("kind", "name", "default", "other"),
    [
        ("network", "admin_state_up", True, False),
        ("network", "attachment_mode", None, "gateway"),
        ("router", "advertise_extra_routes", True, False),
        ("port", "routes", [], [{"type": "prefix", "prefix": "198.51.100.0/24"}]),
        ("port", "description", "", "mine"),
    ],
)
def test_what_a_rule_keeps_from_a_project_it_can_not_set(
    cloud: Cloud, restrict: Restrict, kind: str, name: str, default: object, other: object
) -> None:
    """Neither in a creation, nor in several at once, nor in a change; others are let through."""
    resource = f"bgpvpn_{kind}_association"
    restrict(ADMIN, f"create_{resource}:{name}", f"update_{resource}:{name}")
    vpn_id, target_id = cloud.vpn()["id"], target(cloud, kind)
    refused = associate(cloud, vpn_id, kind, target_id, **{name: other})
    assert refused.status == 403
    assert name in refused.sentence
    path = f"{VPNS}/{vpn_id}/{kind}_associations"
    item = {f"{kind}_id": target_id, name: other}
    for several in ([item], [{f"{kind}_association": item}]):
        assert cloud.request("POST", path, {f"{kind}_associations": several}, RED).status == 403
    # Whoever says what holds anyway says nothing.
    made = associate(cloud, vpn_id, kind, target_id, **{name: default})
    association = cloud.made(made, f"{kind}_association")
    change = {f"{kind}_association": {name: other}}
    own = f"{path}/{association['id']}"
    assert cloud.request("PUT", own, change, RED).status == 403
    assert cloud.request("PUT", own, change, "blue-project").status == 404
    assert cloud.request("PUT", own, change).status == 200
    assert cloud.request("GET", own)[f"{kind}_association"][name] == other


def test_a_rule_may_ask_whose_the_association_is(cloud: Cloud, restrict: Restrict) -> None:
    """As rules of networks and VPNs do."""
    rules = [f"{verb}_bgpvpn_network_association:description" for verb in ("create", "update")]
    restrict(OWNER, *rules)
    vpn_id, network_id = cloud.vpn()["id"], cloud.network("10.1.0.0/24")
    made = associate(cloud, vpn_id, "network", network_id, description="mine")
    path = f"{VPNS}/{vpn_id}/network_associations/{made['network_association']['id']}"
    change = {"network_association": {"description": "changed"}}
    assert cloud.request("PUT", path, change, RED).status == 200


def test_what_a_rule_hides_is_not_shown(cloud: Cloud, restrict: Restrict) -> None:
    """In a list, in an item, and in the answer to a creation."""
    restrict(ADMIN, "get_bgpvpn_network_association:status_reason")
    vpn_id, network_id = cloud.vpn()["id"], cloud.network("10.1.0.0/24")
    made = associate(cloud, vpn_id, "network", network_id)["network_association"]
    path = f"{VPNS}/{vpn_id}/network_associations"
    shown = cloud.request("GET", f"{path}/{made['id']}", project=RED)["network_association"]
    (listed,) = cloud.request("GET", path, project=RED)["network_associations"]
    for view in (made, shown, listed):
        assert "status_reason" not in view
        assert "attachment_mode" not in view
    assert "status_reason" in cloud.request("GET", f"{path}/{made['id']}")["network_association"]


@pytest.mark.parametrize("body", [None, [], {}, {"network_associations": [None, 7, []]}, "x"])
def test_what_is_no_association_is_refused_as_ever(
    cloud: Cloud, restrict: Restrict, body: object
) -> None:
    """400."""
    restrict(ADMIN, "create_bgpvpn_network_association:description")
    path = f"{VPNS}/{cloud.vpn()['id']}/network_associations"
    assert cloud.request("POST", path, body, RED).status == 400
