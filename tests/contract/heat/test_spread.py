# SPDX-License-Identifier: Apache-2.0
"""Servers that no site is named for, beside others, through a real Heat.

Neutron is real; the compute and image APIs of both regions are fakes.
"""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from tests.fakes.compute import Compute
    from tests.stacks import Heat

# Heat takes a loaded machine a while to start.
pytestmark = pytest.mark.timeout(600)

HEAD = """
heat_template_version: 2021-04-16
resources:
  shop:
    type: OS::Isthmus::VirtualTenantNetwork
    properties: {name: shop, prefixes: [10.0.0.0/16], members: [west, east]}
"""
SPREAD = (
    HEAD
    + """
  named:
    type: OS::Isthmus::InterconnectedServer
    properties: &server
      {virtual_tenant_network: {get_resource: shop}, image: guest, flavor: tiny, site: east}
  first: &anywhere
    type: OS::Isthmus::InterconnectedServer
    properties:
      {virtual_tenant_network: {get_resource: shop}, image: guest, flavor: tiny, rule: spread}
  second: *anywhere
  farm:
    type: OS::Isthmus::InterconnectedServerGroup
    properties:
      {virtual_tenant_network: {get_resource: shop}, image: guest, flavor: tiny, count: 4}
outputs:
  servers:
    value: [{get_attr: [named, site]}, {get_attr: [first, site]}, {get_attr: [second, site]}]
  farm: {value: {get_attr: [farm, sites]}}
"""
)
GROUPS = (
    HEAD
    + """
  pairs:
    type: OS::Heat::AutoScalingGroup
    properties:
      min_size: 1
      max_size: 2
      cooldown: 0
      resource:
        type: OS::Isthmus::InterconnectedServerGroup
        properties:
          count: 2
          sites: [west, east]
          virtual_tenant_network: {get_resource: shop}
          image: guest
          flavor: tiny
  more:
    type: OS::Heat::ScalingPolicy
    properties:
      auto_scaling_group_id: {get_resource: pairs}
      adjustment_type: change_in_capacity
      scaling_adjustment: 1
outputs:
  size: {value: {get_attr: [pairs, current_size]}}
  addresses: {value: {get_attr: [pairs, outputs, first_addresses]}}
"""
)


def where(computes: dict[str, Compute]) -> dict[str, int]:
    """Return how many servers each region has."""
    return {site: len(region.servers) for site, region in computes.items()}


def test_servers_spread_beside_those_whose_site_is_named(
    heat: Heat, computes: dict[str, Compute]
) -> None:
    """And those of a group without sites, which are a stack of their own."""
    stack = heat.create("spread", SPREAD)
    assert stack.state == "CREATE_COMPLETE", stack.reason
    assert Counter(stack.outputs["servers"]) == {"east": 2, "west": 1}
    assert Counter(stack.outputs["farm"].values()) == {"east": 2, "west": 2}
    assert where(computes) == {"east": 4, "west": 3}
    heat.delete("spread")
    assert where(computes) == {"east": 0, "west": 0}


def test_a_group_of_servers_is_the_member_of_an_autoscaling_group(
    heat: Heat, computes: dict[str, Compute]
) -> None:
    """Each signal brings one to each site."""
    assert heat.create("pairs", GROUPS).outputs["size"] == 1
    assert where(computes) == {"east": 1, "west": 1}
    heat.signal("pairs", "more")
    assert heat.wait_for(lambda: heat.show("pairs").outputs["size"] == 2)
    assert heat.wait_for(lambda: where(computes) == {"east": 2, "west": 2})
    assert heat.wait_for(
        lambda: [len(each) for each in heat.show("pairs").outputs["addresses"].values()] == [2, 2]
    )
    heat.delete("pairs")
    assert where(computes) == {"east": 0, "west": 0}
