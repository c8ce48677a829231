# SPDX-License-Identifier: Apache-2.0
"""Which attachments, and which of their ports, share a VRF."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from isthmus.model.intent import AttachmentCircuit, RouterAdvertisement, VrfIntent
from isthmus.pe_agent.compile.membership import CircuitShare, find_senders, group_circuits
from isthmus.pe_agent.compile.numbers import VrfKey
from tests.actors import (
    RED_WEST,
    VPN_BLUE,
    VPN_RED,
    behind,
    circuit,
    host,
    intent,
    mac_of,
    named,
)

SHARED = circuit("shared", "10.3.0.0/24", host("ce-shared", "10.3.0.5"))
NET = circuit("net", "10.1.0.0/24", host("ce1", "10.1.0.5"), host("ce2", "10.1.0.6"))
CE1, CE2 = (replace(NET, hosts=(each,)) for each in NET.hosts)
ALL = frozenset({"ce1", "ce2"})


def grouped(
    **vpns: AttachmentCircuit | list[AttachmentCircuit],
) -> dict[VrfKey, tuple[CircuitShare, ...]]:
    """Group what VPNs have attached."""
    intents: dict[str, VrfIntent] = {}
    for vpn_id, given in vpns.items():
        circuits = given if isinstance(given, list) else [given]
        intents[vpn_id] = intent(vpn_id, *circuits)
    return group_circuits(intents)


def circuits_of(
    **vpns: AttachmentCircuit | list[AttachmentCircuit],
) -> dict[VrfKey, list[AttachmentCircuit]]:
    """Return each VRF's attachments."""
    return {key: [share.circuit for share in shares] for key, shares in grouped(**vpns).items()}


def ces_of(groups: Mapping[VrfKey, tuple[CircuitShare, ...]]) -> dict[str, list[str]]:
    """Return each VRF's CEs."""
    return {
        "+".join(key): [each.port_id for share in shares for each in share.circuit.hosts]
        for key, shares in groups.items()
    }


def senders_of(
    groups: Mapping[VrfKey, tuple[CircuitShare, ...]], plugged: frozenset[str] = ALL
) -> dict[str, tuple[str, ...]]:
    """Return the MACs that tell of each VRF."""
    return {"+".join(key): macs for (key, _), macs in find_senders(groups, plugged).items()}


def test_attachments_are_grouped_by_the_set_of_vpns_they_are_in() -> None:
    """One network in two VPNs makes a third VRF."""
    assert circuits_of(red=[RED_WEST, SHARED], blue=SHARED) == {
        (VPN_BLUE, VPN_RED): [SHARED],
        (VPN_RED,): [RED_WEST],
    }


def test_networks_of_one_vpn_share_its_vrf() -> None:
    """In order of attachment port, however they were listed."""
    assert circuits_of(red=[SHARED, RED_WEST]) == {(VPN_RED,): [RED_WEST, SHARED]}


def test_a_network_listed_twice_in_one_vpn_counts_once() -> None:
    """Repetition is a non-event."""
    assert circuits_of(red=[RED_WEST, RED_WEST]) == {(VPN_RED,): [RED_WEST]}


def test_what_two_vpns_say_of_one_attachment_is_put_together() -> None:
    """One of them may not have heard of the newest host, subnet or prefix yet."""
    older = circuit("shared", "10.3.0.0/24")
    newer = circuit("shared", ["10.3.0.0/24", "10.4.0.0/24"], host("ce-shared", "10.3.0.5"))
    newer = behind(newer, "198.51.100.0/24", "ce-shared")
    (share,) = grouped(blue=replace(older, mtu=1400), red=newer)[VPN_BLUE, VPN_RED]
    assert share.circuit == replace(newer, mtu=1400)
    assert share.told_by == {newer.prefixes[0]: frozenset({VPN_RED})}


def test_of_two_words_about_a_subnets_hosts_the_first_stands() -> None:
    """They would otherwise be told two things about one prefix."""
    older = circuit("shared", "2001:db8:1::/64")
    newer = replace(
        older, subnets=(replace(older.subnets[0], advertisement=RouterAdvertisement.SLAAC),)
    )
    assert circuits_of(blue=newer, red=older) == {(VPN_BLUE, VPN_RED): [newer]}


# Ports


