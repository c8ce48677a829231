# SPDX-License-Identifier: Apache-2.0
"""What a VRF delivers to by itself, and what others are told of it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from ipaddress import IPv4Network, ip_network

import pytest

from isthmus.model.ids import Label
from isthmus.model.intent import AttachmentCircuit, Migration, VrfIntent
from isthmus.model.ip import AddressFamily, IpPrefix
from isthmus.pe_agent.compile.membership import group_circuits
from isthmus.pe_agent.compile.routes import LocalPath, OwnPrefix, compile_routes, own_prefixes
from isthmus.pe_agent.compile.vrfs import Vrf, make_vrf
from tests.actors import (
    BLUE,
    NOBODY,
    PE1,
    RED,
    VPN_BLUE,
    VPN_RED,
    behind,
    circuit,
    host,
    intent,
    mac_of,
    named,
)

PORT = {"pe-red-west": 2}


def vrf_of(*intents: VrfIntent) -> Vrf:
    """Make the one VRF that intents give."""
    by_vpn = {each.vpn_id: each for each in intents}
    ((key, shares),) = group_circuits(by_vpn).items()
    labels = {(key, family): 1000 + family for family in AddressFamily}
    return make_vrf(key, shares, by_vpn, (1, labels), PE1)


def red_vrf(attachment: AttachmentCircuit) -> Vrf:
    """Make the VRF of one network."""
    return vrf_of(intent(VPN_RED, attachment))


def own_of(vrf: Vrf, *plugged: str) -> Mapping[IpPrefix, OwnPrefix]:
    """Return what a VRF delivers to while these CEs are plugged."""
    return own_prefixes(vrf, PORT, frozenset(plugged))


def prefixes_of(attachment: AttachmentCircuit, *plugged: str) -> set[str]:
    """Return the host prefixes that are found."""
    return {str(prefix) for prefix in own_of(red_vrf(attachment), *plugged)}


def test_a_host_is_found_with_what_leads_to_it() -> None:
    """Its MAC, its gateway's, the port and the MTU of its network."""
    network = circuit("red-west", "10.1.0.0/24", host("ce1", "10.1.0.5"))
    path = LocalPath(2, mac_of("pe-red-west"), mac_of("ce1"), 1442)
    assert own_of(red_vrf(network), "ce1") == {
        IPv4Network("10.1.0.5/32"): OwnPrefix((path,), 100, RED, is_host=True)
    }


def test_every_address_of_a_host_counts_if_it_lies_in_an_attached_subnet() -> None:
    """A subnet without a gateway of ours is not attached."""
    network = circuit("red-west", "10.1.0.0/24", host("ce1", "10.1.0.5", "10.1.0.6", "10.8.0.5"))
    assert prefixes_of(network, "ce1") == {"10.1.0.5/32", "10.1.0.6/32"}


def test_a_host_that_is_not_plugged_does_not_count() -> None:
    """It is shut off, or not here yet."""
    network = circuit("red-west", "10.1.0.0/24", host("ce1", "10.1.0.5"), host("ce2", "10.1.0.6"))
    assert prefixes_of(network, "ce2") == {"10.1.0.6/32"}


def test_no_host_counts_while_the_attachment_is_not_plugged() -> None:
    """Nothing leads to them."""
    network = circuit("red-late", "10.1.0.0/24", host("ce1", "10.1.0.5"))
    assert prefixes_of(network, "ce1") == set()


def test_the_gateways_address_is_never_a_hosts() -> None:
    """It would take the PE's own address away."""
    network = circuit("red-west", "10.1.0.0/24", host("ce1", "10.1.0.1"))
    assert prefixes_of(network, "ce1") == set()


def test_an_ipv6_host_is_found_by_each_address_that_is_routed() -> None:
    """Link-local ones mean something on their link only (RFC 4291 §2.5.6)."""
    network = circuit(
        "red-west",
        ["10.1.0.0/24", "2001:db8:1::/64", "fe80::/64"],
        host("ce1", "10.1.0.5", "2001:db8:1::5", "fe80::5", "2001:db8:2::5"),
    )
    assert prefixes_of(network, "ce1") == {"10.1.0.5/32", "2001:db8:1::5/128"}


def test_a_family_without_a_label_is_not_served() -> None:
    """The range had only one left."""
    network = circuit("red-west", ["10.1.0.0/24", "2001:db8:1::/64"], host("ce1", "2001:db8:1::5"))
    vrf = replace(red_vrf(network), labels={AddressFamily.IPV4: Label(1000)})
    assert own_of(vrf, "ce1") == {}


def test_two_hosts_with_one_address_give_the_first_by_port() -> None:
    """A VM replaced by another: both are known for a moment."""
    network = circuit("red-west", "10.1.0.0/24", host("ce1", "10.1.0.5"), host("ce2", "10.1.0.5"))
    (found,) = own_of(red_vrf(network), "ce1", "ce2").values()
    assert [path.mac for path in found.paths] == [mac_of("ce1")]


# VMs that move


