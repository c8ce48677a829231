# SPDX-License-Identifier: Apache-2.0
"""Servers that are changed in place, through a real Heat: what takes a while, fails, is lost.

That each property can be changed is another test's (`test_properties`). The own region's
servers are on ports of its real Neutron.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import pytest

from tests.contract.heat.servers import HEAD, SERVER, SILENCE, eventually
from tests.fakes.compute_ports import OfNeutron

if TYPE_CHECKING:
    from tests.cloud import Cloud
    from tests.fakes.compute import Compute
    from tests.fakes.compute_servers import FakeServer
    from tests.stacks import Heat

# Heat takes a loaded machine a while to start.
pytestmark = pytest.mark.timeout(600)

RED, OPERATOR = "red-project", "operator"
WIRED = (
    HEAD
    + """
  admin: {type: OS::Neutron::Net, properties: {name: admin}}
  admin-subnet:
    type: OS::Neutron::Subnet
    properties: {network: {get_resource: admin}, cidr: 192.0.2.0/24}
  spare:
    type: OS::Neutron::Port
    properties: {network: {get_attr: [shop, network_id]}, name: spare}
  words:
    type: OS::Heat::CloudConfig
    properties: {cloud_config: {hostname: {get_param: word}}}
  base:
    type: OS::Isthmus::InterconnectedServer
    properties:
      name: {get_param: called}
      virtual_tenant_network: shop
      image: {get_param: image}
      flavor: {get_param: flavor}
      port: {get_resource: spare}
      networks: [{network: {get_resource: admin}}]
      user_data: {get_resource: words}
      tags: [base]
outputs:
  id: {value: {get_resource: base}}
  addresses: {value: {get_attr: [base, addresses]}}
  networks: {value: {get_attr: [base, networks]}}
  console: {value: {get_attr: [base, console_urls, novnc]}}
  no_console: {value: {get_attr: [base, console_urls, serial]}}
  instance: {value: {get_attr: [base, instance_name]}}
  ipv6: {value: {get_attr: [base, accessIPv6]}}
  tags: {value: {get_attr: [base, tags]}}
  called: {value: {get_attr: [base, name]}}
  shown: {value: {get_attr: [base, show]}}
