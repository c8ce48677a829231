# SPDX-License-Identifier: Apache-2.0
"""What every ``Store`` promises; the fake and etcd are held to it alike."""

from __future__ import annotations

import contextlib
import queue
import threading
import time
from collections.abc import Callable, Iterator
from typing import Protocol

import pytest

from isthmus.interconnect.store.store import (
    MOST_PER_WRITE,
    Batch,
    Change,
    HistoryLost,
    LeadershipLost,
    Position,
    Store,
    Watch,
)
from isthmus.model.errors import StoreUnreachable

PATIENCE_S = 45.0
LEADER = "/isthmus-local/leader"


class StoreBench(Protocol):
    """One store with its server's switches."""

    def store(self) -> Store:
        """Return a client of its own."""

    def compact(self) -> None:
        """Have the server forget its history."""

    def silence(self) -> None:
        """Have the server answer nothing, connections as they are."""

    def speak(self) -> None:
        """Have it go on."""

    def lose_everything(self) -> None:
        """Have it come back empty."""


def eventually(is_true: Callable[[], bool]) -> None:
    """Wait until it is."""
    deadline = time.monotonic() + PATIENCE_S
    while not is_true():
        assert time.monotonic() < deadline, "It did not come true."
        time.sleep(0.02)


class Listener:
    """Iterates a watch in a thread of its own."""

    def __init__(self, watch: Watch) -> None:
        self.watch = watch
        self.heard: queue.Queue[Batch | Exception | None] = queue.Queue()
        self.thread = threading.Thread(target=self._listen, daemon=True)
        self.thread.start()

    def _listen(self) -> None:
        try:
            for batch in self.watch:
                self.heard.put(batch)
        except Exception as error:
            self.heard.put(error)
        self.heard.put(None)

    def changes(self, number: int) -> list[Change]:
        """Return the next changes, at least so many."""
        found: list[Change] = []
        while len(found) < number:
            batch = self.heard.get(timeout=PATIENCE_S)
            assert isinstance(batch, Batch), batch
            found += batch.changes
        return found

    def end(self) -> Exception | None:
        """Return what ended the watch."""
        while True:
            one = self.heard.get(timeout=PATIENCE_S)
            if not isinstance(one, Batch):
                return one


@contextlib.contextmanager
def listening(watch: Watch) -> Iterator[Listener]:
    """Iterate a watch until the end of the block."""
    listener = Listener(watch)
    try:
        yield listener
    finally:
        watch.close()
        listener.thread.join(PATIENCE_S)


