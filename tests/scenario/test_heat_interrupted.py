# SPDX-License-Identifier: Apache-2.0
"""Stacks over both clouds while the other one is out of reach, and whose engine dies in the middle.

Each ends in the state that docs/operate/heat.md says, a second command finishes it, and nothing is
left in either cloud. One is for every run of the tests; ``SCENARIO=long`` has the others.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from functools import partial
from typing import Any
from uuid import uuid4

import pytest
from keystoneauth1.exceptions import ConnectTimeout as RequestTimeout

from lab import control, topology
from lab.demo.cloud import Cloud, RequestRefused
from lab.waiting import answers, wait_until
from tests.scenario import figures, leftovers, orchestra
from tests.scenario.length import only_long

pytestmark = pytest.mark.timeout(900)
OUT_S, SOON_S, SETTLED_S, CONFLICT = 60, 120, 120, 409
APIS = {"nova-api": 8774, "neutron-api": 9696}
TEMPLATE = """
heat_template_version: 2021-04-16
parameters:
  name: {type: string}
  near: {type: string}
  far: {type: string}
  image: {type: string}
  flavor: {type: string}
  policy: {type: string, default: wait}
resources:
  shop:
    type: OS::Isthmus::VirtualTenantNetwork
    properties:
      name: {get_param: name}
      prefixes: [10.95.0.0/16]
      failure_policy: {get_param: policy}
      members: [{get_param: near}, {get_param: far}]
  base:
    type: OS::Isthmus::InterconnectedServer
    properties:
      name: {get_param: name}
      virtual_tenant_network: {get_resource: shop}
      site: {get_param: far}
      image: {get_param: image}
      flavor: {get_param: flavor}
      failure_policy: {get_param: policy}
outputs:
  id: {value: {get_resource: base}}
"""


@pytest.fixture
def clouds() -> Iterator[list[Cloud]]:
    """Red's cloud at each site; afterwards everything runs, and there is no more than before."""
    sites = topology.load().sites
    clouds = [Cloud(site.name, "red") for site in sites]
    orchestra.forget_stacks(clouds[0])
    leftovers.prepare(sites)
    before = [leftovers.count(site) for site in sites]
    yield clouds
    bring_apis_back(clouds[1])
    control.start(f"{clouds[0].site}-heat-engine")
    orchestra.forget_stacks(clouds[0])
    left = leftovers.left(sites, before, SETTLED_S)
    assert not left, "\n".join(left)


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


def engine_shows(cloud: Cloud, name: str) -> bool:
    """Whether the engine of a site answers its API about a stack."""
    try:
        return bool(cloud.connection.orchestration.get(f"/stacks/{name}", timeout=5).ok)
    except RequestTimeout:
        return False


def take_apis_away(cloud: Cloud) -> None:
    """Have a region answer no request of Neutron's and nova's API."""
    for name in APIS:
        control.stop(f"{cloud.site}-{name}")


def bring_apis_back(cloud: Cloud) -> None:
    """Have them answer again."""
    site = topology.load().site(cloud.site)
    for name in APIS:
        control.start(f"{site.name}-{name}")
    for name, port in APIS.items():
        url = f"http://{site.api}:{port}/"
        wait_until(partial(answers, url), SOON_S, f"{name} of {site.name} to answer")


def test_a_deletion_with_the_other_regions_apis_out_fails_and_the_next_finishes_it(
    clouds: list[Cloud], given: dict[str, Any]
) -> None:
    """With failure_policy fail: at once, with a reason that names the region."""
    west, east = clouds
    name = given["name"]
    orchestra.create(west, name, TEMPLATE, **given, policy="fail")
    take_apis_away(east)
    began = time.monotonic()
    orchestra.begin_to_delete(west, name)
    why = orchestra.ended(west, name, "DELETE")
    figures.add(f"after {time.monotonic() - began:.0f} s {why}")
    assert "DELETE_FAILED" in why
    assert f"The region of the site {east.site} does not answer" in why
    bring_apis_back(east)
    began = time.monotonic()
    orchestra.delete(west, name)
    figures.add(f"by a second command gone in {time.monotonic() - began:.0f} s")


@only_long
def test_a_deletion_with_the_other_site_dead_waits_for_the_timeout_and_the_next_finishes_it(
    clouds: list[Cloud], given: dict[str, Any]
) -> None:
    """With failure_policy wait, all processes of the site killed: the reason names it, too."""
    west, east = clouds
    name = given["name"]
    orchestra.create(west, name, TEMPLATE, **given)
    orchestra.update(west, name, TEMPLATE, timeout_mins=1, **given)
    control.kill_site(east.site)
    try:
        began = time.monotonic()
        orchestra.begin_to_delete(west, name)
        time.sleep(OUT_S / 2)
        assert orchestra.state(west, name) == "DELETE_IN_PROGRESS"
        why = orchestra.ended(west, name, "DELETE")
        figures.add(f"after {time.monotonic() - began:.0f} s {why}")
        assert "DELETE_FAILED" in why
        assert east.site in why
    finally:
        control.start_site(east.site)
    began = time.monotonic()
    orchestra.delete(west, name)
    figures.add(f"by a second command gone in {time.monotonic() - began:.0f} s")


@only_long
def test_a_stack_whose_region_is_gone_is_abandoned_and_its_parts_are_deleted_by_hand(
    clouds: list[Cloud], given: dict[str, Any]
) -> None:
    """Heat forgets it at once; what there was of it stays, until somebody deletes it."""
    west, east = clouds
    name = given["name"]
    orchestra.create(west, name, TEMPLATE, **given)
    take_apis_away(east)
    orchestra.begin_to_delete(west, name)
    wait_until(
        lambda: orchestra.state(west, name, "base") == "DELETE_IN_PROGRESS", SOON_S, "its deletion"
    )
    began = time.monotonic()
    orchestra.abandon(west, name)
    orchestra.wait_for_end(west, name)
    figures.add(f"abandoned in {time.monotonic() - began:.0f} s")
    bring_apis_back(east)
    (server,) = servers(east, name)
    compute = east.connection.compute
    compute.delete_server(server)
    wait_until(lambda: not servers(east, name), SOON_S, "the server's end", every_s=0.5)
    wait_until(partial(is_network_deleted, west, name), SOON_S, "nobody on the network", every_s=1)


def is_network_deleted(cloud: Cloud, name: str) -> bool:
    """Whether the network's deletion is asked for: refused, while a site knows of a port on it."""
    path = "/vtn/virtual_tenant_networks"
    found = cloud.call("GET", f"{path}?name={name}")["virtual_tenant_networks"]
    try:
        for each in found:
            cloud.call("DELETE", f"{path}/{each['id']}")
    except RequestRefused as refusal:
        if refusal.status != CONFLICT:
            raise
        return False
    return True


@only_long
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
    bring_apis_back(east)
    began = time.monotonic()
    made = orchestra.settled(west, name, "CREATE")
    figures.add(f"complete {time.monotonic() - began:.0f} s after the API's return")
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
    wait_until(partial(engine_shows, west, name), SOON_S, "the engine to answer again")
    began = time.monotonic()
    finished = orchestra.update(west, name, TEMPLATE, **given)
    figures.add(f"by an update complete in {time.monotonic() - began:.0f} s")
    assert servers(east, name) == [finished["id"]]
    orchestra.delete(west, name)
    wait_until(lambda: not servers(east, name), SOON_S, "the server's end", every_s=0.5)
    for cloud in clouds:
        wait_until(partial(orchestra.has_nothing, cloud, name), SOON_S, f"{cloud.site} empty")
