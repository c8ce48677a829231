# SPDX-License-Identifier: Apache-2.0
"""Labelled packets as tcpdump prints them."""

from __future__ import annotations

from lab.demo.capture import Labelled

LINE = (
    "02:00:c0:00:02:0b > 02:00:00:00:f0:01, ethertype MPLS unicast (0x8847), length 106: "
    "MPLS (label 1021, tc 0, ttl 255) (label 1000, tc 0, [S], ttl 255) "
    "10.1.0.11 > 10.2.0.11: ICMP echo request, id 5, seq 1, length 64"
)


def test_labels_are_read_from_the_top_of_the_stack_down() -> None:
    """RFC 3032 §2.1: the last one bears the bottom-of-stack bit."""
    packet = Labelled.read(LINE)
    assert packet is not None
    assert packet.labels == (1021, 1000)
    assert (packet.source, packet.destination) == ("10.1.0.11", "10.2.0.11")


def test_a_line_without_labels_is_no_labelled_packet() -> None:
    """ARP and BGP cross the same link."""
    assert Labelled.read("IP 192.0.2.11.179 > 192.0.2.101.40000: Flags [.], length 0") is None
