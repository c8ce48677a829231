# SPDX-License-Identifier: Apache-2.0
"""Servers on networks over several clouds, through a real Heat, where no region has compute.

What they are where it has is a matter of the lab's (tests/scenario/test_heat_servers.py).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from tests.cloud import Cloud
    from tests.stacks import Heat
    from tests.vtn_site import Region

# Heat takes a loaded machine a while to start.
pytestmark = pytest.mark.timeout(600)

RED = "red-project"
VTN = """
heat_template_version: 2021-04-16
parameters:
  site: {type: string, default: west}
  policy: {type: string, default: fail}
  count: {type: number, default: 0}
resources:
  shop:
    type: OS::Isthmus::VirtualTenantNetwork
    properties: {name: shop, prefixes: [10.0.0.0/16]}
"""
SERVER = f"""{VTN}
  web:
    type: OS::Isthmus::InterconnectedServer
    properties:
      virtual_tenant_network: {{get_resource: shop}}
      site: {{get_param: site}}
      image: guest
      flavor: tiny
      failure_policy: {{get_param: policy}}
"""
GROUP = f"""{VTN}
  servers:
    type: OS::Isthmus::InterconnectedServerGroup
    properties:
      count: {{get_param: count}}
      virtual_tenant_network: {{get_resource: shop}}
      image: guest
      flavor: tiny
      failure_policy: {{get_param: policy}}
"""


@pytest.fixture
def own(west: Region, heat: Heat) -> None:
    """This site, the only one, whose workers do what is due."""
    from tests.vtn_site import introduce

    introduce(west)
    heat.served.always = west.work


def test_a_region_that_does_not_answer_is_named_and_what_was_made_stays(
    west: Region, own: None, heat: Heat
) -> None:
    """And a stack without a server is deleted though nobody answers."""
    stack = heat.create("silent", SERVER)
    assert stack.state == "CREATE_FAILED"
    assert "The region of the site west does not answer" in stack.reason
    assert len(west.networks()) == 1
    heat.delete("silent")
    assert not west.networks()


def test_a_region_that_does_not_answer_is_waited_for(own: None, heat: Heat) -> None:
    """As long as the stack has time; its deletion need not wait."""
    heat.begin("patient", SERVER, policy="wait")
    assert heat.wait_for(lambda: heat.resources("patient")["shop"]["resource_status"].endswith("E"))
    assert heat.show("patient", is_whole=False).state == "CREATE_IN_PROGRESS"
    heat.delete("patient")


def test_a_group_is_a_stack_of_servers(own: None, heat: Heat) -> None:
    """None of them to begin with; what one fails of, the group tells."""
    assert heat.create("group", GROUP).state == "CREATE_COMPLETE"
    grown = heat.update("group", GROUP, count=1)
    assert grown.state == "UPDATE_FAILED"
    assert "The region of the site west does not answer" in grown.reason
    less = heat.update("group", GROUP, count=0)
    assert less.state == "UPDATE_COMPLETE", less.reason
    heat.delete("group")


@pytest.mark.parametrize("kind", ["InterconnectedServer", "InterconnectedServerGroup"])
def test_schemas_say_what_a_server_may_be_given(heat: Heat, kind: str) -> None:
    """A group what each of its servers may."""
    schema = heat.schema(f"OS::Isthmus::{kind}")
    common = {"flavor", "image", "key_name", "user_data", "security_groups", "metadata"}
    assert common <= set(schema["properties"])
    required = {n for n, each in schema["properties"].items() if each["required"]}
    assert required >= {"flavor", "image", "virtual_tenant_network"}
    assert schema["support_status"]["status"] == "SUPPORTED"


def test_a_server_at_no_site_is_refused_before_anything_is_made(
    cloud: Cloud, own: None, heat: Heat
) -> None:
    """By the constraint."""
    assert "nowhere" in heat.refused("nowhere", SERVER, site="nowhere")
    assert not cloud.request("GET", "/networks", project=RED)["networks"]
