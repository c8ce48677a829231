# SPDX-License-Identifier: Apache-2.0
"""``OS::Isthmus::InterconnectedServer`` and its group, through a real Heat.

Neutron is real; the compute and image APIs of both regions are fakes that fail on purpose.
"""

from __future__ import annotations

import base64
import time
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any

import pytest

from tests.fakes import compute

if TYPE_CHECKING:
    from tests.fakes.compute import Compute
    from tests.stacks import Heat
    from tests.vtn_site import Peer, Region

# Heat takes a loaded machine a while to start.
pytestmark = pytest.mark.timeout(600)

HEAD = """
heat_template_version: 2021-04-16
parameters:
  site: {type: string, default: east}
  image: {type: string, default: guest}
  flavor: {type: string, default: tiny}
  called: {type: string, default: base}
  word: {type: string, default: first}
  policy: {type: string, default: wait}
  count: {type: number, default: 3}
resources:
  shop:
    type: OS::Isthmus::VirtualTenantNetwork
    properties: {name: shop, prefixes: [10.0.0.0/16], members: [west, east]}
"""
SERVER = (
    HEAD
    + """
  base:
    type: OS::Isthmus::InterconnectedServer
    properties:
      name: {get_param: called}
      virtual_tenant_network: {get_resource: shop}
      site: {get_param: site}
      image: {get_param: image}
      flavor: {get_param: flavor}
      key_name: mine
      user_data: "#!/bin/sh"
      security_groups: [inside]
      metadata: {word: {get_param: word}}
      failure_policy: {get_param: policy}
outputs:
  id: {value: {get_resource: base}}
  address: {value: {get_attr: [base, first_address]}}
  networks: {value: {get_attr: [base, networks]}}
  site: {value: {get_attr: [base, site]}}
  there: {value: {get_attr: [shop, members, east, network_id]}}
  here: {value: {get_attr: [shop, network_id]}}
"""
)
BY_RULE = SERVER.replace("      site: {get_param: site}\n", "")
GROUP = (
    HEAD
    + """
  farm:
    type: OS::Isthmus::InterconnectedServerGroup
    properties:
      count: {get_param: count}
      sites: [west, east]
      virtual_tenant_network: {get_resource: shop}
      image: {get_param: image}
      flavor: {get_param: flavor}
      failure_policy: {get_param: policy}
outputs:
  ids: {value: {get_attr: [farm, servers]}}
  sites: {value: {get_attr: [farm, sites]}}
  addresses: {value: {get_attr: [farm, first_addresses]}}
"""
)


SILENCE = "The region of the site east does not answer."


@pytest.fixture
def peer(west: Region, heat: Heat) -> Peer:
    """Another site, which hears and says everything at once; the own one is known as such."""
    from tests.vtn_site import Peer, exchange, introduce

    introduce(west)
    peer = Peer("east")
    heat.served.always = lambda: exchange(west, peer)
    return peer


@pytest.fixture
def here(peer: Peer, heat: Heat) -> Iterator[Compute]:
    """The own region's compute API, in the catalog."""
    yield from _in_catalog(heat, "west")


@pytest.fixture
def there(here: Compute, heat: Heat) -> Iterator[Compute]:
    """The other region's."""
    yield from _in_catalog(heat, "east")


def _in_catalog(heat: Heat, region: str) -> Iterator[Compute]:
    with compute.serve(region) as served:
        heat.served.elsewhere |= served.endpoints
        yield served
        for place in served.endpoints:
            del heat.served.elsewhere[place]


def eventually(heat: Heat, is_so: Callable[[], bool]) -> None:
    """Wait for what another process is at."""
    came = heat.wait_for(is_so)
    assert came


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
    assert body["flavorRef"] == compute.FLAVORS[0]["id"]
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


def test_name_and_words_are_changed_in_place_a_flavor_is_not(heat: Heat, there: Compute) -> None:
    """The same server after the one, another after the other."""
    made = heat.create("words", SERVER).outputs["id"]
    kept = heat.update("words", SERVER, called="store", word="second")
    assert kept.state == "UPDATE_COMPLETE", kept.reason
    assert kept.outputs["id"] == made
    assert there.called("store")["metadata"]["word"] == "second"
    other = heat.update("words", SERVER, called="store", word="second", flavor="big")
    assert other.state == "UPDATE_COMPLETE", other.reason
    assert other.outputs["id"] != made
    assert list(there.servers) == [other.outputs["id"]]
    heat.delete("words")


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


# A region that does not answer


def test_a_stack_waits_for_a_region_that_does_not_answer(heat: Heat, there: Compute) -> None:
    """And goes on by itself when it does."""
    there.is_out = True
    heat.refused("waits", SERVER, _expected=201)
    eventually(
        heat, lambda: heat.resources("waits")["shop"]["resource_status"] == "CREATE_COMPLETE"
    )
    assert heat.show("waits", is_whole=False).state == "CREATE_IN_PROGRESS"
    there.is_out = False
    stack = heat.wait("waits")
    assert stack.state == "CREATE_COMPLETE", stack.reason
    assert len(there.servers) == 1
    heat.delete("waits")


