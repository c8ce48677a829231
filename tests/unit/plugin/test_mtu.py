# SPDX-License-Identifier: Apache-2.0
"""What a VPN carries, and who is told."""

from __future__ import annotations

from datetime import datetime
from ipaddress import ip_address, ip_network

import pytest
from hypothesis import given
from hypothesis import strategies as st

from isthmus.db.records import NetworkRecord, ProviderEdgeRecord, SubnetRecord
from isthmus.plugin.mtu import remark_on_mtu, vpn_mtu

NOW = datetime(2026, 11, 23)


def edge(core_payload: int | None) -> ProviderEdgeRecord:
    """Make a PE whose core link carries packets of so many octets."""
    return ProviderEdgeRecord("pe", "192.0.2.11", NOW, 2, 2, core_payload)


def network(
    mtu: int, prefix: str = "10.1.0.0/24", gateway: str | None = "10.1.0.1"
) -> NetworkRecord:
    """Make a network with one subnet."""
    address = None if gateway is None else ip_address(gateway)
    return NetworkRecord("net", mtu, (SubnetRecord("subnet", ip_network(prefix), address),))


def test_a_vpn_carries_what_its_least_pe_does() -> None:
    """Nobody knows which of them a packet leaves by."""
    assert vpn_mtu([edge(1492), edge(1442), edge(1592)]) == 1442


def test_what_one_pe_does_not_say_nobody_knows() -> None:
    """Its agent is of an older version."""
    assert vpn_mtu([edge(1492), edge(None)]) is None
    assert vpn_mtu([]) is None


@given(st.lists(st.integers(576, 9000), min_size=1), st.integers(576, 9000))
def test_another_pe_never_makes_it_more(payloads: list[int], another: int) -> None:
    """The law."""
    before = vpn_mtu(map(edge, payloads))
    after = vpn_mtu(map(edge, [*payloads, another]))
    assert before is not None
    assert after == min(before, another)


def test_a_network_that_fits_has_nothing_to_expect() -> None:
    """Nor one of which too little is known."""
    assert remark_on_mtu(network(1442), 1442) == ""
    assert remark_on_mtu(network(1500), None) == ""


def test_a_network_that_is_larger_is_told_both_figures() -> None:
    """It works nevertheless."""
    assert remark_on_mtu(network(1500), 1442) == (
        "Network net has an MTU of 1500, but the VPN carries packets of 1442 octets: larger ones "
        "are fragmented, or their senders told."
    )


@pytest.mark.parametrize(
    ("prefix", "gateway", "is_told"),
    [
        ("2001:db8:1::/64", "2001:db8:1::1", True),
        ("2001:db8:1::/64", None, False),
        ("10.1.0.0/24", "10.1.0.1", False),
    ],
)
def test_ipv6_needs_1280_octets(prefix: str, gateway: str | None, *, is_told: bool) -> None:
    """RFC 8200 §5: no packet too big may ask for less."""
    said = remark_on_mtu(network(1200, prefix, gateway), 1272)
    assert ("needs packets of 1280 octets" in said) is is_told