def test_a_port_in_another_vpn_than_its_network_is_in_both() -> None:
    """Its VRF is of the network's VPNs and its own; the rest of the network is as it was."""
    groups = grouped(red=NET, blue=named(CE1))
    assert ces_of(groups) == {"blue+red": ["ce1"], "red": ["ce2"]}
    assert senders_of(groups) == {"blue+red": (mac_of("ce1"),)}
    assert {"+".join(key): [s.is_default for s in v] for key, v in groups.items()} == {
        "blue+red": [False],
        "red": [True],
    }


def test_a_port_of_a_network_in_no_vpn_is_in_its_own_alone() -> None:
    """Nobody else of the network is in any VRF."""
    groups = grouped(blue=named(CE1))
    assert ces_of(groups) == {"blue": ["ce1"]}
    assert senders_of(groups) == {"blue": (mac_of("ce1"),)}
    assert not groups[VPN_BLUE,][0].is_default


def test_two_ports_of_one_network_in_different_vpns_are_apart() -> None:
    """Each has its own VRF, and the same link."""
    groups = grouped(blue=named(CE1), red=named(CE2))
    assert ces_of(groups) == {"blue": ["ce1"], "red": ["ce2"]}
    assert senders_of(groups) == {"blue": (mac_of("ce1"),), "red": (mac_of("ce2"),)}


def test_a_port_named_by_its_networks_own_vpn_is_nothing_special() -> None:
    """The network is in that VPN anyway; what is behind the port counts."""
    port = named(behind(CE1, "198.51.100.0/24", "ce1"))
    groups = grouped(red=[NET, port])
    assert ces_of(groups) == {"red": ["ce1", "ce2"]}
    assert senders_of(groups) == {}
    assert groups[VPN_RED,][0].circuit.prefixes == port.prefixes


def test_a_port_may_be_named_for_what_is_behind_it_alone() -> None:
    """Its MAC tells that frames are its; its addresses are none of that VPN's business."""
    groups = grouped(red=NET, blue=named(behind(replace(NET, hosts=()), "198.51.100.0/24", "ce1")))
    assert ces_of(groups) == {"blue+red": ["ce1"], "red": ["ce2"]}
    assert groups[VPN_BLUE, VPN_RED][0].silent == {"ce1": frozenset({VPN_BLUE})}


def test_a_vpn_that_names_a_port_without_advertising_it_keeps_silent() -> None:
    """The network's VPN goes on advertising it."""
    hidden = replace(CE1, hosts=(replace(CE1.hosts[0], is_advertised=False),))
    groups = grouped(red=NET, blue=named(hidden))
    assert groups[VPN_BLUE, VPN_RED][0].silent == {"ce1": frozenset({VPN_BLUE})}
    (whole,) = grouped(red=[NET, named(hidden)]).values()
    assert whole[0].silent == {}
    (whole,) = grouped(red=hidden).values()
    assert whole[0].silent == {"ce1": frozenset({VPN_RED})}


def test_a_router_is_of_a_whole_network_or_of_nobody() -> None:
    """Without a port, nothing tells its frames from those of the rest."""
    router = behind(NET, "10.4.0.0/24")
    assert circuits_of(red=router)[VPN_RED,][0].prefixes == router.prefixes
    assert grouped(red=named(replace(router, hosts=()))) == {}


def test_a_mac_that_several_ports_use_tells_nothing() -> None:
    """VMs behind a router send by its MAC: one of them in a VPN must not take the others there."""
    same = tuple(replace(each, mac=mac_of("router")) for each in NET.hosts)
    net = replace(NET, hosts=same)
    assert senders_of(grouped(red=net, blue=named(replace(net, hosts=same[:1])))) == {}
    with_router = behind(replace(net, hosts=()), "10.4.0.0/24", mac=mac_of("router"))
    assert senders_of(grouped(red=with_router, blue=named(replace(net, hosts=same[:1])))) == {}


def test_the_mac_of_a_port_that_is_not_here_tells_nothing() -> None:
    """It may be another port's by now."""
    assert senders_of(grouped(red=NET, blue=named(CE1)), frozenset({"ce2"})) == {}
    prefix_only = named(behind(replace(NET, hosts=()), "198.51.100.0/24", "ce1"))
    assert senders_of(grouped(blue=prefix_only), frozenset()) == {}
    assert senders_of(grouped(blue=prefix_only)) == {"blue": (mac_of("ce1"),)}
