# SPDX-License-Identifier: Apache-2.0
"""Which attachments share a VRF, and what that VRF imports and exports."""

from __future__ import annotations

from dataclasses import replace

from isthmus.model.ids import Label, RouteDistinguisher
from isthmus.model.intent import AttachmentCircuit, RouterAdvertisement
from isthmus.model.ip import AddressFamily
from isthmus.pe_agent.compile.numbers import VrfKey
from isthmus.pe_agent.compile.vrfs import group_circuits, make_vrf, wanted_labels
from tests.actors import BLUE, PE1, RED, RED_WEST, VPN_BLUE, VPN_RED, circuit, host, intent

IPV4 = AddressFamily.IPV4
SHARED = circuit("shared", "10.3.0.0/24", host("ce-shared", "10.3.0.5"))
RD_RED = RouteDistinguisher.parse("64500:2")
RD_BLUE = RouteDistinguisher.parse("64500:1")


def test_attachments_are_grouped_by_the_set_of_vpns_they_are_in() -> None:
    """One network in two VPNs makes a third VRF."""
    intents = {
        VPN_RED: intent(VPN_RED, RED_WEST, SHARED),
        VPN_BLUE: intent(VPN_BLUE, SHARED, imports=BLUE),
    }
    assert group_circuits(intents) == {
        (VPN_BLUE, VPN_RED): (SHARED,),
        (VPN_RED,): (RED_WEST,),
    }


def test_networks_of_one_vpn_share_its_vrf() -> None:
    """In order of attachment port, however they were listed."""
    intents = {VPN_RED: intent(VPN_RED, SHARED, RED_WEST)}
    assert group_circuits(intents) == {(VPN_RED,): (RED_WEST, SHARED)}


def test_a_network_listed_twice_in_one_vpn_counts_once() -> None:
    """Repetition is a non-event."""
    intents = {VPN_RED: intent(VPN_RED, RED_WEST, RED_WEST)}
    assert group_circuits(intents) == {(VPN_RED,): (RED_WEST,)}


def test_what_two_vpns_say_of_one_attachment_is_put_together() -> None:
    """One of them may not have heard of the newest host or subnet yet."""
    older = circuit("shared", "10.3.0.0/24")
    newer = circuit("shared", ["10.3.0.0/24", "10.4.0.0/24"], host("ce-shared", "10.3.0.5"))
    intents = {
        VPN_BLUE: intent(VPN_BLUE, replace(older, mtu=1400), imports=BLUE),
        VPN_RED: intent(VPN_RED, newer),
    }
    assert group_circuits(intents) == {(VPN_BLUE, VPN_RED): (replace(newer, mtu=1400),)}


def test_of_two_words_about_a_subnets_hosts_the_first_stands() -> None:
    """They would otherwise be told two things about one prefix."""
    older = circuit("shared", "2001:db8:1::/64")
    newer = replace(
        older, subnets=(replace(older.subnets[0], advertisement=RouterAdvertisement.SLAAC),)
    )
    intents = {
        VPN_BLUE: intent(VPN_BLUE, newer, imports=BLUE),
        VPN_RED: intent(VPN_RED, older),
    }
    assert group_circuits(intents) == {(VPN_BLUE, VPN_RED): (newer,)}


def test_a_vrf_wants_a_label_for_each_family_of_its_subnets() -> None:
    """Popping a label must tell what is below it (RFC 4659 §3.1)."""
    both = circuit("both", ["10.1.0.0/24", "2001:db8:1::/64"])
    six = circuit("six", "2001:db8:2::/64")
    groups: dict[VrfKey, tuple[AttachmentCircuit, ...]] = {
        (VPN_RED,): (both,),
        (VPN_BLUE,): (six,),
        ("green",): (circuit("bare", ()),),
    }
    assert wanted_labels(groups) == {
        ((VPN_RED,), IPV4),
        ((VPN_RED,), AddressFamily.IPV6),
        ((VPN_BLUE,), AddressFamily.IPV6),
    }


def test_a_vrf_imports_and_exports_what_any_of_its_vpns_does() -> None:
    """The union, since a frame says nothing about which VPN it is for."""
    intents = {
        VPN_RED: intent(VPN_RED, SHARED, imports=RED, exports=BLUE),
        VPN_BLUE: intent(VPN_BLUE, SHARED, imports=BLUE),
    }
    vrf = make_vrf(
        (VPN_BLUE, VPN_RED), (SHARED,), intents, (7, {((VPN_BLUE, VPN_RED), IPV4): 1000}), PE1
    )
    assert (vrf.import_rts, vrf.export_rts) == (RED | BLUE, BLUE)
    assert (vrf.number, vrf.labels, vrf.metadata) == (7, {IPV4: Label(1000)}, "7")


def test_the_rd_is_the_pes_own_unless_a_vpn_gives_one() -> None:
    """Of several the smallest."""
    plain = {VPN_RED: intent(VPN_RED, RED_WEST)}
    given = {
        VPN_RED: intent(VPN_RED, SHARED, rd=RD_RED),
        VPN_BLUE: intent(VPN_BLUE, SHARED, rd=RD_BLUE),
    }
    own = make_vrf((VPN_RED,), (RED_WEST,), plain, (7, {}), PE1)
    chosen = make_vrf((VPN_BLUE, VPN_RED), (SHARED,), given, (7, {}), PE1)
    assert str(own.rd) == "192.0.2.11:7"
    assert chosen.rd == RD_BLUE
