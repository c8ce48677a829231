# SPDX-License-Identifier: Apache-2.0
"""Tenants, another site and the worker at one VTN at once, on a real database."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from threading import Barrier, BrokenBarrierError
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from neutron_lib.context import Context

    from tests.cloud import Answer, Cloud
    from tests.vtn_site import Region

# Writers that meet are tried again, which takes time on a machine that has little.
pytestmark = pytest.mark.timeout(300)
VTNS = "/vtn/virtual_tenant_networks"
RED, BLUE = "red-project", "blue-project"
CLIENTS, MANY = 8, 24
MEET_S = 10


@pytest.fixture
def west(cloud: Cloud) -> Region:
    """The region as a site with a peer."""
    from tests.vtn_site import EAST, Region

    region = Region(cloud)
    region.trust(EAST)
    return region


def ask(cloud: Cloud, project: str = RED, **said: Any) -> Answer:
    """Ask for a VTN."""
    body = {"name": "red", "prefixes": ["10.0.0.0/16"], **said}
    return cloud.request("POST", VTNS, {"virtual_tenant_network": body}, project)


def test_no_prefix_and_no_route_target_is_given_twice(cloud: Cloud, west: Region) -> None:
    """However many ask at once: one of each project gets the prefix, all have route targets."""
    assert cloud.request("PUT", f"/quotas/{RED}", {"quota": {"mpls_vtn": -1}}).status == 200

    def same(number: int) -> int:
        return ask(cloud, (RED, BLUE)[number % 2]).status

    def other(number: int) -> int:
        return ask(cloud, prefixes=[f"172.16.{number}.0/24"]).status

    with ThreadPoolExecutor(CLIENTS) as clients:
        assert sorted(clients.map(same, range(CLIENTS))) == [201] * 2 + [409] * (CLIENTS - 2)
        assert set(clients.map(other, range(MANY))) == {201}
    targets = {
        target
        for each in west.published()
        for target in getattr(each.document, "route_targets", ())
    }
    assert len(targets) == MANY + 2


def test_what_several_write_at_once_is_all_there_in_the_end(cloud: Cloud, west: Region) -> None:
    """The tenant's changes, the worker's words and what another site says of one network."""
    from tests.vtn_site import Peer, exchange

    east = Peer("east")
    made = cloud.made(ask(cloud, members=["west", "east"]), "virtual_tenant_network")
    exchange(west, east)
    path = f"{VTNS}/{made['id']}"

    def rename(number: int) -> int:
        body = {"virtual_tenant_network": {"name": f"name {number} 🚂"}}
        return cloud.request("PUT", path, body, RED).status

    def work(number: int) -> int:
        del number
        west.realise(made["id"])
        return 200

    def hear(number: int) -> int:
        from isthmus.model.vtn.membership import speak

        east.put(speak(east.view(made["id"]), reason=f"{number}"))
        west.hear(east)
        return 200

    # One that works and one that hears, as there are; tenants as many as there may be.
    with (
        ThreadPoolExecutor(CLIENTS) as clients,
        ThreadPoolExecutor(1) as worker,
        ThreadPoolExecutor(1) as daemon,
    ):
        begun = (
            clients.map(rename, range(MANY)),
            worker.map(work, range(4)),
            daemon.map(hear, range(4)),
        )
        answers = [each for one in begun for each in one]
    assert set(answers) == {200}
    generation = cloud.request("GET", path)["virtual_tenant_network"]["generation"]
    assert generation == MANY + 1
    exchange(west, east)
    shown = cloud.request("GET", path, project=RED)["virtual_tenant_network"]
    assert shown["name"].endswith("🚂")
    assert shown["status"] == "ACTIVE"


def test_an_overlap_heard_of_in_one_instant_is_told_once(cloud: Cloud, west: Region) -> None:
    """Two sites' networks, stored by two at a time of which neither sees what the other stores."""
    from isthmus.db.vtn import documents, views
    from isthmus.model.vtn import encoding
    from isthmus.model.vtn.documents import Kind
    from isthmus.plugin import transactions
    from tests.vtn_site import new_vtn

    west.trust("north")
    both = Barrier(2)

    def hear(site: str) -> str:
        said = new_vtn(site, [site, "west"], ["10.0.0.0/16"], site)
        heard = documents.Document(
            site, str(Kind.VTN), said.vtn_id, encoding.encode(said), said.vtn_id
        )

        def store(context: Context) -> None:
            documents.put_heard(context, heard)
            # Whoever is tried again meets nobody.
            with suppress(BrokenBarrierError):
                both.wait(MEET_S)
            both.abort()
            views.refresh(context, west.name, [said.vtn_id])

        transactions.write(store)
        return said.vtn_id

    with ThreadPoolExecutor(2) as daemons:
        found = list(daemons.map(hear, ("east", "north")))
    for vtn_id in found:
        path = f"/vtn/interconnect_events?virtual_tenant_network_id={vtn_id}"
        told = [each["sentence"] for each in cloud.request("GET", path)["interconnect_events"]]
        assert [" overlaps " in sentence for sentence in told] == [True], told


def test_lists_are_what_they_are_elsewhere(cloud: Cloud, west: Region) -> None:
    """Filters are exact whatever the collation, pages cut by the database."""
    for number, name in enumerate(("a", "A", "ä", "b")):
        answer = ask(cloud, name=name, prefixes=[f"10.{number}.0.0/16"], description="ö")
        assert answer.status == 201

    def names(query: str) -> list[str]:
        answer = cloud.request("GET", f"{VTNS}?{query}", project=RED)
        return [each["name"] for each in answer["virtual_tenant_networks"]]

    assert names("name=a") == ["a"]
    assert names("name=b&sort_key=name&sort_dir=asc&limit=1") == ["b"]
    assert len(names("limit=3")) == 3
    assert names("prefixes=10.2.0.0/16") == ["ä"]
