# SPDX-License-Identifier: Apache-2.0
"""One site's database in memory, as the interconnect daemon uses it; it may be away."""

from __future__ import annotations

import itertools
import threading
from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace

from isthmus.interconnect.database import Beat, DatabaseAway, Heard, Overtaken, Peer, Posted
from isthmus.interconnect.keys import DocumentName
from isthmus.interconnect.liveness import State
from isthmus.interconnect.store.store import Position
from isthmus.model.vtn.documents import Document, kind_of, name_of
from isthmus.model.vtn.encoding import encode


class FakeSiteDatabase:
    """Tables as dictionaries.

    Attributes:
        is_away: every call raises DatabaseAway.
        unrefreshable: VTNs whose view can't be made.
    """

    def __init__(self) -> None:
        self.is_away = False
        self.wish: int | None = None
        self.granted: list[tuple[str, int]] = []
        self.unrefreshable: set[str] = set()
        self.own: dict[DocumentName, str] = {}
        self.outbox: list[Posted] = []
        self.heard: dict[str, dict[DocumentName, Heard]] = {}
        self.positions: dict[str, Position] = {}
        self.states: dict[str, State] = {}
        self.beats: dict[str, Beat] = {}
        self.events: list[tuple[str, str]] = []
        self.refreshed: list[str] = []
        self.peers: dict[str, Peer] = {}
        self._numbers = itertools.count(1)
        self._lock = threading.RLock()

    # What the API does

    def write(self, document: Document) -> DocumentName:
        """Write an own document, with its row in the outbox."""
        name = DocumentName(kind_of(document).value, name_of(document))
        with self._lock:
            self.own[name] = encode(document)
            self.outbox.append(Posted(next(self._numbers), name))
        return name

    def remove(self, name: DocumentName) -> None:
        """Remove an own document, with its row in the outbox."""
        with self._lock:
            del self.own[name]
            self.outbox.append(Posted(next(self._numbers), name))

    # What the daemon does

    def read_outbox(self, limit: int) -> Sequence[Posted]:
        """Return the oldest rows."""
        self._answer()
        with self._lock:
            return self.outbox[:limit]

    def read_own(self, names: Collection[DocumentName]) -> Mapping[DocumentName, str]:
        """Return what there is of these."""
        self._answer()
        with self._lock:
            return {name: self.own[name] for name in names if name in self.own}

    def read_all_own(self) -> Mapping[DocumentName, str]:
        """Return all."""
        self._answer()
        with self._lock:
            return dict(self.own)

    def delete_posted(self, numbers: Collection[int]) -> None:
        """Delete exactly these."""
        self._answer()
        with self._lock:
            self.outbox = [row for row in self.outbox if row.number not in set(numbers)]

    def read_wish(self) -> int | None:
        """Return whether everything is to be published anew."""
        self._answer()
        return self.wish

    def grant(self, site: str, wish: int) -> None:
        """Note that a wish is done."""
        self._answer()
        with self._lock:
            self.granted.append((site, wish))
            if site in self.peers:
                peer = self.peers[site]
                self.peers[site] = replace(peer, wish=None if peer.wish == wish else peer.wish)
            elif self.wish == wish:
                self.wish = None

    def read_position(self, site: str) -> Position | None:
        """Return up to where a site has been heard."""
        self._answer()
        return self.positions.get(site)

    def hear(
        self, site: str, after: Position, changes: Sequence[Heard | DocumentName], to: Position
    ) -> frozenset[str]:
        """Store what a site changed."""
        self._answer()
        with self._lock:
            self._go_on(site, after, to)
            there = self.heard.setdefault(site, {})
            concerned = set()
            for change in changes:
                if isinstance(change, DocumentName):
                    gone = there.pop(change, None)
                    concerned.add(gone.vtn_id if gone else None)
                elif there.get(change.name) is None or there[change.name].body != change.body:
                    there[change.name] = change
                    concerned.add(change.vtn_id)
            return frozenset(vtn_id for vtn_id in concerned if vtn_id is not None)

    def hear_all(
        self, site: str, documents: Sequence[Heard], kept: Collection[DocumentName], to: Position
    ) -> frozenset[str]:
        """Replace all that is known of a site's."""
        self._answer()
        with self._lock:
            before = self.heard.get(site, {})
            after = {name: one for name, one in before.items() if name in kept}
            after |= {one.name: one for one in documents}
            self.heard[site] = after
            self.positions[site] = to
            bodies = {name: one.body for name, one in before.items()}
            changed = [one for name, one in after.items() if bodies.get(name) != one.body]
            changed += [one for name, one in before.items() if name not in after]
            return frozenset(one.vtn_id for one in changed if one.vtn_id is not None)

    def note_beat(self, site: str, beat: Beat, after: Position, to: Position) -> None:
        """Note a heartbeat."""
        self._answer()
        with self._lock:
            self._go_on(site, after, to)
            self.beats[site] = beat

    def read_again_later(self, site: str) -> None:
        """Forget up to where a site has been heard."""
        self._answer()
        self.positions.pop(site, None)

    def read_states(self) -> Mapping[str, State]:
        """Return how the peers were."""
        self._answer()
        return dict(self.states)

    def note_state(self, site: str, state: State, reason: str) -> None:
        """Note how a peer is."""
        self._answer()
        self.states[site] = state
        self.events.append((site, reason))

    def refresh(self, vtn_ids: Collection[str]) -> None:
        """Make views."""
        self._answer()
        if self.unrefreshable & set(vtn_ids):
            raise RuntimeError("This view can't be made.")
        self.refreshed += sorted(vtn_ids)

    def read_vtn_ids(self) -> Collection[str]:
        """Return every VTN anybody speaks of."""
        self._answer()
        all_heard = (one for there in self.heard.values() for one in there.values())
        return {one.vtn_id for one in all_heard if one.vtn_id is not None}

    def record_event(self, site: str, text: str) -> None:
        """Keep a sentence."""
        self._answer()
        self.events.append((site, text))

    def tidy(self) -> None:
        """Keep a few events."""
        self._answer()
        del self.events[:-1000]

    def read_peers(self) -> Sequence[Peer]:
        """Return the peers."""
        self._answer()
        return list(self.peers.values())

    def _answer(self) -> None:
        if self.is_away:
            raise DatabaseAway("Neutron's database could not be used: it is away.")

    def _go_on(self, site: str, after: Position, to: Position) -> None:
        if self.positions.get(site) != after:
            raise Overtaken
        self.positions[site] = to
