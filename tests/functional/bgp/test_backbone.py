# SPDX-License-Identifier: Apache-2.0
"""Routes between two PEs through reflectors of different make, and what crashes do to them."""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import replace
from ipaddress import IPv6Address

import pytest

from isthmus.model.errors import SpeakerUnreachable
from isthmus.model.ip import AddressFamily
from isthmus.pe_agent.bgp import mapping
from tests.functional.bgp.backbone import (
    NODES,
    TIMERS,
    Backbone,
    counting_withdrawals,
    ipv6_route,
    route,
)
from tests.functional.bgp.network import CoreNetwork, eventually

pytestmark = pytest.mark.functional


@pytest.fixture(scope="module")
def core(network: CoreNetwork) -> CoreNetwork:
    """The places of two PEs and two reflectors."""
    for name, address in NODES.items():
        network.add_node(name, address)
    return network


@pytest.fixture
def backbone(core: CoreNetwork) -> Iterator[Backbone]:
    """Daemons that know nothing of a former test."""
    backbone = Backbone(core)
    yield backbone
    backbone.close()


def test_a_route_arrives_as_it_was_advertised(backbone: Backbone) -> None:
    """RD, prefix, label, next hop and route targets; an independent speaker reads them too."""
    backbone.open_sessions(route(1), route(2, vrf=2, label=2**20 - 1))
    backbone.b.speaker.advertise(frozenset([route(3, pe=backbone.b.config.router_id)]))

    shown = eventually(lambda: backbone.frr.show("bgp ipv4 vpn 10.1.0.2/32"))["192.0.2.11:2"]
    (path,) = shown["paths"]
    assert path["remoteLabel"] == 2**20 - 1
    assert path["nexthops"][0]["ip"] == "192.0.2.11"
    assert set(path["extendedCommunity"]["string"].split()) == {"RT:64500:100", "RT:192.0.2.1:2"}
    backbone.a.eventually_has(route(3, pe=backbone.b.config.router_id))
    backbone.b.eventually_has(route(1), route(2, vrf=2, label=2**20 - 1))


def test_an_ipv6_route_arrives_as_it_was_advertised(backbone: Backbone) -> None:
    """RFC 4659: the PE's IPv4 address, IPv4-mapped, is the next hop; the label is plain."""
    backbone.open_sessions(route(1), ipv6_route(1), ipv6_route(2, vrf=2, label=2**20 - 1))

    shown = eventually(lambda: backbone.frr.show("bgp ipv6 vpn 2001:db8::2/128"))["192.0.2.11:2"]
    (path,) = shown["paths"]
    assert path["remoteLabel"] == 2**20 - 1
    assert IPv6Address(path["nexthops"][0]["ip"]).ipv4_mapped == NODES["pe-a"]
    assert set(path["extendedCommunity"]["string"].split()) == {"RT:64500:100", "RT:192.0.2.1:2"}

    backbone.a.speaker.advertise(frozenset([route(1), ipv6_route(1)]))
    backbone.b.eventually_has(route(1), ipv6_route(1))
    eventually(lambda: not backbone.frr.show("bgp ipv6 vpn 2001:db8::2/128"))


def test_reflectors_without_ipv6_do_not_keep_ipv4_from_going_on(core: CoreNetwork) -> None:
    """One that lacks it sends no end-of-RIB of it and is not waited for; the other carries it."""
    backbone = Backbone(core, frr_families=("ipv4 vpn",))
    try:
        began = time.monotonic()
        backbone.open_sessions(route(1), ipv6_route(1))
        assert time.monotonic() - began < 15
        backbone.gobgp.kill()
        backbone.a.speaker.advertise(frozenset([route(1), route(2), ipv6_route(1)]))
        backbone.b.eventually_has(route(1), route(2), ipv6_route(1))
    finally:
        backbone.close()


