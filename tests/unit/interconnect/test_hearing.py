# SPDX-License-Identifier: Apache-2.0
"""One peer, heard through everything that can happen to its etcd, the link and the database."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator

import pytest

from isthmus.interconnect import hearing
from isthmus.interconnect.database import Heard
from isthmus.interconnect.hearing import Ears, Hearing
from isthmus.interconnect.keys import LEADER_KEY, DocumentName, heartbeat_of
from isthmus.interconnect.publisher import Publisher, SiteFacts
from isthmus.interconnect.store.store import Position
from tests.fakes.site_database import FakeSiteDatabase
from tests.fakes.store import FakeEtcd, FakeStore
from tests.fakes.vtn_documents import VTN_RED, request_of

PATIENCE_S = 30.0


class _Bench:
    """East with its etcd, and west that hears it."""

    def __init__(self) -> None:
        self.etcd = FakeEtcd()
        self.east = FakeSiteDatabase()
        self.west = FakeSiteDatabase()
        self.concerned: list[str] = []
        self.publisher = self.lead()
        self.hearing: Hearing | None = None
        self.thread: threading.Thread | None = None

    def lead(self) -> Publisher:
        store = FakeStore(self.etcd)
        leadership = store.campaign(LEADER_KEY, "one", 600)
        assert leadership is not None
        return Publisher(store, self.east, SiteFacts("east", 64501), leadership)

    def concern(
        self, vtn_ids: frozenset[str], afterwards: Callable[[], None] | None = None
    ) -> None:
        self.concerned.extend(vtn_ids)
        if afterwards is not None:
            afterwards()

    def listen(self) -> Hearing:
        ears = Ears(self.west, self.concern)
        self.store = FakeStore(self.etcd)
        self.hearing = Hearing("east", self.store, ears)
        self.thread = threading.Thread(target=self.hearing.run, daemon=True)
        self.thread.start()
        return self.hearing

    def stop(self) -> None:
        if self.hearing is not None and self.thread is not None:
            self.hearing.stop()
            self.thread.join(PATIENCE_S)

    def said(self) -> dict[DocumentName, str]:
        return {name: one.body for name, one in self.west.heard.get("east", {}).items()}

    def until(self, is_true: Callable[[], bool], *, with_beats: bool = True) -> None:
        deadline = time.monotonic() + PATIENCE_S
        while not is_true():
            assert time.monotonic() < deadline, "It did not come true."
            if with_beats and not self.etcd.is_away:
                self.publisher.publish_due()
                self.publisher.send_beat({})
            time.sleep(0.05)

    def until_equal(self) -> None:
        self.until(lambda: bool(self.east.own) and self.said() == self.east.own)


@pytest.fixture
def bench() -> Iterator[_Bench]:
    """West does not listen yet."""
    bench = _Bench()
    yield bench
    bench.stop()


def test_what_a_peer_has_and_what_it_changes_is_heard(bench: _Bench) -> None:
    """Written before and after, changed, removed; and the VTNs concerned are told."""
    name = bench.east.write(request_of("east", 1))
    bench.listen()
    bench.until_equal()
    assert VTN_RED in bench.concerned
    bench.east.write(request_of("east", 1, name="blue"))
    bench.east.write(request_of("east", 2))
    bench.until_equal()
    bench.east.remove(name)
    bench.until_equal()


def test_it_goes_on_where_it_was_heard_last(bench: _Bench) -> None:
    """After a restart nothing is read anew."""
    bench.east.write(request_of("east", 1))
    bench.listen()
    bench.until_equal()
    bench.stop()
    bench.east.write(request_of("east", 2))
    bench.publisher.publish_due()
    bench.west.events.clear()
    bench.listen()
    bench.until_equal()
    assert not bench.west.events


def test_an_empty_etcd_deletes_nothing_until_its_site_lives_again(bench: _Bench) -> None:
    """A lost etcd says nothing of the documents; its site's next heartbeat does."""
    name = bench.east.write(request_of("east", 1))
    bench.east.write(request_of("east", 2))
    bench.listen()
    bench.until_equal()
    before = bench.said()
    bench.etcd.lose_everything()
    bench.until(lambda: "east" not in bench.west.positions, with_beats=False)
    time.sleep(1.0)
    assert bench.said() == before
    del bench.east.own[name]
    bench.publisher = bench.lead()
    bench.publisher.publish_all()
    bench.until_equal()


def test_after_compaction_everything_is_read_anew(bench: _Bench) -> None:
    """With what was deleted meanwhile."""
    name = bench.east.write(request_of("east", 1))
    bench.east.write(request_of("east", 2))
    bench.listen()
    bench.until_equal()
    bench.stop()
    bench.east.remove(name)
    bench.publisher.publish_due()
    bench.etcd.compact()
    bench.listen()
    bench.until_equal()
    assert "read anew" in bench.west.events[-1][1]


def test_a_cut_link_costs_nothing_but_time(bench: _Bench) -> None:
    """What was written meanwhile is heard once it is whole again."""
    bench.east.write(request_of("east", 1))
    hearing = bench.listen()
    bench.until_equal()
    bench.etcd.is_away = True
    bench.east.write(request_of("east", 2))
    heard_at = hearing.heard_at
    time.sleep(1.0)
    assert hearing.heard_at == heard_at
    bench.etcd.is_away = False
    bench.until_equal()


