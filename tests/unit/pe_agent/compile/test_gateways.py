# SPDX-License-Identifier: Apache-2.0
"""One gateway serves a network, whatever each of them sees."""

from __future__ import annotations

from dataclasses import replace
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network
from itertools import combinations

from hypothesis import given
from hypothesis import strategies as st

from isthmus.model.gateways import GatewayView
from isthmus.model.intent import AttachedSubnet, AttachmentCircuit
from isthmus.pe_agent.compile.gateways import (
    Duty,
    announcement,
    duty_on,
    local_pref,
)

FIRST, SECOND, THIRD = (IPv4Address(f"192.0.2.1{n}") for n in (1, 2, 3))
GATEWAYS = (FIRST, SECOND, THIRD)
CIRCUIT = AttachmentCircuit(
    network_id="net",
    port_id="gateway-1",
    mac="fa:16:3e:00:00:01",
    mtu=1442,
    subnets=(
        AttachedSubnet(IPv4Network("10.1.0.0/24"), IPv4Address("10.1.0.1")),
        AttachedSubnet(IPv6Network("2001:db8:1::/64"), IPv6Address("2001:db8:1::1")),
    ),
    hosts=(),
    gateways=GATEWAYS,
)
subsets = st.frozensets(st.sampled_from(GATEWAYS))


def serves(circuit: AttachmentCircuit, own: IPv4Address, view: GatewayView) -> bool:
    """Whether a PE is the gateway of a network."""
    return duty_on(circuit, own, view) is not Duty.STANDBY


def view_of(own: IPv4Address, alive: frozenset[IPv4Address]) -> GatewayView:
    """What a live gateway sees when it hears all others that are alive."""
    return GatewayView(alive - {own})


def test_each_pe_serves_the_hosts_of_its_own_without_gateway_mode() -> None:
    """Nothing is chosen where nothing has to be."""
    everywhere = replace(CIRCUIT, gateways=())
    view = GatewayView(is_settled=False, is_cut_off=True)
    assert duty_on(everywhere, FIRST, view) is Duty.OWN_HOSTS


@given(alive=subsets.filter(bool))
def test_exactly_one_serves_when_all_that_are_alive_hear_each_other(
    alive: frozenset[IPv4Address],
) -> None:
    """The preferred of them."""
    serving = [
        own for own in GATEWAYS if own in alive and serves(CIRCUIT, own, view_of(own, alive))
    ]
    assert serving == [min(alive)]


@given(alive=subsets.filter(bool), heard=st.data())
def test_somebody_serves_whatever_they_hear_of_each_other(
    alive: frozenset[IPv4Address], heard: st.DataObject
) -> None:
    """The preferred of those alive hears of none before it, as the dead are not heard."""
    serving = [
        own
        for own in alive
        if serves(CIRCUIT, own, GatewayView(heard.draw(subsets) & (alive - {own})))
    ]
    assert min(alive) in serving


def test_one_that_can_not_know_stands_by() -> None:
    """Right after its start, and when it hears nobody at all while others may serve."""
    assert not serves(CIRCUIT, FIRST, GatewayView(is_settled=False))
    assert not serves(CIRCUIT, FIRST, GatewayView(is_cut_off=True))
    alone = replace(CIRCUIT, gateways=(FIRST,))
    assert serves(alone, FIRST, GatewayView(is_settled=False, is_cut_off=True))


def test_one_that_is_not_a_gateway_of_the_network_never_serves_it() -> None:
    """Its intent may be older than the choice."""
    assert not serves(replace(CIRCUIT, gateways=(FIRST,)), SECOND, GatewayView())


def test_a_substitutes_routes_win_over_those_of_whom_it_stands_in_for() -> None:
    """Reflectors hold the routes of a dead PE as long as graceful restart says."""
    serving = Duty.GATEWAY
    preferences = [local_pref(CIRCUIT, serving, own, 100) for own in GATEWAYS]
    assert all(later > earlier for earlier, later in combinations(preferences, 2))
    assert local_pref(CIRCUIT, serving, THIRD, 2**32 - 1) == 2**32 - 1
    assert local_pref(CIRCUIT, Duty.STANDBY, FIRST, 100) < 100
    assert local_pref(CIRCUIT, Duty.OWN_HOSTS, SECOND, 100) == 100


def test_hosts_are_told_by_gratuitous_arp_and_unsolicited_neighbor_advertisements() -> None:
    """One frame for each address, from the gateway's MAC."""
    arp, *advertised = announcement(CIRCUIT, FIRST, GatewayView()).frames
    assert arp.hex() == (
        "ffffffffffff" "fa163e000001" "0806" "0001" "0800" "06" "04" "0001"
        "fa163e000001" "0a010001" "000000000000" "0a010001"
    )  # fmt: skip
    assert [frame[62:78] for frame in advertised] == [
        IPv6Address("2001:db8:1::1").packed,
        IPv6Address("fe80::f816:3eff:fe00:1").packed,
    ]
    assert {frame[:12].hex() for frame in advertised} == {"333300000001fa163e000001"}


def test_a_network_without_ipv6_is_told_nothing_of_it() -> None:
    """There is no address to tell."""
    ipv4_only = replace(CIRCUIT, subnets=CIRCUIT.subnets[:1])
    assert len(announcement(ipv4_only, FIRST, GatewayView()).frames) == 1


def test_an_announcement_tells_which_other_gateways_are_heard() -> None:
    """It is another one when that changes, and repeated."""
    told = announcement(CIRCUIT, FIRST, GatewayView(frozenset({THIRD, IPv4Address("192.0.2.99")})))
    assert told.heard == {THIRD}
    assert told.unheard == {SECOND}
