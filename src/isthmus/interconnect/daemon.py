# SPDX-License-Identifier: Apache-2.0
"""The wiring of one ``isthmus-interconnect``.

     this site's database                                            peers' etcds
   outbox │  ▲ documents, views, states                                   │
          ▼  │                                                            ▼
     Publisher ◀─ leads? ─ Leader                    Peers: a Hearing each, Liveness
          │                   │ lease                        │ VTNs concerned
          ▼                   ▼                              ▼
     this site's etcd ──▶ peers' daemons             Refresher ──▶ Neutron's worker

Threads: leader, publisher, peers, refresher, and one for each peer. Each outlives whatever goes
wrong in it: the database, the own etcd and the peers may each be away at any time and for long.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable
from dataclasses import dataclass

from isthmus.interconnect.database import Database, DatabaseAway
from isthmus.interconnect.hearing import Ears
from isthmus.interconnect.leader import Leader
from isthmus.interconnect.peers import MakeStore, Peers
from isthmus.interconnect.publisher import Publisher, SiteFacts
from isthmus.interconnect.store.store import Leadership, LeadershipLost, Store
from isthmus.model.errors import EdgeError

LOG = logging.getLogger(__name__)

_LONGEST_WAIT_S = 5.0
_TIDY_EVERY_S = 3600.0


@dataclass(frozen=True, slots=True)
class Pace:
    """How often things are done.

    Attributes:
        poll_s: the outbox is looked into.
        beat_s: this site says that it is alive.
        silent_after_s: how long a peer's heartbeat may fail to come.
        lease_s: how long leadership outlives its holder.
        peers_s: the list of peers is read, and each judged.
    """

    poll_s: float = 0.2
    beat_s: float = 2.0
    silent_after_s: float = 5.0
    lease_s: int = 5
    peers_s: float = 1.0


@dataclass(frozen=True, slots=True)
class Edges:
    """What the daemon is connected to.

    Attributes:
        database: this site's.
        own: this site's etcd.
        make_store: connects to a peer's.
        wake: wakes Neutron's worker.
    """

    database: Database
    own: Store
    make_store: MakeStore
    wake: Callable[[], None]


class Interconnect:
    """One daemon: everything wired, nothing started.

    Args:
        site: what peers are told of this site.
        holder: names this daemon among those of the site.
        edges: what it is connected to.
        pace: how often things are done.
    """

    def __init__(self, site: SiteFacts, holder: str, edges: Edges, pace: Pace) -> None:
        self._site = site
        self._edges = edges
        self._pace = pace
        self._is_stopping = threading.Event()
        self._turn_has_come = threading.Event()
        self._is_publishing_hindered = False
        self._refresher = Refresher(edges.database, edges.wake)
        ears = Ears(edges.database, self._refresher.concern)
        self.leader = Leader(edges.own, holder, pace.lease_s, self._turn_has_come.set)
        self.peers = Peers(edges.database, edges.make_store, ears, pace.silent_after_s)
        self._jobs: list[tuple[str, Callable[[], None]]] = [
            ("leader", lambda: self.leader.run(self._is_stopping)),
            ("publisher", self._publish_for_ever),
            ("peers", self._listen_for_ever),
            ("refresher", lambda: self._refresher.run(self._is_stopping)),
            ("tidier", self._tidy_for_ever),
        ]

    def also(self, name: str, run: Callable[[threading.Event], None]) -> None:
        """Have one more thing run in a thread of its own until the daemon stops."""
        self._jobs.append((name, lambda: run(self._is_stopping)))

    def run(self) -> None:
        """Run until ``stop``."""
        threads = [
            threading.Thread(target=self._insist, args=job, name=job[0], daemon=True)
            for job in self._jobs
        ]
        for thread in threads:
            thread.start()
        self._is_stopping.wait()
        self._refresher.wake()
        self._turn_has_come.set()
        for thread in threads:
            thread.join(_LONGEST_WAIT_S)
        self.peers.close()
        self._edges.own.close()

    def stop(self) -> None:
        """Have ``run`` return; may be called from a signal handler."""
        self._is_stopping.set()

    def _insist(self, name: str, job: Callable[[], None]) -> None:
        while not self._is_stopping.is_set():
            try:
                job()
            except DatabaseAway as error:
                LOG.info("job.put_off name=%s error=%s", name, error)
            except Exception:
                LOG.exception("job.failed name=%s", name)
            self._is_stopping.wait(1.0)

    def _publish_for_ever(self) -> None:
        while not self._is_stopping.is_set():
            leadership = self.leader.leadership
            if leadership is None:
                self._turn_has_come.wait(1.0)
                self._turn_has_come.clear()
                continue
            try:
                self._publish(leadership)
            except LeadershipLost:
                LOG.warning("publisher.not_leading")
                self.leader.give_up(leadership)
            except (EdgeError, DatabaseAway) as error:
                # Once for each time that it is away, not every second.
                if not self._is_publishing_hindered:
                    LOG.warning("publisher.failed error=%s", error)
                self._is_publishing_hindered = True
                self._is_stopping.wait(self._pace.peers_s)

    def _publish(self, leadership: Leadership) -> None:
        """Publish until the leadership ends or etcd fails."""
        publisher = Publisher(self._edges.own, self._edges.database, self._site, leadership)
        publisher.publish_all()
        self._is_publishing_hindered = False
        is_over = threading.Event()
        beating = threading.Thread(
            target=self._beat, args=(publisher, leadership, is_over), name="beat", daemon=True
        )
        beating.start()
        try:
            while self.leader.leadership == leadership and not self._is_stopping.is_set():
                self._publish_once(publisher)
        finally:
            is_over.set()
            beating.join(_LONGEST_WAIT_S)

    def _publish_once(self, publisher: Publisher) -> None:
        """Publish what waits, or wait; without the database what is published stays good."""
        try:
            wish = self._edges.database.read_wish()
            if wish is not None:
                publisher.publish_all()
                self._edges.database.record_event(self._site.name, "All was published anew.")
                self._edges.database.grant(self._site.name, wish)
            number = publisher.publish_due()
        except DatabaseAway as error:
            if not self._is_publishing_hindered:
                LOG.warning("publisher.failed error=%s", error)
            self._is_publishing_hindered = True
            self._is_stopping.wait(self._pace.peers_s)
            return
        self._is_publishing_hindered = False
        if not number:
            self._is_stopping.wait(self._pace.poll_s)

    def _beat(self, publisher: Publisher, leadership: Leadership, is_over: threading.Event) -> None:
        """Say again and again that this site is alive, however long its database takes."""
        while not is_over.is_set() and not self._is_stopping.is_set():
            try:
                publisher.send_beat(self.peers.revisions())
            except LeadershipLost:
                self.leader.give_up(leadership)
                return
            except EdgeError as error:
                LOG.info("beat.not_sent error=%s", error.for_operator)
            except Exception:
                LOG.exception("beat.not_sent")
            is_over.wait(self._pace.beat_s)

    def _tidy_for_ever(self) -> None:
        while not self._is_stopping.is_set():
            if self.leader.leadership is not None:
                self._edges.database.tidy()
            self._is_stopping.wait(_TIDY_EVERY_S)

    def _listen_for_ever(self) -> None:
        while not self._is_stopping.is_set():
            try:
                if self.leader.may_listen:
                    self.peers.listen()
                    self.peers.judge()
                else:
                    self.peers.hush()
            except DatabaseAway as error:
                LOG.warning("peers.failed error=%s", error)
            self._is_stopping.wait(self._pace.peers_s)


class Refresher:
    """Brings merged views of VTNs up to date after something was heard; keeps at what failed."""

    def __init__(self, database: Database, wake: Callable[[], None]) -> None:
        self._database = database
        self._wake = wake
        self._lock = threading.Lock()
        self._wanted: set[str] = set()
        self._afterwards: list[Callable[[], None]] = []
        self._news = threading.Event()

    def concern(
        self, vtn_ids: frozenset[str], afterwards: Callable[[], None] | None = None
    ) -> None:
        """Have VTNs brought up to date soon, and something done then, from any thread."""
        with self._lock:
            self._wanted |= vtn_ids
            self._afterwards += [] if afterwards is None else [afterwards]
        if vtn_ids or afterwards is not None:
            self._news.set()

    def wake(self) -> None:
        """Have ``run`` look whether it is to end."""
        self._news.set()

    def run(self, is_stopping: threading.Event) -> None:
        """Refresh what is concerned; everything once, for what a predecessor left undone."""
        wait_s = 0.5
        is_first = True
        while not is_stopping.is_set():
            try:
                if is_first:
                    self.concern(frozenset(self._database.read_vtn_ids()))
                    is_first = False
                self._refresh()
                wait_s = 0.5
            except Exception as error:
                LOG.warning("views.not_refreshed error=%r", error)
                is_stopping.wait(wait_s)
                wait_s = min(wait_s * 2, _LONGEST_WAIT_S)
                continue
            self._news.wait()
            self._news.clear()

    def _refresh(self) -> None:
        with self._lock:
            wanted, self._wanted = self._wanted, set()
            afterwards, self._afterwards = self._afterwards, []
        try:
            failure = self._refresh_some(wanted) if wanted else None
            if failure is not None:
                raise failure
            while afterwards:
                afterwards[0]()
                afterwards.pop(0)
        finally:
            with self._lock:
                self._afterwards = [*afterwards, *self._afterwards]

    def _refresh_some(self, wanted: set[str]) -> Exception | None:
        """Refresh all at once, else one by one, so that one that can't be keeps no other back."""
        failure: Exception | None = None
        try:
            self._database.refresh(wanted)
        except DatabaseAway as error:
            with self._lock:
                self._wanted |= wanted
            return error
        except Exception:
            for vtn_id in sorted(wanted):
                try:
                    self._database.refresh({vtn_id})
                except Exception as error:
                    LOG.exception("view.not_refreshed vtn=%s", vtn_id)
                    failure = error
                    with self._lock:
                        self._wanted.add(vtn_id)
        self._wake()
        LOG.info("views.refreshed vtns=%s", len(wanted))
        return failure
