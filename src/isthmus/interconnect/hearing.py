# SPDX-License-Identifier: Apache-2.0
"""Hears one peer: follows its etcd from where it was heard last, and stores what it says.

An etcd that was lost, restored or compacted is read anew, but only once its heartbeat moves: the
peer's daemon lets that happen when all its documents are there again. Until then what was known of
the peer stays, so that an empty etcd deletes nothing.
"""

from __future__ import annotations

import contextlib
import logging
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime

from isthmus.interconnect.database import Beat, Heard, HeardDocuments, Overtaken
from isthmus.interconnect.keys import DOCUMENTS_PREFIX, DocumentName, heartbeat_of, parse_key
from isthmus.interconnect.reading import read_heard, read_heartbeat
from isthmus.interconnect.store.store import Batch, HistoryLost, Position, Store, Watch
from isthmus.model.errors import EdgeError, InvalidValue, StoreUnreachable

LOG = logging.getLogger(__name__)

# How often the database is told that a peer that changes nothing is alive.
_NOTE_EVERY_S = 5.0
# How often the peer is asked whether this site may still hear it: etcd looks at a watch's right
# when it begins, and a revoked site would hear on until its connection ends.
_ASK_EVERY_S = 5.0
_FIRST_WAIT_S, _LONGEST_WAIT_S = 0.5, 5.0


@dataclass(frozen=True, slots=True)
class Ears:
    """What hearing a peer leads to.

    Attributes:
        database: keeps what is heard.
        concern: takes the VTNs that something new was said about, and what is to be done once the
            views of all that it took say so; None for nothing.
    """

    database: HeardDocuments
    concern: Callable[[frozenset[str], Callable[[], None] | None], None]


