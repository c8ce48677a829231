# SPDX-License-Identifier: Apache-2.0
"""Stacks over both clouds while a cloud's API is out, and whose engine dies in the middle."""

from __future__ import annotations

import time
from collections.abc import Iterator
from functools import partial
from typing import Any
from uuid import uuid4

import pytest
from keystoneauth1.exceptions import ConnectTimeout as RequestTimeout

from lab import control, topology
from lab.demo.cloud import Cloud
from lab.waiting import wait_until
from tests.scenario import length, orchestra

pytestmark = [
    pytest.mark.timeout(900),
    pytest.mark.skipif(not length.IS_LONG, reason="long: make failures"),
]
OUT_S, SOON_S = 60, 120
TEMPLATE = """
heat_template_version: 2021-04-16
parameters:
  name: {type: string}
  near: {type: string}
  far: {type: string}
  image: {type: string}
  flavor: {type: string}
resources:
  shop:
    type: OS::Isthmus::VirtualTenantNetwork
    properties:
      name: {get_param: name}
      prefixes: [10.95.0.0/16]
      members: [{get_param: near}, {get_param: far}]
  base:
    type: OS::Isthmus::InterconnectedServer
    properties:
      name: {get_param: name}
      virtual_tenant_network: {get_resource: shop}
      site: {get_param: far}
      image: {get_param: image}
      flavor: {get_param: flavor}
outputs:
  id: {value: {get_resource: base}}
"""


@pytest.fixture
def clouds() -> Iterator[list[Cloud]]:
    """Red's cloud at each site; everything runs, and the test's stacks are gone, afterwards."""
    clouds = [Cloud(site.name, "red") for site in topology.load().sites]
    orchestra.forget_stacks(clouds[0])
    yield clouds
    control.start(f"{clouds[1].site}-nova-api")
    control.start(f"{clouds[0].site}-heat-engine")
    orchestra.forget_stacks(clouds[0])


@pytest.fixture
def given(clouds: list[Cloud]) -> dict[str, Any]:
    """What the template is told."""
    west, east = clouds
    lab = topology.load()
    sizes = {"image": lab.image, "flavor": lab.flavor.name}
    return sizes | {
        "name": f"{orchestra.PREFIX}{uuid4().hex[:8]}",
        "near": west.site,
        "far": east.site,
    }


def servers(cloud: Cloud, name: str) -> list[str]:
    """Return the ids of the servers of a name."""
    return [each.id for each in cloud.connection.compute.servers(name=f"^{name}$")]


def answers(cloud: Cloud) -> bool:
    """Whether the engine of a site answers its API."""
    try:
        return bool(cloud.connection.orchestration.get("/resource_types", timeout=5).ok)
    except RequestTimeout:
        return False


def test_a_stack_waits_for_the_other_clouds_api_and_one_whose_engine_died_is_finished_by_an_update(
    clouds: list[Cloud], given: dict[str, Any]
) -> None:
    """Neither leaves anything behind, or a server too many."""
    west, east = clouds
    name = given["name"]
    control.stop(f"{east.site}-nova-api")
    orchestra.begin(west, name, TEMPLATE, **given)
    state = partial(orchestra.state, west, name)
    wait_until(lambda: state("shop") == "CREATE_COMPLETE", SOON_S, "the network", every_s=0.5)
    time.sleep(OUT_S)
    assert state() == "CREATE_IN_PROGRESS"
    control.start(f"{east.site}-nova-api")
    made = orchestra.settled(west, name, "CREATE")
    assert servers(east, name) == [made["id"]]
    orchestra.delete(west, name)
    wait_until(lambda: not servers(east, name), SOON_S, "the server's end", every_s=0.5)

    # Its name is free a moment after its end is told.
    name = given["name"] = f"{name}-again"
    orchestra.begin(west, name, TEMPLATE, **given)
    wait_until(lambda: bool(servers(east, name)), SOON_S, "a server", every_s=0.2)
    engine = f"{west.site}-heat-engine"
    control.kill(engine)
    control.stop(engine)
    control.start(engine)
    wait_until(partial(answers, west), SOON_S, "the engine to answer again")
    finished = orchestra.update(west, name, TEMPLATE, **given)
    assert servers(east, name) == [finished["id"]]
    orchestra.delete(west, name)
    wait_until(lambda: not servers(east, name), SOON_S, "the server's end", every_s=0.5)
    for cloud in clouds:
        wait_until(partial(orchestra.has_nothing, cloud, name), SOON_S, f"{cloud.site} empty")
