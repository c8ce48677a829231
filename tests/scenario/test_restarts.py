# SPDX-License-Identifier: Apache-2.0
"""Forwarding outlives what controls it: 100 packets a second between two VMs, counted."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial

import keystoneauth1.exceptions
import pytest

from lab import control, database, messaging
from lab.demo import guest, provider_edge, reflector
from lab.demo.cloud import Cloud, RequestRefused
from lab.demo.stage import Stage, side_by_side
from lab.demo.tenants import Server
from lab.topology import Topology
from lab.waiting import wait_until
from tests.scenario import length
from tests.scenario.streams import no_packet_lost

OUTAGE_S = length.choose(short=25, long=60)
ANOTHER_TARGET = "64500:999"
#: On a host of its own.
RESTARTED = "red-west-2"


def has_another_pid(name: str, old: int | None) -> Callable[[], bool]:
    """A condition: the process runs and is not the one it was."""
    return lambda: control.pid(name) not in (None, old)


def sessions(topology: Topology) -> dict[str, tuple[str, int]]:
    """State and number of establishments of each neighbor, as the FRR reflector has it."""
    text = reflector.vtysh(reflector.frr_name(topology), "show bgp neighbors json")
    return {
        address: (neighbor["bgpState"], neighbor["connectionsEstablished"])
        for address, neighbor in json.loads(text).items()
        if "bgpState" in neighbor
    }


@pytest.mark.parametrize("side", ["near", "far"])
def test_killing_the_agent_loses_no_packet(
    stage: Stage, ends: tuple[Server, Server], side: str
) -> None:
    """SIGKILL, started again by its supervisor, until the new one has everything in force."""
    with no_packet_lost(ends, 60):
        kill_agent(ends[side == "far"].host)


def kill_agent(host: str) -> None:
    """Kill a host's agent and wait until another has everything in force."""
    name = f"{host}-pe-agent"
    old = control.pid(name)
    control.kill(name)
    wait_until(has_another_pid(name, old), 10, f"another {name}")
    wait_until(lambda: provider_edge.is_in_force(host), 20, f"{name} in force", every_s=0.5)


@pytest.mark.parametrize("side", ["near", "far"])
def test_killing_gobgpd_loses_no_packet(
    stage: Stage, ends: tuple[Server, Server], side: str
) -> None:
    """SIGKILL, started again by its supervisor, until both reflectors are neighbors again."""
    host = ends[side == "far"].host
    name = f"{host}-gobgpd"
    address = str(next(h.provider_edge for h in stage.topology.hosts if h.name == host))
    _, established = sessions(stage.topology)[address]
    with no_packet_lost(ends, 60):
        old = control.pid(name)
        control.kill(name)
        wait_until(has_another_pid(name, old), 10, f"another {name}")
        wait_until(
            lambda: sessions(stage.topology)[address] == ("Established", established + 1),
            25,
            "a new session with the FRR reflector",
            every_s=0.5,
        )
        wait_until(lambda: provider_edge.is_in_force(host), 20, "routes in force", every_s=0.5)


def control_planes(stage: Stage) -> list[str]:
    """Neutron's processes in every region, its message queue and its database."""
    prefixes = tuple(f"{site.name}-neutron-" for site in stage.topology.sites)
    neutron = [name for name in control.processes() if name.startswith(prefixes)]
    assert len(neutron) == 4 * len(prefixes)
    return neutron + [
        name
        for site in stage.topology.sites
        for name in (messaging.process_name(site), database.of_site(site).name)
    ]


@contextmanager
def outage(stage: Stage) -> Iterator[None]:
    """Neutron, RabbitMQ and MariaDB are stopped; afterwards they run again and answer."""
    names = control_planes(stage)
    side_by_side(control.stop, names)
    try:
        assert not any(control.is_alive(name) for name in names)
        yield
    finally:
        for site in stage.topology.sites:
            control.start(messaging.process_name(site))
            database.of_site(site).ensure(stage.topology.management.password)
            messaging.ensure_ready(site)
        for name in names:
            control.start(name)
        for site in stage.topology.sites:
            wait_until(partial(answers, stage.cloud(site.name)), 120, "Neutron's API", every_s=1)


def answers(cloud: Cloud) -> bool:
    """Whether Neutron serves a region, database and all."""
    try:
        cloud.vpns()
    except (RequestRefused, keystoneauth1.exceptions.ClientException):
        return False
    return True


@pytest.mark.timeout(500)
def test_a_while_without_neutron_rabbitmq_and_mariadb_loses_no_packet(
    stage: Stage, ends: tuple[Server, Server]
) -> None:
    """The streams span the stop, the while without them, and their return.

    To one of their hosts the agent is restarted meanwhile: it goes on from the intent on its disk,
    and what is asked for later is carried out by itself.
    """
    near, far = stage.plan.server(RESTARTED), ends[1]
    assert near.host not in (ends[0].host, far.host)
    wait_until(partial(guest.reaches, near, far.address), 30, "the first answer")
    longest = OUTAGE_S + 240
    with no_packet_lost(ends, longest), no_packet_lost((near, far), longest), outage(stage):
        over_at = time.monotonic() + OUTAGE_S
        kill_agent(near.host)
        # The while is the subject of this test, not a guess at how long something takes.
        time.sleep(max(0.0, over_at - time.monotonic()))
    must_take_changes(stage, near)


def must_take_changes(stage: Stage, server: Server) -> None:
    """Change its VPN's route targets and back, and wait for its route to follow."""
    red, site = stage.plan.tenant("red"), stage.topology.site_of(server.host)
    operator, address = stage.cloud(site.name), str(server.address)
    path = f"/bgpvpn/bgpvpns/{operator.vpn(red.name)['id']}"

    def set_targets(*route_targets: str) -> None:
        operator.call("PUT", path, {"bgpvpn": {"route_targets": list(route_targets)}})

    def advertised(route_target: str) -> bool:
        found = reflector.routes(reflector.frr_name(stage.topology))
        return any(
            str(route.prefix[0]) == address and route_target in route.route_targets
            for route in found
        )

    set_targets(red.route_target, ANOTHER_TARGET)
    try:
        wait_until(lambda: advertised(ANOTHER_TARGET), 60, "the new route target at the reflector")
    finally:
        set_targets(red.route_target)
    wait_until(lambda: not advertised(ANOTHER_TARGET), 60, "the old route targets")
    operator.wait_for_vpn(red.name)
