# SPDX-License-Identifier: Apache-2.0
"""What hosts may send into their VRF, and what is dropped and counted."""

from __future__ import annotations

from dataclasses import replace

import pytest

from isthmus.model.intent import Migration
from isthmus.pe_agent.compile.pipeline import DropCookie
from tests.actors import (
    RED_PORT,
    RED_WEST,
    VPN_RED,
    circuit,
    compiled,
    host,
    intent,
    mac_of,
    route,
)
from tests.fakes import dual_stack
from tests.fakes.backbone import ipv4, ipv6, labelled
from tests.fakes.dual_stack import assert_dropped, switch_with
from tests.fakes.packet import Packet


def test_mpls_from_an_attachment_is_dropped_and_counted() -> None:
    """A tenant can't put a label on the core or into another VRF (RFC 4364 §13.1)."""
    switch = switch_with(compiled(intent(VPN_RED, RED_WEST)))
    packet = replace(labelled(1000), eth_dst=mac_of("pe-red-west"))
    outcome = switch.receive(RED_PORT, packet)
    assert_dropped(switch, outcome, DropCookie.MPLS_FROM_ATTACHMENT)


def test_upstream_assigned_labels_from_an_attachment_are_dropped_too() -> None:
    """Ethertype 0x8848 (RFC 5332 §3)."""
    switch = switch_with(compiled(intent(VPN_RED, RED_WEST)))
    outcome = switch.receive(RED_PORT, replace(labelled(1000), ethertype=0x8848))
    assert_dropped(switch, outcome, DropCookie.MPLS_FROM_ATTACHMENT)


@pytest.mark.parametrize(
    "dst", ["224.0.0.5", "239.1.1.1", "255.255.255.255", "127.0.0.1", "0.0.0.1"]
)
def test_what_is_not_unicast_is_dropped_even_with_a_default_route(dst: str) -> None:
    """RFC 1812 §5.3.7: such destinations are never forwarded."""
    routes = frozenset({route("0.0.0.0/0")})
    switch = switch_with(compiled(intent(VPN_RED, RED_WEST), routes=routes))
    outcome = switch.receive(RED_PORT, ipv4("10.1.0.5", dst, "red-west"))
    assert_dropped(switch, outcome, DropCookie.NOT_UNICAST)


@pytest.mark.parametrize("eth_dst", ["ff:ff:ff:ff:ff:ff", "01:00:5e:00:00:05", "fa:16:3e:99:99:99"])
def test_ip_for_any_mac_but_the_gateways_is_dropped(eth_dst: str) -> None:
    """Broadcast, multicast and what a switch floods are not the gateway's."""
    routes = frozenset({route("10.2.0.7/32")})
    switch = switch_with(compiled(intent(VPN_RED, RED_WEST), routes=routes))
    frame = replace(ipv4("10.1.0.5", "10.2.0.7", "red-west"), eth_dst=eth_dst)
    assert_dropped(switch, switch.receive(RED_PORT, frame), DropCookie.NOT_FOR_THE_GATEWAY)


RARP = 0x8035


def test_the_agent_hears_of_a_vm_that_begins_to_run_here() -> None:
    """By the RARP request of its hypervisor; from others it wants none."""
    vm = replace(host("ce1", "10.1.0.5"), migration=Migration.ARRIVING)
    there = compiled(intent(VPN_RED, circuit("red-west", "10.1.0.0/24", vm)))
    assert there.arriving == {(RED_PORT, vm.mac): "ce1"}
    switch = switch_with(there)
    frame = Packet(vm.mac, "ff:ff:ff:ff:ff:ff", None, ethertype=RARP)
    (punted,) = switch.receive(RED_PORT, frame).punted
    assert (punted.packet, punted.reason) == (frame, "asked")
    other = replace(frame, eth_src=mac_of("ce2"))
    assert_dropped(switch, switch.receive(RED_PORT, other), DropCookie.NOT_FOR_THE_GATEWAY)


def test_nobody_listens_for_vms_that_are_here() -> None:
    """What they send in the way of RARP is their own business."""
    here = compiled(intent(VPN_RED, RED_WEST))
    assert here.arriving == {}
    switch = switch_with(here)
    frame = Packet(mac_of("ce1"), "ff:ff:ff:ff:ff:ff", None, ethertype=RARP)
    assert_dropped(switch, switch.receive(RED_PORT, frame), DropCookie.NOT_FOR_THE_GATEWAY)


def test_a_vlan_tag_from_an_attachment_never_reaches_the_core() -> None:
    """Labels would be pushed behind the tag."""
    routes = frozenset({route("10.2.0.7/32")})
    switch = switch_with(compiled(intent(VPN_RED, RED_WEST), routes=routes))
    frame = replace(ipv4("10.1.0.5", "10.2.0.7", "red-west"), vlan_vid=0x1005)
    assert switch.receive(RED_PORT, frame).is_dropped


@pytest.mark.parametrize(
    ("src", "dst"), [(dual_stack.WEST, "fe80::7"), ("fe80::5", dual_stack.EAST)]
)
def test_link_local_addresses_never_leave_their_link(src: str, dst: str) -> None:
    """RFC 4291 §2.5.6, even with a route."""
    switch = dual_stack.west("::/0", "fe80::/10")
    outcome = switch.receive(RED_PORT, ipv6(src, dst, "red-west"))
    assert_dropped(switch, outcome, DropCookie.LINK_LOCAL)


@pytest.mark.parametrize("dst", ["ff02::1", "ff0e::1", "::1", "::", "::ffff:10.2.0.7"])
def test_what_is_not_unicast_is_dropped_even_with_a_default_route_in_ipv6(dst: str) -> None:
    """RFC 4291 §2.5.2, §2.5.3, §2.7; RFC 6890 for IPv4-mapped."""
    switch = dual_stack.west("::/0")
    outcome = switch.receive(RED_PORT, ipv6(dual_stack.WEST, dst, "red-west"))
    assert_dropped(switch, outcome, DropCookie.NOT_UNICAST)
