# SPDX-License-Identifier: Apache-2.0
"""``OS::Isthmus::VirtualTenantNetwork``, through a real Heat on a real Neutron."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from tests.stacks import Heat
    from tests.vtn_site import Peer, Region

# Heat takes a loaded machine a while to start.
pytestmark = pytest.mark.timeout(600)

RED = "red-project"
VTN = """
heat_template_version: 2021-04-16
resources:
  shop:
    type: OS::Isthmus::VirtualTenantNetwork
    properties:
      name: shop
      prefixes: [10.0.0.0/16]
      members: [west, east]
outputs:
  here: {value: {get_attr: [shop, network_id]}}
  subnets: {value: {get_attr: [shop, subnet_ids]}}
  there: {value: {get_attr: [shop, members, east, network_id]}}
  status: {value: {get_attr: [shop, status]}}
"""


@pytest.fixture
def east(west: Region, heat: Heat) -> Peer:
    """Another site, which hears and says everything at once; the own one is known as such."""
    from isthmus.db.vtn import sites
    from isthmus.plugin import transactions
    from tests.vtn_site import Peer, exchange

    own = sites.SiteRecord("west", "00000000-0000-4000-8000-000000000000", sites.State.OWN)
    transactions.write(sites.create, own)
    peer = Peer("east")
    heat.served.always = lambda: exchange(west, peer)
    return peer


def test_a_network_over_two_regions_is_made_and_deleted(
    west: Region, east: Peer, heat: Heat
) -> None:
    """Done when both sites have made it, gone when both have removed it."""
    stack = heat.create("shop", VTN)
    assert stack.state == "CREATE_COMPLETE", stack.reason
    assert stack.outputs["status"] == "ACTIVE"
    assert stack.outputs["here"] == west.networks()[0]["id"]
    assert len(stack.outputs["subnets"]) == 1
    heat.delete("shop")
    assert not west.networks()
