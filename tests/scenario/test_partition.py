# SPDX-License-Identifier: Apache-2.0
"""Sites cut off from each other while tenants at all of them write: nothing acknowledged is lost.

The short form is for every run of the tests; ``SCENARIO=long`` has all the times.
"""

from __future__ import annotations

import random
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial

import pytest

from lab import control, endpoint
from lab.demo.stage import Stage
from lab.machine import Machine
from lab.waiting import wait_until
from tests.scenario import figures, length
from tests.scenario.rig import OWNER, Host, Rig
from tests.scenario.vtn.client import VTNS, Client
from tests.scenario.vtn.ledger import Ledger
from tests.scenario.vtn.observed import observe, wait_until_alike
from tests.scenario.vtn.writers import MARK, writing

# After a cut has been healed; on a machine that runs many things at once.
ALIKE_S, SOON_S, FORWARDED_S = 60, 90, 60
#: Writing goes on for that long before a cut and after it.
AROUND_S = 4
STEADY, PREFIX = "partition-steady", "10.127.0.0/16"
MOST_VTNS = 100


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


@dataclass(frozen=True)
class Scene:
    """Clients at all sites, and two hosts on a network over all of them that is left alone."""

    clients: list[Client]
    near: Host
    far: Host


@pytest.fixture(scope="module")
def scene(stage: Stage) -> Iterator[Scene]:
    """Red at both sites, with as many networks as it likes; all is gone afterwards."""
    tenant = stage.plan.tenants[0].name
    clients = []
    for site in stage.topology.sites:
        cloud, operator = stage.cloud(site.name, tenant), stage.cloud(site.name)
        body = {"quota": {"mpls_vtn": MOST_VTNS}}
        operator.call("PUT", f"/quotas/{cloud.project_id}", body)
        token = str(cloud.connection.auth_token)
        clients.append(Client(site.name, f"http://{site.api}:9696/v2.0", token))
    rigs = [Rig(stage, site, STEADY) for site in stage.topology.sites]
    _remove(clients, rigs)
    try:
        near, far = _steady_hosts(clients, rigs)
        yield Scene(clients, near, far)
    finally:
        for client in clients:
            Cut(0).heal(client.site)
        _remove(clients, rigs)
        for site in stage.topology.sites:
            project = stage.cloud(site.name, tenant).project_id
            stage.cloud(site.name).call("DELETE", f"/quotas/{project}")


def _steady_hosts(clients: list[Client], rigs: list[Rig]) -> list[Host]:
    body = {"name": STEADY, "prefixes": [PREFIX], "members": [one.site for one in clients]}
    _, made = clients[0].write("steady", "POST", VTNS, {"virtual_tenant_network": body})
    hosts = []
    for client, rig in zip(clients, rigs, strict=True):
        wait_until(partial(_is_active, client, made["id"]), SOON_S, f"{STEADY} in {client.site}")
        found = client.list(VTNS, id=made["id"])
        hosts.append(rig.make_host(found[0]["network_id"], 0))
    hosts[0].must_reach(hosts[1].address)
    return hosts


def _is_active(client: Client, vtn: str) -> bool:
    members = client.list(f"{VTNS}/{vtn}/members", site=client.site)
    return [member["status"] for member in members] == ["ACTIVE"]


def _remove(clients: list[Client], rigs: list[Rig]) -> None:
    """Remove what the tests make, ports first."""
    for client, rig in zip(clients, rigs, strict=True):
        for port in list(rig.network.ports()):
            if port.device_owner == OWNER and port.name == STEADY:
                endpoint.unplug(Machine(port.binding_host_id), port.id)
                rig.network.delete_port(port.id)
        for port_id in observe(client).ports:
            client.write("delete port", "DELETE", f"/ports/{port_id}")
    for client in clients:
        wait_until(partial(_are_deleted, client), SOON_S, f"deletions at {client.site}", every_s=1)
    for client, rig in zip(clients, rigs, strict=True):
        wait_until(partial(_has_none, client), SOON_S, f"their end at {client.site}", every_s=1)
        rig.remove()


def _ours(client: Client) -> list[dict[str, object]]:
    return [
        each
        for each in client.list(VTNS)
        if str(each["name"]).startswith(MARK) or each["name"] == STEADY
    ]


def _are_deleted(client: Client) -> bool:
    """Whether all that was made at a site is deleted; asks for it."""
    mine = [each for each in _ours(client) if each["owner_site"] == client.site]
    for each in mine:
        if each["status"] != "PENDING_DELETE":
            client.write("delete", "DELETE", f"{VTNS}/{each['id']}")
    return all(each["status"] == "PENDING_DELETE" for each in mine)


def _has_none(client: Client) -> bool:
    return not _ours(client) and not observe(client).networks


@pytest.mark.parametrize("cut", CUTS, ids=str)
@pytest.mark.timeout(600)
def test_nothing_acknowledged_is_lost_and_all_sites_are_alike_again(scene: Scene, cut: Cut) -> None:
    """Both sites write all the while; VMs talk on as long as their packets have a way."""
    ledger, site = Ledger(), scene.clients[0].site
    seed = LONG.index(cut) if cut in LONG else len(LONG)
    tallies = [type(client.tally)() for client in scene.clients]
    clients = [
        Client(client.site, client.url, client.token, tally)
        for client, tally in zip(scene.clients, tallies, strict=True)
    ]
    with _forwarding(scene, cut) as packets:
        with writing(clients, ledger, seed):
            time.sleep(AROUND_S)
            healed = cut.run(site)
            back_s = _forwarded_again(scene, healed)
            time.sleep(AROUND_S)
        left, alike_s = wait_until_alike(ledger, clients, ALIKE_S)
    for client, tally in zip(clients, tallies, strict=True):
        figures.add(f"{cut}: {client.site}: {tally}")
    figures.add(
        f"{cut}: {len(ledger)} things written, {len(left)} lost or unlike; "
        f"alike {alike_s:.0f} s after the last write; packets {packets() or 'stopped, as cut'}; "
        f"forwarded {back_s:.1f} s after the end of the cut"
    )
    assert [sentence for tally in tallies for sentence in tally.wrong] == []
    assert left == []
    _clean(clients)


def _forwarded_again(scene: Scene, healed: float) -> float:
    answers = partial(scene.near.reaches, scene.far.address)
    wait_until(answers, FORWARDED_S, "an answer from the other site")
    return time.monotonic() - healed


@contextmanager
def _forwarding(scene: Scene, cut: Cut) -> Iterator[Callable[[], str]]:
    """A hundred packets a second meanwhile, none of which may be lost while they have a way."""
    if cut.is_all:
        yield str
        return
    with scene.near.pinging(scene.far.address) as results:
        yield lambda: str(results[-1]) if results else "under way"
    assert results[0].lost == 0, f"{results[0]} while only the control planes were cut"


def _clean(clients: list[Client]) -> None:
    """Delete what a cut left, the steady network aside."""
    for client in clients:
        for port in observe(client).ports:
            client.write("delete port", "DELETE", f"/ports/{port}")
    for client in clients:
        for vtn in observe(client).vtns.values():
            if vtn.said["owner_site"] == client.site and vtn.status != "PENDING_DELETE":
                client.write("delete", "DELETE", f"{VTNS}/{vtn.id}")
