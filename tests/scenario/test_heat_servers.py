# SPDX-License-Identifier: Apache-2.0
"""One stack with a network over both clouds and a server in each, which reach each other."""

from __future__ import annotations

import time
from collections.abc import Iterator
from functools import partial
from ipaddress import IPv4Address, IPv4Network
from typing import Any
from uuid import uuid4

import pytest

from lab import topology
from lab.demo import guest
from lab.demo.cloud import ADMIN, Cloud
from lab.demo.tenants import Server
from lab.waiting import wait_until
from tests.scenario import figures, orchestra
from tests.scenario.streams import no_packet_lost

pytestmark = pytest.mark.timeout(900)
PREFIX, REACHED_S, GONE_S = IPv4Network("10.94.0.0/16"), 120, 60
TEMPLATE = """
heat_template_version: 2021-04-16
parameters:
  name: {type: string}
  near: {type: string, constraints: [{custom_constraint: isthmus.site}]}
  far: {type: string, constraints: [{custom_constraint: isthmus.site}]}
  prefix: {type: string}
  image: {type: string}
  flavor: {type: string}
  count: {type: number}
  tag: {type: string}
resources:
  shop:
    type: OS::Isthmus::VirtualTenantNetwork
    properties:
      name: {get_param: name}
      description: {get_param: tag}
      prefixes: [{get_param: prefix}]
      members: [{get_param: near}, {get_param: far}]
  web:
    type: OS::Isthmus::InterconnectedServer
    properties: &server
      name: {list_join: ["-", [{get_param: name}, web]]}
      virtual_tenant_network: {get_resource: shop}
      site: {get_param: near}
      image: {get_param: image}
      flavor: {get_param: flavor}
      security_groups: [{get_param: name}]
      metadata: {tag: {get_param: tag}}
  base:
    type: OS::Isthmus::InterconnectedServer
    properties:
      <<: *server
      name: {list_join: ["-", [{get_param: name}, base]]}
      site: {get_param: far}
  more:
    type: OS::Isthmus::InterconnectedServerGroup
    properties:
      count: {get_param: count}
      sites: [{get_param: far}, {get_param: near}]
      virtual_tenant_network: {get_resource: shop}
      image: {get_param: image}
      flavor: {get_param: flavor}
      security_groups: [{get_param: name}]
outputs:
  ids: {value: [{get_resource: web}, {get_resource: base}]}
  web: {value: {get_attr: [web, first_address]}}
  base: {value: {get_attr: [base, first_address]}}
  more: {value: {get_attr: [more, first_addresses]}}
  sites: {value: {get_attr: [more, sites]}}
"""


@pytest.fixture
def clouds() -> Iterator[list[Cloud]]:
    """Red's cloud at each site; what earlier runs left is gone, and so is the test's."""
    clouds = [Cloud(site.name, "red") for site in topology.load().sites]
    orchestra.forget_stacks(clouds[0])
    yield clouds
    orchestra.forget_stacks(clouds[0])
    for cloud in clouds:
        for group in cloud.network.security_groups():
            if group.name.startswith(orchestra.PREFIX):
                cloud.network.delete_security_group(group)


def server(cloud: Cloud, name: str, address: str) -> Server:
    """Return a server of the stack as the lab's console knows it."""
    operator = Cloud(cloud.site, ADMIN).connection.compute
    (found,) = operator.servers(name=f"^{name}$", all_projects=True)
    return Server(name, cloud.site, found.hypervisor_hostname, IPv4Address(address))


def reaches(near: Server, far: Server) -> None:
    """Wait until one server reaches another."""
    wait_until(partial(guest.reaches, near, far.address), REACHED_S, f"{near.name} → {far.name}")


def has_no_servers(cloud: Cloud, name: str) -> bool:
    """Whether a site has no server of the stack any more."""
    return not any(each.name.startswith(name) for each in cloud.connection.compute.servers())


def test_one_stack_has_servers_in_both_clouds_which_reach_each_other(clouds: list[Cloud]) -> None:
    """One more comes, and words change, without a packet lost between the first two."""
    west, east = clouds
    name, lab = f"{orchestra.PREFIX}{uuid4().hex[:8]}", topology.load()
    for cloud in clouds:
        cloud.ensure_security_group([PREFIX], name)
    given: dict[str, Any] = {"name": name, "near": west.site, "far": east.site}
    given |= {"prefix": str(PREFIX), "image": lab.image, "flavor": lab.flavor.name}

    began = time.monotonic()
    made = orchestra.create(west, name, TEMPLATE, **given, count=0, tag="first")
    figures.add(
        f"a network over both clouds with a server in each: {time.monotonic() - began:.0f} s"
    )
    web, base = server(west, f"{name}-web", made["web"]), server(east, f"{name}-base", made["base"])
    reaches(web, base)
    reaches(base, web)

    with no_packet_lost((web, base), 300):
        began = time.monotonic()
        changed = orchestra.update(west, name, TEMPLATE, **given, count=1, tag="second")
        figures.add(f"one more, and other words: {time.monotonic() - began:.0f} s")
    assert changed["ids"] == made["ids"]
    assert changed["sites"] == {"0": east.site}
    wait_until(partial(guest.reaches, web, IPv4Address(changed["more"]["0"])), REACHED_S, "third")

    began = time.monotonic()
    orchestra.delete(west, name)
    for cloud in clouds:
        wait_until(partial(has_no_servers, cloud, name), GONE_S, f"no servers in {cloud.site}")
        wait_until(partial(orchestra.has_nothing, cloud, name), GONE_S, f"nothing in {cloud.site}")
    figures.add(f"nothing left in either: {time.monotonic() - began:.0f} s")
