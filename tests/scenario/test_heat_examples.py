# SPDX-License-Identifier: Apache-2.0
"""The example templates for Heat, as they stand, in the lab's clouds."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
import requests

from lab import topology
from lab.demo.cloud import Cloud
from lab.demo.stage import Stage
from lab.waiting import wait_until
from tests.scenario import figures, orchestra
from tests.scenario.rig import Host, Rig

pytestmark = pytest.mark.timeout(900)
EXAMPLES = Path(__file__).parents[2] / "examples"
SCALED_S, GONE_S = 240, 60


@pytest.fixture
def name() -> str:
    """What the test's stack is called, and what is in it."""
    return f"{orchestra.PREFIX}{uuid4().hex[:8]}"


@pytest.fixture
def operators(stage: Stage, name: str) -> Iterator[tuple[Rig, Rig]]:
    """An operator's hosts at each site; what earlier runs left is gone, and so is the test's."""
    west, east = (Rig(stage, site, name) for site in stage.topology.sites)
    forget(west.cloud, east.cloud)
    yield west, east
    for rig in (west, east):
        rig.remove_hosts()
    forget(west.cloud, east.cloud)


@pytest.fixture
def clouds() -> Iterator[list[Cloud]]:
    """Red's cloud at each site; what earlier runs left is gone, and so is the test's."""
    clouds = [Cloud(site.name, "red") for site in topology.load().sites]
    forget(*clouds)
    yield clouds
    forget(*clouds)


def forget(*clouds: Cloud) -> None:
    """Delete what tests left, in each cloud."""
    for cloud in clouds:
        orchestra.forget_stacks(cloud)


def create(cloud: Cloud, name: str, example: str, **parameters: Any) -> dict[str, Any]:
    """Make a stack of an example; return its outputs."""
    file = str(EXAMPLES / example)
    cloud.connection.create_stack(name, template_file=file, rollback=False, **parameters)
    return orchestra.settled(cloud, name, "CREATE")


def outputs(cloud: Cloud, name: str) -> dict[str, Any]:
    """Return a stack's outputs as they are now."""
    shown = cloud.connection.orchestration.get_stack(name).outputs
    return {each["output_key"]: each["output_value"] for each in shown}


def reach_each_other(near: Host, far: Host) -> None:
    """Wait until two hosts do."""
    near.must_reach(far.address)
    far.must_reach(near.address)


def test_branches_reach_the_hub_and_not_each_other(operators: tuple[Rig, Rig], name: str) -> None:
    """Though one of them is in another region, made by that region's Heat."""
    west, east = operators
    began = time.monotonic()
    made = create(
        west.cloud,
        name,
        "hub-and-spoke.yaml",
        project=west.cloud.project_id,
        far_region=east.site.name,
        of_branches="64500:7001",
        of_hub="64500:7002",
    )
    figures.add(f"hub and spoke over two clouds made in {time.monotonic() - began:.1f} s")
    hub = west.make_host(made["networks"]["hub"], 0)
    near = west.make_host(made["networks"]["near"], 1)
    far = east.make_host(made["networks"]["far"], 0)
    reach_each_other(hub, near)
    reach_each_other(hub, far)
    assert near.ping(far.address, 5).received == 0
    assert far.ping(near.address, 5).received == 0
    # They were silent to each other alone.
    reach_each_other(hub, near)
    reach_each_other(hub, far)

    for rig in (west, east):
        rig.remove_hosts()
    began = time.monotonic()
    orchestra.delete(west.cloud, name)
    for rig in (west, east):
        for part in ("hub", "near", "far"):
            gone = partial(orchestra.has_nothing, rig.cloud, f"{name}-{part}")
            wait_until(gone, GONE_S, f"nothing of {part} in {rig.site.name}")
    figures.add(f"hub and spoke gone from both in {time.monotonic() - began:.1f} s")


def test_an_autoscaling_group_grows_and_shrinks_over_both_clouds(
    clouds: list[Cloud], name: str
) -> None:
    """By a signed address out, by an account in; nothing is left in either cloud."""
    west, east = clouds
    lab = topology.load()

    def servers() -> list[str]:
        """Return where each of the stack's servers is."""
        return [
            cloud.site
            for cloud in clouds
            for server in cloud.connection.compute.servers()
            if server.name.startswith(name)
        ]

    def wait_for(size: int) -> dict[str, Any]:
        """Wait until the stack says so, and compute in both clouds has as many."""
        wait_until(lambda: outputs(west, name)["size"] == size, SCALED_S, f"{size} of {name}")
        shown = outputs(west, name)
        where = Counter(shown["sites"].values())
        wait_until(lambda: Counter(servers()) == where, GONE_S, f"servers at {where}")
        return shown

    began = time.monotonic()
    given = {"sites": f"{west.site},{east.site}", "prefix": "10.95.0.0/16"}
    given |= {"image": lab.image, "flavor": lab.flavor.name}
    one = create(west, name, "autoscaling-over-regions.yaml", **given, step=2, cooldown=0)
    assert one["size"] == 1
    figures.add(f"autoscaling over two clouds: the first {time.monotonic() - began:.1f} s")

    began = time.monotonic()
    answer = requests.post(one["more"], timeout=60)
    assert answer.ok, answer.text
    three = wait_for(3)
    figures.add(f"from 1 to 3: {time.monotonic() - began:.1f} s")
    assert sorted(Counter(three["sites"].values()).values()) == [1, 2]
    assert three["ids"].items() >= one["ids"].items()

    began = time.monotonic()
    heat = west.connection.orchestration
    stack = heat.get_stack(name, resolve_outputs=False)
    assert heat.post(f"/stacks/{name}/{stack.id}/resources/fewer/signal").ok
    last = wait_for(1)
    figures.add(f"from 3 to 1: {time.monotonic() - began:.1f} s")
    assert last["ids"].items() <= three["ids"].items()

    began = time.monotonic()
    orchestra.delete(west, name)
    wait_until(lambda: not servers(), GONE_S, "no servers")
    for cloud in clouds:
        gone = partial(orchestra.has_nothing, cloud, name)
        wait_until(gone, GONE_S, f"nothing in {cloud.site}")
    figures.add(f"gone from both: {time.monotonic() - began:.1f} s")
