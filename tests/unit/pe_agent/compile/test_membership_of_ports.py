# SPDX-License-Identifier: Apache-2.0
"""A port that is in more VPNs than its network, shown with packets."""

from __future__ import annotations

from dataclasses import replace
from ipaddress import IPv6Address

import pytest

from isthmus.model.intent import RouterAdvertisement, VrfIntent
from isthmus.pe_agent.compile.compiler import compile_pe
from isthmus.pe_agent.compile.inputs import Compiled, Inputs
from isthmus.pe_agent.compile.pipeline import DropCookie
from tests.actors import (
    BLUE,
    CORE_PORT,
    LABELS,
    PE2,
    PE3,
    RED,
    VPN_BLUE,
    VPN_RED,
    circuit,
    compiled,
    host,
    intent,
    mac_of,
    named,
    provider_edge,
    route,
    subnet,
)
from tests.fakes.backbone import ipv4, ipv6, labelled, ping
from tests.fakes.dual_stack import assert_dropped, solicitation, switch_with
from tests.fakes.packet import ICMPV6, Ipv4Packet, Ipv6Packet, Packet
from tests.fakes.switch import FakeSwitch

CE1 = host("ce1", "10.1.0.5", "2001:db8:1::5")
CE2 = host("ce2", "10.1.0.6", "2001:db8:1::6")
NET = circuit("net", ["10.1.0.0/24", "2001:db8:1::/64"], CE1, CE2)
ONLY_CE1 = named(replace(NET, hosts=(CE1,)))
ONLY_CE2 = named(replace(NET, hosts=(CE2,)))
PORT = 2
RED_ROUTE, BLUE_ROUTE = "10.2.0.7", "10.3.0.7"
ROUTES = frozenset({route(f"{RED_ROUTE}/32", PE2, 500), route(f"{BLUE_ROUTE}/32", PE3, 501, BLUE)})


def outcome_of(*intents: VrfIntent, plugged: tuple[str, ...] = ("ce1", "ce2")) -> Compiled:
    """Compile the PE of one network."""
    return compiled(
        *intents, routes=ROUTES, circuit_ports={"pe-net": PORT}, plugged=frozenset(plugged)
    )


def red_network_blue_port() -> Compiled:
    """Make a network in red with one of its ports in blue too."""
    return outcome_of(intent(VPN_RED, NET), intent(VPN_BLUE, ONLY_CE1, imports=BLUE))


def blue_port_only() -> Compiled:
    """Make a network in no VPN with one of its ports in blue."""
    return outcome_of(intent(VPN_BLUE, ONLY_CE1, imports=BLUE))


def sent_by(name: str, dst: str) -> Packet:
    """Make what a CE sends to its gateway."""
    src = {"ce1": "10.1.0.5", "ce2": "10.1.0.6"}[name]
    return replace(ipv4(src, dst, "net"), eth_src=mac_of(name))


def label_to(switch: FakeSwitch, name: str, dst: str) -> int | None:
    """Return the VPN label with which a CE's packet leaves; None if it does not."""
    sent = switch.receive(PORT, sent_by(name, dst)).sent
    return sent[0].packet.labels[-1].label if sent else None


def test_the_port_reaches_both_vpns_and_the_rest_of_its_network_one() -> None:
    """The sender's MAC decides, for which OVN's port security vouches."""
    switch = switch_with(red_network_blue_port())
    assert label_to(switch, "ce1", RED_ROUTE) == 500
    assert label_to(switch, "ce1", BLUE_ROUTE) == 501
    assert label_to(switch, "ce2", RED_ROUTE) == 500
    assert label_to(switch, "ce2", BLUE_ROUTE) is None


def test_of_a_network_in_no_vpn_only_the_named_port_gets_in() -> None:
    """Frames of all others are dropped and counted."""
    switch = switch_with(blue_port_only())
    assert label_to(switch, "ce1", BLUE_ROUTE) == 501
    outcome = switch.receive(PORT, sent_by("ce2", BLUE_ROUTE))
    assert_dropped(switch, outcome, DropCookie.UNCLASSIFIED)


def test_two_ports_of_one_network_in_two_vpns_never_meet() -> None:
    """Not even through their gateway."""
    outcome = outcome_of(intent(VPN_RED, ONLY_CE2), intent(VPN_BLUE, ONLY_CE1, imports=BLUE))
    switch = switch_with(outcome)
    assert label_to(switch, "ce1", BLUE_ROUTE) == 501
    assert label_to(switch, "ce2", RED_ROUTE) == 500
    assert label_to(switch, "ce1", RED_ROUTE) is None
    assert switch.receive(PORT, sent_by("ce1", "10.1.0.6")).is_dropped


def test_each_vpn_hears_of_its_ports_alone() -> None:
    """The port under the label of its own VRF, with the RTs of both; the other with red's."""
    outcome = red_network_blue_port()
    told = {str(each.prefix): each.route_targets for each in outcome.routes}
    assert (told["10.1.0.5/32"], told["10.1.0.6/32"]) == (RED | BLUE, RED)
    labels = {str(each.prefix): each.label for each in outcome.routes}
    assert labels["10.1.0.5/32"] != labels["10.1.0.6/32"]


