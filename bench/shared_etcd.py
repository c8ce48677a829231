# SPDX-License-Identifier: Apache-2.0
"""One real etcd for one site that publishes, and as many as there are that hear it.

Peers of a site each have a watch of their own, as every peer has of a site's etcd; connections are
shared by some, since one process has only so many.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterable, Sequence

from bench.simulated_sites import Entry
from isthmus.interconnect.keys import DOCUMENTS_PREFIX, DocumentName, parse_key
from isthmus.interconnect.store.etcd import EtcdStore, EtcdWatch
from isthmus.interconnect.store.etcd_client import EtcdClient
from isthmus.interconnect.store.store import MOST_PER_WRITE, Batch
from isthmus.model.vtn.documents import Kind
from tests.fakes.etcd import Etcd

_WATCHES_PER_CONNECTION = 50
PATIENCE_S = 120.0


class TookTooLong(RuntimeError):
    """Not everybody heard in time."""


class SharedEtcd:
    """An etcd with its own data, gone when closed."""

    def __init__(self) -> None:
        self._etcd = Etcd()
        self._stores = [self._connect()]
        self._watches: list[EtcdWatch] = []
        self._threads: list[threading.Thread] = []

    def publish(self, entries: Iterable[Entry]) -> None:
        """Put what a site publishes, in as many transactions as it takes."""
        puts: dict[str, bytes] = {}
        for entry in entries:
            puts[DocumentName(entry.key[0].value, entry.key[1]).key] = (entry.text or "").encode()
            if len(puts) == MOST_PER_WRITE:
                self._stores[0].write(puts)
                puts = {}
        if puts:
            self._stores[0].write(puts)

    def read(self, writer: Callable[[str], str]) -> Sequence[Entry]:
        """Read everything, as a site does that begins to hear; ``writer`` tells whose a key is."""
        entries = self._stores[0].read(DOCUMENTS_PREFIX).entries
        return [_entry(writer(key), key, value) for key, value in entries.items()]

    def follow(self, writer: str, hears: Sequence[Callable[[Entry], None]]) -> None:
        """Let somebody hear every change, each by a watch and a thread of its own."""
        position = self._stores[0].read(DOCUMENTS_PREFIX).position
        for number, hear in enumerate(hears):
            if number // _WATCHES_PER_CONNECTION >= len(self._stores):
                self._stores.append(self._connect())
            watch = self._stores[-1].watch(DOCUMENTS_PREFIX, position)
            thread = threading.Thread(target=_listen, args=(watch, writer, hear), daemon=True)
            thread.start()
            self._watches.append(watch)
            self._threads.append(thread)

    def close(self) -> None:
        """End every watch, every connection and the etcd."""
        for watch in self._watches:
            watch.close()
        for thread in self._threads:
            thread.join(timeout=PATIENCE_S)
        for store in self._stores:
            store.close()
        self._etcd.remove()

    def _connect(self) -> EtcdStore:
        return EtcdStore(EtcdClient([self._etcd.endpoint]))


class Roll:
    """Who has heard what."""

    def __init__(self, everybody: int) -> None:
        self._everybody = everybody
        self._heard = 0
        self._changed = threading.Condition()

    def count(self) -> None:
        """One more has heard."""
        with self._changed:
            self._heard += 1
            self._changed.notify_all()

    def wait(self) -> None:
        """Wait until everybody has, and begin anew."""
        deadline = time.monotonic() + PATIENCE_S
        with self._changed:
            while self._heard < self._everybody:
                if not self._changed.wait(deadline - time.monotonic()):
                    raise TookTooLong(f"{self._heard} of {self._everybody} heard of it")
            self._heard = 0


def _listen(watch: EtcdWatch, writer: str, hear: Callable[[Entry], None]) -> None:
    batch: Batch
    for batch in watch:
        for change in batch.changes:
            hear(_entry(writer, change.key, change.value))


def _entry(writer: str, key: str, value: bytes | None) -> Entry:
    name = parse_key(key)
    assert name is not None
    text = None if value is None else value.decode()
    return Entry(writer, (Kind(name.kind), name.name), "", text)