def moving(migration: Migration) -> AttachmentCircuit:
    """Make a network with a VM that moves and has a prefix behind it."""
    vm = replace(host("ce1", "10.1.0.5"), migration=migration)
    network = behind(circuit("red-west", "10.1.0.0/24", vm), "198.51.100.0/24", "ce1")
    prefixes = tuple(replace(each, migration=migration) for each in network.prefixes)
    return replace(network, prefixes=prefixes)


def test_a_vm_that_is_arriving_is_elsewhere_until_it_has_arrived() -> None:
    """It is plugged before: its memory is being copied."""
    vrf = red_vrf(moving(Migration.ARRIVING))
    assert own_prefixes(vrf, PORT, {"ce1"}) == {}
    found = own_prefixes(vrf, PORT, {"ce1"}, {"ce1"})
    assert {str(p): (own.local_pref, own.is_host) for p, own in found.items()} == {
        "10.1.0.5/32": (100, True),
        "198.51.100.0/24": (100, False),
    }


def test_a_vm_that_has_arrived_and_is_not_plugged_is_not_here() -> None:
    """It has been removed at once."""
    assert own_prefixes(red_vrf(moving(Migration.ARRIVING)), PORT, (), {"ce1"}) == {}


def test_a_vm_that_is_leaving_counts_for_less_than_where_it_arrives() -> None:
    """So that the new PE's route wins the moment it is heard, before this one is withdrawn."""
    found = own_of(red_vrf(moving(Migration.LEAVING)), "ce1")
    assert {str(p): (own.local_pref, own.is_host) for p, own in found.items()} == {
        "10.1.0.5/32": (99, False),
        "198.51.100.0/24": (99, False),
    }


def test_no_preference_is_less_than_none() -> None:
    """It has 32 bits without a sign."""
    vrf = vrf_of(replace(intent(VPN_RED, moving(Migration.LEAVING)), local_pref=0))
    assert {own.local_pref for own in own_of(vrf, "ce1").values()} == {0}


# What is behind CEs


def test_a_prefix_behind_a_plugged_port_is_the_vrfs_own() -> None:
    """Delivered to the port's MAC, and no host's address."""
    network = behind(
        circuit("red-west", "10.1.0.0/24", host("ce1", "10.1.0.5")), "198.51.100.0/24", "ce1"
    )
    assert prefixes_of(network) == set()
    path = LocalPath(2, mac_of("pe-red-west"), mac_of("ce1"), 1442)
    own = own_of(red_vrf(network), "ce1")
    assert own[ip_network("198.51.100.0/24")] == OwnPrefix((path,), 100, RED, is_host=False)


def test_a_router_is_on_every_host() -> None:
    """What is behind it is delivered to its MAC, whether or not a VM of it is plugged here."""
    network = behind(circuit("red-west", "169.254.0.0/29"), "10.4.0.0/24", mac=mac_of("router"))
    (own,) = own_of(red_vrf(network)).values()
    assert [path.mac for path in own.paths] == [mac_of("router")]


def test_a_host_behind_a_router_is_found_by_its_own_address() -> None:
    """Only where the router has a subnet it lies in."""
    transit = circuit("red-west", "169.254.0.0/29", host("ce1", "10.4.0.9", "10.5.0.9"))
    network = behind(transit, "10.4.0.0/24", mac=mac_of("router"))
    assert prefixes_of(network, "ce1") == {"10.4.0.0/24", "10.4.0.9/32"}


def test_a_host_behind_a_port_is_none_of_neutrons() -> None:
    """A port association's prefix gives no other port an address."""
    network = behind(
        circuit("red-west", "10.1.0.0/24", host("ce2", "10.4.0.9")), "10.4.0.0/24", "ce1"
    )
    assert prefixes_of(network, "ce1", "ce2") == {"10.4.0.0/24"}


@pytest.mark.parametrize(
    "prefix", ["169.254.0.0/29", "169.254.0.4/30", "169.254.0.1/32", "fe80::/64", "2001:db8::/64"]
)
def test_the_transit_network_is_behind_nobody(prefix: str) -> None:
    """Nor is the PE's own address, a link-local prefix, or one of a family without a label."""
    network = behind(circuit("red-west", "169.254.0.0/29"), prefix, mac=mac_of("router"))
    vrf = replace(red_vrf(network), labels={AddressFamily.IPV4: Label(1000)})
    assert own_of(vrf) == {}
    both = replace(vrf, labels={family: Label(1000) for family in AddressFamily})
    assert {str(each) for each in own_of(both)} <= {"2001:db8::/64"}


def test_a_ports_prefix_may_be_part_of_its_network() -> None:
    """An address it holds for others; but not the gateway's."""
    network = circuit("red-west", "10.1.0.0/24", host("ce1", "10.1.0.5"))
    assert prefixes_of(behind(network, "10.1.0.64/26", "ce1"), "ce1") == {
        "10.1.0.5/32",
        "10.1.0.64/26",
    }
    assert prefixes_of(behind(network, "10.1.0.1/32", "ce1"), "ce1") == {"10.1.0.5/32"}


