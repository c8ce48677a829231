# SPDX-License-Identifier: Apache-2.0
"""Whole daemons against each other, with everything around them failing."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import replace

import pytest

from isthmus.interconnect.daemon import Edges, Interconnect, Pace
from isthmus.interconnect.database import Peer
from isthmus.interconnect.publisher import SiteFacts
from isthmus.model.errors import InvalidValue
from tests.fakes.etcd import free_port
from tests.fakes.site_database import FakeSiteDatabase
from tests.fakes.store import FakeEtcd, FakeStore
from tests.fakes.vtn_documents import VTN_RED, request_of

PATIENCE_S = 40.0
PACE = Pace(poll_s=0.05, beat_s=0.1, silent_after_s=1.0, lease_s=1, peers_s=0.1)


class _Site:
    """A site: its etcd, its database, and any number of daemons."""

    def __init__(self, name: str, world: dict[str, _Site]) -> None:
        self.name = name
        self.etcd = FakeEtcd()
        self.database = FakeSiteDatabase()
        self.woken = 0
        self.daemons: list[tuple[Interconnect, threading.Thread]] = []
        self._world = world
        world[name] = self

    def start(self) -> Interconnect:
        edges = Edges(self.database, FakeStore(self.etcd), self._connect, self._wake)
        facts = SiteFacts(self.name, 64500)
        daemon = Interconnect(facts, f"{self.name}-{len(self.daemons)}", edges, PACE)
        thread = threading.Thread(target=daemon.run, daemon=True)
        thread.start()
        self.daemons.append((daemon, thread))
        return daemon

    def stop(self) -> None:
        for daemon, thread in self.daemons:
            daemon.stop()
            thread.join(PATIENCE_S)
        self.daemons.clear()

    def meet(self, other: str) -> None:
        # Nobody listens there, so that a silent one is found to be down.
        peer = Peer(other, (f"http://127.0.0.1:{free_port()}",), None)
        self.database.peers[other] = peer

    def hears_all_of(self, other: str) -> bool:
        said = {n: one.body for n, one in self.database.heard.get(other, {}).items()}
        return said == self._world[other].database.own

    def state_of(self, other: str) -> str:
        state = self.database.states.get(other)
        return "" if state is None else state.liveness.value

    def _connect(self, peer: Peer) -> FakeStore:
        return FakeStore(self._world[peer.name].etcd)

    def _wake(self) -> None:
        self.woken += 1


@pytest.fixture
def sites() -> Iterator[tuple[_Site, _Site]]:
    """West and east, peers of each other, with a daemon each."""
    world: dict[str, _Site] = {}
    west, east = _Site("west", world), _Site("east", world)
    west.meet("east")
    east.meet("west")
    for site in (west, east):
        site.database.write(request_of(site.name, 1))
        site.start()
    yield west, east
    for site in (west, east):
        site.stop()


def eventually(is_true: Callable[[], bool]) -> None:
    """Wait until it is."""
    deadline = time.monotonic() + PATIENCE_S
    while not is_true():
        assert time.monotonic() < deadline, "It did not come true."
        time.sleep(0.02)


def both_equal(west: _Site, east: _Site) -> Callable[[], bool]:
    """Return whether each has heard all that the other says."""
    return lambda: west.hears_all_of("east") and east.hears_all_of("west")


def test_each_hears_all_of_the_other_and_that_it_is_up(sites: tuple[_Site, _Site]) -> None:
    """The VTNs concerned are refreshed, and Neutron's worker is woken."""
    west, east = sites
    eventually(both_equal(west, east))
    eventually(lambda: (west.state_of("east"), east.state_of("west")) == ("UP", "UP"))
    eventually(lambda: VTN_RED in west.database.refreshed and west.woken > 0)
    assert not west.database.outbox


def test_whatever_is_away_comes_back_and_nothing_is_lost(sites: tuple[_Site, _Site]) -> None:
    """Own etcd, database, the peer's etcd, one after the other; writes go on all the while."""
    west, east = sites
    eventually(both_equal(west, east))
    number = 1
    for site, switch in ((west, "etcd"), (west, "database"), (east, "etcd"), (east, "database")):
        getattr(site, switch).is_away = True
        for writer in sites:
            number += 1
            writer.database.write(request_of(writer.name, number))
        time.sleep(0.5)
        getattr(site, switch).is_away = False
        eventually(both_equal(west, east))


def test_a_site_without_its_database_is_alive_all_the_same(sites: tuple[_Site, _Site]) -> None:
    """What it published stays good, and its heart beats."""
    west, east = sites
    eventually(lambda: west.state_of("east") == "UP")
    east.database.is_away = True
    time.sleep(3 * PACE.silent_after_s)
    assert west.state_of("east") == "UP"
    east.database.is_away = False
    east.database.write(request_of("east", 2))
    eventually(both_equal(west, east))