def test_a_stack_fails_if_wanted_names_the_region_and_is_finished_by_the_next_attempt(
    heat: Heat, there: Compute
) -> None:
    """What was made meanwhile stays."""
    there.is_out = True
    stack = heat.create("fails", SERVER, policy="fail")
    assert stack.state == "CREATE_FAILED"
    assert "The region of the site east does not answer" in stack.reason
    there.is_out = False
    again = heat.update("fails", SERVER, policy="fail")
    assert again.state == "UPDATE_COMPLETE", again.reason
    assert len(there.servers) == 1
    heat.delete("fails")
    assert not there.servers


def test_a_server_whose_creation_was_not_answered_is_found_again(
    heat: Heat, there: Compute
) -> None:
    """There is one, not two; and with the stack it goes."""
    there.loses_answers = 1
    stack = heat.create("lost", SERVER)
    assert stack.state == "CREATE_COMPLETE", stack.reason
    assert list(there.servers) == [stack.outputs["id"]]
    heat.delete("lost")
    there.loses_answers = 1
    assert heat.create("lost", SERVER, policy="fail").state == "CREATE_FAILED"
    assert len(there.servers) == 1
    heat.delete("lost")
    assert not there.servers


def test_a_server_that_is_made_long_after_it_was_asked_for_is_no_second_one(
    heat: Heat, there: Compute
) -> None:
    """The region goes on with a request whose answer nobody got."""
    there.late_s = 3
    stack = heat.create("late", SERVER)
    assert stack.state == "CREATE_COMPLETE", stack.reason
    time.sleep(3)
    assert list(there.servers) == [stack.outputs["id"]]
    heat.delete("late")
    assert not there.servers


def test_a_stack_deleted_while_its_server_is_being_made_leaves_none(
    heat: Heat, there: Compute
) -> None:
    """Whoever deletes waits for the creation, and knows then what it made."""
    there.slow_s = 3
    heat.refused("hasty", SERVER, _expected=201)
    eventually(heat, lambda: bool(there.servers))
    heat.delete("hasty")
    assert not there.servers


def test_a_deletion_with_the_region_gone_waits_or_fails_and_is_finished_by_the_next(
    heat: Heat, there: Compute
) -> None:
    """By policy, and the reason names the region."""
    heat.create("stays", SERVER, policy="fail")
    there.is_out = True
    stack = heat.fail_to_delete("stays")
    assert stack.state == "DELETE_FAILED"
    assert "The region of the site east does not answer" in stack.reason
    there.is_out = False
    heat.delete("stays")
    assert not there.servers


def test_a_deletion_that_waits_names_the_region_and_again_when_its_time_is_over(
    heat: Heat, there: Compute
) -> None:
    """The resource's reason and an event meanwhile, the stack's reason at last."""
    heat.create("over", SERVER)
    heat.update("over", SERVER, minutes=3)
    there.is_out = True
    heat.begin_to_delete("over")

    def reason(name: str) -> str:
        return str(heat.resources("over")[name]["resource_status_reason"])

    eventually(heat, lambda: SILENCE in reason("base"))
    assert SILENCE in heat.events("over")
    stack = heat.wait("over", "DELETE")
    assert stack.state == "DELETE_FAILED"
    assert SILENCE in stack.reason
    eventually(heat, lambda: f"Timed out. {SILENCE}" in reason("base"))
    there.is_out = False
    heat.delete("over")
    assert not there.servers


@pytest.mark.parametrize(("action", "status"), [("suspend", "SUSPENDED"), ("resume", "ACTIVE")])
def test_a_server_is_suspended_and_resumed_when_its_region_answers_again(
    heat: Heat, there: Compute, action: str, status: str
) -> None:
    """The first request is lost; nobody has to ask twice."""
    heat.create(action, SERVER)
    if action == "resume":
        heat.act(action, "suspend")
    there.is_out = True
    heat.begin_to_act(action, action)
    eventually(heat, lambda: SILENCE in heat.resources(action)["base"]["resource_status_reason"])
    there.is_out = False
    assert heat.wait(action, action.upper()).state == f"{action.upper()}_COMPLETE"
    assert there.called("base")["status"] == status
    heat.delete(action)


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


# Groups


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


# What is refused


def test_the_schemas_say_what_may_be_changed(heat: Heat) -> None:
    """A server's words; all of a group, which makes anew what has to be."""
    schema = heat.schema("OS::Isthmus::InterconnectedServer")
    changed = {n for n, each in schema["properties"].items() if each["update_allowed"]}
    assert changed == {"name", "metadata", "failure_policy"}
    assert {"first_address", "addresses", "networks", "status"} <= set(schema["attributes"])
    group = heat.schema("OS::Isthmus::InterconnectedServerGroup")
    assert all(each["update_allowed"] for each in group["properties"].values())


@pytest.mark.parametrize(
    ("parameters", "sentence"),
    [({"site": "nowhere"}, "No InterconnectSite found for nowhere"), ({"policy": "hope"}, "hope")],
)
def test_bad_values_are_refused_before_anything_is_made(
    heat: Heat, there: Compute, parameters: dict[str, Any], sentence: str
) -> None:
    """By the schema, and by the sites there are."""
    assert sentence in heat.refused("bad", SERVER, **parameters)


def test_an_image_that_the_region_lacks_fails_the_server(heat: Heat, there: Compute) -> None:
    """With a reason; nothing is asked of the compute API."""
    stack = heat.create("bad", SERVER, image="none-such")
    assert stack.state == "CREATE_FAILED"
    assert "none-such" in stack.reason
    assert not there.bodies
    heat.delete("bad")
