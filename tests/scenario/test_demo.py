# SPDX-License-Identifier: Apache-2.0
"""The story of the demo as assertions."""

from __future__ import annotations

import pytest

from lab import topology
from lab.demo import evidence, guest, tenants
from lab.demo.stage import Stage
from lab.demo.tenants import Plan, Server
from lab.waiting import wait_until

PLAN: Plan = tenants.load(topology.load())
ACROSS = [pair for tenant in PLAN.tenants for pair in tenant.pairs_across()]
CONVERGENCE_S = 30


def _name(server: Server) -> str:
    return server.name


@pytest.mark.parametrize(("near", "far"), ACROSS, ids=_name)
def test_a_vm_reaches_its_tenants_vms_in_the_other_region(
    stage: Stage, near: Server, far: Server
) -> None:
    """Every VM, from every host, to every VM far away; none of 20 packets is lost."""
    assert guest.ping(near, far.address, 20).lost == 0


@pytest.mark.parametrize(("near", "far"), ACROSS, ids=_name)
def test_at_an_address_both_tenants_have_each_meets_its_own_server(
    stage: Stage, near: Server, far: Server
) -> None:
    """Who answers says its name."""
    assert far.name in guest.page(near, far.address)


def test_at_an_address_only_red_has_nobody_answers_blue(stage: Stage) -> None:
    """A VPN's routes stay in it."""
    asking = PLAN.server("blue-east-1")
    only_red = PLAN.server("red-west-2")
    assert only_red.address not in {server.address for server in PLAN.tenant("blue").servers}
    assert guest.page(asking, only_red.address, patience_s=3) == ""
    assert guest.ping(asking, only_red.address, 5, "-i 0.2 -W 1").received == 0


def test_packets_bear_the_labels_of_the_topology_on_both_sides_of_p(stage: Stage) -> None:
    """Transport label over VPN label; P pops or swaps the first and never sees the second."""
    for tenant in PLAN.tenants:
        near, far = tenant.pairs_across()[0]
        assert len(evidence.labelled_packets(stage.topology, near, far)) == 4


def test_the_reflector_has_a_host_route_with_the_route_target_for_every_vm(stage: Stage) -> None:
    """RFC 4364 §4.3, as FRR shows it."""
    rows = evidence.routes_at_reflector(stage.topology, PLAN)
    assert len(rows) >= 1 + len(PLAN.servers)


def test_dissociating_a_network_leaves_no_trace_and_associating_it_brings_it_back(
    stage: Stage,
) -> None:
    """Routes, labels, flows and ports on every host, and Neutron's port."""
    red, site = PLAN.tenant("red"), stage.topology.sites[0]
    cloud = stage.cloud(site.name, red.name)
    near, far = red.at(site.name)[0], PLAN.server("red-east-1")
    traces = evidence.Traces.find(stage, site, red)
    vpn_id = cloud.vpn(red.name)["id"]

    cloud.dissociate(vpn_id, cloud.associations(vpn_id)[0]["id"])
    try:
        for what, is_gone in traces.checks():
            wait_until(is_gone, CONVERGENCE_S, f"the end of {what}")
        assert not guest.reaches(near, far.address)
    finally:
        cloud.associate(vpn_id, cloud.network_id(red.name))

    cloud.wait_for_vpn(red.name)
    wait_until(lambda: guest.reaches(near, far.address), CONVERGENCE_S, "the first answer")
