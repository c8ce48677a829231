# SPDX-License-Identifier: Apache-2.0
"""One stack with a network over both clouds, and VPNs of one of them, through the lab's Heat."""

from __future__ import annotations

import time
from collections.abc import Iterator
from functools import partial
from typing import Any
from uuid import uuid4

import pytest

from lab import topology
from lab.demo.cloud import ADMIN, Cloud
from lab.waiting import wait_until
from tests.scenario import figures, orchestra

pytestmark = pytest.mark.timeout(600)
GONE_S = 60
TEMPLATE = """
heat_template_version: 2021-04-16
parameters:
  name: {type: string}
  far: {type: string}
  near: {type: string}
  prefixes: {type: comma_delimited_list}
  pref: {type: number}
  extra: {type: boolean}
resources:
  shop:
    type: OS::Isthmus::VirtualTenantNetwork
    properties:
      name: {get_param: name}
      prefixes: {get_param: prefixes}
      members: [{get_param: near}, {get_param: far}]
  vpn:
    type: OS::Neutron::BGPVPN
    properties:
      name: {get_param: name}
      allocate_route_target: true
      local_pref: {get_param: pref}
  net: {type: OS::Neutron::Net, properties: {name: {get_param: name}}}
  subnet:
    type: OS::Neutron::Subnet
    properties: {network: {get_resource: net}, cidr: 10.92.1.0/24}
  of-network:
    type: OS::Neutron::BGPVPN-NET-ASSOCIATION
    properties: {bgpvpn_id: {get_resource: vpn}, network_id: {get_resource: net}}
  behind: {type: OS::Neutron::Net, properties: {name: {get_param: name}}}
  its-subnet:
    type: OS::Neutron::Subnet
    properties: {network: {get_resource: behind}, cidr: 10.92.2.0/24}
  router: {type: OS::Neutron::Router, properties: {name: {get_param: name}}}
  interface:
    type: OS::Neutron::RouterInterface
    properties: {router: {get_resource: router}, subnet: {get_resource: its-subnet}}
  of-router:
    type: OS::Neutron::BGPVPN-ROUTER-ASSOCIATION
    properties:
      bgpvpn_id: {get_resource: vpn}
      router_id: {get_resource: router}
      advertise_extra_routes: {get_param: extra}
outputs:
  ids: {value: [{get_resource: shop}, {get_resource: vpn}, {get_resource: of-router}]}
  members: {value: {get_attr: [shop, members]}}
  states:
    value:
    - {get_attr: [shop, status]}
    - {get_attr: [vpn, status]}
    - {get_attr: [of-network, status]}
    - {get_attr: [of-router, status]}
"""
FIRST: dict[str, Any] = {"prefixes": "10.91.0.0/16", "pref": 100, "extra": True}
THEN: dict[str, Any] = {"prefixes": "10.91.0.0/16,10.93.0.0/16", "pref": 200, "extra": False}


@pytest.fixture
def clouds() -> Iterator[list[Cloud]]:
    """An operator's cloud at each site; stacks of earlier runs are gone, and so is the test's."""
    clouds = [Cloud(site.name, ADMIN) for site in topology.load().sites]
    orchestra.forget_stacks(clouds[0])
    yield clouds
    orchestra.forget_stacks(clouds[0])


def test_one_stack_is_made_in_both_clouds_changed_in_place_and_gone_from_both(
    clouds: list[Cloud],
) -> None:
    """Complete when everything is ACTIVE everywhere; nothing of it is left in either cloud."""
    west, east = clouds
    name = f"{orchestra.PREFIX}{uuid4().hex[:8]}"
    own: dict[str, Any] = {"name": name, "near": west.site, "far": east.site}
    began = time.monotonic()
    made = orchestra.create(west, name, TEMPLATE, **own, **FIRST)
    figures.add(f"11 resources in two clouds made in {time.monotonic() - began:.1f} s")
    assert set(made["states"]) == {"ACTIVE"}
    for cloud in clouds:
        network_id = made["members"][cloud.site]["network_id"]
        assert cloud.network.get_network(network_id).name == name

    began = time.monotonic()
    changed = orchestra.update(west, name, TEMPLATE, **own, **THEN)
    figures.add(f"changed in place in {time.monotonic() - began:.1f} s")
    assert changed["ids"] == made["ids"]
    assert set(changed["states"]) == {"ACTIVE"}
    vpn = west.call("GET", f"/bgpvpn/bgpvpns/{made['ids'][1]}")["bgpvpn"]
    assert (vpn["local_pref"], len(vpn["route_targets"])) == (200, 1)

    began = time.monotonic()
    orchestra.delete(west, name)
    for cloud in clouds:
        wait_until(
            partial(orchestra.has_nothing, cloud, name), GONE_S, f"{name} gone in {cloud.site}"
        )
    figures.add(f"gone in {time.monotonic() - began:.1f} s")
