# SPDX-License-Identifier: Apache-2.0
"""A network in gateway mode: one PE of its region serves all hosts, another takes over.

    west  10.91.1.0/24  gateway mode, west-1 and west-2 may be gateways   host on west-1
    east  10.91.2.0/24  distributed                                       host on east-1

Packets are counted at 100 a second, from host to host and back, asked from both ends.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial

import pytest

from lab import control
from lab.demo.stage import Stage
from lab.waiting import wait_until
from tests.scenario import figures
from tests.scenario.rig import Host, Rig, rigs

ROUTE_TARGET, GATEWAY = "64500:6910", "10.91.1.1"
#: A second. BFD misses a gateway after 0.3 s; without it that would take nine.
MOST_LOST = 100
#: Less than any hold timer, and more than a busy machine needs.
AT_ONCE_S = 5
#: Both serve only while one has heard of the other and the other not yet of it.
MOST_OVERLAP_S = 2
pytestmark = pytest.mark.timeout(400)


@dataclass(frozen=True, slots=True)
class Scene:
    """A network in gateway mode and one far away, in one VPN, ACTIVE."""

    west: Rig
    vpn_id: str
    association_id: str
    near: Host
    far: Host


@pytest.fixture(scope="module")
def scene(stage: Stage) -> Iterator[Scene]:
    """Both hosts reach each other."""
    with rigs(stage, "gateways") as (west, east):
        network_id, far_network = (
            rig.make_network(prefix)
            for rig, prefix in ((west, "10.91.1.0/24"), (east, "10.91.2.0/24"))
        )
        near, far = west.make_host(network_id, 0), east.make_host(far_network, 0)
        vpn_id = west.make_vpn(ROUTE_TARGET)
        own = west.associate(vpn_id, "network", network_id, attachment_mode="gateway")
        east.associate(east.make_vpn(ROUTE_TARGET), "network", far_network)
        west.settle()
        east.settle()
        near.must_reach(far.address)
        far.must_reach(near.address)
        yield Scene(west, vpn_id, own, near, far)


def serving(stage: Stage) -> list[str]:
    """The hosts of the west that answer for the gateway's address."""
    found = []
    for host in stage.topology.sites[0].hosts:
        dump = ["ovs-ofctl", "dump-flows", "br-pe", f"arp,arp_tpa={GATEWAY}"]
        if f"arp_tpa={GATEWAY}" in control.run_in(host.name, dump).stdout:
            found.append(host.name)
    return found


def serves_alone(stage: Stage, host: str) -> bool:
    """Whether a host is the one gateway."""
    return serving(stage) == [host]


@contextmanager
def losing(what: str, scene: Scene, at_most: int) -> Iterator[None]:
    """Whatever happens inside may cost so many packets, whoever asks."""
    near, far = scene.near, scene.far
    with near.pinging(far.address) as of_near, far.pinging(near.address) as of_far:
        time.sleep(1)
        yield
        time.sleep(3)
    for end, (result,) in (("near", of_near), ("far", of_far)):
        lost = result.sent - result.received
        figures.add(f"{what}: {lost} of {result.sent} packets lost, 100 a second, {end} asks")
        assert lost <= at_most


@contextmanager
def one_at_a_time(what: str, stage: Stage) -> Iterator[None]:
    """Two may serve for a moment inside, as far as can be seen by looking again and again."""
    is_over, overlaps = threading.Event(), [0.0]

    def look() -> None:
        began: float | None = None
        while not is_over.wait(0.05):
            if len(serving(stage)) < 2:
                began = None
                continue
            began = time.monotonic() if began is None else began
            overlaps.append(time.monotonic() - began)

    looking = threading.Thread(target=look)
    looking.start()
    try:
        yield
    finally:
        is_over.set()
        looking.join()
    figures.add(f"{what}: two serve for {max(overlaps):.1f} s at most")
    assert max(overlaps) <= MOST_OVERLAP_S


@pytest.fixture
def gateways(stage: Stage, scene: Scene) -> tuple[str, str]:
    """The one that serves and the other, both well for a while."""
    wait_until(lambda: len(serving(stage)) == 1, 60, "one gateway")
    (preferred,) = serving(stage)
    (substitute,) = (h.name for h in stage.topology.sites[0].hosts if h.name != preferred)
    scene.near.must_reach(scene.far.address)
    scene.far.must_reach(scene.near.address)
    return preferred, substitute


@pytest.mark.parametrize("away_s", [0, 20], ids=["for a moment", "beyond the hold time"])
def test_a_gateway_that_is_cut_off_is_replaced_and_takes_its_networks_back(
    stage: Stage, scene: Scene, gateways: tuple[str, str], away_s: int
) -> None:
    """Neutron has no part in it. The one that is cut off knows before its sessions do."""
    preferred, substitute = gateways
    with losing("a gateway is cut off", scene, at_most=MOST_LOST):
        control.run_in(preferred, ["ip", "link", "set", "core", "down"])
        wait_until(partial(serves_alone, stage, substitute), AT_ONCE_S, "the other gateway")
    time.sleep(away_s)

    back = "it takes its networks back"
    with losing(back, scene, at_most=0), one_at_a_time(back, stage):
        control.run_in(preferred, ["ip", "link", "set", "core", "up"])
        wait_until(partial(serves_alone, stage, preferred), 60, "the preferred gateway")


def test_a_gateway_that_dies_is_replaced_and_takes_its_networks_back(
    stage: Stage, scene: Scene, gateways: tuple[str, str]
) -> None:
    """Agent, BGP daemon and all flows are gone; it comes back knowing what it was asked last."""
    preferred, substitute = gateways
    agent, daemon = f"{preferred}-pe-agent", f"{preferred}-gobgpd"
    with losing("a gateway dies", scene, at_most=MOST_LOST):
        control.stop(agent)
        control.run_in(preferred, ["ovs-ofctl", "-O", "OpenFlow15", "del-flows", "br-pe"])
        control.kill(daemon)
        control.stop(daemon)
        wait_until(partial(serves_alone, stage, substitute), AT_ONCE_S, "the other gateway")

    back = "it takes its networks back"
    with losing(back, scene, at_most=0), one_at_a_time(back, stage):
        control.start(daemon)
        control.start(agent)
        wait_until(partial(serves_alone, stage, preferred), 60, "the preferred gateway")


def test_a_network_moves_between_modes(scene: Scene) -> None:
    """To distributed and back to gateways, while its host talks to the other region."""
    west = scene.west
    for mode in ("distributed", "gateway"):
        with losing(f"a network moves to mode {mode}", scene, at_most=MOST_LOST):
            west.change(scene.vpn_id, "network", scene.association_id, attachment_mode=mode)
            west.settle()
        scene.near.must_reach(scene.far.address)
        scene.far.must_reach(scene.near.address)
