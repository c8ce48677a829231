# SPDX-License-Identifier: Apache-2.0
"""From the database to the own etcd: nothing lost, nothing older put over something newer."""

from __future__ import annotations

import json
from collections.abc import Collection, Mapping

import pytest

from isthmus.interconnect.keys import LEADER_KEY, DocumentName
from isthmus.interconnect.publisher import Publisher, SiteFacts
from isthmus.interconnect.store.store import MOST_OCTETS_PER_VALUE, Leadership, LeadershipLost
from isthmus.model.errors import StoreUnreachable
from tests.fakes.site_database import FakeSiteDatabase
from tests.fakes.store import FakeEtcd, FakeStore
from tests.fakes.vtn_documents import request_of

WEST = SiteFacts("west", 64500)
BEAT = "/isthmus/v1/site/west"


class _Bench:
    def __init__(self) -> None:
        self.etcd = FakeEtcd()
        self.store = FakeStore(self.etcd)
        self.database = FakeSiteDatabase()
        self.now = 1000.0
        self.publisher = self.lead()

    def lead(self) -> Publisher:
        leadership = self.store.campaign(LEADER_KEY, "one", 60)
        assert leadership is not None
        self.leadership: Leadership = leadership
        return Publisher(self.store, self.database, WEST, leadership, lambda: self.now)

    def resign(self) -> None:
        self.store.resign(self.leadership)

    def there(self) -> dict[str, bytes]:
        return {k: v for k, v in self.store.read("/isthmus/").entries.items() if k != BEAT}

    def wanted(self) -> dict[str, bytes]:
        return {name.key: body.encode() for name, body in self.database.own.items()}


@pytest.fixture
def bench() -> _Bench:
    """A site with an empty etcd and a publisher that leads."""
    return _Bench()


def test_what_is_written_is_published_and_its_row_deleted(bench: _Bench) -> None:
    """Several rows of one document cost one put."""
    for text in ("a", "b"):
        bench.database.write(request_of("west", 1, name=text))
    assert bench.publisher.publish_due() == 2
    assert bench.there() == bench.wanted()
    assert bench.database.outbox == []
    assert bench.publisher.publish_due() == 0


def test_a_removed_document_is_removed(bench: _Bench) -> None:
    """Its row names it; the document is not there any more."""
    name = bench.database.write(request_of("west", 1))
    bench.publisher.publish_due()
    bench.database.remove(name)
    bench.publisher.publish_due()
    assert bench.there() == {}


def test_a_row_committed_late_with_a_lower_number_is_not_lost(bench: _Bench) -> None:
    """Exactly the rows that were read are deleted."""
    bench.database.write(request_of("west", 1))
    bench.database.write(request_of("west", 2))
    late = bench.database.outbox.pop(0)
    write = bench.store.write

    def commit_meanwhile(
        puts: Mapping[str, bytes],
        deletions: Collection[str] = (),
        under: Leadership | None = None,
    ) -> object:
        bench.database.outbox.insert(0, late)
        return write(puts, deletions, under)

    bench.store.write = commit_meanwhile  # type: ignore[assignment,method-assign]  # a race, staged
    bench.publisher.publish_due()
    bench.store.write = write  # type: ignore[method-assign]
    assert bench.database.outbox == [late]
    bench.publisher.publish_due()
    assert bench.there() == bench.wanted()


def test_rows_stay_until_etcd_has_answered(bench: _Bench) -> None:
    """What was sent into silence is sent again."""
    bench.database.write(request_of("west", 1))
    bench.etcd.is_away = True
    with pytest.raises(StoreUnreachable):
        bench.publisher.publish_due()
    assert len(bench.database.outbox) == 1
    bench.etcd.is_away = False
    bench.publisher.publish_due()
    assert bench.there() == bench.wanted()


def test_more_than_one_transaction_takes_is_published_in_several(bench: _Bench) -> None:
    """All of it."""
    for number in range(1, 451):
        bench.database.write(request_of("west", number))
    bench.publisher.publish_due()
    assert bench.there() == bench.wanted()


def test_who_does_not_lead_any_more_publishes_nothing(bench: _Bench) -> None:
    """A daemon that was asleep has an old document in its hands."""
    bench.database.write(request_of("west", 1))
    bench.resign()
    bench.lead()
    with pytest.raises(LeadershipLost):
        bench.publisher.publish_due()
    assert bench.there() == {}
    assert len(bench.database.outbox) == 1


def test_an_etcd_that_was_lost_is_filled_again(bench: _Bench) -> None:
    """From the database, whoever leads then; and operators are told."""
    for number in (1, 2, 3):
        bench.database.write(request_of("west", number))
    bench.publisher.publish_due()
    bench.etcd.lose_everything()
    assert bench.lead().publish_all() == 3
    assert bench.there() == bench.wanted()
    assert "3 of 3 own documents" in bench.database.events[-1][1]


def test_what_the_database_does_not_have_goes(bench: _Bench) -> None:
    """As after a restore of an old backup of etcd."""
    bench.database.write(request_of("west", 1))
    bench.store.write({"/isthmus/v1/vtn/old": b"{}", "/isthmus/v1/request/x": b"{}"})
    bench.publisher.publish_all()
    assert bench.there() == bench.wanted()


def test_an_etcd_as_it_should_be_is_left_alone(bench: _Bench) -> None:
    """A new leader writes nothing."""
    bench.database.write(request_of("west", 1))
    bench.publisher.publish_all()
    before = bench.etcd.revision
    assert bench.publisher.publish_all() == 0
    assert bench.etcd.revision == before


def test_an_etcd_that_goes_back_under_a_leader_is_seen(bench: _Bench) -> None:
    """A backup that was restored with the leader's own lease in it."""
    bench.publisher.publish_all()
    bench.publisher.send_beat({})
    bench.etcd.revision -= 1
    bench.etcd.history.clear()
    bench.etcd.apply = lambda puts, deletions: None  # type: ignore[method-assign]  # stands still
    with pytest.raises(LeadershipLost):
        bench.publisher.send_beat({})


def test_heartbeats_go_up_across_leaders_and_losses(bench: _Bench) -> None:
    """By the last one that stands there, else by the clock."""
    beats = []

    def beat(publisher: Publisher) -> None:
        publisher.publish_all()
        publisher.send_beat({"east": 7})
        beats.append(json.loads(bench.store.read(BEAT).entries[BEAT]))

    beat(bench.publisher)
    beat(bench.publisher)
    bench.resign()
    beat(bench.lead())
    bench.etcd.lose_everything()
    bench.now += 60
    beat(bench.lead())
    numbers = [one["beat"] for one in beats]
    assert numbers == sorted(set(numbers))
    assert beats[-1]["heard"] == [{"site": "east", "revision": 7}]
    assert beats[0]["incarnation"] != beats[-1]["incarnation"]


def test_a_document_no_etcd_takes_keeps_nothing_back(bench: _Bench) -> None:
    """It is said in the log; what stood there stays."""
    large = DocumentName("vtn", "large")
    bench.store.write({large.key: b"as it was"})
    bench.database.own[large] = "x" * (MOST_OCTETS_PER_VALUE + 1)
    bench.database.write(request_of("west", 1))
    bench.publisher.publish_all()
    bench.publisher.publish_due()
    assert bench.database.outbox == []
    assert bench.there().keys() == bench.wanted().keys()
    assert bench.there()[large.key] == b"as it was"
