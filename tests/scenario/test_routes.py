# SPDX-License-Identifier: Apache-2.0
"""Routes that go away: withdrawn ones at once, a dead PE's when BGP says so."""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from ipaddress import IPv4Address, IPv4Network

import pytest

from lab import control, places
from lab.demo import guest, provider_edge
from lab.demo.stage import Stage
from lab.waiting import wait_until
from tests.scenario import figures
from tests.scenario.probe import Probes

#: Instead of two minutes and an hour; the mechanism is the same.
RESTART_S, LONG_LIVED_S = 10, 10
#: From the last timer's end until the flow is gone, on a machine that has other things to do.
SLACK_S = 25


def has_flow(host: str, address: IPv4Address) -> Callable[[], bool]:
    """A condition: a host has a flow towards an address."""
    return lambda: bool(provider_edge.flows_towards(host, IPv4Network(address)))


def test_a_withdrawn_route_is_gone_from_the_flows(stage: Stage, probes: Probes) -> None:
    """A port is unplugged in the east; the west has no flow towards it any more."""
    west, east = (site.hosts[0].name for site in stage.topology.sites)
    probe = probes.plug(stage.plan.tenant("red"), east)
    wait_until(has_flow(west, probe.address), 30, f"a flow towards {probe.address} on {west}")

    probe.endpoint.unplug()

    start = time.monotonic()
    wait_until(lambda: not has_flow(west, probe.address)(), 30, f"the end of the flow on {west}")
    figures.add(f"{time.monotonic() - start:.1f} s from unplugged to no flow in the other region")


@pytest.mark.timeout(300)
def test_a_dead_pes_routes_stay_for_the_stale_time_and_not_longer(stage: Stage) -> None:
    """Its link is cut: hold timer, then graceful restart, then the long-lived stale time."""
    near, far = stage.plan.server("red-west-1"), stage.plan.server("red-east-1")
    hold_s = stage.topology.bgp.hold_time_s
    has_route = has_flow(near.host, far.address)
    with short_stale_times(far.host):
        wait_until(has_route, 60, f"the route to {far.name}", every_s=0.5)
        start = time.monotonic()
        control.run_in(far.host, ["ip", "link", "set", "core", "down"])
        try:
            longest = hold_s + RESTART_S + LONG_LIVED_S + SLACK_S
            wait_until(lambda: not has_route(), longest, "the end of the dead PE's route")
            stale_s = time.monotonic() - start
        finally:
            control.run_in(far.host, ["ip", "link", "set", "core", "up"])
        figures.add(f"{stale_s:.1f} s from cut to no flow; restart time alone is {RESTART_S} s")
        # Hold timers are counted from the last keepalive, a third of the hold time ago at most.
        assert stale_s >= RESTART_S + LONG_LIVED_S
        wait_until(lambda: provider_edge.is_in_force(far.host), 60, "the PE's return", every_s=0.5)
        wait_until(has_route, 30, "the route's return")
    wait_until(lambda: guest.reaches(near, far.address), 30, "an answer")


@contextmanager
def short_stale_times(host: str) -> Iterator[None]:
    """A PE that tells its neighbors to keep its routes for seconds, as long as this lasts."""
    file = places.ETC / host / "pe-agent.conf"
    usual = file.read_text()
    times = f"graceful_restart_time_s = {RESTART_S}\nlong_lived_stale_time_s = {LONG_LIVED_S}\n"
    without = re.sub(r"(?m)^(graceful_restart|long_lived_stale)_time_s.*\n", "", usual)
    file.write_text(without.replace("[bgp]\n", f"[bgp]\n{times}"))
    try:
        _restart(host)
        yield
    finally:
        file.write_text(usual)
        _restart(host)


def _restart(host: str) -> None:
    """Restart a host's BGP daemon and agent; what its neighbors are told is said anew."""
    names = [f"{host}-pe-agent", f"{host}-gobgpd"]
    for name in names:
        control.stop(name)
    for name in reversed(names):
        control.start(name)
    wait_until(lambda: provider_edge.is_in_force(host), 60, f"{host} in force", every_s=0.5)
