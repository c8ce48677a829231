# SPDX-License-Identifier: Apache-2.0
"""What ovs-ofctl and gobgp print, as values."""

from __future__ import annotations

from collections.abc import Mapping
from ipaddress import IPv4Network
from typing import Any

from lab.demo.provider_edge import InstalledFlow, VpnRoute, read_flows, read_gobgp

DUMPED = """OFPST_FLOW reply (OF1.5) (xid=0x6):
 cookie=0xd0600, duration=12.345s, table=6, n_packets=4096, n_bytes=282624, idle_age=3, \
priority=0 actions=drop
 cookie=0x1, duration=12.345s, table=6, n_packets=7, n_bytes=700, idle_age=3, \
priority=10,mpls,mpls_label=10000,mpls_bos=1 \
actions=set_field:0x1->metadata,pop_mpls:0x0800,goto_table:20
"""
RIB: dict[str, list[Mapping[str, Any]]] = {
    "192.0.2.11:1:10.1.0.11/32": [
        {
            "nlri": {
                "prefix": "10.1.0.11/32",
                "labels": [10000],
                "rd": {"type": 1, "admin": "192.0.2.11", "assigned": 1},
            },
            "attrs": [
                {"type": 1, "value": 2},
                {"type": 16, "value": [{"type": 0, "subtype": 2, "value": "64500:101"}]},
                {"type": 14, "nexthop": "192.0.2.11"},
            ],
        }
    ]
}


def test_flows_are_read_with_what_they_counted() -> None:
    """The head of the reply is no flow."""
    miss, label = read_flows(DUMPED)
    assert miss == InstalledFlow(
        table=6, priority=0, match="", actions="drop", packets=4096, cookie=0xD0600
    )
    assert miss.label is None
    assert (label.label, label.packets, label.cookie) == (10000, 7, 1)
    assert label.actions.endswith("goto_table:20")


def test_gobgps_routes_are_read_with_rd_label_next_hop_and_route_targets() -> None:
    """RFC 4364 §4.3."""
    assert read_gobgp(RIB) == [
        VpnRoute(
            rd="192.0.2.11:1",
            prefix=IPv4Network("10.1.0.11/32"),
            label=10000,
            next_hop="192.0.2.11",
            route_targets=("64500:101",),
        )
    ]
