# SPDX-License-Identifier: Apache-2.0
"""The compiler as a whole: golden cases, what it advertises and what it complains of."""

from __future__ import annotations

from ipaddress import IPv4Network

import pytest

from isthmus.model.ids import Label, RouteDistinguisher
from isthmus.model.ip import AddressFamily
from isthmus.model.route import VpnRoute
from isthmus.pe_agent.compile.compiler import compile_pe
from isthmus.pe_agent.compile.inputs import Inputs, Numbers
from tests.actors import (
    BLUE,
    BLUE_WEST,
    CORE_PORT,
    HOSTS,
    LABELS,
    NOBODY,
    PE1,
    PORTS,
    RED,
    RED_WEST,
    VPN_BLUE,
    VPN_RED,
    compiled,
    intent,
    provider_edge,
)
from tests.cases.case import Case, all_cases, render


@pytest.mark.parametrize("case", all_cases(), ids=lambda case: case.folder.name)
def test_golden_case(case: Case) -> None:
    """What a network engineer wrote down, or read and agreed to, is what comes out."""
    assert render(case.compile()) == case.expected()


# What it advertises, and what it complains of


def test_each_vrf_advertises_its_plugged_hosts_with_its_own_rd_and_label() -> None:
    """One /32 per host; RD of type 1 made of PE address and VRF number (RFC 4364 §4.2)."""
    outcome = compiled(
        intent(VPN_RED, RED_WEST), intent(VPN_BLUE, BLUE_WEST, imports=BLUE, exports=BLUE)
    )
    assert outcome.routes == {
        VpnRoute(
            RouteDistinguisher.parse("192.0.2.11:1"),
            IPv4Network("10.1.0.5/32"),
            PE1,
            Label(1000),
            BLUE,
        ),
        VpnRoute(
            RouteDistinguisher.parse("192.0.2.11:2"),
            IPv4Network("10.1.0.5/32"),
            PE1,
            Label(1001),
            RED,
        ),
    }
    assert outcome.problems == {}


def test_a_vpn_that_exports_nothing_advertises_nothing() -> None:
    """A route without RT would be imported by nobody."""
    outcome = compiled(intent(VPN_RED, RED_WEST, exports=NOBODY))
    assert outcome.routes == frozenset()


def test_a_vpn_without_attachments_here_takes_nothing() -> None:
    """No VRF, no number, no label."""
    outcome = compiled(intent(VPN_RED))
    assert outcome.numbers == Numbers()
    assert outcome.routes == frozenset()
    assert outcome.problems == {}


def test_an_attachment_that_is_not_plugged_is_a_problem() -> None:
    """Its hosts are not advertised, and the operator is told."""
    outcome = compiled(intent(VPN_RED, RED_WEST), circuit_ports={})
    assert outcome.routes == frozenset()
    assert outcome.problems == {VPN_RED: "The attachment of network red-west is not plugged."}


def test_a_core_too_small_for_a_network_is_named_with_both_figures_and_still_served() -> None:
    """The figures are what the core carries and what the network would need."""
    outcome = compiled(intent(VPN_RED, RED_WEST), pe=provider_edge(core_mtu=1400))
    assert outcome.problems == {
        VPN_RED: "Network red-west has an MTU of 1442, which with labels makes 1450 octets, but "
        "the core link carries 1400; larger packets are answered with ICMP."
    }
    assert outcome.routes


def test_two_vpns_that_would_advertise_the_same_nlri_are_told() -> None:
    """BGP would take the second for a change of the first (RFC 4364 §4.1)."""
    rd = RouteDistinguisher.parse("64500:7")
    outcome = compiled(
        intent(VPN_RED, RED_WEST, rd=rd), intent(VPN_BLUE, BLUE_WEST, imports=BLUE, rd=rd)
    )
    assert {each.route_targets for each in outcome.routes} == {BLUE}
    assert outcome.problems == {
        VPN_RED: "Another VPN already advertises 10.1.0.5/32 with the RD 64500:7; "
        "give them different RDs."
    }


def test_a_vrf_without_a_label_is_not_served_and_the_others_are() -> None:
    """The range is the operator's to widen."""
    outcome = compiled(
        intent(VPN_BLUE, BLUE_WEST, imports=BLUE), intent(VPN_RED, RED_WEST), labels=range(16, 17)
    )
    assert {each.route_targets for each in outcome.routes} == {BLUE}
    assert outcome.problems == {VPN_RED: "This PE has no label left between 16 and 16 for IPv4."}


def test_a_vrf_without_a_number_is_not_served() -> None:
    """There are 65535 of them on one PE."""
    outcome = compile_pe(
        provider_edge(),
        LABELS,
        Inputs(
            {
                VPN_BLUE: intent(VPN_BLUE, BLUE_WEST, imports=BLUE),
                VPN_RED: intent(VPN_RED, RED_WEST),
            },
            frozenset(),
            CORE_PORT,
            PORTS,
            HOSTS,
            Numbers(),
        ),
        vrf_numbers=range(1, 2),
    )
    assert {each.route_targets for each in outcome.routes} == {BLUE}
    assert outcome.problems == {VPN_RED: "This PE has no VRF number left."}


def test_numbers_given_before_are_given_again() -> None:
    """A restarted PE advertises what its neighbors already have."""
    ipv4 = AddressFamily.IPV4
    before = Numbers({(VPN_RED,): 7}, {((VPN_RED,), ipv4): 1234}, 9, 1300)
    outcome = compiled(
        intent(VPN_RED, RED_WEST), intent(VPN_BLUE, BLUE_WEST, imports=BLUE), numbers=before
    )
    assert outcome.numbers == Numbers(
        {(VPN_RED,): 7, (VPN_BLUE,): 10},
        {((VPN_RED,), ipv4): 1234, ((VPN_BLUE,), ipv4): 1301},
        10,
        1301,
    )
