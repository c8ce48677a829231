# SPDX-License-Identifier: Apache-2.0
"""Many stacks at once, asked for by six clients in both clouds, made and deleted; nothing is left.

Ten in every run of the tests, 20 with ``SCENARIO=long``.

In each: a network over both clouds; besides, in its own, a network with a subnet in a VPN. The
operator's stacks have a VPN of their own, those of a tenant share one: its associations come at
once. One stack in each cloud has a server in the other one, 2 in all: each is a whole emulated
machine, and 20 of them on two processors would measure these.
"""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from typing import Any
from uuid import uuid4

import pytest

from lab import topology
from lab.demo.cloud import ADMIN, Cloud
from lab.demo.stage import side_by_side
from tests.scenario import figures, leftovers, length, orchestra

pytestmark = pytest.mark.timeout(900)
OF_TENANT, OF_OPERATOR = length.choose(short=(2, 1), long=(4, 2))
SETTLED_S = 120
#: More than all of them need together.
QUOTAS = {"network": 200, "subnet": 200, "port": 500, "mpls_vtn": 100, "mpls_vpn": 100}
HEAD = """
heat_template_version: 2021-04-16
parameters:
  name: {type: string}
  near: {type: string}
  far: {type: string}
  number: {type: number}
  vpn: {type: string}
  image: {type: string}
  flavor: {type: string}
resources:
  shop:
    type: OS::Isthmus::VirtualTenantNetwork
    properties:
      name: {get_param: name}
      prefixes: [{str_replace: {template: 10.96.N.0/24, params: {N: {get_param: number}}}}]
      members: [{get_param: near}, {get_param: far}]
  net: {type: OS::Neutron::Net, properties: {name: {get_param: name}}}
  subnet:
    type: OS::Neutron::Subnet
    properties:
      network: {get_resource: net}
      cidr: {str_replace: {template: 10.97.N.0/24, params: {N: {get_param: number}}}}
"""
IN_SHARED = """
  joined:
    type: OS::Neutron::BGPVPN-NET-ASSOCIATION
    properties: {bgpvpn_id: {get_param: vpn}, network_id: {get_resource: net}}
"""
IN_OWN = """
  own:
    type: OS::Neutron::BGPVPN
    properties: {name: {get_param: name}, allocate_route_target: true}
  joined:
    type: OS::Neutron::BGPVPN-NET-ASSOCIATION
    properties: {bgpvpn_id: {get_resource: own}, network_id: {get_resource: net}}
"""
SERVER = """
  base:
    type: OS::Isthmus::InterconnectedServer
    properties:
      name: {get_param: name}
      virtual_tenant_network: {get_resource: shop}
      site: {get_param: far}
      image: {get_param: image}
      flavor: {get_param: flavor}
"""


@dataclass(frozen=True)
class Order:
    """A stack, and who asks for it.

    Attributes:
        cloud: whose, and in which region.
        template: what is in it.
        given: what the template is told.
    """

    cloud: Cloud
    template: str
    given: dict[str, Any]

    @property
    def name(self) -> str:
        """Of the stack."""
        return str(self.given["name"])

    def begin(self) -> None:
        """Ask for it."""
        orchestra.begin(self.cloud, self.name, self.template, **self.given)


@pytest.fixture
def sites() -> Iterator[list[topology.Site]]:
    """The lab's sites; quotas are as they were, and the test's stacks are gone, afterwards."""
    lab = topology.load()
    clouds = [Cloud(site.name, who) for site in lab.sites for who in (ADMIN, *lab.projects)]
    try:
        for cloud in clouds:
            set_quotas(cloud, QUOTAS)
        side_by_side(orchestra.forget_stacks, clouds)
        leftovers.prepare(lab.sites)
        yield list(lab.sites)
    finally:
        side_by_side(orchestra.forget_stacks, clouds)
        for cloud in clouds:
            operator = Cloud(cloud.site, ADMIN)
            operator.call("DELETE", f"/quotas/{cloud.project_id}")
        side_by_side(forget_vpns, lab.sites)


