# SPDX-License-Identifier: Apache-2.0
"""What is asked of one site's store of documents, whoever answers."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from typing import Protocol

# etcd takes 128 operations in one transaction, and 1.5 MiB.
MOST_PER_WRITE = 100
MOST_OCTETS_PER_WRITE = 2**20
# Beside the puts and deletions, keys and framing have to fit.
MOST_OCTETS_PER_VALUE = MOST_OCTETS_PER_WRITE


@dataclass(frozen=True, slots=True)
class Position:
    """A place in the history of one store.

    Attributes:
        cluster: identifies the store; a store made anew has another.
        revision: counts its transactions; 0 before the first.
    """

    cluster: str
    revision: int


@dataclass(frozen=True, slots=True)
class Snapshot:
    """All entries under a prefix as they were at one position.

    Attributes:
        entries: values by key.
    """

    entries: Mapping[str, bytes]
    position: Position


@dataclass(frozen=True, slots=True)
class Change:
    """One key's new value; None once it was deleted."""

    key: str
    value: bytes | None


@dataclass(frozen=True, slots=True)
class Batch:
    """What changed, in order, with nothing left out up to a position.

    Attributes:
        changes: none if only the position moved on.
    """

    changes: tuple[Change, ...]
    position: Position


@dataclass(frozen=True, slots=True)
class Leadership:
    """Held by one of several processes for as long as its lease is kept.

    Attributes:
        key: what they compete for.
        holder: says who it is to whoever looks.
        lease: ends by itself when it is not kept.
        revision: at which ``key`` was made; whoever leads later has another.
    """

    key: str
    holder: str
    lease: int
    revision: int


class HistoryLost(Exception):
    """What followed a position is not there any more: read everything, go on from there."""


class LeadershipLost(Exception):
    """Somebody else leads, or nobody; nothing was written."""


class Watch(Protocol):
    """Follows one prefix."""

    def __iter__(self) -> Iterator[Batch]:
        """Yield what changes, as it changes; ends only once closed.

        Raises:
            HistoryLost: the store can't say what followed the position asked for.
            StoreRefused: no right to this prefix.
            StoreUnreachable: also when the store is silent for longer than its keep-alive allows.
        """

    def close(self) -> None:
        """End it, from any thread."""


class Store(Protocol):
    """One site's store of documents.

    Every call may raise StoreUnreachable (whether it was carried out is not known) or StoreRefused
    (it was not).
    """

    def read(self, prefix: str) -> Snapshot:
        """Return everything under a prefix, as it was at one position."""

    def write(
        self,
        puts: Mapping[str, bytes],
        deletions: Collection[str] = (),
        under: Leadership | None = None,
    ) -> Position:
        """Put and delete in one transaction of at most MOST_PER_WRITE keys. Idempotent.

        Args:
            puts: values by key.
            deletions: keys; none of ``puts``.
            under: do it only while this leadership is held.

        Raises:
            LeadershipLost: it is not held any more.
        """

    def watch(self, prefix: str, after: Position) -> Watch:
        """Follow a prefix from a position on; connects when it is iterated."""

    def campaign(self, key: str, holder: str, ttl_s: int) -> Leadership | None:
        """Try to lead; None while somebody else does.

        Args:
            key: what is competed for.
            holder: the caller's name.
            ttl_s: how long leadership outlives the last ``keep``.
        """

    def keep(self, leadership: Leadership) -> None:
        """Lead for another ``ttl_s``.

        Raises:
            LeadershipLost: it ended.
        """

    def resign(self, leadership: Leadership) -> None:
        """End leadership, so that another can lead at once."""

    def close(self) -> None:
        """End every call under way; the store can't be used any more."""