def test_what_comes_back_is_delivered_by_either_label() -> None:
    """Red's other PEs may use the network's label for the port a while longer."""
    outcome = red_network_blue_port()
    switch = switch_with(outcome)
    labels = {
        str(each.prefix): each.label.value for each in outcome.routes if each.prefix.version == 4
    }
    for prefix in ("10.1.0.5/32", "10.1.0.6/32"):
        frame = labelled(labels[prefix], dst="10.1.0.5")
        (sent,) = switch.receive(CORE_PORT, frame).sent
        assert (sent.port, sent.packet.eth_dst) == (PORT, mac_of("ce1"))


@pytest.mark.parametrize("name", ["ce1", "ce2"])
def test_the_gateway_answers_both(name: str) -> None:
    """Ping and neighbor solicitations, whatever VRF the sender is in."""
    switch = switch_with(red_network_blue_port())
    address = {"ce1": "10.1.0.5", "ce2": "10.1.0.6"}[name]
    echo = replace(ping(address, "10.1.0.1", "net"), eth_src=mac_of(name))
    (sent,) = switch.receive(PORT, echo).sent
    assert (sent.port, sent.packet.eth_dst) == (PORT, mac_of(name))
    asked = replace(solicitation("2001:db8:1::1", "2001:db8:1::5"), eth_src=mac_of(name))
    (told,) = switch.receive(PORT, asked).sent
    assert (told.port, told.packet.eth_src) == (PORT, mac_of("pe-net"))


def test_every_vrf_of_an_attachment_knows_the_link() -> None:
    """Router solicitations get to the agent from each, which answers by port."""
    network = replace(
        NET, subnets=(NET.subnets[0], subnet("2001:db8:1::/64", RouterAdvertisement.SLAAC))
    )
    port = named(replace(network, hosts=(CE1,)))
    outcome = outcome_of(intent(VPN_RED, network), intent(VPN_BLUE, port, imports=BLUE))
    switch = switch_with(outcome)
    asked = Ipv6Packet(IPv6Address("fe80::5"), IPv6Address("ff02::2"), 255, ICMPV6, 133, octets=48)
    for name in ("ce1", "ce2"):
        punted = switch.receive(PORT, Packet(mac_of(name), "33:33:00:00:00:02", asked)).punted
        assert [(each.reason, each.in_port) for each in punted] == [("asked", PORT)]
    assert outcome.links.keys() == {PORT}
    assert outcome.punts.keys() == {1, 2}


def test_punts_and_answers_are_of_the_senders_vrf() -> None:
    """So that an answer about a blue route finds its way, and no other does."""
    switch = switch_with(red_network_blue_port())
    probe = replace(ipv4("10.1.0.5", BLUE_ROUTE, "net", ttl=1), eth_src=mac_of("ce1"))
    (punted,) = switch.receive(PORT, probe).punted
    assert (punted.reason, punted.metadata) == ("ttl_expired", 1)
    probe = replace(ipv4("10.1.0.6", RED_ROUTE, "net", ttl=1), eth_src=mac_of("ce2"))
    (punted,) = switch.receive(PORT, probe).punted
    assert (punted.reason, punted.metadata) == ("ttl_expired", 2)


def test_a_port_that_is_not_plugged_yet_is_not_let_in() -> None:
    """Its MAC may be another's; nothing leads back to it either."""
    outcome = outcome_of(intent(VPN_BLUE, ONLY_CE1, imports=BLUE), plugged=())
    switch = switch_with(outcome)
    assert_dropped(
        switch, switch.receive(PORT, sent_by("ce1", BLUE_ROUTE)), DropCookie.UNCLASSIFIED
    )
    assert outcome.routes == frozenset()


def test_a_port_that_joins_a_vpn_leaves_the_rest_of_its_network_as_it_was() -> None:
    """Their VRF keeps its number, its label and its flows."""
    before = outcome_of(intent(VPN_RED, NET))
    both = {VPN_RED: intent(VPN_RED, NET), VPN_BLUE: intent(VPN_BLUE, ONLY_CE1, imports=BLUE)}
    inputs = Inputs(
        both, ROUTES, CORE_PORT, {"pe-net": PORT}, frozenset({"ce1", "ce2"}), before.numbers
    )
    after = compile_pe(provider_edge(), LABELS, inputs)
    assert before.numbers.by_vrf.items() <= after.numbers.by_vrf.items()
    assert before.numbers.labels.items() <= after.numbers.labels.items()
    to_ce2 = {flow for flow in before.flows if ("ip_dst", "10.1.0.6") in flow.match}
    assert to_ce2
    assert to_ce2 <= after.flows


def test_a_named_port_of_one_family_gets_in_by_that_alone() -> None:
    """Its VRF has labels of the families of the network."""
    six = circuit("net", "2001:db8:1::/64", CE1)
    switch = switch_with(outcome_of(intent(VPN_BLUE, named(six), imports=BLUE)))
    assert switch.receive(PORT, sent_by("ce1", BLUE_ROUTE)).is_dropped
    frame = replace(ipv6("2001:db8:1::5", "2001:db8:1::5", "net"), eth_src=mac_of("ce1"))
    (sent,) = switch.receive(PORT, frame).sent
    assert isinstance(sent.packet.payload, Ipv6Packet)
    assert not isinstance(sent.packet.payload, Ipv4Packet)
