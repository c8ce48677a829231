# SPDX-License-Identifier: Apache-2.0
"""What labels learnt do to packets: spread, followed, and never sent where none is known."""

from __future__ import annotations

from ipaddress import IPv4Address

from isthmus.model.ids import Label, NullLabel
from isthmus.model.route import LabelledRoute
from isthmus.pe_agent.compile.inputs import Compiled
from isthmus.pe_agent.compile.pipeline import DropCookie
from tests.actors import PE3, RED_PORT, RED_WEST, VPN_RED, compiled, intent, provider_edge, route
from tests.fakes.backbone import ipv4
from tests.fakes.dual_stack import assert_dropped, switch_with
from tests.unit.pe_agent.compile.test_forwarding import PREFIX, TO_PREFIX, connections

P, OTHER_P = IPv4Address("192.0.2.1"), IPv4Address("192.0.2.2")
MACS = {P: "02:00:5e:00:00:f1", OTHER_P: "02:00:5e:00:00:f2"}


def _compiled(*told: LabelledRoute) -> Compiled:
    return compiled(
        intent(VPN_RED, RED_WEST),
        routes=frozenset({route(PREFIX, PE3, 500)}),
        pe=provider_edge(remote_pes=()),
        labelled={each: MACS[each.next_hop] for each in told},
    )


def _seen(outcome: Compiled) -> set[tuple[str, tuple[int, ...]]]:
    switch = switch_with(outcome)
    sent = [switch.receive(RED_PORT, packet).sent[0].packet for packet in connections(64)]
    return {(each.eth_dst, tuple(entry.label for entry in each.labels)) for each in sent}


def test_a_label_learnt_leads_over_the_router_that_told_it() -> None:
    """Implicit null: over it without a label of its own."""
    for label, stack in ((Label(1016), (1016, 500)), (NullLabel.IMPLICIT, (500,))):
        assert _seen(_compiled(LabelledRoute(PE3, P, label))) == {(MACS[P], stack)}


def test_packets_are_spread_over_equal_ways_to_one_pe() -> None:
    """Explicit null is pushed as the label it is, above the VPN's (RFC 4182)."""
    told = LabelledRoute(PE3, P, Label(1016)), LabelledRoute(PE3, OTHER_P, NullLabel.EXPLICIT)
    assert _seen(_compiled(*told)) == {(MACS[P], (1016, 500)), (MACS[OTHER_P], (0, 500))}


def test_without_a_label_a_route_is_unresolved_and_no_black_hole() -> None:
    """It is dropped and counted here; the VPN's status says which PE can't be reached."""
    outcome = _compiled()
    assert f"remote PE {PE3}, and no label is learnt" in outcome.problems[VPN_RED]
    switch = switch_with(outcome)
    assert_dropped(switch, switch.receive(RED_PORT, TO_PREFIX), DropCookie.NO_ROUTE)
    assert switch.receive(RED_PORT, ipv4("10.1.0.5", "10.2.0.7", "red-west")).is_dropped
