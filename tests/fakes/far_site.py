# SPDX-License-Identifier: Apache-2.0
"""Another site, in memory: hears our documents, answers as a site does, and we hear it."""

from __future__ import annotations

import warnings
from typing import Any

from isthmus.model.vtn import encoding
from isthmus.model.vtn.documents import (
    Document,
    Kind,
    Published,
    VtnDocument,
    kind_of,
    name_of,
    vtn_of,
)
from isthmus.model.vtn.membership import Said, speak
from isthmus.model.vtn.merge import VtnView, merge
from isthmus.model.vtn.upkeep import keep_up

with warnings.catch_warnings():
    # Eventlet, which Neutron's dependencies still import, warns that it is deprecated.
    warnings.simplefilter("ignore")
    from oslo_utils import uuidutils

    from isthmus.db.vtn import documents, journal, sites, views
    from isthmus.plugin import transactions

OURS = "west"
Key = tuple[Kind, str]


def know_site(name: str, state: sites.State = sites.State.CONFIRMED, **columns: Any) -> str:
    """Have a site among those we know; return its id."""
    record = sites.SiteRecord(name, uuidutils.generate_uuid(), state, **columns)
    transactions.write(sites.create, record)
    return record.id


def own_documents() -> list[Document]:
    """Return what our site has to publish."""
    found = transactions.read(documents.read_of_site, OURS)
    return [encoding.decode(each.kind, each.name, each.body) for each in found]


def our_view(vtn_id: str) -> VtnView:
    """Return a VTN as our site sees it."""
    return transactions.read(views.load, OURS, [vtn_id])[vtn_id].view


def speak_ours(vtn_id: str, **said: Any) -> None:
    """Have our worker say what it made of a VTN."""
    transactions.write(views.write, OURS, speak(our_view(vtn_id), **said))


def to_be_done() -> set[str]:
    """Return the VTNs our worker has to look at, and have it forget them."""

    def take(context: Any) -> set[str]:
        found = journal.read_changed(context)
        for vtn_id in found:
            journal.delete(context, journal.read_numbers(context, vtn_id))
        return set(found)

    return transactions.write(take)


class FarSite:
    """A site that is a peer of ours.

    Args:
        name: its name.
        columns: of its row in our table of sites.
    """

    def __init__(self, name: str, **columns: Any) -> None:
        self.name = name
        self.accepts = True
        self.id = know_site(name, **columns)
        self._own: dict[Key, Document] = {}

    def view(self, vtn_id: str) -> VtnView:
        """Return a VTN as this site sees it."""
        heard = [Published(OURS, document) for document in own_documents()]
        own = [Published(self.name, document) for document in self._own.values()]
        return merge(self.name, vtn_id, [*heard, *own])

    def write(self, *written: Document) -> None:
        """Publish documents."""
        for document in written:
            self._own[kind_of(document), name_of(document)] = document

    def say(self, vtn_id: str, **said: Said) -> None:
        """Say something as a member, and have us hear it."""
        self.write(speak(self.view(vtn_id), **said))  # type: ignore[arg-type]  # by name
        self.sync(vtn_id)

    def owned(self, vtn_id: str) -> VtnDocument:
        """Return the VTN's document as this site wrote it."""
        document = self._own[Kind.VTN, vtn_id]
        assert isinstance(document, VtnDocument)
        return document

    def sync(self, vtn_id: str) -> None:
        """Hear us, answer, and have us hear that; until nobody has anything to say."""
        for _ in range(20):
            before = (dict(self._own), own_documents())
            while not (upkeep := keep_up(self.view(vtn_id), accepts=self.accepts)).is_empty:
                self.write(*upkeep.put)
                for key in upkeep.withdraw:
                    self._own.pop(key, None)
            self._be_heard(vtn_id)
            if before == (self._own, own_documents()):
                return
        raise AssertionError("they never end")

    def _be_heard(self, vtn_id: str) -> None:
        published = [
            documents.Document(
                self.name, str(kind_of(each)), name_of(each), encoding.encode(each), vtn_id
            )
            for each in self._own.values()
            if vtn_of(each) == vtn_id
        ]

        def hear(context: Any) -> None:
            if documents.replace_heard(context, self.name, published):
                views.refresh(context, OURS, [vtn_id])

        transactions.write(hear)