def test_of_several_with_one_prefix_the_highest_preference_is_used() -> None:
    """And those that are equal, together."""
    network = circuit("red-west", "10.1.0.0/24")
    for name, preference in (("ce1", 200), ("ce2", 200), ("ce3", 150)):
        network = behind(network, "198.51.100.0/24", name, local_pref=preference)
    (own,) = own_of(red_vrf(network), "ce1", "ce2", "ce3").values()
    assert {path.mac for path in own.paths} == {mac_of("ce1"), mac_of("ce2")}
    assert own.local_pref == 200
    (own,) = own_of(red_vrf(network), "ce2", "ce3").values()
    assert [path.mac for path in own.paths] == [mac_of("ce2")]


def test_a_hosts_own_address_is_no_other_ports_prefix() -> None:
    """Neutron gave it to the host."""
    network = behind(
        circuit("red-west", "10.1.0.0/24", host("ce1", "10.1.0.5")), "10.1.0.5/32", "ce2"
    )
    (own,) = own_of(red_vrf(network), "ce1", "ce2").values()
    assert own.is_host
    assert [path.mac for path in own.paths] == [mac_of("ce1")]


# Routes


def test_one_route_per_prefix_with_what_the_vrf_gives() -> None:
    """RD, label, RTs; this PE as next hop."""
    network = circuit(
        "red-west", ["10.1.0.0/24", "2001:db8:1::/64"], host("ce1", "10.1.0.5", "2001:db8:1::5")
    )
    vrf = red_vrf(network)
    routes = compile_routes(vrf, own_of(vrf, "ce1"))
    assert {(str(each.prefix), each.label) for each in routes} == {
        ("10.1.0.5/32", vrf.labels[AddressFamily.IPV4]),
        ("2001:db8:1::5/128", vrf.labels[AddressFamily.IPV6]),
    }
    assert {(each.rd, each.next_hop, each.local_pref) for each in routes} == {(vrf.rd, PE1, 100)}
    assert {each.route_targets for each in routes} == {RED}


def test_a_vrf_that_exports_to_nobody_has_no_routes() -> None:
    """A route without RT would be imported by nobody."""
    network = circuit("red-west", "10.1.0.0/24", host("ce1", "10.1.0.5"))
    vrf = vrf_of(intent(VPN_RED, network, exports=NOBODY))
    assert compile_routes(vrf, own_of(vrf, "ce1")) == frozenset()


def test_a_host_that_is_not_advertised_is_delivered_to_and_not_told_of() -> None:
    """A port association that advertises its routes alone."""
    ce = replace(host("ce1", "10.1.0.5"), is_advertised=False)
    network = behind(circuit("red-west", "10.1.0.0/24", ce), "198.51.100.0/24", "ce1")
    vrf = red_vrf(named(network))
    own = own_of(vrf, "ce1")
    assert {str(prefix) for prefix in own} == {"10.1.0.5/32", "198.51.100.0/24"}
    assert {str(each.prefix) for each in compile_routes(vrf, own)} == {"198.51.100.0/24"}


@pytest.mark.parametrize(
    ("own", "of_vpn", "expected"),
    [(None, None, 100), (None, 150, 150), (0, 150, 0), (300, 150, 300)],
)
def test_a_routes_preference_is_its_own_else_its_vpns(
    own: int | None, of_vpn: int | None, expected: int
) -> None:
    """100 where nobody names one."""
    network = behind(circuit("red-west", "10.1.0.0/24"), "198.51.100.0/24", "ce1", local_pref=own)
    vrf = vrf_of(replace(intent(VPN_RED, network), local_pref=of_vpn))
    (route,) = compile_routes(vrf, own_of(vrf, "ce1"))
    assert route.local_pref == expected


def test_a_host_has_its_vpns_preference() -> None:
    """Of several VPNs the greatest."""
    network = circuit("red-west", "10.1.0.0/24", host("ce1", "10.1.0.5"))
    vrf = vrf_of(
        replace(intent(VPN_RED, network), local_pref=150),
        replace(intent(VPN_BLUE, network, imports=BLUE), local_pref=50),
    )
    (route,) = compile_routes(vrf, own_of(vrf, "ce1"))
    assert (route.local_pref, route.route_targets) == (150, RED | BLUE)


def test_only_the_vpns_that_advertise_a_prefix_hear_of_it() -> None:
    """The network's VPN is not the port's: it never gets the port's prefix."""
    network = circuit("red-west", "10.1.0.0/24", host("ce1", "10.1.0.5"))
    port = named(behind(network, "198.51.100.0/24", "ce1", local_pref=70))
    by_vpn = {
        VPN_RED: intent(VPN_RED, network),
        VPN_BLUE: intent(VPN_BLUE, port, imports=BLUE),
    }
    key = (VPN_BLUE, VPN_RED)
    vrf = make_vrf(
        key, group_circuits(by_vpn)[key], by_vpn, (1, {(key, AddressFamily.IPV4): 1000}), PE1
    )
    routes = compile_routes(vrf, own_of(vrf, "ce1"))
    assert {(str(each.prefix), each.route_targets, each.local_pref) for each in routes} == {
        ("10.1.0.5/32", RED | BLUE, 100),
        ("198.51.100.0/24", BLUE, 70),
    }
