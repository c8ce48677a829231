# SPDX-License-Identifier: Apache-2.0
"""Ports in a VPN: what is behind them is found, by the preferred one, wherever its host is.

west   10.96.1.0/24 ─┬ one (198.51.100.1)
                     └ two (198.51.100.1) ─ VPN ─ far, 10.96.9.0/24   east
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial
from typing import Any

import pytest

from lab.demo.stage import Stage
from lab.waiting import wait_until
from tests.scenario import figures
from tests.scenario.rig import CONVERGENCE_S, Host, Rig, rigs

ROUTE_TARGET = "64500:6960"
PREFIX, TARGET = "198.51.100.0/24", "198.51.100.1"
pytestmark = pytest.mark.timeout(400)


@dataclass(frozen=True, slots=True)
class Scene:
    """Two hosts that have the same prefix behind them, and one far away."""

    west: Rig
    vpn_id: str
    one: Host
    two: Host
    bystander: Host
    far: Host


@pytest.fixture(scope="module")
def hosts(stage: Stage) -> Iterator[Scene]:
    """The ports are not associated."""
    with rigs(stage, "ports") as (west, east):
        network_id = west.make_network("10.96.1.0/24")
        pairs = {"allowed_address_pairs": [{"ip_address": PREFIX}]}
        one, two = (west.make_host(network_id, number, **pairs) for number in (0, 1))
        bystander = west.make_host(network_id, 0)
        for host in (one, two):
            host.own(f"{TARGET}/32")
        far_network = east.make_network("10.96.9.0/24")
        far = east.make_host(far_network, 0)
        vpn_id, east_vpn = west.make_vpn(ROUTE_TARGET), east.make_vpn(ROUTE_TARGET)
        east.associate(east_vpn, "network", far_network)
        east.settle()
        yield Scene(west, vpn_id, one, two, bystander, far)


@pytest.fixture
def scene(hosts: Scene) -> Iterator[Scene]:
    """No port is associated, before and after."""
    yield hosts
    path = f"/bgpvpn/bgpvpns/{hosts.vpn_id}/port_associations"
    for association in hosts.west.cloud.call("GET", path)["port_associations"]:
        hosts.west.dissociate(hosts.vpn_id, "port", association["id"])
    for target in (TARGET, hosts.one.address, hosts.two.address):
        hosts.far.must_miss(target)


def route(local_pref: int | None = None) -> list[dict[str, Any]]:
    """The one route of a port association."""
    preference = {} if local_pref is None else {"local_pref": local_pref}
    return [{"type": "prefix", "prefix": PREFIX, **preference}]


def received(host: Host) -> int:
    """Count the echo requests that came to a host."""
    shown = host.endpoint.run(["grep", "^Icmp:", "/proc/net/snmp"]).stdout.splitlines()
    names, values = (line.split() for line in shown)
    return int(values[names.index("InEchos")])


def test_a_port_is_reached_with_what_is_behind_it_and_its_neighbors_are_not(scene: Scene) -> None:
    """The network itself is not in the VPN."""
    scene.west.associate(scene.vpn_id, "port", scene.one.port_id, routes=route())
    scene.west.settle()
    for target in (scene.one.address, TARGET):
        scene.far.must_reach(target)
        pinged = scene.far.ping(target, 20)
        assert pinged.lost == 0
    assert scene.one.ping(scene.far.address, 20).lost == 0
    assert scene.far.ping(scene.bystander.address, 5).received == 0
    assert scene.bystander.ping(scene.far.address, 5).received == 0
    assert scene.bystander.ping(scene.one.address, 5).lost == 0


def test_preference_moves_traffic_without_loss(scene: Scene) -> None:
    """From one port to the other and back, with packets on their way all the time."""
    west, ids = scene.west, {}
    for host, preference in ((scene.one, 200), (scene.two, 100)):
        routes = route(preference)
        ids[host.port_id] = west.associate(scene.vpn_id, "port", host.port_id, routes=routes)
    west.settle()
    scene.far.must_reach(TARGET)
    scene.far.must_reach(scene.two.address)
    for preference, busy, idle in (
        (300, scene.two, scene.one),
        (50, scene.one, scene.two),
    ):
        with scene.far.pinging(TARGET) as counts:
            time.sleep(1)
            change = {"routes": route(preference)}
            start = time.monotonic()
            west.change(scene.vpn_id, "port", ids[scene.two.port_id], **change)
            wait_until(partial(_grows, busy), CONVERGENCE_S, "traffic at the other port")
            moved_s = time.monotonic() - start
            time.sleep(2)
            before = received(idle)
            time.sleep(0.5)
            assert received(idle) == before
        figures.add(f"local_pref {preference}: moved after {moved_s:.1f} s; {counts[0]}")
        assert counts[0].lost == 0


def _grows(host: Host) -> bool:
    before = received(host)
    time.sleep(0.2)
    return received(host) > before + 5


def test_equal_ports_share_the_traffic(scene: Scene) -> None:
    """By flow; and one that leaves gives its share to the other."""
    west, ids = scene.west, []
    for host in (scene.one, scene.two):
        ids.append(west.associate(scene.vpn_id, "port", host.port_id, routes=route()))
    west.settle()
    scene.far.must_reach(TARGET)
    for number in range(2, 34):
        for host in (scene.one, scene.two):
            host.own(f"198.51.100.{number}/32")
    scene.far.must_reach("198.51.100.33")
    before = [received(host) for host in (scene.one, scene.two)]
    for number in range(2, 34):
        assert scene.far.ping(f"198.51.100.{number}", 1).lost == 0
    shares = [received(h) - b for h, b in zip((scene.one, scene.two), before, strict=True)]
    figures.add(f"32 destinations behind two equal ports: {shares[0]} to {shares[1]}")
    assert sum(shares) == 32
    assert min(shares) >= 4
    with scene.far.pinging(scene.two.address, 0.05) as counts:
        west.dissociate(scene.vpn_id, "port", ids[0])
        scene.far.must_miss(scene.one.address)
    assert counts[0].lost == 0
    for number in range(2, 34):
        assert scene.far.reaches(f"198.51.100.{number}")
