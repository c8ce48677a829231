# SPDX-License-Identifier: Apache-2.0
"""``OS::Isthmus::VirtualTenantNetwork``, through a real Heat on a real Neutron."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from tests.cloud import Cloud
    from tests.stacks import Heat
    from tests.vtn_site import Peer, Region

# Heat takes a loaded machine a while to start.
pytestmark = pytest.mark.timeout(600)

RED = "red-project"
VTNS = "/vtn/virtual_tenant_networks"
VTN = """
heat_template_version: 2021-04-16
parameters:
  called: {type: string, default: shop}
  sites:
    type: comma_delimited_list
    default: "west,east"
  prefixes: {type: comma_delimited_list, default: "10.0.0.0/16"}
  up: {type: boolean, default: true}
  tag: {type: string, default: first}
  policy: {type: string, default: wait}
resources:
  shop:
    type: OS::Isthmus::VirtualTenantNetwork
    properties:
      name: {get_param: called}
      description: {get_param: tag}
      prefixes: {get_param: prefixes}
      members: {get_param: sites}
      admin_state_up: {get_param: up}
      tags: [{get_param: tag}]
      failure_policy: {get_param: policy}
outputs:
  id: {value: {get_resource: shop}}
  here: {value: {get_attr: [shop, network_id]}}
  subnets: {value: {get_attr: [shop, subnet_ids]}}
  there: {value: {get_attr: [shop, members, east, status]}}
  members: {value: {get_attr: [shop, members]}}
  status: {value: {get_attr: [shop, status]}}
"""
PORT = """
  port:
    type: OS::Neutron::Port
    properties: {network: {get_attr: [shop, network_id]}}
