# SPDX-License-Identifier: Apache-2.0
"""Sites cut off from each other while tenants at all of them write: nothing acknowledged is lost.

The short form is for every run of the tests; ``SCENARIO=long`` has all the times.
"""

from __future__ import annotations

import random
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from functools import partial

import pytest

from lab import control
from lab.agreement.read import read_disagreements
from lab.demo.guest import Pinged
from lab.demo.stage import Stage, side_by_side
from lab.waiting import wait_until
from tests.scenario import figures, length
from tests.scenario.vtn.client import Client, told
from tests.scenario.vtn.ledger import Ledger
from tests.scenario.vtn.observed import recover, wait_until_alike
from tests.scenario.vtn.scene import Scene, afresh, remove, two_hosts
from tests.scenario.vtn.writers import writing

# After a cut has been healed; on a machine that runs many things at once.
ALIKE_S, FORWARDED_S, AGREED_S = 60, 60, 60
#: Writing goes on for that long before a cut and after it.
AROUND_S = 4
STEADY, PREFIX = "partition-steady", "10.127.0.0/16"


@dataclass(frozen=True)
class Cut:
    """What passes no more, when.

    Attributes:
        seconds: how long; 0 is on and off again by chance.
    """

    seconds: int
    is_all: bool = False

    def __str__(self) -> str:
        what = "all traffic" if self.is_all else "control planes"
        return f"{what}, {f'{self.seconds} s' if self.seconds else 'flapping'}"

    def run(self, site: str) -> float:
        """Cut a site off for that long; return when it was healed for the last time."""
        if self.seconds:
            self._cut(site)
            time.sleep(self.seconds)
        else:
            dice = random.Random(FLAPPING_S)  # noqa: S311
            end = time.monotonic() + FLAPPING_S
            while time.monotonic() < end:
                self._cut(site)
                time.sleep(dice.uniform(0.2, 4))
                self.heal(site)
                time.sleep(dice.uniform(0.2, 3))
        self.heal(site)
        return time.monotonic()

    def _cut(self, site: str) -> None:
        control.cut_interconnect(site)
        if self.is_all:
            control.cut_core(site)

    def heal(self, site: str) -> None:
        """Have everything pass again."""
        control.heal_interconnect(site)
        control.heal_core(site)


FLAPPING_S = length.choose(short=12, long=60)
SHORT = [Cut(0), Cut(20, is_all=True)]
LONG = [Cut(seconds, is_all) for is_all in (False, True) for seconds in (1, 30, 120, 0)]
CUTS = length.choose(short=SHORT, long=LONG)


@pytest.fixture(scope="module")
def scene(stage: Stage) -> Iterator[Scene]:
    """Red at both sites, and its network that is left alone; all is gone afterwards."""
    with two_hosts(stage, STEADY, PREFIX) as scene:
        try:
            yield scene
        finally:
            for client in scene.clients:
                Cut(0).heal(client.site)


@pytest.mark.parametrize("cut", CUTS, ids=str)
@pytest.mark.timeout(600)
def test_nothing_acknowledged_is_lost_and_all_sites_are_alike_again(
    stage: Stage, scene: Scene, cut: Cut
) -> None:
    """Both sites write all the while; VMs talk on as long as their packets have a way."""
    ledger, site = Ledger(), scene.clients[0].site
    seed = LONG.index(cut) if cut in LONG else len(LONG)
    clients = afresh(scene.clients)
    with ExitStack() as stream:
        packets: list[Pinged] = []
        if not cut.is_all:
            packets = stream.enter_context(_no_packet_lost(scene))
        with writing(clients, ledger, seed):
            time.sleep(AROUND_S)
            healed = cut.run(site)
            back_s = _forwarded_again(scene, healed)
            if cut.is_all:
                packets = stream.enter_context(_no_packet_lost(scene))
            time.sleep(AROUND_S)
        written = time.monotonic()
        left = wait_until_alike(stage, ledger, clients, healed + ALIKE_S)
        alike = time.monotonic()
    for client in clients:
        figures.add(f"{cut}: {client.site}: {told(client.tally)}")
    figures.add(
        f"{cut}: {len(ledger)} things written, {ledger.histories.hopeless} requests to be refused, "
        f"{len(left)} lost or unlike; alike {alike - healed:.0f} s after the end of the cut, "
        f"{alike - written:.0f} s after the last write; forwarded {back_s:.1f} s after the cut, "
        f"{'from then on' if cut.is_all else 'all the while'} {packets[0]}"
    )
    assert [sentence for client in clients for sentence in client.tally.wrong] == []
    assert left == [], "\n".join(left)
    assert alike - healed <= ALIKE_S
    if length.IS_LONG or cut is CUTS[-1]:
        _check_beneath(stage, clients)
    remove(clients)


def _check_beneath(stage: Stage, clients: Sequence[Client]) -> None:
    """Database, agents and switches say the same; all that sites say is known to the others."""
    agree = partial(read_disagreements, patience_s=AGREED_S)
    began = time.monotonic()
    for sentences in side_by_side(agree, stage.topology.sites):
        assert sentences == []
    checked = time.monotonic()
    assert recover(stage, clients) == []
    took_s = time.monotonic() - checked
    figures.add(f"checked in {checked - began:.0f} s, read anew in {took_s:.0f} s")


def _forwarded_again(scene: Scene, healed: float) -> float:
    answers = partial(scene.near.reaches, scene.far.address)
    wait_until(answers, FORWARDED_S, "an answer from the other site")
    return time.monotonic() - healed


@contextmanager
def _no_packet_lost(scene: Scene) -> Iterator[list[Pinged]]:
    """A hundred packets a second meanwhile, while they have a way."""
    with scene.near.pinging(scene.far.address) as results:
        yield results
    assert results[0].lost == 0, f"{results[0]} while they had a way"
