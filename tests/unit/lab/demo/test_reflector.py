# SPDX-License-Identifier: Apache-2.0
"""FRR's JSON of one prefix."""

from __future__ import annotations

from ipaddress import IPv4Network

from lab.demo.provider_edge import VpnRoute
from lab.demo.reflector import read_frr

SHOWN = {
    "192.0.2.11:1": {
        "prefix": "10.1.0.11/32",
        "paths": [
            {
                "extendedCommunity": {"string": "RT:64500:101 RT:64500:102"},
                "remoteLabel": 1000,
                "nexthops": [{"ip": "192.0.2.11"}],
            }
        ],
    }
}


def test_rd_prefix_label_next_hop_and_route_targets_are_read() -> None:
    """RFC 4364 §4.3."""
    assert list(read_frr([SHOWN])) == [
        VpnRoute(
            rd="192.0.2.11:1",
            prefix=IPv4Network("10.1.0.11/32"),
            label=1000,
            next_hop="192.0.2.11",
            route_targets=("64500:101", "64500:102"),
        )
    ]


def test_no_route_is_no_route() -> None:
    """FRR prints an empty document for a prefix that went away meanwhile."""
    assert list(read_frr([])) == []