outputs:"""
WITH_PORT = VTN.replace("\noutputs:", PORT)
BY_NAME = WITH_PORT.replace("{get_attr: [shop, network_id]}", "shop")


def shown(cloud: Cloud, vtn_id: str) -> dict[str, Any]:
    """Return a network as the API shows it."""
    found: dict[str, Any] = cloud.request("GET", f"{VTNS}/{vtn_id}")["virtual_tenant_network"]
    return found


def hear_of_east(**columns: Any) -> None:
    """Write of the other site what isthmus-interconnect writes."""
    from isthmus.db.vtn import sites
    from isthmus.plugin import transactions

    transactions.write(lambda context: sites.update(context, "east", **columns))


@pytest.fixture
def east(west: Region, heat: Heat) -> Peer:
    """Another site, which hears and says everything at once; the own one is known as such."""
    from tests.vtn_site import Peer, exchange, introduce

    introduce(west)
    peer = Peer("east")
    heat.served.always = lambda: exchange(west, peer)
    return peer


def test_a_network_over_two_regions_is_made_and_deleted(
    west: Region, east: Peer, heat: Heat
) -> None:
    """Done when both sites have made it, gone when both have removed it."""
    stack = heat.create("shop", VTN)
    assert stack.state == "CREATE_COMPLETE", stack.reason
    assert (stack.outputs["status"], stack.outputs["there"]) == ("ACTIVE", "ACTIVE")
    assert stack.outputs["here"] == west.networks()[0]["id"]
    assert stack.outputs["subnets"] == west.networks()[0]["subnets"]
    own = stack.outputs["members"]["west"]
    assert own["network_id"] == stack.outputs["here"]
    heat.delete("shop")
    assert not west.networks()


def test_a_network_is_changed_in_place(cloud: Cloud, east: Peer, heat: Heat) -> None:
    """Its words, its prefixes, its members one by one; taken down with its stack and up again."""
    made = heat.create("grows", VTN, sites="west")
    vtn_id = made.outputs["id"]
    assert list(made.outputs["members"]) == ["west"]
    wanted: dict[str, Any] = {"called": "store", "tag": "second"}
    wanted["prefixes"] = "10.0.0.0/16,2001:db8::/48"
    grown = heat.update("grows", VTN, **wanted)
    assert grown.state == "UPDATE_COMPLETE", grown.reason
    assert (grown.outputs["id"], grown.outputs["there"]) == (vtn_id, "ACTIVE")
    vtn = shown(cloud, vtn_id)
    assert (vtn["name"], vtn["description"], vtn["tags"]) == ("store", "second", ["second"])
    assert vtn["prefixes"] == ["10.0.0.0/16", "2001:db8::/48"]

    assert heat.act("grows", "suspend").state == "SUSPEND_COMPLETE"
    assert shown(cloud, vtn_id)["status"] == "DOWN"
    assert heat.act("grows", "resume").state == "RESUME_COMPLETE"
    assert shown(cloud, vtn_id)["status"] == "ACTIVE"
    assert heat.act("grows", "check").state == "CHECK_COMPLETE"

    less = heat.update("grows", VTN, **wanted, sites="west")
    assert less.outputs["id"] == vtn_id
    assert list(less.outputs["members"]) == ["west"]
    heat.delete("grows")


def test_what_was_changed_by_hand_is_put_right_when_asked_for(
    cloud: Cloud, east: Peer, heat: Heat
) -> None:
    """What the template says is compared with what there is."""
    vtn_id = heat.create("drift", VTN).outputs["id"]
    path = f"{VTNS}/{vtn_id}"
    by_hand = {"virtual_tenant_network": {"description": "by hand"}}
    assert cloud.request("PUT", path, by_hand, RED).status == 200
    assert cloud.request("DELETE", f"{path}/members/east", project=RED).status == 204
    heat.served.work()
    assert shown(cloud, vtn_id)["members"] == ["west"]
    again = heat.update("drift", VTN, converge=True)
    assert again.state == "UPDATE_COMPLETE", again.reason
    vtn = shown(cloud, vtn_id)
    assert (sorted(vtn["members"]), vtn["description"]) == (["east", "west"], "first")
    # And what is gone by hand is taken for deleted.
    assert cloud.request("DELETE", path, project=RED).status == 204
    heat.delete("drift")


def test_what_is_on_the_network_goes_before_it(cloud: Cloud, east: Peer, heat: Heat) -> None:
    """Whether a template calls it by its attribute or by its name."""
    stack = heat.create("full", VTN)
    assert stack.state == "CREATE_COMPLETE", stack.reason
    full = heat.update("full", BY_NAME)
    assert full.state == "UPDATE_COMPLETE", full.reason
    assert heat.resources("full")["shop"]["required_by"] == ["port"]
    heat.delete("full")
    assert heat.create("fuller", WITH_PORT).state == "CREATE_COMPLETE"
    heat.delete("fuller")


def test_a_port_of_somebody_elses_keeps_the_network_and_is_told(
    cloud: Cloud, east: Peer, heat: Heat
) -> None:
    """And once it is gone, the next deletion succeeds."""
    network_id = heat.create("used", VTN).outputs["here"]
    body = {"port": {"network_id": network_id}}
    port = cloud.made(cloud.request("POST", "/ports", body, RED), "port")
    stack = heat.fail_to_delete("used")
    assert "The network has ports (1 at west)" in stack.reason
    assert cloud.request("DELETE", f"/ports/{port['id']}", project=RED).status == 204
    heat.delete("used")


# Sites out of reach


def test_a_site_out_of_reach_fails_the_stack_if_wanted_and_the_next_attempt_finishes_it(
    west: Region, cloud: Cloud, east: Peer, heat: Heat
) -> None:
    """The reason names the site; what was made stays."""
    always, heat.served.always = heat.served.always, west.work
    hear_of_east(liveness="UNREACHABLE")
    stack = heat.create("fails", VTN, policy="fail")
    assert stack.state == "CREATE_FAILED"
    assert "The site east can't be reached" in stack.reason
    (made,) = cloud.request("GET", VTNS)["virtual_tenant_networks"]
    heat.served.always = always
    hear_of_east(liveness="UP")
    heat.served.work()
    again = heat.update("fails", VTN, policy="fail")
    assert again.state == "UPDATE_COMPLETE", again.reason
    assert again.outputs["id"] == made["id"]
    heat.delete("fails")


def test_a_deletion_waits_until_every_site_has_removed_its_part(
    west: Region, cloud: Cloud, east: Peer, heat: Heat
) -> None:
    """The stack is not gone while another site may still have something of it."""
    vtn_id = heat.create("waits", VTN).outputs["id"]
    always, heat.served.always = heat.served.always, west.work
    heat.begin_to_delete("waits")
    waited = heat.wait_for(lambda: not west.networks())
    assert waited
    assert shown(cloud, vtn_id)["status"] == "PENDING_DELETE"
    assert heat.show("waits", is_whole=False).state == "DELETE_IN_PROGRESS"
    told = heat.wait_for(
        lambda: "removed at east" in heat.resources("waits")["shop"]["resource_status_reason"]
    )
    assert told
    heat.served.always = always
    heat.served.work()
    assert heat.wait_for(lambda: heat.is_gone("waits"))
    assert cloud.request("GET", f"{VTNS}/{vtn_id}").status == 404


# What is refused


def test_its_schema_says_what_may_be_changed(heat: Heat) -> None:
    """All but whose it is and how it is made."""
    schema = heat.schema("OS::Isthmus::VirtualTenantNetwork")
    fixed = {n for n, each in schema["properties"].items() if not each["update_allowed"]}
    assert fixed == {"type", "project_id"}
    assert {"status", "members", "network_id", "subnet_ids"} <= set(schema["attributes"])
    assert schema["support_status"]["status"] == "SUPPORTED"


@pytest.mark.parametrize(
    ("parameters", "sentence"),
    [
        ({"sites": "west,nowhere"}, "No InterconnectSite found for nowhere"),
        ({"prefixes": "10.0.0.0/33"}, "10.0.0.0/33"),
        ({"policy": "hope"}, "hope"),
        ({"sites": ""}, "length"),
    ],
)
def test_bad_values_are_refused_before_anything_is_made(
    cloud: Cloud, east: Peer, heat: Heat, parameters: dict[str, Any], sentence: str
) -> None:
    """By the schema, and by the sites there are."""
    assert sentence in heat.refused("bad", VTN, **parameters)
    assert not cloud.request("GET", VTNS)["virtual_tenant_networks"]


def test_a_parameter_may_have_to_be_a_site(east: Peer, heat: Heat) -> None:
    """``custom_constraint: isthmus.site``."""
    template = """
heat_template_version: 2021-04-16
parameters:
  site: {type: string, constraints: [{custom_constraint: isthmus.site}]}
resources: {}
"""
    assert "nowhere" in heat.refused("parameter", template, site="nowhere")
    heat.create("parameter", template, site="east")
    heat.delete("parameter")
