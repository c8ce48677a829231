# SPDX-License-Identifier: Apache-2.0
"""What the daemon asks of the site's database, whoever answers.

Every call is a transaction of its own, and may raise DatabaseAway.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from isthmus.interconnect.keys import DocumentName
from isthmus.interconnect.liveness import State
from isthmus.interconnect.store.etcd_client import Credentials
from isthmus.interconnect.store.store import Position


class DatabaseAway(Exception):
    """The database does not answer, or would not now; try again."""


class Overtaken(Exception):
    """Another process has gone on from the position this one is at: start from where that is."""


@dataclass(frozen=True, slots=True)
class Posted:
    """An own document that was written or removed, and has not been published since.

    Attributes:
        number: of its row; these have no order that could be relied on.
        name: the document.
    """

    number: int
    name: DocumentName


@dataclass(frozen=True, slots=True)
class Heard:
    """A document of another site's, fit to be believed.

    Attributes:
        name: where it stood.
        body: its text.
        vtn_id: what it is about.
        revision: at which it was heard.
    """

    name: DocumentName
    body: str
    vtn_id: str | None
    revision: int = 0


@dataclass(frozen=True, slots=True)
class Peer:
    """A site that is to be heard.

    Attributes:
        name: of the site.
        endpoints: of its etcd.
        credentials: that it gave us; None where its etcd asks for none.
        wish: number of an operator's wish that it be read anew; None if there is none.
    """

    name: str
    endpoints: tuple[str, ...]
    credentials: Credentials | None
    wish: int | None = None


@dataclass(frozen=True, slots=True)
class Beat:
    """A heartbeat that was heard.

    Attributes:
        incarnation: of the site's etcd.
        number: counts up.
        as_number: the site's.
        at: when it was heard, UTC.
    """

    incarnation: str
    number: int
    as_number: int
    at: datetime


class OwnDocuments(Protocol):
    """This site's own documents, and which are to be published."""

    def read_outbox(self, limit: int) -> Sequence[Posted]:
        """Return the oldest rows of the outbox."""

    def read_own(self, names: Collection[DocumentName]) -> Mapping[DocumentName, str]:
        """Return those of this site's documents that there are."""

    def read_all_own(self) -> Mapping[DocumentName, str]:
        """Return all of this site's documents."""

    def delete_posted(self, numbers: Collection[int]) -> None:
        """Delete exactly these rows of the outbox."""

    def read_wish(self) -> int | None:
        """Return the number of an operator's wish that everything be published anew, if any."""

    def grant(self, site: str, wish: int) -> None:
        """Note that a wish about a site is done, unless there is another by now."""

    def record_event(self, site: str, text: str) -> None:
        """Keep a sentence for operators: what happened, by itself, to which site."""

    def tidy(self) -> None:
        """Forget the oldest of such sentences when there are very many."""


class HeardDocuments(Protocol):
    """What other sites have said, and how they are."""

    def read_position(self, site: str) -> Position | None:
        """Return up to where a site has been heard; None if all of it is to be read."""

    def hear(
        self, site: str, after: Position, changes: Sequence[Heard | DocumentName], to: Position
    ) -> frozenset[str]:
        """Store what a site changed; return the VTNs concerned.

        Args:
            site: that published.
            after: the position that ``changes`` follow.
            changes: what is there now, and the names of what is not there any more.
            to: the position after them.

        Raises:
            Overtaken: the site is not heard up to ``after`` but to somewhere else.
        """

    def hear_all(
        self, site: str, documents: Sequence[Heard], kept: Collection[DocumentName], to: Position
    ) -> frozenset[str]:
        """Make ``documents`` all that is known of a site's; return the VTNs concerned.

        Args:
            site: that published.
            documents: everything that could be read.
            kept: what is there and could not; what was known of it stays.
            to: the position of all this.
        """

    def note_beat(self, site: str, beat: Beat, after: Position, to: Position) -> None:
        """Note that a site was heard to be alive up to a position.

        Raises:
            Overtaken: the site is not heard up to ``after`` but to somewhere else.
        """

    def read_again_later(self, site: str) -> None:
        """Forget up to where a site has been heard."""

    def read_states(self) -> Mapping[str, State]:
        """Return how the peers were when somebody last looked."""

    def note_state(self, site: str, state: State, reason: str) -> None:
        """Note how a peer is."""

    def refresh(self, vtn_ids: Collection[str]) -> None:
        """Bring the merged views of VTNs up to date, and ask for what follows from them."""

    def read_vtn_ids(self) -> Collection[str]:
        """Return every VTN anybody speaks of."""

    def record_event(self, site: str, text: str) -> None:
        """Keep a sentence for operators."""

    def grant(self, site: str, wish: int) -> None:
        """Note that a wish about a site is done, unless there is another by now."""


class Peers(Protocol):
    """Which sites are to be heard."""

    def read_peers(self) -> Sequence[Peer]:
        """Return the peers that both sides have confirmed."""


class Database(OwnDocuments, HeardDocuments, Peers, Protocol):
    """All of it."""