def test_a_family_added_by_an_upgrade_loses_no_route_of_the_other(
    core: CoreNetwork, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Sessions are opened anew to say so (RFC 5492 §4); graceful restart covers it (RFC 8538)."""
    backbone = Backbone(core)
    try:
        backbone.b.speaker.advertise(frozenset())
        backbone.b.eventually_is_settled()
        with monkeypatch.context() as before:
            before.setattr(mapping, "FAMILIES", {AddressFamily.IPV4: mapping.VPN_IPV4})
            backbone.open_sessions(route(1))
            backbone.a.speaker.stop()
        with counting_withdrawals(backbone.b) as lost:
            backbone.a.start_agent()
            backbone.a.speaker.advertise(frozenset([route(1), ipv6_route(1)]))
            backbone.b.eventually_has(route(1), ipv6_route(1), within_s=20)
            backbone.a.eventually_is_settled()
            backbone.eventually_forgets_staleness()
        assert lost == []
    finally:
        backbone.close()


def test_a_withdrawn_route_is_gone_everywhere(backbone: Backbone) -> None:
    """At the other PE and at both reflectors; the rest stays."""
    backbone.open_sessions(route(1), route(2))
    backbone.a.speaker.advertise(frozenset([route(2)]))

    backbone.b.eventually_has(route(2))
    eventually(lambda: not backbone.frr.show("bgp ipv4 vpn 10.1.0.1/32"))
    eventually(lambda: backbone.gobgp.learnt_from(NODES["pe-a"]) == {route(2)})


def test_one_changed_route_is_one_update(backbone: Backbone) -> None:
    """Whatever else is advertised: differences are sent, not tables."""
    table = frozenset(route(host) for host in range(1, 501))
    backbone.open_sessions(*table)
    before = backbone.gobgp.updates_received_from(NODES["pe-a"])
    began = time.monotonic()
    backbone.a.speaker.advertise(table | {route(501)})
    took_s = time.monotonic() - began
    backbone.b.eventually_has(*table, route(501))

    assert backbone.gobgp.updates_received_from(NODES["pe-a"]) == before + 1
    assert took_s < 0.1


def test_a_crashed_daemon_loses_no_route_at_the_other_pe(backbone: Backbone) -> None:
    """RFC 4724: routes go in before neighbors, so that the end-of-RIB confirms them all.

    A change made while the daemon is away takes effect when it is back.
    """
    backbone.open_sessions(route(1), ipv6_route(2))
    with counting_withdrawals(backbone.b) as lost:
        backbone.a.daemon.kill()
        with pytest.raises(SpeakerUnreachable):
            backbone.a.speaker.advertise(frozenset([route(1), ipv6_route(2), route(3)]))
        assert backbone.b.routes() == {route(1), ipv6_route(2)}
        backbone.a.daemon.start()
        backbone.b.eventually_has(route(1), ipv6_route(2), route(3))
        backbone.a.eventually_is_settled()
        backbone.eventually_forgets_staleness()

    assert lost == []


def test_a_crashed_daemon_and_agent_withdraw_only_what_is_no_longer_wanted(
    backbone: Backbone,
) -> None:
    """A host's services restart together; the end-of-RIB takes what was not repeated."""
    backbone.open_sessions(route(1), route(2))
    with counting_withdrawals(backbone.b) as lost:
        backbone.a.speaker.stop()
        backbone.a.daemon.restart()
        backbone.a.start_agent()
        backbone.a.speaker.advertise(frozenset([route(2)]))
        backbone.b.eventually_has(route(2))
        backbone.a.eventually_is_settled()
        backbone.eventually_forgets_staleness()

    assert set(lost) == {"192.0.2.11:1 10.1.0.1/32"}


@pytest.mark.parametrize("make", ["frr", "gobgp"])
def test_a_crashed_reflector_loses_no_route(backbone: Backbone, make: str) -> None:
    """The other one carries changes meanwhile; the crashed one is taken back."""
    backbone.open_sessions(route(1))
    backbone.b.speaker.advertise(frozenset([route(9, pe=backbone.b.config.router_id)]))
    backbone.a.eventually_has(route(9, pe=backbone.b.config.router_id))
    with counting_withdrawals(backbone.a) as lost_at_a, counting_withdrawals(backbone.b) as lost:
        reflector = backbone.frr if make == "frr" else backbone.gobgp
        reflector.kill()
        eventually(lambda: sum(n.is_established for n in backbone.b.speaker.rib().neighbors) == 1)
        backbone.a.speaker.advertise(frozenset([route(1), route(2)]))
        backbone.b.eventually_has(route(1), route(2), within_s=5)
        reflector.start()
        backbone.a.eventually_is_settled()
        backbone.b.eventually_is_settled()

    assert lost == []
    assert lost_at_a == []


def test_a_daemon_that_crashes_while_a_reflector_is_down_waits_for_it_only_briefly(
    backbone: Backbone,
) -> None:
    """The Selection_Deferral_Timer of RFC 4724 §4.1: gobgpd's default outlasts our restart time."""
    backbone.open_sessions(route(1))
    with counting_withdrawals(backbone.b) as lost:
        backbone.frr.kill()
        backbone.a.daemon.kill()
        with pytest.raises(SpeakerUnreachable):
            backbone.a.speaker.advertise(frozenset([route(1), route(2)]))
        backbone.a.daemon.start()
        backbone.b.eventually_has(route(1), route(2), within_s=20)
        eventually(lambda: not backbone.gobgp.has_stale_routes())

    assert lost == []


def test_a_restarted_agent_disturbs_nothing(backbone: Backbone) -> None:
    """Sessions stay up; it reads back what there is before it says anything."""
    backbone.open_sessions(route(1), route(2))
    with counting_withdrawals(backbone.b) as lost:
        opened = backbone.gobgp.sessions_opened_with(NODES["pe-a"])
        backbone.a.speaker.stop()
        backbone.a.start_agent()
        backbone.a.eventually_is_settled()
        backbone.a.speaker.advertise(frozenset([route(1), route(2)]))
        time.sleep(0.5)  # for what must not come

        assert backbone.gobgp.sessions_opened_with(NODES["pe-a"]) == opened
    assert lost == []


def test_a_restarted_agent_withdraws_what_it_does_not_repeat(backbone: Backbone) -> None:
    """VMs left while it was away."""
    backbone.open_sessions(route(1), route(2))
    backbone.a.speaker.stop()
    backbone.a.start_agent()
    backbone.a.speaker.advertise(frozenset([route(2)]))

    backbone.b.eventually_has(route(2))


def test_a_dead_pe_is_gone_when_its_stale_time_is_over(core: CoreNetwork) -> None:
    """Restart time (RFC 4724 §4.2), then long-lived stale time (RFC 9494 §4.2); not earlier."""
    short = replace(TIMERS, graceful_restart_time_s=2, long_lived_stale_time_s=3)
    backbone = Backbone(core, timers=short)
    try:
        backbone.open_sessions(route(1))
        backbone.a.speaker.stop()
        backbone.a.daemon.kill()
        died = time.monotonic()
        eventually(lambda: backbone.b.routes() == frozenset(), within_s=20)

        assert 4 < time.monotonic() - died < 12
    finally:
        backbone.close()


def test_routes_of_a_daemon_that_never_returns_are_kept_as_long_as_neighbors_would(
    core: CoreNetwork,
) -> None:
    """Forwarding goes on without BGP, but not for ever: labels are given to others in time."""
    backbone = Backbone(core)
    try:
        backbone.b.speaker.stop()
        backbone.b.config = replace(
            backbone.b.config, graceful_restart_time_s=2, long_lived_stale_time_s=1
        )
        backbone.b.start_agent()
        backbone.open_sessions(route(1))
        backbone.b.daemon.kill()
        died = time.monotonic()
        eventually(lambda: backbone.b.routes() == frozenset(), within_s=10)

        assert time.monotonic() - died > 2.5
    finally:
        backbone.close()