def test_an_own_etcd_that_was_lost_is_filled_again(sites: tuple[_Site, _Site]) -> None:
    """And the peer hears it as before."""
    west, east = sites
    eventually(both_equal(west, east))
    west.etcd.lose_everything()
    west.database.write(request_of("west", 2))
    eventually(both_equal(west, east))


def test_another_daemon_of_the_site_takes_over(sites: tuple[_Site, _Site]) -> None:
    """One that was cut off keeps nothing from being done."""
    west, east = sites
    west.start()
    eventually(both_equal(west, east))
    eventually(lambda: any(daemon.leader.leadership for daemon, _ in west.daemons))
    leads = next(one for one in west.daemons if one[0].leader.leadership)
    west.daemons.remove(leads)
    (other, _) = west.daemons[0]
    leads[0].stop()
    west.database.write(request_of("west", 2))
    eventually(lambda: other.leader.leadership is not None)
    eventually(both_equal(west, east))
    leads[1].join(PATIENCE_S)


def test_a_stopped_peer_is_seen_and_so_is_its_return(sites: tuple[_Site, _Site]) -> None:
    """With an event for each."""
    west, east = sites
    eventually(lambda: west.state_of("east") == "UP")
    east.stop()
    eventually(lambda: west.state_of("east") == "DOWN")
    east.start()
    eventually(lambda: west.state_of("east") == "UP")
    texts = [text for site, text in west.database.events if site == "east"]
    assert any("is DOWN" in text for text in texts)
    assert any("it was DOWN for" in text for text in texts)


def test_a_view_that_can_t_be_made_keeps_no_other_back(sites: tuple[_Site, _Site]) -> None:
    """It is tried again and again."""
    west, east = sites
    eventually(both_equal(west, east))
    west.database.unrefreshable = {VTN_RED}
    other = VTN_RED.replace("2f", "3f")
    east.database.write(request_of("east", 2))
    east.database.write(request_of("east", 3, vtn_id=other))
    eventually(lambda: other in west.database.refreshed)
    west.database.refreshed.clear()
    west.database.unrefreshable = set()
    eventually(lambda: VTN_RED in west.database.refreshed)


def test_a_revoked_peer_is_not_heard_any_more(sites: tuple[_Site, _Site]) -> None:
    """What it said before stays."""
    west, east = sites
    eventually(both_equal(west, east))
    del west.database.peers["east"]
    eventually(lambda: "east" not in west.daemons[0][0].peers.revisions())
    before = len(west.database.heard["east"])
    east.database.write(request_of("east", 2))
    time.sleep(0.5)
    assert len(west.database.heard["east"]) == before


def test_what_an_operator_wants_read_anew_is_read_anew(sites: tuple[_Site, _Site]) -> None:
    """Once; and it is done only when the views of what is new are up to date."""
    west, east = sites
    eventually(both_equal(west, east))
    west.database.unrefreshable.add(VTN_RED)
    west.database.heard["east"].clear()
    west.database.peers["east"] = replace(west.database.peers["east"], wish=3)
    eventually(both_equal(west, east))
    assert west.database.peers["east"].wish == 3
    west.database.unrefreshable.clear()
    eventually(lambda: west.database.peers["east"].wish is None)
    time.sleep(0.3)
    assert west.database.granted == [("east", 3)]
    texts = [text for site, text in west.database.events if site == "east"]
    assert sum("have been read anew" in text for text in texts) == 2


def test_what_an_operator_wants_published_anew_is_published_anew(
    sites: tuple[_Site, _Site],
) -> None:
    """Whatever happened to the own etcd behind the daemon's back."""
    west, east = sites
    eventually(both_equal(west, east))
    FakeStore(west.etcd).write({}, [name.key for name in west.database.own])
    eventually(lambda: not west.hears_all_of("east") or not east.database.heard["west"])
    west.database.wish = 5
    eventually(lambda: west.database.wish is None)
    eventually(both_equal(west, east))


def test_a_peer_that_can_t_be_used_keeps_no_other_from_being_heard(
    sites: tuple[_Site, _Site],
) -> None:
    """As one whose endpoint is no URL."""
    west, east = sites
    connect = west._connect

    def refuse(peer: Peer) -> FakeStore:
        if peer.name == "a-bad-one":
            raise InvalidValue("'nowhere' is not of the form https://HOST:PORT.")
        return connect(peer)

    west.stop()
    west._connect = refuse  # type: ignore[method-assign]  # for one of them
    west.meet("a-bad-one")
    west.start()
    east.database.write(request_of("east", 2))
    eventually(both_equal(west, east))
    eventually(lambda: west.state_of("east") == "UP")