"""
)


@pytest.fixture
def wired(here: Compute, heat: Heat) -> Iterator[Compute]:
    """The own region's compute API, whose servers are on ports of Neutron.

    Heat is in the catalog, too: it offers configurations only if it is.
    """
    here.ports = OfNeutron(heat.served.url, RED, OPERATOR)
    places = dict.fromkeys(
        ((kind, "west") for kind in ("orchestration", "cloudformation")), heat.served.url
    )
    heat.served.elsewhere |= places
    yield here
    for place in places:
        del heat.served.elsewhere[place]


def only(compute: Compute) -> FakeServer:
    """Return the one server there is."""
    (found,) = compute.made.values()
    return found


def flavor(compute: Compute) -> str:
    """Return what flavor the one server has."""
    return str(only(compute).shown["flavor"]["original_name"])


def test_what_a_server_is_can_be_read_as_of_one_of_novas(
    cloud: Cloud, heat: Heat, wired: Compute
) -> None:
    """Addresses with ports and subnets by name and id of their networks, consoles, and the rest."""
    # What is called by its name has to be there when it is asked for.
    assert heat.create("whole", HEAD).state == "CREATE_COMPLETE"
    stack = heat.update("whole", WIRED)
    assert stack.state == "UPDATE_COMPLETE", stack.reason
    told = stack.outputs
    (spare,) = cloud.request("GET", "/ports?name=spare")["ports"]
    address = told["addresses"]["shop"][0]
    assert (address["port"], address["addr"]) == (spare["id"], spare["fixed_ips"][0]["ip_address"])
    assert address["network"]["id"] == spare["network_id"]
    assert address["subnets"][0]["id"] == spare["fixed_ips"][0]["subnet_id"]
    assert told["addresses"][spare["network_id"]] == told["addresses"]["shop"]
    assert told["networks"]["shop"] == [address["addr"]]
    assert told["networks"]["admin"][0].startswith("192.0.2.")
    assert told["console"] == "http://192.0.2.80/novnc"
    assert "There is no such console" in told["no_console"]
    assert (told["instance"], told["ipv6"]) == ("instance-1", "2001:db8::9")
    assert (told["tags"], told["called"]) == (["base"], "base")
    assert told["shown"]["id"] == told["id"]
    assert only(wired).told == ["#cloud-config\nhostname: first\n"]
    listed = heat.resources("whole")
    assert "base" in listed["admin-subnet"]["required_by"]
    assert "base" in listed["shop"]["required_by"]
    heat.delete("whole")
    assert not cloud.request("GET", "/ports?name=spare")["ports"]


def test_a_server_that_takes_anothers_place_has_its_port(
    cloud: Cloud, heat: Heat, wired: Compute
) -> None:
    """The one that goes gives it up before."""
    heat.create("place", HEAD)
    first = heat.update("place", WIRED)
    assert first.state == "UPDATE_COMPLETE", first.reason
    second = heat.update("place", WIRED, word="second")
    assert second.state == "UPDATE_COMPLETE", second.reason
    assert second.outputs["id"] != first.outputs["id"]
    (spare,) = cloud.request("GET", "/ports?name=spare")["ports"]
    assert spare["device_id"] == second.outputs["id"]
    assert only(wired).told == ["#cloud-config\nhostname: second\n"]
    heat.delete("place")


def test_a_resize_goes_on_when_the_region_answers_again(heat: Heat, there: Compute) -> None:
    """From wherever it is: here, it has to be confirmed."""
    made = heat.create("size", SERVER).outputs["id"]
    only(there).coming = []
    there.is_out = True
    heat.begin_to_update("size", SERVER, flavor="big")
    eventually(heat, lambda: SILENCE in heat.resources("size")["base"]["resource_status_reason"])
    shown = only(there).shown
    shown |= {"status": "VERIFY_RESIZE", "flavor": {"original_name": "big"}}
    there.is_out = False
    stack = heat.wait("size", "UPDATE")
    assert stack.state == "UPDATE_COMPLETE", stack.reason
    assert (stack.outputs["id"], shown["status"], flavor(there)) == (made, "ACTIVE", "big")
    heat.delete("size")


def test_a_resize_that_no_host_takes_fails_and_the_way_back_is_free(
    heat: Heat, there: Compute
) -> None:
    """The next update looks at what there is, not at what was once asked for."""
    made = heat.create("tight", SERVER).outputs["id"]
    there.is_busy_in_vain = True
    stack = heat.update("tight", SERVER, flavor="big", called="half")
    assert stack.state == "UPDATE_FAILED"
    assert "It did not become big: it is ACTIVE" in stack.reason
    assert only(there).shown["name"] == "half"
    there.is_busy_in_vain = False
    back = heat.update("tight", SERVER)
    assert back.state == "UPDATE_COMPLETE", back.reason
    assert (back.outputs["id"], only(there).shown["name"]) == (made, "base")
    assert flavor(there) == "tiny"
    heat.delete("tight")


TOLD = SERVER.replace('"#!/bin/sh"', "{get_param: word}\n      user_data_update_policy: POLICY")


@pytest.mark.parametrize(
    ("policy", "told"), [("REBUILD", ["first", "second"]), ("IGNORE", ["first"])]
)
def test_other_user_data_are_told_by_a_rebuild_or_not_at_all(
    heat: Heat, there: Compute, policy: str, told: list[str]
) -> None:
    """The server stays; asked again, it is not rebuilt again."""
    template = TOLD.replace("POLICY", policy)
    made = heat.create("told", template)
    assert made.state == "CREATE_COMPLETE", made.reason
    for _ in range(2):
        stack = heat.update("told", template, word="second")
        assert stack.state == "UPDATE_COMPLETE", stack.reason
        assert stack.outputs["id"] == made.outputs["id"]
        assert only(there).told == told
    heat.delete("told")


ALONE = """
heat_template_version: 2021-04-16
resources:
  base:
    type: OS::Isthmus::InterconnectedServer
    properties:
      {name: base, virtual_tenant_network: shop, site: east, image: guest, flavor: tiny}
outputs:
  id: {value: {get_resource: base}}
"""


def test_what_was_changed_by_hand_is_put_right_when_asked_for(heat: Heat, there: Compute) -> None:
    """Words, flavor, image, interfaces; a server that is gone is made anew.

    Heat looks so at what needs nothing else of its stack.
    """
    heat.create("network", HEAD)
    made = heat.create("drift", ALONE).outputs["id"]
    server = only(there)
    server.shown |= {"name": "by-hand", "tags": ["by-hand"], "flavor": {"original_name": "big"}}
    server.asked("POST", ["os-interface"], {"interfaceAttachment": {"net_id": "by-hand"}})
    again = heat.update("drift", ALONE, converge=True)
    assert again.state == "UPDATE_COMPLETE", again.reason
    assert again.outputs["id"] == made
    assert (server.shown["name"], server.shown["tags"], flavor(there)) == ("base", [], "tiny")
    assert len(server.interfaces) == 1
    there.forget()
    anew = heat.update("drift", ALONE, converge=True)
    assert anew.state == "UPDATE_COMPLETE", anew.reason
    assert list(there.servers) == [anew.outputs["id"]]
    assert anew.outputs["id"] != made
    heat.delete("drift")
    heat.delete("network")


@pytest.mark.parametrize(
    ("properties", "sentence"),
    [("port: p\n      fixed_ip: 10.0.0.5", "give port or fixed_ip")],
)
def test_what_contradicts_itself_is_refused(
    heat: Heat, there: Compute, properties: str, sentence: str
) -> None:
    """Before anything is made."""
    template: Any = SERVER.replace("key_name: mine", properties)
    assert sentence in heat.refused("bad", template)
