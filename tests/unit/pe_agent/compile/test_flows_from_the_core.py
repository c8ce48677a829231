# SPDX-License-Identifier: Apache-2.0
"""What the core may bring into a VRF: what has been advertised, and nothing else."""

from __future__ import annotations

from dataclasses import replace
from ipaddress import IPv6Address

from isthmus.pe_agent.compile.pipeline import DropCookie
from tests.actors import (
    BLUE,
    BLUE_WEST,
    CORE_PORT,
    PE1,
    PE2,
    RED_PORT,
    RED_WEST,
    VPN_BLUE,
    VPN_RED,
    compiled,
    core_mac_of,
    intent,
    provider_edge,
    route,
)
from tests.fakes import dual_stack
from tests.fakes.backbone import ipv4, labelled
from tests.fakes.dual_stack import assert_dropped, switch_with
from tests.fakes.packet import (
    ICMPV6,
    Ipv6Packet,
    LabelStackEntry,
    Packet,
)


def test_no_label_but_the_advertised_ones_is_accepted() -> None:
    """Every other label is dropped and counted, alone or below our transport label."""
    outcome = compiled(
        intent(VPN_RED, RED_WEST),
        intent(VPN_BLUE, BLUE_WEST, imports=BLUE),
        pe=provider_edge(transport_label=17),
    )
    switch = switch_with(outcome)
    advertised = {each.label.value for each in outcome.routes}
    scanned = [label for label in range(4096) if label not in advertised]
    for label in scanned:
        assert switch.receive(CORE_PORT, labelled(label)).is_dropped
        assert switch.receive(CORE_PORT, labelled(17, label)).is_dropped
    assert advertised == {1000, 1001}
    assert switch.count(DropCookie.LABEL_NEVER_ADVERTISED) == 2 * len(scanned)


def test_a_transport_label_of_another_pe_is_dropped_and_counted() -> None:
    """What a P router delivers by mistake goes nowhere."""
    outcome = compiled(intent(VPN_RED, RED_WEST), pe=provider_edge(transport_label=17))
    switch = switch_with(outcome)
    dropped = switch.receive(CORE_PORT, labelled(18, 1000))
    assert_dropped(switch, dropped, DropCookie.NOT_OUR_TRANSPORT_LABEL)


def test_labels_are_accepted_from_the_core_port_only_and_for_our_mac_only() -> None:
    """The core bridge floods what it does not know."""
    switch = switch_with(compiled(intent(VPN_RED, RED_WEST)))
    assert switch.receive(CORE_PORT, labelled(1000, to=PE2)).is_dropped
    assert switch.receive(9, labelled(1000)).is_dropped
    assert switch.count(DropCookie.UNCLASSIFIED) == 2


def test_ip_from_the_core_is_dropped() -> None:
    """Only labels lead into a VRF."""
    switch = switch_with(compiled(intent(VPN_RED, RED_WEST)))
    packet = replace(labelled(), eth_dst=core_mac_of(PE1))
    assert switch.receive(CORE_PORT, packet).is_dropped


def test_a_packet_from_the_core_never_returns_to_the_core() -> None:
    """Split horizon: a stale route elsewhere makes no loop."""
    routes = frozenset({route("10.2.0.7/32")})
    switch = switch_with(compiled(intent(VPN_RED, RED_WEST), routes=routes))
    assert switch.receive(CORE_PORT, labelled(1000, dst="10.2.0.7")).is_dropped


def test_what_a_reflector_still_holds_of_this_pes_former_life_is_not_believed() -> None:
    """Its label may lead elsewhere by now."""
    stale = route("10.1.0.9/32", PE1, 1007)
    switch = switch_with(compiled(intent(VPN_RED, RED_WEST), routes=frozenset({stale})))
    assert switch.receive(RED_PORT, ipv4("10.1.0.5", "10.1.0.9", "red-west")).is_dropped


def test_neighbor_discovery_from_the_core_is_not_delivered() -> None:
    """Should another PE send it."""
    outcome = compiled(intent(VPN_RED, dual_stack.RED_WEST))
    (label,) = {each.label.value for each in outcome.routes if each.prefix.version == 6}
    switch = switch_with(outcome)
    said = Ipv6Packet(IPv6Address(dual_stack.EAST), IPv6Address(dual_stack.WEST), 255, ICMPV6, 134)
    frame = Packet("02:00:00:00:00:f1", core_mac_of(PE1), said, (LabelStackEntry(label),))
    assert_dropped(switch, switch.receive(CORE_PORT, frame), DropCookie.NEIGHBOR_DISCOVERY)