class StoreContract:
    """The tests; ``bench`` is given by the class that inherits them."""

    def test_what_is_written_is_read_under_its_prefix_alone(self, bench: StoreBench) -> None:
        """Keys that merely look alike are none of it."""
        store = bench.store()
        store.write({"/isthmus/v1/vtn/a": b"1", "/isthmus0": b"2", "/isthmu": b"3"})
        assert store.read("/isthmus/").entries == {"/isthmus/v1/vtn/a": b"1"}

    def test_a_write_is_one_transaction(self, bench: StoreBench) -> None:
        """Puts and deletions of one call have one revision."""
        store = bench.store()
        before = store.write({"/isthmus/a": b"1"})
        after = store.write({"/isthmus/b": b"2"}, ["/isthmus/a"])
        assert after.revision == before.revision + 1
        assert store.read("/isthmus/").entries == {"/isthmus/b": b"2"}

    def test_as_many_keys_as_promised_go_into_one_write(self, bench: StoreBench) -> None:
        """And are all there."""
        store = bench.store()
        store.write({f"/isthmus/{n}": b"x" for n in range(MOST_PER_WRITE)})
        assert len(store.read("/isthmus/").entries) == MOST_PER_WRITE

    def test_everything_is_read_however_much_there_is(self, bench: StoreBench) -> None:
        """A snapshot of more than one page is of one position."""
        store = bench.store()
        for start in range(0, 2300, MOST_PER_WRITE):
            last = store.write({f"/isthmus/{start + n:05}": b"x" for n in range(MOST_PER_WRITE)})
        found = store.read("/isthmus/")
        assert (len(found.entries), found.position) == (2300, last)

    def test_deleting_what_is_not_there_is_no_failure(self, bench: StoreBench) -> None:
        """Repeating a write changes nothing."""
        bench.store().write({}, ["/isthmus/never"])

    def test_octets_that_are_no_text_come_back_as_they_are(self, bench: StoreBench) -> None:
        """The store does not judge."""
        store = bench.store()
        store.write({"/isthmus/x": b"\xff\x00{"})
        assert store.read("/isthmus/").entries == {"/isthmus/x": b"\xff\x00{"}

    def test_a_watch_hears_what_followed_a_position(self, bench: StoreBench) -> None:
        """What came before it started, and what comes after, in order and once."""
        store = bench.store()
        position = store.write({"/isthmus/a": b"1"})
        store.write({"/isthmus/a": b"2", "/elsewhere": b"0"})
        with listening(bench.store().watch("/isthmus/", position)) as listener:
            heard = listener.changes(1)
            store.write({"/isthmus/b": b"3"}, ["/isthmus/a"])
            heard += listener.changes(2)
        assert heard[0] == Change("/isthmus/a", b"2")
        assert set(heard[1:]) == {Change("/isthmus/b", b"3"), Change("/isthmus/a", None)}

    def test_a_batch_s_position_is_where_to_go_on(self, bench: StoreBench) -> None:
        """A watch from there hears nothing of it again."""
        store = bench.store()
        position = store.write({"/isthmus/a": b"1"})
        with listening(store.watch("/isthmus/", position)) as listener:
            store.write({"/isthmus/a": b"2"})
            batch = listener.heard.get(timeout=PATIENCE_S)
        assert isinstance(batch, Batch)
        with listening(store.watch("/isthmus/", batch.position)) as listener:
            store.write({"/isthmus/a": b"3"})
            assert listener.changes(1) == [Change("/isthmus/a", b"3")]

    def test_a_closed_watch_ends_without_complaint(self, bench: StoreBench) -> None:
        """Also when nothing was ever heard."""
        store = bench.store()
        with listening(store.watch("/isthmus/", store.read("/").position)) as listener:
            listener.watch.close()
            assert listener.end() is None

    def test_history_that_was_compacted_is_said_to_be_lost(self, bench: StoreBench) -> None:
        """Never skipped over."""
        store = bench.store()
        position = store.write({"/isthmus/a": b"1"})
        store.write({"/isthmus/a": b"2"})
        store.write({"/isthmus/a": b"3"})
        bench.compact()
        with listening(store.watch("/isthmus/", position)) as listener:
            assert isinstance(listener.end(), HistoryLost)

    def test_another_store_under_the_same_name_has_no_history(self, bench: StoreBench) -> None:
        """A watch from a revision that is yet to come there would be silent for ever."""
        store = bench.store()
        position = store.write({"/isthmus/a": b"1"})
        bench.lose_everything()
        with listening(bench.store().watch("/isthmus/", position)) as listener:
            assert isinstance(listener.end(), HistoryLost)
        there = bench.store().read("/isthmus/")
        assert not there.entries
        assert there.position.cluster != position.cluster

    def test_a_store_that_went_back_has_no_history(self, bench: StoreBench) -> None:
        """As after a restore of a backup."""
        store = bench.store()
        position = store.write({"/isthmus/a": b"1"})
        later = Position(position.cluster, position.revision + 1000)
        with listening(store.watch("/isthmus/", later)) as listener:
            assert isinstance(listener.end(), HistoryLost)

    def test_silence_is_seen_by_calls_and_by_watches(self, bench: StoreBench) -> None:
        """No connection ended, and still both say that it is unreachable; then it is back."""
        store = bench.store()
        position = store.write({"/isthmus/a": b"1"})
        with listening(store.watch("/isthmus/", position)) as listener:
            store.write({"/isthmus/a": b"2"})
            listener.changes(1)
            bench.silence()
            try:
                with pytest.raises(StoreUnreachable):
                    store.read("/isthmus/")
                assert isinstance(listener.end(), StoreUnreachable)
            finally:
                bench.speak()
        eventually(lambda: self._answers(store))
        assert store.read("/isthmus/").entries == {"/isthmus/a": b"2"}

    def test_one_leads_at_a_time(self, bench: StoreBench) -> None:
        """The next one does once the first has resigned."""
        one, other = bench.store(), bench.store()
        led = one.campaign(LEADER, "one", 30)
        assert led is not None
        assert other.campaign(LEADER, "other", 30) is None
        one.keep(led)
        one.resign(led)
        assert other.campaign(LEADER, "other", 30) is not None

    def test_a_leader_that_vanishes_is_followed(self, bench: StoreBench) -> None:
        """Within its time to live and a little."""
        assert bench.store().campaign(LEADER, "one", 1) is not None
        other = bench.store()
        eventually(lambda: other.campaign(LEADER, "other", 30) is not None)

    def test_who_does_not_lead_any_more_writes_nothing(self, bench: StoreBench) -> None:
        """However late it notices."""
        store = bench.store()
        led = store.campaign(LEADER, "one", 30)
        assert led is not None
        store.write({"/isthmus/a": b"1"}, under=led)
        store.resign(led)
        assert bench.store().campaign(LEADER, "other", 30) is not None
        with pytest.raises(LeadershipLost):
            store.write({"/isthmus/a": b"2"}, under=led)
        with pytest.raises(LeadershipLost):
            store.keep(led)
        store.resign(led)
        assert store.read("/isthmus/").entries == {"/isthmus/a": b"1"}

    def test_leadership_is_lost_with_everything_else(self, bench: StoreBench) -> None:
        """An emptied store knows no leader."""
        led = bench.store().campaign(LEADER, "one", 30)
        assert led is not None
        bench.lose_everything()
        store = bench.store()
        with pytest.raises(LeadershipLost):
            store.write({"/isthmus/a": b"1"}, under=led)

    def test_a_closed_store_answers_nothing(self, bench: StoreBench) -> None:
        """It says so as if it could not be reached."""
        store = bench.store()
        store.close()
        with pytest.raises(StoreUnreachable):
            store.read("/isthmus/")

    @staticmethod
    def _answers(store: Store) -> bool:
        try:
            store.read("/isthmus/")
        except StoreUnreachable:
            return False
        return True
