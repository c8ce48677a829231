# SPDX-License-Identifier: Apache-2.0
"""Answers for hosts of the same subnet that are elsewhere, and for nobody else (RFC 7814)."""

from __future__ import annotations

from ipaddress import IPv4Address, IPv6Address

import pytest
from hypothesis import given
from hypothesis import strategies as st

from isthmus.pe_agent.compile.pipeline import ATTACHMENT, DropCookie
from tests.actors import VPN_RED, circuit, compiled, host, intent, mac_of, route
from tests.fakes.dual_stack import solicitation
from tests.fakes.packet import ArpPacket, Ipv4Packet, Ipv6Packet, Packet
from tests.fakes.switch import FakeSwitch

PORT, CORE, OTHER_PORT = 2, 1, 3
VM_MAC = mac_of("vm")
GATEWAY_MAC = mac_of("pe-net")
HERE = host("vm", "10.6.0.11", "2001:db8:6::11")
NET = circuit("net", ["10.6.0.0/24", "2001:db8:6::/64"], HERE)
ROUTES = ("10.6.0.111/32", "2001:db8:6::111/128", "10.6.0.128/25", "10.7.0.7/32")


def switch(*prefixes: str) -> FakeSwitch:
    """Make a switch whose PE knows routes to these prefixes, all behind another PE."""
    outcome = compiled(
        intent(VPN_RED, NET),
        routes=frozenset(map(route, prefixes)),
        circuit_ports={"pe-net": PORT},
        plugged=frozenset({"vm"}),
    )
    made = FakeSwitch()
    made.apply(outcome.flows)
    return made


def who_has(target: str, sender: str = "10.6.0.11", op: int = 1) -> Packet:
    """Make an ARP request."""
    arp = ArpPacket(op, VM_MAC, IPv4Address(sender), "00:00:00:00:00:00", IPv4Address(target))
    return Packet(VM_MAC, "ff:ff:ff:ff:ff:ff", arp)


def test_the_pe_answers_arp_for_a_host_that_is_elsewhere() -> None:
    """With the MAC by which its network knows the PE."""
    (sent,) = switch(*ROUTES).receive(PORT, who_has("10.6.0.111")).sent
    assert (sent.port, sent.packet.eth_src, sent.packet.eth_dst) == (PORT, GATEWAY_MAC, VM_MAC)
    assert sent.packet.payload == ArpPacket(
        2, GATEWAY_MAC, IPv4Address("10.6.0.111"), VM_MAC, IPv4Address("10.6.0.11")
    )


def test_it_answers_neighbor_solicitations_for_it_as_its_proxy() -> None:
    """RFC 4861 §7.2.8: solicited, neither router nor override."""
    target = IPv6Address("2001:db8:6::111")
    (sent,) = switch(*ROUTES).receive(PORT, solicitation(target, "2001:db8:6::11")).sent
    reply = sent.packet.payload
    assert isinstance(reply, Ipv6Packet)
    assert (reply.src, reply.nd_target, reply.icmp_type) == (target, target, 136)
    assert (reply.nd_reserved, reply.nd_option) == (0x40000000, (2, GATEWAY_MAC))


def test_what_is_sent_to_that_mac_crosses_the_core() -> None:
    """By the host's route."""
    packet = Ipv4Packet(IPv4Address("10.6.0.11"), IPv4Address("10.6.0.111"))
    (sent,) = switch(*ROUTES).receive(PORT, Packet(VM_MAC, GATEWAY_MAC, packet)).sent
    assert sent.port == CORE
    assert sent.packet.labels


@pytest.mark.parametrize(
    ("target", "why"),
    [
        ("10.6.0.11", "it is on this link"),
        ("10.6.0.12", "no route"),
        ("10.6.0.200", "a route to its prefix says nothing of the host"),
        ("10.7.0.7", "another subnet"),
    ],
)
def test_it_is_silent_about_all_others(target: str, why: str) -> None:
    """A host that is nowhere must not seem to be reachable."""
    assert switch(*ROUTES).receive(PORT, who_has(target)).is_dropped, why


@pytest.mark.parametrize("target", ["2001:db8:6::11", "2001:db8:6::12"])
def test_it_is_silent_about_all_others_in_ipv6(target: str) -> None:
    """Likewise."""
    packet = solicitation(target, "2001:db8:6::11")
    assert switch(*ROUTES).receive(PORT, packet).is_dropped


def test_a_host_may_take_an_address_whose_old_place_is_still_known() -> None:
    """Its check (RFC 5227 §2.1.1, RFC 4862 §5.4) is counted and gets no answer."""
    pe = switch(*ROUTES)
    assert pe.receive(PORT, who_has("10.6.0.111", sender="0.0.0.0")).is_dropped
    assert pe.receive(PORT, solicitation("2001:db8:6::111", "::")).is_dropped
    assert pe.count(DropCookie.ADDRESS_PROBE) == 2


def test_nobody_may_take_the_gateways_address() -> None:
    """It is defended, as ever."""
    pe = switch(*ROUTES)
    assert pe.receive(PORT, who_has("10.6.0.1", sender="0.0.0.0")).sent
    assert pe.receive(PORT, solicitation("2001:db8:6::1", "::")).punted


def test_a_host_on_another_link_of_this_pe_is_elsewhere_too() -> None:
    """Two networks here may share a subnet as well."""
    other = circuit("other", "10.6.0.0/24", host("vm2", "10.6.0.22"))
    outcome = compiled(
        intent(VPN_RED, NET, other),
        circuit_ports={"pe-net": PORT, "pe-other": OTHER_PORT},
        plugged=frozenset({"vm", "vm2"}),
    )
    pe = FakeSwitch()
    pe.apply(outcome.flows)
    (sent,) = pe.receive(PORT, who_has("10.6.0.22")).sent
    assert sent.packet.eth_src == GATEWAY_MAC
    assert pe.receive(OTHER_PORT, who_has("10.6.0.22")).is_dropped
    assert len(pe.receive(OTHER_PORT, who_has("10.6.0.11")).sent) == 1


def test_an_attachment_that_is_not_plugged_has_no_answers() -> None:
    """There is no port to answer on."""
    outcome = compiled(
        intent(VPN_RED, NET),
        routes=frozenset(map(route, ROUTES)),
        circuit_ports={},
        plugged=frozenset(),
    )
    assert not [f for f in outcome.flows if f.table == ATTACHMENT and f.priority == 95]


prefixes = st.one_of(
    st.integers(0, 255).map(lambda host: f"10.6.0.{host}/32"),
    st.integers(0, 255).map(lambda host: f"10.6.1.{host}/32"),
    st.integers(24, 31).map(lambda length: f"10.6.0.0/{length}"),
)


@given(st.sets(prefixes, max_size=12), st.integers(0, 255))
def test_exactly_hosts_with_a_route_are_answered_for(known: set[str], last: int) -> None:
    """The law, whatever the routes."""
    target = f"10.6.0.{last}"
    is_elsewhere = f"{target}/32" in known and target not in ("10.6.0.11", "10.6.0.1")
    is_answered = bool(switch(*known).receive(PORT, who_has(target)).sent)
    assert is_answered == (is_elsewhere or target == "10.6.0.1")