def forget_vpns(site: topology.Site) -> None:
    """Delete the VPNs that tenants' stacks shared."""
    operator = Cloud(site.name, ADMIN)
    for vpn in operator.vpns():
        if str(vpn["name"]).startswith(orchestra.PREFIX):
            operator.delete_vpn(vpn["id"])


def set_quotas(cloud: Cloud, quotas: dict[str, int]) -> None:
    """Say how much of each a project may have in a region."""
    Cloud(cloud.site, ADMIN).call("PUT", f"/quotas/{cloud.project_id}", {"quota": quotas})


def orders(sites: Sequence[topology.Site], mark: str) -> list[Order]:
    """Return what everybody asks for; each tenant has a VPN in each region for its stacks."""
    lab = topology.load()
    made: list[Order] = []
    for near, far in ((sites[0], sites[1]), (sites[1], sites[0])):
        operator = Cloud(near.name, ADMIN)
        for who in (*lab.projects, ADMIN):
            cloud, vpn = Cloud(near.name, who), ""
            if who != ADMIN:
                vpn = operator.create_vpn(mark, cloud.project_id, allocate_route_target=True)
            for number in range(OF_OPERATOR if who == ADMIN else OF_TENANT):
                template = HEAD + (IN_OWN if who == ADMIN else IN_SHARED)
                template += SERVER if who == lab.projects[0] and number == 0 else ""
                given = {
                    "name": f"{mark}-{near.name}-{who}-{number}",
                    "near": near.name,
                    "far": far.name,
                    "number": len(made),
                    "vpn": vpn,
                    "image": lab.image,
                    "flavor": lab.flavor.name,
                }
                made.append(Order(cloud, template, given))
    return made


def all_at_once(asked: Sequence[Order]) -> None:
    """Ask for all stacks: clients beside each other, each for one of its own after the other."""
    clients = {
        order.cloud: [each for each in asked if each.cloud == order.cloud] for order in asked
    }

    def ask(own: Sequence[Order]) -> None:
        for order in own:
            order.begin()

    with ThreadPoolExecutor(len(clients)) as pool:
        list(pool.map(ask, clients.values()))


def test_many_stacks_at_once_are_made_and_deleted_and_nothing_is_left(
    sites: list[topology.Site],
) -> None:
    """None fails, but the one beyond the quota, which says so; both clouds are as before."""
    before = [leftovers.count(site) for site in sites]
    mark = f"{orchestra.PREFIX}{uuid4().hex[:6]}"
    asked = orders(sites, mark)
    began = time.monotonic()
    all_at_once(asked)
    asked_s = time.monotonic() - began
    failed = side_by_side(lambda order: orchestra.ended(order.cloud, order.name, "CREATE"), asked)
    made_s = time.monotonic() - began
    assert [why for why in failed if why] == []

    beyond = replace(asked[1], given=asked[1].given | {"name": f"{mark}-beyond", "number": 99})
    # Those that the tenant asked for in the other cloud count, too.
    set_quotas(beyond.cloud, {"mpls_vtn": len(sites) * OF_TENANT, "force": True})
    beyond.begin()
    refused = orchestra.ended(beyond.cloud, beyond.name, "CREATE")
    assert "CREATE_FAILED" in refused
    assert "Quota exceeded for resources: ['mpls_vtn']" in refused

    asked = [*asked, beyond]
    began = time.monotonic()
    side_by_side(lambda order: orchestra.begin_to_delete(order.cloud, order.name), asked)
    side_by_side(lambda order: orchestra.wait_for_end(order.cloud, order.name), asked)
    deleted_s = time.monotonic() - began
    for site in sites:
        forget_vpns(site)
    left = leftovers.left(sites, before, SETTLED_S)
    figures.add(
        f"{len(asked)} stacks asked for in {asked_s:.0f} s, all made after {made_s:.0f} s, "
        f"all deleted {deleted_s:.0f} s after"
    )
    assert not left, "\n".join(left)
