# SPDX-License-Identifier: Apache-2.0
"""Many sites in one process, on the real rules, each with what it has in memory.

Every site hears every document of every other one, as text, and reads, merges and answers it as a
site does; what it has to realise it says to have realised at once.
"""

from __future__ import annotations

from collections import defaultdict, deque
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from isthmus.model.report import Status
from isthmus.model.vtn import membership
from isthmus.model.vtn.documents import Document, Kind, Published, key_of, vtn_of
from isthmus.model.vtn.encoding import decode, encode
from isthmus.model.vtn.merge import VtnView, merge
from isthmus.model.vtn.upkeep import keep_up

Key = tuple[Kind, str]


@dataclass(frozen=True, slots=True)
class Entry:
    """What a site put into its store; without a text it was withdrawn.

    Attributes:
        vtn_id: what it is about; empty where only its text says so.
    """

    site: str
    key: Key
    vtn_id: str
    text: str | None


class SimulatedSite:
    """One site.

    Attributes:
        refreshed: how many VTNs it has merged so far.
    """

    def __init__(self, name: str) -> None:
        self.name = name
        self.refreshed = 0
        self._by_vtn: dict[str, dict[tuple[str, Key], Document]] = defaultdict(dict)

    def view(self, vtn_id: str) -> VtnView:
        """A VTN as this site sees it."""
        self.refreshed += 1
        found = self._by_vtn[vtn_id].items()
        published = (Published(site, document) for (site, _), document in found)
        return merge(self.name, vtn_id, published)

    def hear(self, entries: Iterable[Entry]) -> list[Entry]:
        """Read what others published; return what this site publishes because of it."""
        concerned = {}
        for entry in entries:
            if entry.text is None:
                self._by_vtn[entry.vtn_id].pop((entry.site, entry.key), None)
                concerned[entry.vtn_id] = True
                continue
            document = decode(entry.key[0], entry.key[1], entry.text)
            self.hold(Published(entry.site, document))
            concerned[vtn_of(document) or ""] = True
        return [made for vtn_id in concerned for made in self._refresh(vtn_id)]

    def hold(self, published: Published) -> None:
        """Have a document without anything following from it."""
        vtn_id = vtn_of(published.document)
        if vtn_id is not None:
            held = self._by_vtn[vtn_id]
            held[published.site, key_of(published.document)] = published.document

    def write(self, document: Document) -> list[Entry]:
        """Write an own document; return what is published because of it."""
        entry = self._put(document)
        return [entry, *self._refresh(entry.vtn_id)]

    def entries(self) -> Iterable[Entry]:
        """What this site publishes."""
        for vtn_id, held in self._by_vtn.items():
            for (site, key), document in held.items():
                if site == self.name:
                    yield Entry(site, key, vtn_id, encode(document))

    def _refresh(self, vtn_id: str) -> list[Entry]:
        made: dict[Key, Entry] = {}
        while True:
            view = self.view(vtn_id)
            due = keep_up(view, accepts=True)
            put = due.put if not due.is_empty else self._work(view)
            if not put and not due.withdraw:
                return list(made.values())
            for key in due.withdraw:
                del self._by_vtn[vtn_id][self.name, key]
                made[key] = Entry(self.name, key, vtn_id, None)
            for document in put:
                made[key_of(document)] = self._put(document)

    def _work(self, view: VtnView) -> tuple[Document, ...]:
        if view.is_to_be_removed:
            return (membership.speak(view, is_removed=True),)
        wanted, own = view.wanted, view.own_member
        if wanted is None or own is None or own.carried_out == wanted.version:
            return ()
        return (membership.speak(view, carried_out=wanted.version, status=Status.ACTIVE),)

    def _put(self, document: Document) -> Entry:
        vtn_id = vtn_of(document) or ""
        self._by_vtn[vtn_id][self.name, key_of(document)] = document
        return Entry(self.name, key_of(document), vtn_id, encode(document))


def let_hear(
    sites: Mapping[str, SimulatedSite], entries: Iterable[Entry]
) -> tuple[int, list[Entry]]:
    """Let all sites hear what is published, until nobody publishes anything more.

    Returns:
        How often a site heard a document, and all that was published.
    """
    waiting, heard, published = deque(entries), 0, list[Entry]()
    while waiting:
        entry = waiting.popleft()
        published.append(entry)
        for name, site in sites.items():
            if name != entry.site:
                heard += 1
                waiting.extend(site.hear([entry]))
    return heard, published