def test_an_absent_database_costs_nothing_but_time(bench: _Bench) -> None:
    """The position only moves with what was stored."""
    bench.east.write(request_of("east", 1))
    bench.listen()
    bench.until_equal()
    bench.west.is_away = True
    bench.east.write(request_of("east", 2))
    bench.publisher.publish_due()
    time.sleep(0.5)
    bench.west.is_away = False
    bench.until_equal()


@pytest.mark.parametrize(
    "garbage",
    [
        b"", b"\xff\xfe", b"{", b"[]", b"null", b"0", b'{"version": 2}', b'{"version": 1}',
        b"[" * 100_000, b'{"version": 1, "request_id": 7}',
    ],
)  # fmt: skip
def test_garbage_is_refused_and_what_was_known_stays(bench: _Bench, garbage: bytes) -> None:
    """One unreadable document keeps no other back, whether it comes alone or with all others."""
    name = bench.east.write(request_of("east", 1))
    bench.listen()
    bench.until_equal()
    before = bench.said()
    FakeStore(bench.etcd).write({name.key: garbage})
    bench.until(lambda: any("is refused" in text for _, text in bench.west.events))
    other = bench.east.write(request_of("east", 2))
    bench.until(lambda: other in bench.said())
    assert bench.said()[name] == before[name]
    bench.west.positions.clear()
    bench.stop()
    bench.listen()
    bench.until(lambda: "east" in bench.west.positions)
    assert bench.said()[name] == before[name]


def test_nobody_speaks_for_another(bench: _Bench) -> None:
    """A document of west's in east's etcd is refused, and so is one under another's name."""
    bench.east.write(request_of("east", 1))
    forged = bench.east.write(request_of("west", 5))
    misplaced = DocumentName("request", "00000000-0000-4000-8000-000000000099")
    bench.east.own[misplaced] = bench.east.own[forged]
    bench.publisher.publish_all()
    bench.listen()
    bench.until(lambda: len(bench.said()) == 1)
    texts = [text for _, text in bench.west.events]
    assert any(forged.key in text and "wrote it" in text for text in texts)
    assert any(misplaced.key in text for text in texts)


def test_keys_that_are_none_of_ours_are_passed_over(bench: _Bench) -> None:
    """A later release may put more under the same prefix."""
    FakeStore(bench.etcd).write({"/isthmus/v1/novelty/x": b"?", "/isthmus/v2/vtn/x": b"?"})
    bench.east.write(request_of("east", 1))
    bench.listen()
    bench.until_equal()


def test_one_heartbeat_heard_twice_is_one_sign_of_life(bench: _Bench) -> None:
    """A reconnection repeats what is old; only what is new tells that the peer lives."""
    bench.east.write(request_of("east", 1))
    hearing = bench.listen()
    bench.until_equal()
    beat = FakeStore(bench.etcd).read(heartbeat_of("east").key).entries
    time.sleep(0.3)
    heard_at = hearing.heard_at
    FakeStore(bench.etcd).write(beat)
    time.sleep(0.3)
    assert hearing.heard_at == heard_at


def test_two_that_hear_the_same_peer_do_not_put_old_over_new(bench: _Bench) -> None:
    """Who finds that another has gone on starts from where that is."""
    bench.east.write(request_of("east", 1))
    bench.listen()
    bench.until_equal()
    with bench.etcd.changed:
        second = bench.east.write(request_of("east", 2))
        bench.publisher.publish_due()
        bench.west.heard["east"][second] = Heard(second, "newer", None)
        bench.west.positions["east"] = Position(bench.etcd.cluster, bench.etcd.revision)
    last = bench.east.write(request_of("east", 3))
    bench.until(lambda: last in bench.said())
    assert bench.said()[second] == "newer"


def test_everything_is_read_anew_when_an_operator_asks(bench: _Bench) -> None:
    """While it is being heard."""
    bench.east.write(request_of("east", 1))
    hearing = bench.listen()
    bench.until_equal()
    bench.west.heard["east"].clear()
    # As often as one looks whether it was asked for; the peer's heartbeat may be slower.
    for _ in range(20):
        hearing.read_anew(1)
        time.sleep(0.02)
    bench.until_equal()
    assert hearing.heard_at is not None
    hearing.read_anew(2)
    bench.until(lambda: ("east", 2) in bench.west.granted)
    assert bench.west.granted == [("east", 1), ("east", 2)]


def test_who_is_let_in_no_more_hears_no_more(
    bench: _Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Though etcd would let a watch that is open go on."""
    monkeypatch.setattr(hearing, "_ASK_EVERY_S", 0.1)
    bench.east.write(request_of("east", 1))
    heard = bench.listen()
    bench.until_equal()
    bench.store.is_shut_out = True
    last = 0.0

    def is_deaf() -> bool:
        nonlocal last
        before, last = last, heard.heard_at or 0.0
        return before == last

    bench.until(is_deaf)
    bench.east.write(request_of("east", 2))
    for _ in range(10):
        bench.publisher.publish_due()
        bench.publisher.send_beat({})
        time.sleep(0.05)
    assert is_deaf()
    assert bench.said() != bench.east.own
    bench.store.is_shut_out = False
    bench.until_equal()
