# SPDX-License-Identifier: Apache-2.0
"""Which way a VRF's packets go, and what is said where there is none."""

from __future__ import annotations

from ipaddress import IPv4Address

from isthmus.pe_agent.compile.pipeline import DropCookie
from tests.actors import (
    BLUE,
    BLUE_PORT,
    BLUE_WEST,
    PE2,
    PE3,
    RED,
    RED_PORT,
    RED_WEST,
    VPN_BLUE,
    VPN_RED,
    circuit,
    compiled,
    host,
    intent,
    mac_of,
    route,
)
from tests.fakes import dual_stack
from tests.fakes.backbone import ipv4, ipv6, ping
from tests.fakes.dual_stack import assert_dropped, switch_with


def test_the_longest_prefix_wins() -> None:
    """A host route beats the prefix that covers it, and both beat the default route."""
    routes = frozenset(
        {
            route("0.0.0.0/0", PE2, 500),
            route("10.2.0.0/24", PE2, 501),
            route("10.2.0.7/32", PE3, 502),
        }
    )
    switch = switch_with(compiled(intent(VPN_RED, RED_WEST), routes=routes))
    labels = [
        switch.receive(RED_PORT, ipv4("10.1.0.5", dst, "red-west")).sent[0].packet.labels[1].label
        for dst in ("198.51.100.1", "10.2.0.8", "10.2.0.7")
    ]
    assert labels == [500, 501, 502]


def test_networks_of_two_vpns_on_one_pe_meet_only_by_route_target() -> None:
    """Blue imports what red exports, red imports nothing of blue: one-way knowledge."""
    outcome = compiled(
        intent(VPN_RED, circuit("red-west", "10.1.0.0/24", host("ce-red-1", "10.1.0.5"))),
        intent(
            VPN_BLUE,
            circuit("blue-west", "10.3.0.0/24", host("ce-blue-1", "10.3.0.5")),
            imports=BLUE | RED,
            exports=BLUE,
        ),
    )
    switch = switch_with(outcome)
    there = switch.receive(BLUE_PORT, ipv4("10.3.0.5", "10.1.0.5", "blue-west"))
    back = switch.receive(RED_PORT, ipv4("10.1.0.5", "10.3.0.5", "red-west"))
    assert [each.packet.eth_dst for each in there.sent] == [mac_of("ce-red-1")]
    assert back.is_dropped


def test_nothing_is_advertised_without_a_core() -> None:
    """What it would attract could not be delivered; hosts on this PE still reach each other."""
    routes = frozenset({route("10.2.0.7/32")})
    outcome = compiled(intent(VPN_RED, RED_WEST), routes=routes, core_port=None)
    assert outcome.routes == frozenset()
    assert outcome.problems == {VPN_RED: "This PE has no port to the core."}
    switch = switch_with(outcome)
    assert switch.receive(RED_PORT, ipv4("10.1.0.5", "10.2.0.7", "red-west")).is_dropped
    assert switch.receive(RED_PORT, ping("10.1.0.5", "10.1.0.1", "red-west")).sent


def test_an_unknown_next_hop_is_named_to_the_vpns_that_import_its_routes() -> None:
    """No flow leads there; the other VPN is not concerned."""
    outcome = compiled(
        intent(VPN_RED, RED_WEST),
        intent(VPN_BLUE, BLUE_WEST, imports=BLUE),
        routes=frozenset({route("10.2.0.7/32", IPv4Address("192.0.2.99"))}),
    )
    assert outcome.problems == {
        VPN_RED: "No tunnel is configured to the remote PE 192.0.2.99, and no label is learnt.",
    }
    switch = switch_with(outcome)
    dropped = switch.receive(RED_PORT, ipv4("10.1.0.5", "10.2.0.7", "red-west"))
    assert_dropped(switch, dropped, DropCookie.NO_ROUTE)


def test_the_longest_prefix_wins_up_to_128_bits() -> None:
    """Host route, subnet, site, default."""
    prefixes = ["::/0", "2001:db8:2::/48", "2001:db8:2::/64", f"{dual_stack.EAST}/128"]
    routes = frozenset(route(prefix, PE3, 500 + number) for number, prefix in enumerate(prefixes))
    switch = switch_with(compiled(intent(VPN_RED, dual_stack.RED_WEST), routes=routes))
    targets = ("2001:db8:9::1", "2001:db8:2:9::1", "2001:db8:2::8", dual_stack.EAST)
    sent = [
        switch.receive(RED_PORT, ipv6(dual_stack.WEST, target, "red-west")).sent[0]
        for target in targets
    ]
    assert [each.packet.labels[1].label for each in sent] == [500, 501, 502, 503]


def test_without_a_second_label_ipv4_is_still_served() -> None:
    """The operator is told which family has none."""
    outcome = compiled(intent(VPN_RED, dual_stack.RED_WEST), labels=range(16, 17))
    assert [str(each.prefix) for each in outcome.routes] == ["10.1.0.5/32"]
    assert outcome.problems == {VPN_RED: "This PE has no label left between 16 and 16 for IPv6."}
