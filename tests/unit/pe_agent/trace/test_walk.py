# SPDX-License-Identifier: Apache-2.0
"""A packet meets the flows that a switch would let it meet."""

from __future__ import annotations

from isthmus.model.flow import (
    CheckPacketLarger,
    Drop,
    Flow,
    Goto,
    Output,
    PopMpls,
    PushMpls,
    SetField,
    ToAgent,
)
from isthmus.pe_agent.trace.walk import Packet, Walker

IPV4 = {"in_port": "2", "eth_type": "0x0800", "ip_dst": "10.2.0.7"}


def test_the_highest_priority_that_matches_wins() -> None:
    """Prefixes by their octets, numbers by their value, masks where there are some."""
    flows = [
        Flow.of(0, 10, {"eth_type": "0x800", "ip_dst": "10.2.0.0/16"}, Output(9)),
        Flow.of(0, 20, {"ip_dst": "10.2.0.8"}, Drop()),
        Flow.of(0, 0, {}, Drop()),
    ]
    assert Walker(flows).walk(Packet(IPV4)).out == "9"
    assert Walker(flows[1:]).walk(Packet(IPV4)).out is None
    assert Walker([]).walk(Packet(IPV4)).missed == 0


def test_a_field_that_the_packet_lacks_does_not_match() -> None:
    """As of IPv6 in IPv4."""
    flows = [Flow.of(0, 10, {"ipv6_dst": "::/0"}, Output(9))]
    assert Walker(flows).walk(Packet(IPV4)).missed == 0


def test_a_packet_too_big_goes_to_the_agent() -> None:
    """The size it could have had is told."""
    flows = [
        Flow.of(0, 1, {}, CheckPacketLarger(1014, "NXM_NX_REG0"), Goto(21)),
        Flow.of(21, 10, {"reg0": "0x1/0x1"}, ToAgent(500)),
        Flow.of(21, 0, {}, Output(1)),
    ]
    big = Walker(flows).walk(Packet(IPV4, octets=1001))
    assert (big.is_punted, big.out, big.most_octets) == (True, None, 1000)
    fits = Walker(flows).walk(Packet(IPV4, octets=1000))
    assert (fits.is_punted, fits.out) == (False, "1")


def test_labels_are_popped_and_pushed() -> None:
    """What is below is matched only when the last one is gone."""
    label = {"eth_type": "0x8847", "mpls_label": "1000", "mpls_bos": "1"}
    flows = [
        Flow.of(0, 1, label, SetField("metadata", "7"), PopMpls(0x0800), Goto(20)),
        Flow.of(20, 1, {"metadata": "7", "ip_dst": "10.2.0.7"}, PushMpls(), Output(3)),
    ]
    walk = Walker(flows).walk(Packet(IPV4, labels=(1000,)))
    assert (walk.out, len(walk.labels)) == ("3", 1)
    assert Walker(flows).walk(Packet(IPV4, labels=(1001,))).missed == 0
    assert Walker(flows).walk(Packet(IPV4, labels=(1000, 16))).missed == 0


def test_nothing_leaves_where_it_came_in() -> None:
    """OpenFlow's rule, and the PE's split horizon."""
    assert Walker([Flow.of(0, 1, {}, Output(2))]).walk(Packet(IPV4)).out is None


def test_a_labelled_packet_shows_its_label_alone() -> None:
    """The switch can't look below it."""
    outermost = Packet(IPV4 | {"eth_dst": "02:00:00:00:00:01"}, labels=(1000,)).outermost()
    assert outermost["mpls_label"] == "1000"
    assert "ip_dst" not in outermost
