# SPDX-License-Identifier: Apache-2.0
"""An etcd in memory that can be cut off, compacted, emptied and slow."""

from __future__ import annotations

import threading
import time
import uuid
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, field

from isthmus.interconnect.store.store import (
    Batch,
    Change,
    HistoryLost,
    Leadership,
    LeadershipLost,
    Position,
    Snapshot,
)
from isthmus.model.errors import StoreRefused, StoreUnreachable


@dataclass
class _Lease:
    ttl_s: int
    ends_at: float


@dataclass
class FakeEtcd:
    """The server. Its switches may be thrown at any time.

    Attributes:
        is_away: it does not answer, and nothing of it is heard.
        delay_s: it answers that much later.
        refuses: keys it would not write.
        silence_s: after how long a watch sees that it is away.
    """

    is_away: bool = False
    delay_s: float = 0.0
    refuses: set[str] = field(default_factory=set)
    silence_s: float = 0.2
    cluster: str = field(default_factory=lambda: uuid.uuid4().hex)
    revision: int = 1
    compacted: int = 0
    granted: int = 0

    def __post_init__(self) -> None:
        self.changed = threading.Condition(threading.RLock())
        self.entries: dict[str, bytes] = {}
        self.made_at: dict[str, int] = {}
        self.history: list[tuple[int, Change]] = []
        self.leases: dict[int, _Lease] = {}
        self.leased: dict[str, int] = {}

    def lose_everything(self) -> None:
        """Come back empty, as another cluster."""
        with self.changed:
            for name, value in FakeEtcd(silence_s=self.silence_s).__dict__.items():
                if name not in ("changed", "delay_s", "refuses"):
                    setattr(self, name, value)
            self.changed.notify_all()

    def compact(self) -> None:
        """Forget what led to the present."""
        with self.changed:
            self.compacted = self.revision
            self.history.clear()

    def answer(self) -> None:
        """Answer late or not at all; called at the start of each request."""
        time.sleep(self.delay_s)
        if self.is_away:
            raise StoreUnreachable("etcd at 192.0.2.1:2379 does not answer: silence.")
        self.expire()

    def expire(self) -> None:
        """End the leases that nobody kept."""
        now = time.monotonic()
        for number, lease in list(self.leases.items()):
            if lease.ends_at <= now:
                self.revoke(number)

    def revoke(self, number: int) -> None:
        """End a lease and delete what hangs on it."""
        with self.changed:
            self.leases.pop(number, None)
            keys = [key for key, lease in self.leased.items() if lease == number]
            if keys:
                self.apply({}, keys)

    def apply(self, puts: Mapping[str, bytes], deletions: Collection[str]) -> None:
        """Carry out one transaction."""
        with self.changed:
            deletions = [key for key in deletions if key in self.entries]
            if not puts and not deletions:
                return
            self.revision += 1
            for key, value in puts.items():
                self.made_at.setdefault(key, self.revision)
                self.entries[key] = value
                self.history.append((self.revision, Change(key, value)))
            for key in deletions:
                del self.entries[key], self.made_at[key]
                self.leased.pop(key, None)
                self.history.append((self.revision, Change(key, None)))
            self.changed.notify_all()


class FakeStore:
    """One client of it.

    Attributes:
        is_shut_out: its user was deleted: every request is refused, an open watch goes on.
    """

    def __init__(self, etcd: FakeEtcd) -> None:
        self.is_shut_out = False
        self._etcd = etcd
        self._is_closed = False

    def read(self, prefix: str) -> Snapshot:
        """Return everything under a prefix."""
        with self._asking() as etcd:
            found = {key: one for key, one in etcd.entries.items() if key.startswith(prefix)}
            return Snapshot(found, Position(etcd.cluster, etcd.revision))

    def write(
        self,
        puts: Mapping[str, bytes],
        deletions: Collection[str] = (),
        under: Leadership | None = None,
    ) -> Position:
        """Put and delete in one transaction."""
        with self._asking() as etcd:
            if etcd.refuses & {*puts, *deletions}:
                raise StoreRefused("etcd at 192.0.2.1:2379 refused: request is too large.")
            if under is not None and etcd.made_at.get(under.key) != under.revision:
                raise LeadershipLost
            etcd.apply(puts, deletions)
            return Position(etcd.cluster, etcd.revision)

    def watch(self, prefix: str, after: Position) -> FakeWatch:
        """Follow a prefix."""
        if self.is_shut_out:
            raise StoreRefused("etcd at 192.0.2.1:2379 refused: permission denied.")
        return FakeWatch(self._etcd, prefix, after)

    def campaign(self, key: str, holder: str, ttl_s: int) -> Leadership | None:
        """Try to lead."""
        with self._asking() as etcd:
            if key in etcd.entries:
                return None
            etcd.granted += 1
            number = etcd.granted
            etcd.leases[number] = _Lease(ttl_s, time.monotonic() + ttl_s)
            etcd.leased[key] = number
            etcd.apply({key: holder.encode()}, ())
            return Leadership(key, holder, number, etcd.revision)

    def keep(self, leadership: Leadership) -> None:
        """Lead on."""
        with self._asking() as etcd:
            lease = etcd.leases.get(leadership.lease)
            if lease is None:
                raise LeadershipLost
            lease.ends_at = time.monotonic() + lease.ttl_s

    def resign(self, leadership: Leadership) -> None:
        """Let another lead."""
        with self._asking() as etcd:
            etcd.revoke(leadership.lease)

    def close(self) -> None:
        """Take no more calls."""
        self._is_closed = True

    def _asking(self) -> _Asking:
        if self._is_closed:
            raise StoreUnreachable("The connection is closed.")
        if self.is_shut_out:
            raise StoreRefused("etcd at 192.0.2.1:2379 refused: permission denied.")
        return _Asking(self._etcd)


class _Asking:
    """One request at a time."""

    def __init__(self, etcd: FakeEtcd) -> None:
        self._etcd = etcd

    def __enter__(self) -> FakeEtcd:
        self._etcd.answer()
        self._etcd.changed.acquire()
        return self._etcd

    def __exit__(self, *_: object) -> None:
        self._etcd.changed.release()


class FakeWatch:
    """One client's watch."""

    def __init__(self, etcd: FakeEtcd, prefix: str, after: Position) -> None:
        self._etcd = etcd
        self._prefix = prefix
        self._after = after
        self._is_closed = False

    def __iter__(self) -> Iterator[Batch]:
        """Yield what changes."""
        self._etcd.answer()
        after = self._after
        while not self._is_closed:
            with self._etcd.changed:
                batch = self._next(after)
                if batch is None:
                    self._etcd.changed.wait(0.05)
            if batch is not None:
                yield batch
                after = batch.position
            if self._etcd.is_away:
                time.sleep(self._etcd.silence_s)
                raise StoreUnreachable("etcd at 192.0.2.1:2379 does not answer: silence.")
            self._etcd.expire()

    def close(self) -> None:
        """End it."""
        self._is_closed = True

    def _next(self, after: Position) -> Batch | None:
        etcd = self._etcd
        if etcd.is_away:
            return None
        if after.cluster != etcd.cluster or after.revision > etcd.revision:
            raise HistoryLost("It is another etcd than it was.")
        if after.revision < etcd.compacted:
            raise HistoryLost(f"Compacted up to revision {etcd.compacted}.")
        if after.revision == etcd.revision:
            return None
        changes = tuple(
            change
            for revision, change in etcd.history
            if revision > after.revision and change.key.startswith(self._prefix)
        )
        return Batch(changes, Position(etcd.cluster, etcd.revision))
