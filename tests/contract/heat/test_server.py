# SPDX-License-Identifier: Apache-2.0
"""``OS::Isthmus::InterconnectedServer`` and its group, through a real Heat.

Neutron is real; the compute and image APIs of both regions are fakes that fail on purpose.
"""

from __future__ import annotations

import base64
from typing import TYPE_CHECKING

import pytest

from tests.contract.heat.servers import BY_RULE, GROUP, SERVER
from tests.fakes import compute
from tests.fakes.compute_servers import FLAVORS

if TYPE_CHECKING:
    from tests.fakes.compute import Compute
    from tests.stacks import Heat

# Heat takes a loaded machine a while to start.
pytestmark = pytest.mark.timeout(600)


def test_a_server_is_made_in_the_other_region_and_deleted(
    heat: Heat, here: Compute, there: Compute
) -> None:
    """On the network that the site made, with what the template says, by names of that region."""
    stack = heat.create("far", SERVER)
    assert stack.state == "CREATE_COMPLETE", stack.reason
    assert not here.servers
    (body,) = there.bodies
    assert body["networks"] == [{"uuid": stack.outputs["there"]}]
    assert body["imageRef"] == compute.IMAGE["id"]
    assert body["flavorRef"] == FLAVORS[0]["id"]
    assert body["key_name"] == "mine"
    assert base64.b64decode(body["user_data"]) == b"#!/bin/sh"
    assert body["security_groups"] == [{"name": "inside"}]
    server = there.called("base")
    assert stack.outputs["id"] == server["id"]
    assert stack.outputs["site"] == "east"
    assert stack.outputs["networks"] == {stack.outputs["there"]: [stack.outputs["address"]]}
    heat.delete("far")
    assert not there.servers


def test_a_server_is_near_unless_a_site_is_named(heat: Heat, here: Compute, there: Compute) -> None:
    """On this region's network of the VTN."""
    stack = heat.create("near", BY_RULE)
    assert stack.state == "CREATE_COMPLETE", stack.reason
    assert (len(here.servers), len(there.servers)) == (1, 0)
    assert here.bodies[0]["networks"] == [{"uuid": stack.outputs["here"]}]
    heat.delete("near")
    assert not here.servers


def test_a_server_is_suspended_resumed_and_checked_with_its_stack(
    heat: Heat, there: Compute
) -> None:
    """As the compute API does it."""
    heat.create("sleeps", SERVER)
    assert heat.act("sleeps", "suspend").state == "SUSPEND_COMPLETE"
    assert there.called("base")["status"] == "SUSPENDED"
    assert heat.act("sleeps", "resume").state == "RESUME_COMPLETE"
    assert there.called("base")["status"] == "ACTIVE"
    assert heat.act("sleeps", "check").state == "CHECK_COMPLETE"
    heat.delete("sleeps")


def test_a_server_that_does_not_fall_asleep_fails_the_stack(heat: Heat, there: Compute) -> None:
    """It is not asked again and again."""
    heat.create("awake", SERVER)
    there.is_busy_in_vain = True
    stack = heat.act("awake", "suspend")
    assert stack.state == "SUSPEND_FAILED"
    assert "The server at east did not become SUSPENDED: it is ACTIVE" in stack.reason
    there.is_busy_in_vain = False
    assert heat.act("awake", "suspend").state == "SUSPEND_COMPLETE"
    heat.delete("awake")


def test_a_server_without_a_host_fails_the_stack_and_is_made_anew(
    heat: Heat, there: Compute
) -> None:
    """With the compute API's reason; nothing of the first is left."""
    there.has_hosts = False
    stack = heat.create("full", SERVER)
    assert stack.state == "CREATE_FAILED"
    assert compute.NO_HOST in stack.reason
    there.has_hosts = True
    again = heat.update("full", SERVER)
    assert again.state == "UPDATE_COMPLETE", again.reason
    assert list(there.servers) == [again.outputs["id"]]
    heat.delete("full")


def test_a_group_is_spread_over_the_sites_and_grows_and_shrinks_in_place(
    heat: Heat, here: Compute, there: Compute
) -> None:
    """In turn; who stays is not touched."""
    three = heat.create("farm", GROUP)
    assert three.state == "CREATE_COMPLETE", three.reason
    assert three.outputs["sites"] == {"0": "west", "1": "east", "2": "west"}
    five = heat.update("farm", GROUP, count=5)
    assert five.state == "UPDATE_COMPLETE", five.reason
    assert (len(here.servers), len(there.servers)) == (3, 2)
    assert five.outputs["ids"].items() >= three.outputs["ids"].items()
    one = heat.update("farm", GROUP, count=1)
    assert one.state == "UPDATE_COMPLETE", one.reason
    assert one.outputs["ids"] == {"0": three.outputs["ids"]["0"]}
    assert (len(here.servers), len(there.servers)) == (1, 0)
    heat.delete("farm")
    assert not here.servers


def test_an_image_that_the_region_lacks_fails_the_server(heat: Heat, there: Compute) -> None:
    """With a reason; nothing is asked of the compute API."""
    stack = heat.create("bad", SERVER, image="none-such")
    assert stack.state == "CREATE_FAILED"
    assert "none-such" in stack.reason
    assert not there.bodies
    heat.delete("bad")