class Hearing:
    """One peer, heard in the thread that calls ``run``.

    Args:
        site: the peer.
        store: its etcd, for this object alone.
        ears: where what is heard goes.

    Attributes:
        since: when this was made, by ``time.monotonic``.
        heard_at: when its heartbeat moved last; None before it did.
        revision: up to where it was heard.
    """

    def __init__(self, site: str, store: Store, ears: Ears) -> None:
        self.site = site
        self.since = time.monotonic()
        self.heard_at: float | None = None
        self.revision = 0
        self._store = store
        self._ears = ears
        self._heartbeat = heartbeat_of(site)
        self._is_stopping = threading.Event()
        self._watch: Watch | None = None
        self._lock = threading.Lock()
        self._is_read_anew = False
        self._wish: int | None = None
        self._is_away = False
        self._noted_at = 0.0
        self._asked_at = 0.0
        self._last = "", 0

    @property
    def beat(self) -> int:
        """Number of the last heartbeat that was heard; 0 before the first."""
        return self._last[1]

    def run(self) -> None:
        """Hear it until ``stop``, whatever happens meanwhile."""
        wait_s = _FIRST_WAIT_S
        while not self._is_stopping.is_set():
            started_at = time.monotonic()
            try:
                self._follow()
            except HistoryLost as error:
                LOG.warning("peer.history_lost site=%s reason=%s", self.site, error)
                self._forget_position()
            except Overtaken:
                LOG.info("peer.overtaken site=%s", self.site)
            except EdgeError as error:
                # Once for each time that it is away, not every few seconds.
                level = logging.INFO if self._is_away else logging.WARNING
                LOG.log(level, "peer.not_heard site=%s error=%s", self.site, error.for_operator)
                self._is_away = True
            except Exception as error:
                LOG.warning("peer.failed site=%s error=%r", self.site, error)
            has_lasted = time.monotonic() - started_at > _LONGEST_WAIT_S
            wait_s = _FIRST_WAIT_S if has_lasted else min(wait_s * 2, _LONGEST_WAIT_S)
            self._is_stopping.wait(wait_s)

    def stop(self) -> None:
        """Have ``run`` return soon, from any thread."""
        self._is_stopping.set()
        with self._lock:
            if self._watch is not None:
                self._watch.close()
        self._store.close()

    def read_anew(self, wish: int) -> None:
        """Have everything read again, from any thread; once for each wish."""
        if self._wish == wish:
            return
        self._wish = wish
        self._is_read_anew = True
        with self._lock:
            if self._watch is not None:
                self._watch.close()

    def _forget_position(self) -> None:
        try:
            self._ears.database.read_again_later(self.site)
        except Exception as error:
            # The etcd will say again that it can't go on from there.
            LOG.warning("peer.failed site=%s error=%r", self.site, error)

    def _follow(self) -> None:
        position = None if self._is_read_anew else self._ears.database.read_position(self.site)
        if position is None:
            position = self._read_all()
            if position is None:
                return
        LOG.info("peer.followed site=%s revision=%s", self.site, position.revision)
        known = position
        with self._watching(DOCUMENTS_PREFIX, position) as watch:
            for batch in watch:
                self._is_away = False
                self._ask_for_right()
                self.revision = batch.position.revision
                known = self._hear(batch, known)

    def _ask_for_right(self) -> None:
        """Ask now and then whether this site is still let in.

        Raises:
            StoreRefused: it is not; what the open watch says is not meant for it.
        """
        if time.monotonic() - self._asked_at < _ASK_EVERY_S:
            return
        self._asked_at = time.monotonic()
        # One that does not answer says nothing about rights; its heartbeats tell how it is.
        with contextlib.suppress(StoreUnreachable):
            self._store.read(self._heartbeat.key)

    def _read_all(self) -> Position | None:
        """Wait until the peer is alive, then read all it says; None if this ends before."""
        wish = self._wish
        before = self._store.read(self._heartbeat.key).position
        with self._watching(self._heartbeat.key, before) as watch:
            for batch in watch:
                if self._take_beat(batch) is not None:
                    break
            else:
                return None
        there = self._store.read(DOCUMENTS_PREFIX)
        documents, refused = self._read_documents(there.entries, there.position)
        concerned = self._ears.database.hear_all(self.site, documents, refused, there.position)
        # Another wish may have come meanwhile.
        self._is_read_anew = self._wish != wish
        self.revision = there.position.revision
        text = (
            f"All {len(documents)} documents of site '{self.site}' have been read anew; what they "
            f"say of {len(concerned)} virtual tenant networks was new."
        )
        LOG.info("peer.read_anew site=%s all=%s vtns=%s", self.site, len(documents), len(concerned))
        self._ears.database.record_event(self.site, text)
        self._ears.concern(concerned, None if wish is None else lambda: self._grant(wish))
        return there.position

    def _grant(self, wish: int) -> None:
        self._ears.database.grant(self.site, wish)

    def _hear(self, batch: Batch, known: Position) -> Position:
        """Store a batch; return the position the database has then."""
        beat = self._take_beat(batch)
        changes: list[Heard | DocumentName] = []
        for change in batch.changes:
            name = parse_key(change.key)
            if name is None or name == self._heartbeat:
                continue
            if change.value is None:
                changes.append(name)
                continue
            document = self._read_document(name, change.value, batch.position.revision)
            changes += [document] if document is not None else []
        if changes:
            database = self._ears.database
            concerned = database.hear(self.site, known, changes, batch.position)
            LOG.info("peer.heard site=%s changes=%s", self.site, len(changes))
            self._ears.concern(concerned, None)
            return batch.position
        if beat is not None and time.monotonic() - self._noted_at > _NOTE_EVERY_S:
            self._ears.database.note_beat(self.site, beat, known, batch.position)
            self._noted_at = time.monotonic()
            return batch.position
        return known

    def _take_beat(self, batch: Batch) -> Beat | None:
        for change in reversed(batch.changes):
            if change.key != self._heartbeat.key or change.value is None:
                continue
            try:
                said = read_heartbeat(self.site, change.value)
            except InvalidValue as error:
                self._refuse(self._heartbeat, error)
                return None
            # One that is heard again after a reconnection is no sign of life.
            if said.incarnation == self._last[0] and said.beat <= self._last[1]:
                return None
            self._last = said.incarnation, said.beat
            self.heard_at = time.monotonic()
            return Beat(said.incarnation, said.beat, said.as_number, datetime.now(UTC))
        return None

    def _read_documents(
        self, entries: Mapping[str, bytes], position: Position
    ) -> tuple[list[Heard], list[DocumentName]]:
        documents: list[Heard] = []
        refused: list[DocumentName] = []
        for key, value in entries.items():
            name = parse_key(key)
            if name is None or name == self._heartbeat:
                continue
            document = self._read_document(name, value, position.revision)
            if document is None:
                refused.append(name)
            else:
                documents.append(document)
        return documents, refused

    def _read_document(self, name: DocumentName, value: bytes, revision: int) -> Heard | None:
        try:
            return read_heard(self.site, name, value, revision)
        except InvalidValue as error:
            self._refuse(name, error)
            return None

    def _refuse(self, name: DocumentName, error: InvalidValue) -> None:
        """Say that a document is worth nothing; what was known before stays."""
        LOG.error("document.refused site=%s key=%s reason=%s", self.site, name.key, error)
        text = f"What site '{self.site}' says under {name.key} is refused: {error.for_operator}"
        self._ears.database.record_event(self.site, text)

    @contextlib.contextmanager
    def _watching(self, prefix: str, after: Position) -> Iterator[Watch]:
        watch = self._store.watch(prefix, after)
        with self._lock:
            self._watch = watch
            if self._is_stopping.is_set():
                watch.close()
        try:
            yield watch
        finally:
            watch.close()
            with self._lock:
                self._watch = None
