# SPDX-License-Identifier: Apache-2.0
"""A network in gateway mode: one PE of its region serves all hosts, another takes over.

    west  10.91.1.0/24, 2001:db8:91:1::/64  gateway mode: west-1 or west-2   host on west-1
    east  10.91.2.0/24, 2001:db8:91:2::/64  distributed                      host on east-1

Packets are counted at 100 a second and family, from host to host and back, asked from both ends.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
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
#: A second is meant here, too; most of it OVN takes to carry a new port, longer on a busy machine.
MOST_LOST_IN_A_MOVE = 300
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

    def must_work(self) -> None:
        """Wait until both ends reach each other, by IPv4 and IPv6."""
        for version in (4, 6):
            self.near.must_reach(self.far.addresses[version])
            self.far.must_reach(self.near.addresses[version])


@pytest.fixture(scope="module")
def scene(stage: Stage) -> Iterator[Scene]:
    """Both hosts reach each other."""
    with rigs(stage, "gateways") as (west, east):
        network_id, far_network = (
            rig.make_network(f"10.91.{number}.0/24", f"2001:db8:91:{number}::/64")
            for number, rig in ((1, west), (2, east))
        )
        near, far = west.make_host(network_id, 0), east.make_host(far_network, 0)
        vpn_id = west.make_vpn(ROUTE_TARGET)
        own = west.associate(vpn_id, "network", network_id, attachment_mode="gateway")
        east.associate(east.make_vpn(ROUTE_TARGET), "network", far_network)
        west.settle()
        east.settle()
        scene = Scene(west, vpn_id, own, near, far)
        scene.must_work()
        yield scene


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
    ends = (("near", scene.near, scene.far), ("far", scene.far, scene.near))
    found = {}
    with ExitStack() as pings:
        for version in (4, 6):
            for name, end, other in ends:
                pinging = end.pinging(other.addresses[version])
                found[f"{name} asks by IPv{version}"] = pings.enter_context(pinging)
        time.sleep(1)
        yield
        time.sleep(3)
    for who, (result,) in found.items():
        lost = result.sent - result.received
        figures.add(f"{what}: {lost} of {result.sent} packets lost, 100 a second, {who}")
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
    scene.must_work()
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
        with losing(f"a network moves to mode {mode}", scene, at_most=MOST_LOST_IN_A_MOVE):
            west.change(scene.vpn_id, "network", scene.association_id, attachment_mode=mode)
            west.settle()
        scene.must_work()
