# SPDX-License-Identifier: Apache-2.0
"""LSPs are configured or learnt, PE by PE; one that can't be entered is named, no black hole."""

from __future__ import annotations

import dataclasses
from ipaddress import IPv4Address

from isthmus.model.ids import Label, NullLabel
from isthmus.model.provider_edge import TransportNextHop
from isthmus.model.route import LabelledRoute
from isthmus.pe_agent.compile.lsps import MOST_HOPS, Lsps, join_lsps
from tests.actors import PE1, PE2, PE3, provider_edge

P, OTHER_P = IPv4Address("192.0.2.1"), IPv4Address("192.0.2.2")
LABEL = Label(1016)
MACS = {P: "02:00:5e:00:00:f1", OTHER_P: "02:00:5e:00:00:f2"}
CONFIGURED = TransportNextHop(Label(1012), "02:00:5e:00:00:f9")
EDGE = dataclasses.replace(provider_edge(PE1), remote_pes={PE2: CONFIGURED})


def told(
    next_hop: IPv4Address = P, label: Label | NullLabel = LABEL, pe: IPv4Address = PE3
) -> LabelledRoute:
    """What a P router tells of a PE."""
    return LabelledRoute(pe, next_hop, label)


def test_a_label_learnt_is_pushed_towards_its_next_hop() -> None:
    """Beside what is configured for others."""
    lsps = join_lsps(EDGE, [told()], MACS)
    assert lsps == Lsps({PE2: (CONFIGURED,), PE3: (TransportNextHop(Label(1016), MACS[P]),)})


def test_configuration_wins() -> None:
    """Whatever is told of the same PE."""
    assert join_lsps(EDGE, [told(pe=PE2)], MACS).hops == {PE2: (CONFIGURED,)}


def test_equal_ways_are_all_taken_in_one_order() -> None:
    """Two P routers, and two labels of one; in any order told."""
    routes = [told(OTHER_P), told(label=Label(1017)), told()]
    ways = (
        TransportNextHop(Label(1016), MACS[P]),
        TransportNextHop(Label(1017), MACS[P]),
        TransportNextHop(Label(1016), MACS[OTHER_P]),
    )
    assert join_lsps(EDGE, routes, MACS).hops[PE3] == ways
    assert join_lsps(EDGE, reversed(routes), MACS).hops[PE3] == ways


def test_null_labels_are_told_apart() -> None:
    """Explicit null is pushed, implicit null is not (RFC 3032 §2.1)."""
    lsps = join_lsps(
        EDGE, [told(label=NullLabel.IMPLICIT), told(OTHER_P, NullLabel.EXPLICIT)], MACS
    )
    assert lsps.hops[PE3] == (
        TransportNextHop(None, MACS[P]),
        TransportNextHop(NullLabel.EXPLICIT, MACS[OTHER_P]),
    )


def test_a_silent_next_hop_does_not_count_while_another_answers() -> None:
    """Half of the packets would be lost."""
    lsps = join_lsps(EDGE, [told(), told(OTHER_P)], {OTHER_P: MACS[OTHER_P]})
    assert lsps.hops[PE3] == (TransportNextHop(Label(1016), MACS[OTHER_P]),)
    assert not lsps.reasons


def test_an_lsp_whose_next_hops_are_all_silent_is_named() -> None:
    """It is unresolved: nothing is sent to where nobody is."""
    lsps = join_lsps(EDGE, [told(OTHER_P), told()], {})
    assert PE3 not in lsps.hops
    (sentence,) = lsps.reasons.values()
    assert f"remote PE {PE3}" in sentence
    assert f"next hop {P}, {OTHER_P}" in sentence


def test_a_configured_mac_needs_no_answer() -> None:
    """And wins over what the link says."""
    edge = dataclasses.replace(EDGE, next_hop_macs={P: "02:00:5e:00:00:aa"})
    for macs in ({}, MACS):
        hops = join_lsps(edge, [told()], macs).hops
        assert hops[PE3] == (TransportNextHop(Label(1016), "02:00:5e:00:00:aa"),)


def test_ways_are_bounded() -> None:
    """As what leads to one prefix is."""
    routes = [told(label=Label(label)) for label in range(1016, 1016 + 2 * MOST_HOPS)]
    assert len(join_lsps(EDGE, routes, MACS).hops[PE3]) == MOST_HOPS
