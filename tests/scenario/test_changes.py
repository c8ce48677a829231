# SPDX-License-Identifier: Apache-2.0
"""What changes elsewhere, or in a way that leaves a route where it leads, costs no packet."""

from __future__ import annotations

import time

import pytest

from lab.demo.stage import Stage
from tests.scenario.rig import rigs
from tests.scenario.streams import Ends, no_packet_lost

OTHER_TARGETS = [f"64500:{number}" for number in range(6920, 6926)]


@pytest.mark.timeout(300)
def test_other_vpns_come_and_go_without_loss(stage: Stage, ends: Ends) -> None:
    """On the same PEs: a VPN, its network, its hosts; and all of it goes again."""
    with no_packet_lost(ends, 200), rigs(stage, "bystanders") as (west, east):
        for rig, prefix in ((west, "10.92.1.0/24"), (east, "10.92.2.0/24")):
            network_id = rig.make_network(prefix)
            rig.make_host(network_id, 0)
            vpn_id = rig.make_vpn(OTHER_TARGETS[0])
            rig.associate(vpn_id, "network", network_id)
            rig.settle()


def test_route_targets_are_added_and_taken_away_without_loss(stage: Stage, ends: Ends) -> None:
    """One by one, in one region alone: every route is advertised anew, and leads where it led."""
    west = stage.cloud(stage.topology.sites[0].name)
    vpn = west.vpn("red")
    usual = list(vpn["route_targets"])
    path = f"/bgpvpn/bgpvpns/{vpn['id']}"
    try:
        with no_packet_lost(ends, 60):
            for count in (*range(1, len(OTHER_TARGETS) + 1), 0):
                targets = usual + OTHER_TARGETS[:count]
                west.call("PUT", path, {"bgpvpn": {"route_targets": targets}})
                time.sleep(1)
            west.wait_for_vpn("red")
    finally:
        west.call("PUT", path, {"bgpvpn": {"route_targets": usual}})
