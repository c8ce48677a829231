# SPDX-License-Identifier: Apache-2.0
"""What a VRF imports and exports, and the labels it wants."""

from __future__ import annotations

from isthmus.model.ids import Label, RouteDistinguisher
from isthmus.model.ip import AddressFamily
from isthmus.pe_agent.compile.membership import CircuitShare
from isthmus.pe_agent.compile.numbers import VrfKey
from isthmus.pe_agent.compile.vrfs import make_vrf, wanted_labels
from tests.actors import BLUE, PE1, RED, RED_WEST, VPN_BLUE, VPN_RED, circuit, host, intent

IPV4 = AddressFamily.IPV4
SHARED = circuit("shared", "10.3.0.0/24", host("ce-shared", "10.3.0.5"))
RD_RED = RouteDistinguisher.parse("64500:2")
RD_BLUE = RouteDistinguisher.parse("64500:1")


def test_a_vrf_wants_a_label_for_each_family_of_its_subnets() -> None:
    """Popping a label must tell what is below it (RFC 4659 §3.1)."""
    both = circuit("both", ["10.1.0.0/24", "2001:db8:1::/64"])
    six = circuit("six", "2001:db8:2::/64")
    groups: dict[VrfKey, tuple[CircuitShare, ...]] = {
        (VPN_RED,): (CircuitShare(both),),
        (VPN_BLUE,): (CircuitShare(six),),
        ("green",): (CircuitShare(circuit("bare", ())),),
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
        (VPN_BLUE, VPN_RED),
        (CircuitShare(SHARED),),
        intents,
        (7, {((VPN_BLUE, VPN_RED), IPV4): 1000}),
        PE1,
    )
    assert (vrf.import_rts, vrf.exported_by(vrf.key)) == (RED | BLUE, BLUE)
    assert (vrf.number, vrf.labels, vrf.metadata) == (7, {IPV4: Label(1000)}, "7")


def test_the_rd_is_the_pes_own_unless_a_vpn_gives_one() -> None:
    """Of several the smallest."""
    plain = {VPN_RED: intent(VPN_RED, RED_WEST)}
    given = {
        VPN_RED: intent(VPN_RED, SHARED, rd=RD_RED),
        VPN_BLUE: intent(VPN_BLUE, SHARED, rd=RD_BLUE),
    }
    own = make_vrf((VPN_RED,), (CircuitShare(RED_WEST),), plain, (7, {}), PE1)
    chosen = make_vrf((VPN_BLUE, VPN_RED), (CircuitShare(SHARED),), given, (7, {}), PE1)
    assert str(own.rd) == "192.0.2.11:7"
    assert chosen.rd == RD_BLUE
