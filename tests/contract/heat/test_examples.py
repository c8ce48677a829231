# SPDX-License-Identifier: Apache-2.0
"""The templates in ``examples``, as they stand, through a real Heat.

Neutron is real; the compute and image APIs of both regions are fakes.
"""

from __future__ import annotations

import base64
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from tests.signed import KNOWN, SECRET, Signed

if TYPE_CHECKING:
    from tests.cloud import Cloud
    from tests.fakes.compute import Compute
    from tests.fakes.driver import FlakyDriver
    from tests.stacks import Heat, Stack
    from tests.vtn_site import Region

# Heat takes a loaded machine a while to start.
pytestmark = pytest.mark.timeout(600)

EXAMPLES = Path(__file__).parents[3] / "examples"
RED, PART = "red-project", "network-in-vpn.yaml"
SCALED = (EXAMPLES / "autoscaling-over-regions.yaml").read_text()
GIVEN: dict[str, Any] = {"image": "guest", "flavor": "tiny", "step": 2, "cooldown": 0}


def ids(computes: dict[str, Compute]) -> set[str]:
    """Return all servers there are."""
    return {server for region in computes.values() for server in region.servers}


def scale(heat: Heat, name: str, policy: str, size: int) -> Stack:
    """Signal a policy and wait until there are as many servers as that makes."""
    heat.signal(name, policy)
    assert heat.wait_for(
        lambda: (
            heat.resource(name, "servers")["resource_status"].endswith("E")
            and heat.show(name).outputs["size"] == size
        )
    )
    return heat.show(name)


@pytest.fixture
def heats(heat: Heat) -> Iterator[None]:
    """Heat of both regions, in the catalog: the one here stands for the other."""
    kinds = ("orchestration", "cloudformation")
    places = {(kind, site): f"{heat.url}/<project>" for kind in kinds for site in ("west", "east")}
    heat.served.elsewhere |= places
    yield
    for place in places:
        del heat.served.elsewhere[place]


@pytest.mark.usefixtures("heats")
def test_branches_of_a_hub_take_in_what_it_exports_and_it_what_they_do(
    cloud: Cloud, driver: FlakyDriver, heat: Heat
) -> None:
    """All of them are the project's that is named."""
    operator = heat.by("operator", **{PART: (EXAMPLES / PART).read_text()})
    template = (EXAMPLES / "hub-and-spoke.yaml").read_text()
    stack = operator.create("company", template, project=RED)
    assert stack.state == "CREATE_COMPLETE", stack.reason
    assert set(stack.outputs["states"]) == {"ACTIVE"}
    found = {
        vpn["name"]: (vpn["import_targets"], vpn["export_targets"], vpn["networks"])
        for vpn in cloud.request("GET", "/bgpvpn/bgpvpns")["bgpvpns"]
    }
    branches, hub = ["64500:1"], ["64500:2"]
    assert found == {
        "company-hub": (branches, hub, [stack.outputs["networks"]["hub"]]),
        "company-near": (hub, branches, [stack.outputs["networks"]["near"]]),
        "company-far": (hub, branches, [stack.outputs["networks"]["far"]]),
    }
    owners = {vpn["project_id"] for vpn in cloud.request("GET", "/bgpvpn/bgpvpns")["bgpvpns"]}
    owners |= {net["project_id"] for net in cloud.request("GET", "/networks")["networks"]}
    assert owners == {RED}
    operator.delete("company")
    assert not cloud.request("GET", "/bgpvpn/bgpvpns")["bgpvpns"]
    assert not cloud.request("GET", "/networks")["networks"]


def test_an_autoscaling_group_is_spread_evenly_and_its_members_stay(
    heat: Heat, computes: dict[str, Compute]
) -> None:
    """By signals out and in; nothing is left of it afterwards."""
    one = heat.create("scaled", SCALED, **GIVEN)
    assert one.state == "CREATE_COMPLETE", one.reason
    assert one.outputs["size"] == 1
    three = scale(heat, "scaled", "more", 3)
    assert sorted(Counter(three.outputs["sites"].values()).values()) == [1, 2]
    assert three.outputs["ids"].items() >= one.outputs["ids"].items()
    assert set(three.outputs["ids"].values()) == ids(computes)
    assert set(three.outputs["addresses"]) == set(three.outputs["ids"])
    five = scale(heat, "scaled", "more", 5)
    assert sorted(Counter(five.outputs["sites"].values()).values()) == [2, 3]
    three = scale(heat, "scaled", "fewer", 3)
    assert set(three.outputs["ids"].values()) == ids(computes)
    last = scale(heat, "scaled", "fewer", 1)
    assert set(last.outputs["ids"].values()) == ids(computes)
    heat.delete("scaled")
    assert not ids(computes)
    assert not heat.served.identity.made["users"]


def test_members_are_changed_in_place_one_after_the_other(
    heat: Heat, computes: dict[str, Compute]
) -> None:
    """Words as well as flavors; each stays where it is."""
    made = heat.create("rolled", SCALED, **GIVEN, fewest=2)
    assert made.state == "CREATE_COMPLETE", made.reason
    assert set(made.outputs["sites"].values()) == {"west", "east"}
    kept = heat.update("rolled", SCALED, **GIVEN, fewest=2, words="second")
    assert kept.state == "UPDATE_COMPLETE", kept.reason
    assert kept.outputs["ids"] == made.outputs["ids"]
    servers = [server for region in computes.values() for server in region.servers.values()]
    assert [server["metadata"]["words"] for server in servers] == ["second", "second"]
    big = GIVEN | {"flavor": "big", "fewest": 2, "words": "second"}
    other = heat.update("rolled", SCALED, **big)
    assert other.state == "UPDATE_COMPLETE", other.reason
    assert other.outputs["ids"] == made.outputs["ids"]
    assert set(other.outputs["ids"].values()) == ids(computes)
    assert other.outputs["sites"] == made.outputs["sites"]
    heat.delete("rolled")
    assert not ids(computes)


@pytest.mark.usefixtures("heats")
@pytest.mark.filterwarnings("ignore::DeprecationWarning")
def test_a_shop_of_two_regions_in_cloudformations_form_is_made_changed_and_deleted(
    heat: Heat, computes: dict[str, Compute], west: Region
) -> None:
    """By signed queries; what servers are told has in it what the others are called."""
    query = Signed(heat.cloudformation, "west", KNOWN[0], SECRET)
    template = (EXAMPLES / "two-region-shop.cfn.yaml").read_text()
    given = {"Image": "guest", "Flavor": "tiny"}
    made = query.create("shop", template, **given)
    web, database = computes["west"].bodies[0], computes["east"].bodies[0]
    told = base64.b64decode(web["user_data"]).decode()
    assert f"http://{made['DatabaseAddress']}:8000/stock" in told
    assert "-p 8000 " in base64.b64decode(database["user_data"]).decode()
    assert made["Page"] == f"http://{made['WebAddress']}:8080/cgi-bin/stock"
    assert web["security_groups"] != database["security_groups"]
    changed = query.update("shop", template, **given, MoreWebServers=2, Motto="more")
    assert changed == made
    assert [len(computes[site].servers) for site in ("west", "east")] == [3, 1]
    query.delete("shop")
    assert not ids(computes)
    assert not west.networks()
