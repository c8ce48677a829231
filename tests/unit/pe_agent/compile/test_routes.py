# SPDX-License-Identifier: Apache-2.0
"""Which hosts are advertised."""

from __future__ import annotations

from dataclasses import replace
from ipaddress import IPv4Network, IPv6Network

from isthmus.model.ids import Label, RouteTarget
from isthmus.model.intent import AttachmentCircuit
from isthmus.model.ip import AddressFamily
from isthmus.pe_agent.compile.routes import LocalHost, compile_routes, local_hosts
from isthmus.pe_agent.compile.vrfs import Vrf, make_vrf
from tests.actors import NOBODY, PE1, RED, VPN_RED, circuit, host, intent, mac_of

PORT = {"pe-red-west": 2}


def vrf_of(attachment: AttachmentCircuit, exports: frozenset[RouteTarget] = RED) -> Vrf:
    """Make the VRF of one network."""
    return make_vrf(
        (VPN_RED,),
        (attachment,),
        {VPN_RED: intent(VPN_RED, attachment, exports=exports)},
        (1, {((VPN_RED,), family): 1000 + family for family in AddressFamily}),
        PE1,
    )


def prefixes_of(attachment: AttachmentCircuit, *plugged: str) -> set[str]:
    """Return the host prefixes that are found."""
    return {str(prefix) for prefix in local_hosts(vrf_of(attachment), PORT, frozenset(plugged))}


def test_a_host_is_found_with_what_leads_to_it() -> None:
    """Its MAC, its gateway's, the port and the MTU of its network."""
    network = circuit("red-west", "10.1.0.0/24", host("ce1", "10.1.0.5"))
    assert local_hosts(vrf_of(network), PORT, frozenset({"ce1"})) == {
        IPv4Network("10.1.0.5/32"): LocalHost(2, mac_of("pe-red-west"), mac_of("ce1"), 1442)
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
    vrf = replace(vrf_of(network), labels={AddressFamily.IPV4: Label(1000)})
    assert local_hosts(vrf, PORT, frozenset({"ce1"})) == {}


def test_two_hosts_with_one_address_give_the_first_by_port() -> None:
    """A VM replaced by another: both are known for a moment."""
    network = circuit("red-west", "10.1.0.0/24", host("ce1", "10.1.0.5"), host("ce2", "10.1.0.5"))
    (found,) = local_hosts(vrf_of(network), PORT, frozenset({"ce1", "ce2"})).values()
    assert found.mac == mac_of("ce1")


def test_one_route_per_prefix_with_what_the_vrf_gives() -> None:
    """RD, label, RTs; this PE as next hop."""
    vrf = vrf_of(circuit("red-west", "10.1.0.0/24"))
    (route,) = compile_routes(vrf, PE1, [IPv4Network("10.1.0.5/32")])
    assert (route.rd, route.label, route.route_targets) == (
        vrf.rd,
        vrf.labels[AddressFamily.IPV4],
        RED,
    )
    assert route.next_hop == PE1
    (route,) = compile_routes(vrf, PE1, [IPv6Network("2001:db8:1::5/128")])
    assert (route.label, route.next_hop) == (vrf.labels[AddressFamily.IPV6], PE1)


def test_a_vrf_that_exports_to_nobody_has_no_routes() -> None:
    """A route without RT would be imported by nobody."""
    vrf = vrf_of(circuit("red-west", "10.1.0.0/24"), exports=NOBODY)
    assert compile_routes(vrf, PE1, [IPv4Network("10.1.0.5/32")]) == frozenset()
