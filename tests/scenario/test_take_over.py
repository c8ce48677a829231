# SPDX-License-Identifier: Apache-2.0
"""A site whose daemon and etcd are dead loses its networks to another, where operators want that.

What it changed meanwhile, and nobody heard, does not count once it returns; it says so itself.
"""

from __future__ import annotations

import re
import time
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from typing import Any

import pytest

from lab import control, interconnect, places
from lab.demo.cloud import Cloud
from lab.demo.stage import Stage, side_by_side
from lab.topology import Site
from lab.waiting import wait_until
from tests.scenario import figures, length
from tests.scenario.vtn import operator, stores
from tests.scenario.vtn.client import VTNS, Client
from tests.scenario.vtn.kept import unlike
from tests.scenario.vtn.observed import wait_until_none
from tests.scenario.vtn.outcome import Outcome
from tests.scenario.vtn.scene import Scene, is_active_at, two_hosts

pytestmark = [
    pytest.mark.timeout(600),
    length.only_long,
]
NAME, PREFIX = "taken-over", "10.126.0.0/16"
AFTER_S, EPOCH = 15, 2
# For what follows upon it, on a machine that runs many things at once; and for the return.
SOON_S, ALIKE_S = 60, 60
HEARD, UNHEARD, LATER = f"{NAME}-heard", f"{NAME}-unheard", "asked by a plain member"


@contextmanager
def heirs_take_over(site: Site) -> Iterator[None]:
    """Have a site take over by itself meanwhile."""
    file = places.ETC / site.name / "interconnect.conf"
    usual = file.read_text()
    try:
        file.write_text(f"{usual}\ntake_over_after_s = {AFTER_S}\n")
        control.kill(interconnect.daemon_name(site))
        yield
    finally:
        file.write_text(usual)
        control.kill(interconnect.daemon_name(site))


@contextmanager
def dead(site: Site) -> Iterator[None]:
    """Kill a site's daemon and etcd, whose machine lives, as its Neutron does; start them again."""
    names = [interconnect.daemon_name(site), interconnect.process_name(site)]
    try:
        for name in names:
            control.stop(name, patience_s=0)
        yield
    finally:
        for name in reversed(names):
            control.start(name)


@pytest.fixture
def scene(stage: Stage) -> Iterator[Scene]:
    """Red's network over both sites, made at the first, with two hosts that reach each other."""
    with two_hosts(stage, NAME, PREFIX) as scene:
        yield scene


def show(client: Client, vtn: str) -> dict[str, Any]:
    """The network, as a site shows it to its tenant."""
    return next(iter(client.list(VTNS, id=vtn)), {})


def put(client: Client, vtn: str, **values: str) -> None:
    """Change it; that is acknowledged."""
    body = {"virtual_tenant_network": values}
    outcome, _ = client.write("change", "PUT", f"{VTNS}/{vtn}", body)
    assert outcome is Outcome.DONE, client.tally.wrong


