# SPDX-License-Identifier: Apache-2.0
"""Templates with servers on a network over two regions, west and east."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from tests.stacks import Heat

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


def eventually(heat: Heat, is_so: Callable[[], bool]) -> None:
    """Wait for what another process is at."""
    came = heat.wait_for(is_so)
    assert came
