# SPDX-License-Identifier: Apache-2.0
"""Publishes this site's documents to its own etcd, under a leadership.

The database is what counts. What is written since goes out by the outbox; whoever begins to lead
first makes etcd hold all documents and nothing else, whatever became of it meanwhile. Only then
does it let a heartbeat be heard, by which peers know that they may believe what they find.
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass

from isthmus.interconnect.database import OwnDocuments
from isthmus.interconnect.keys import DOCUMENTS_PREFIX, DocumentName, heartbeat_of
from isthmus.interconnect.reading import beat_of, write_heartbeat
from isthmus.interconnect.store.store import (
    MOST_OCTETS_PER_VALUE,
    MOST_OCTETS_PER_WRITE,
    MOST_PER_WRITE,
    Leadership,
    LeadershipLost,
    Position,
    Store,
)
from isthmus.model.vtn.documents import HeardOf

LOG = logging.getLogger(__name__)

_ROWS_PER_PASS = 500


@dataclass(frozen=True, slots=True)
class SiteFacts:
    """What a heartbeat says of this site.

    Attributes:
        name: the site's.
        as_number: the site's.
    """

    name: str
    as_number: int


class Publisher:
    """One leadership's publisher: make another for the next."""

    def __init__(
        self,
        store: Store,
        database: OwnDocuments,
        site: SiteFacts,
        leadership: Leadership,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._store = store
        self._database = database
        self._site = site
        self._leadership = leadership
        self._clock = clock
        self._lock = threading.Lock()
        self._beat = 0
        self._position: Position | None = None

    def publish_all(self) -> int:
        """Make etcd hold exactly this site's documents; return how many keys were not as they were.

        Raises:
            LeadershipLost: somebody else's turn.
        """
        heartbeat = heartbeat_of(self._site.name).key
        there = self._store.read(DOCUMENTS_PREFIX)
        self._position = there.position
        self._beat = max(self._beat, beat_of(self._site.name, there.entries.get(heartbeat)))
        own = self._database.read_all_own()
        wanted = {name.key: body.encode() for name, body in self._sendable(own.items())}
        changed = {key: body for key, body in wanted.items() if there.entries.get(key) != body}
        excess = set(there.entries) - {name.key for name in own} - {heartbeat}
        self._write({**changed, **dict.fromkeys(sorted(excess))})
        number = len(changed) + len(excess)
        LOG.info("documents.compared all=%s mended=%s", len(wanted), number)
        if number:
            self._database.record_event(
                self._site.name,
                f"{number} of {len(wanted)} own documents were not in the own etcd as they should "
                f"be, and have been published again.",
            )
        return number

    def publish_due(self) -> int:
        """Publish what was written since; return how many rows of the outbox that was.

        Raises:
            LeadershipLost: somebody else's turn, or the etcd is not the one it was.
        """
        posted = self._database.read_outbox(_ROWS_PER_PASS)
        if not posted:
            return 0
        names = {row.name for row in posted}
        own = self._database.read_own(names)
        gone = names - own.keys()
        self._write(
            {
                **dict.fromkeys(name.key for name in sorted(gone)),
                **{name.key: body.encode() for name, body in self._sendable(own.items())},
            }
        )
        # Only now, and exactly those that were read: one written meanwhile has a row of its own.
        self._database.delete_posted([row.number for row in posted])
        LOG.info("documents.published number=%s rows=%s", len(names), len(posted))
        return len(posted)

    def send_beat(self, heard: Mapping[str, int]) -> None:
        """Say that this site is alive, and how far it has heard the others; from any thread.

        Raises:
            LeadershipLost: somebody else's turn, or the etcd is not the one it was.
        """
        # By the clock, so that it goes up also when everything was lost.
        self._beat = max(self._beat + 1, int(self._clock()))
        position = self._position
        body = write_heartbeat(
            self._site.name,
            incarnation="" if position is None else position.cluster,
            beat=self._beat,
            as_number=self._site.as_number,
            heard=[HeardOf(site, revision) for site, revision in sorted(heard.items())],
        )
        self._write({heartbeat_of(self._site.name).key: body.encode()})

    def _sendable(
        self, documents: Iterable[tuple[DocumentName, str]]
    ) -> Iterator[tuple[DocumentName, str]]:
        """Leave out what no etcd takes, so that it keeps nothing else back."""
        for name, body in documents:
            if len(body.encode()) <= MOST_OCTETS_PER_VALUE:
                yield name, body
            else:
                LOG.error("document.too_large key=%s octets=%s", name.key, len(body.encode()))

    def _write(self, changes: Mapping[str, bytes | None]) -> None:
        for batch in _batches(changes):
            puts = {key: body for key, body in batch.items() if body is not None}
            deletions = [key for key, body in batch.items() if body is None]
            with self._lock:
                self._check(self._store.write(puts, deletions, under=self._leadership))

    def _check(self, position: Position) -> None:
        """See an etcd that went back in time, leadership and all, as one restored from a backup."""
        before = self._position
        self._position = position
        if before is not None and (
            before.cluster != position.cluster or before.revision > position.revision
        ):
            LOG.error("etcd.went_back before=%s now=%s", before, position)
            raise LeadershipLost


def _batches(changes: Mapping[str, bytes | None]) -> Iterator[dict[str, bytes | None]]:
    batch: dict[str, bytes | None] = {}
    octets = 0
    for key, body in changes.items():
        size = len(key) + len(body or b"")
        if batch and (len(batch) == MOST_PER_WRITE or octets + size > MOST_OCTETS_PER_WRITE):
            yield batch
            batch, octets = {}, 0
        batch[key] = body
        octets += size
    if batch:
        yield batch