def test_a_dead_owners_network_is_another_sites_and_the_former_owner_says_what_it_lost(
    stage: Stage, scene: Scene
) -> None:
    """Nobody does anything; no packet is lost."""
    former, heir = scene.clients
    sites = [stage.topology.site(client.site) for client in scene.clients]
    look = partial(_look, stage, scene)
    told_by = [stage.cloud(site.name) for site in sites]
    with heirs_take_over(sites[1]), scene.near.pinging(scene.far.address) as packets:
        is_up = partial(lambda: operator.liveness(told_by[1], former.site) == "UP")
        wait_until(is_up, SOON_S, f"{former.site} to be UP")
        with dead(sites[0]):
            killed = time.monotonic()
            put(former, scene.vtn, name=UNHEARD)
            is_taken = partial(_is_owned_by, heir, scene.vtn, heir.site)
            wait_until(is_taken, AFTER_S + SOON_S, "the take-over", every_s=0.5)
            taken_s = time.monotonic() - killed
            put(heir, scene.vtn, name=HEARD)
            assert show(former, scene.vtn)["owner_site"] == former.site
        returned = time.monotonic()
        left = wait_until_none(look, returned + ALIKE_S)
        alike_s = time.monotonic() - returned
        # A plain member, it asks the new owner.
        put(former, scene.vtn, description=LATER)
        for client in scene.clients:
            is_said = partial(_says, client, scene.vtn, LATER)
            wait_until(is_said, SOON_S, f"what {former.site} asked for, in {client.site}")
        left += wait_until_none(look, time.monotonic() + SOON_S)
    reports = [
        operator.differing(told_by[0], heir.site),
        operator.differing(told_by[1], former.site),
    ]
    events = operator.events(told_by[1], f"virtual_tenant_network_id={scene.vtn}")
    figures.add(
        f"owner's daemon and etcd killed: taken over {taken_s:.0f} s later by a rule of {AFTER_S} "
        f"s; alike {alike_s:.0f} s after the return; {packets[0]}; it reports: {reports[0]}"
    )
    assert left == [], "\n".join(left)
    assert taken_s >= AFTER_S
    assert packets[0].lost == 0
    by_itself = (
        f"Taken over from {former.site} by itself, with epoch {EPOCH}: it has been DOWN for "
    )
    assert [each for each in events if each.startswith(by_itself)] != []
    lost = re.compile(
        rf"What {former.site} wrote of {scene.vtn} .* does not count since {heir.site} took it "
        rf"over: name '{UNHEARD}' .*"
    )
    # At both sites, of the other and of the network.
    for sentences in (*reports, *(_notice(cloud, scene.vtn) for cloud in told_by)):
        assert [bool(lost.match(sentence)) for sentence in sentences] == [True], sentences
    assert [one for client in scene.clients for one in client.tally.wrong] == []


def test_an_owner_that_is_cut_off_keeps_its_network(stage: Stage, scene: Scene) -> None:
    """It may be well: of a site that is UNREACHABLE nobody takes anything over."""
    former, heir = scene.clients
    watcher = stage.cloud(heir.site)
    with heirs_take_over(stage.topology.site(heir.site)):
        is_up = partial(lambda: operator.liveness(watcher, former.site) == "UP")
        wait_until(is_up, SOON_S, f"{former.site} to be UP")
        try:
            control.cut_interconnect(former.site)
            is_seen = partial(lambda: operator.liveness(watcher, former.site) == "UNREACHABLE")
            wait_until(is_seen, SOON_S, f"{heir.site} to see it", every_s=0.5)
            time.sleep(2 * AFTER_S)
            put(former, scene.vtn, description=LATER)
        finally:
            control.heal_interconnect(former.site)
        for client in scene.clients:
            is_said = partial(_says, client, scene.vtn, LATER)
            wait_until(is_said, SOON_S, f"what {former.site} wrote, in {client.site}")
            assert show(client, scene.vtn)["owner_site"] == former.site
    assert operator.versions(watcher)[scene.vtn][0] == 1


def _is_owned_by(client: Client, vtn: str, site: str) -> bool:
    return show(client, vtn).get("owner_site") == site


def _says(client: Client, vtn: str, description: str) -> bool:
    shown = show(client, vtn)
    return shown.get("description") == description and is_active_at(client, vtn)


def _notice(cloud: Cloud, vtn: str) -> list[str]:
    found = cloud.call("GET", f"{VTNS}/{vtn}")["virtual_tenant_network"]
    return str(found["notice"]).splitlines()


def _look(stage: Stage, scene: Scene) -> list[str]:
    return list(_unlike(stage, scene))


def _unlike(stage: Stage, scene: Scene) -> Iterator[str]:
    """A sentence for each thing that is not as the new owner has it."""
    heir = scene.clients[1]
    versions = [operator.versions(stage.cloud(each.site))[scene.vtn] for each in scene.clients]
    if len(set(versions)) != 1 or versions[0][0] != EPOCH:
        yield f"epochs and generations are {versions}"
    for client in scene.clients:
        shown = show(client, scene.vtn)
        said = (shown["name"], shown["owner_site"], shown["status"])
        if said != (HEARD, heir.site, "ACTIVE"):
            yield f"{client.site} shows {said}: {shown['status_reason']}"
        names = [each["name"] for each in client.list("/networks", id=shown["network_id"])]
        if names != [HEARD]:
            yield f"{client.site}'s network is called {names}"
    sites = [stage.topology.site(client.site) for client in scene.clients]
    yield from unlike(side_by_side(stores.read, sites))
