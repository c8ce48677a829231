# SPDX-License-Identifier: Apache-2.0
"""A site with virtual tenant networks: a cloud's Neutron and tables, and peers that are all logic.

    Region  ─ own documents in the cloud's tables, realised by the cloud's Neutron
    Peer    ─ documents in a dict; says that it realises everything at once

A test carries documents between them, when it likes.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from ipaddress import ip_network
from itertools import count
from typing import Any
from uuid import NAMESPACE_URL, uuid4, uuid5

from neutron_lib import context as neutron_context
from neutron_lib.db import api as db_api

from isthmus.db.vtn import documents, journal, realisations, sites, views
from isthmus.db.vtn.realisations import RealisationRecord
from isthmus.model.errors import IsthmusError
from isthmus.model.ids import RouteTarget
from isthmus.model.report import Status
from isthmus.model.vtn import documents as model
from isthmus.model.vtn import encoding, membership, ownership, upkeep
from isthmus.model.vtn.documents import (
    Change,
    Document,
    Kind,
    MemberDocument,
    Operation,
    Published,
    VtnDocument,
)
from isthmus.model.vtn.merge import VtnView, merge
from isthmus.plugin import conditions, transactions
from isthmus.plugin.vtn.realise.realiser import Realiser, RealiserOptions
from isthmus.plugin.vtn.realise.watch import Watch
from tests.cloud import RED, Cloud

WEST, EAST = "west", "east"
TARGET = "64500:100000"
PREFIXES = ("10.0.0.0/16", "2001:db8::/48")


def new_vtn(
    owner: str, members: Iterable[str], prefixes: Iterable[str], name: str = "red", **more: Any
) -> VtnDocument:
    """Return a new VTN's document."""
    return ownership.create(
        str(uuid4()),
        owner,
        RED,
        name=name,
        prefixes=[ip_network(prefix) for prefix in prefixes],
        members=dict.fromkeys(members, RED),
        route_targets=[RouteTarget.parse(TARGET)],
        **more,
    )


@dataclass
class Peer:
    """Another site: it hears, keeps up, and says at once that it did what is wanted of it."""

    name: str
    store: dict[tuple[Kind, str], Document] = field(default_factory=dict)
    heard: dict[tuple[str, Kind, str], Document] = field(default_factory=dict)

    def put(self, *written: Document) -> None:
        """Write documents of its own, and what follows of them."""
        for document in written:
            self.store[model.kind_of(document), model.name_of(document)] = document
        for vtn_id in {model.vtn_of(document) for document in written}:
            self._keep_up(vtn_id or "")

    def hear(self, published: Iterable[Published]) -> None:
        """Hear what others published, all they have."""
        self.heard = {
            (each.site, model.kind_of(each.document), model.name_of(each.document)): each.document
            for each in published
        }
        about = (*self.heard.values(), *self.store.values())
        for vtn_id in {model.vtn_of(document) for document in about}:
            self._keep_up(vtn_id or "")

    def view(self, vtn_id: str) -> VtnView:
        """Return a VTN as it sees it."""
        mine = [Published(self.name, document) for document in self.store.values()]
        theirs = [Published(key[0], document) for key, document in self.heard.items()]
        return merge(self.name, vtn_id, [*mine, *theirs])

    def _keep_up(self, vtn_id: str) -> None:
        while True:
            view = self.view(vtn_id)
            work = upkeep.keep_up(view, accepts=True)
            for document in work.put:
                self.store[model.kind_of(document), model.name_of(document)] = document
            for key in work.withdraw:
                self.store.pop(key, None)
            if work.is_empty and not self._say(view):
                return

    def _say(self, view: VtnView) -> bool:
        if view.wanted is not None:
            said = membership.speak(
                view,
                carried_out=view.wanted.version,
                status=Status.ACTIVE,
                network_id=str(uuid5(NAMESPACE_URL, f"{self.name}/{view.vtn_id}")),
            )
        elif view.is_to_be_removed:
            said = membership.speak(view, is_removed=True)
        else:
            return False
        if said == view.own_member:
            return False
        self.store[Kind.MEMBER, model.name_of(said)] = said
        return True


class Region:
    """The cloud as a site."""

    def __init__(self, cloud: Cloud, name: str = WEST, drift: str = "repair") -> None:
        self.cloud = cloud
        self.name = name
        patience = conditions.patience_of(cloud.plugin._options)
        self._options = RealiserOptions(name, patience, drift)
        self._patience = patience
        self.start()

    def start(self, drift: str | None = None) -> None:
        """Start the worker anew, as after a restart."""
        if drift is not None:
            self._options = replace(self._options, drift=drift)
        self._realiser = Realiser(self._options, lambda: None)
        # Each look is long after the one before.
        clock = count(step=100.0).__next__
        self._watch = Watch(self.name, self._patience, clock)

    def trust(self, *names: str) -> None:
        """Confirm peers that share this site's identities."""
        context = neutron_context.get_admin_context()
        with db_api.CONTEXT_WRITER.using(context):
            for name in names:
                record = sites.SiteRecord(name, str(uuid4()), sites.State.CONFIRMED)
                sites.create(context, record)

    def create(self, *members: str, prefixes: Iterable[str] = PREFIXES) -> str:
        """Make a VTN owned by this site, its only member unless told otherwise; return its id."""
        document = new_vtn(self.name, members or (self.name,), prefixes)
        self.put(document)
        return document.vtn_id

    def networks(self, project: str | None = None) -> list[dict[str, Any]]:
        """Return the networks a caller sees, an operator if not said."""
        answer = self.cloud.request("GET", "/networks", project=project)
        found: list[dict[str, Any]] = answer["networks"]
        return found

    def put(self, *written: Document) -> None:
        """Write documents, as the API does."""
        transactions.write(views.write, self.name, *written)

    def change(self, vtn_id: str, operation: Operation, **values: Any) -> None:
        """Change a VTN of this site's."""
        self.put(ownership.change(self.view(vtn_id), operation, Change(**values)))

    def hear(self, peer: Peer) -> None:
        """Store what a peer publishes, and refresh."""
        self.refresh(self.overhear(peer))

    def overhear(self, peer: Peer) -> frozenset[str]:
        """Store what a peer publishes; return the VTNs whose views do not say so yet."""
        bodies = [
            documents.Document(
                peer.name, str(kind), name, encoding.encode(each), model.vtn_of(each)
            )
            for (kind, name), each in peer.store.items()
        ]
        changed: frozenset[str] = transactions.write(documents.replace_heard, peer.name, bodies)
        return changed

    def refresh(self, vtn_ids: Iterable[str]) -> None:
        """Have views say what documents do."""
        transactions.write(views.refresh, self.name, vtn_ids)

    def published(self) -> list[Published]:
        """Return what this site publishes."""
        found = transactions.read(documents.read_of_site, self.name)
        return [
            Published(self.name, encoding.decode(each.kind, each.name, each.body)) for each in found
        ]

    def view(self, vtn_id: str) -> VtnView:
        """Return a VTN as this site sees it."""
        return transactions.read(views.load, self.name, [vtn_id])[vtn_id].view

    def said(self, vtn_id: str) -> MemberDocument:
        """Return what this site says as a member."""
        document = self.view(vtn_id).own_member
        assert document is not None
        return document

    def record(self, vtn_id: str) -> RealisationRecord | None:
        """Return what is remembered of what was made."""
        return transactions.read(realisations.read, [vtn_id]).get(vtn_id)

    def realise(self, vtn_id: str) -> None:
        """Have the worker look at one VTN."""
        self._realiser.dispatch(vtn_id)

    def work(self) -> None:
        """Do what the workers would, until nothing is due; what is refused is said."""
        refused: set[str] = set()
        for _ in range(20):
            self.cloud.dispatch()
            due = [each for each in self._watch.read_due() if each not in refused]
            if not due:
                return
            for vtn_id in due:
                try:
                    self._realiser.dispatch(vtn_id)
                except IsthmusError as error:
                    self._realiser.record_refusal(vtn_id, error)
                    refused.add(vtn_id)
        raise AssertionError(f"never done: {due}")

    def check_all(self) -> None:
        """Do what the worker does at its start and at each resync."""
        for vtn_id in self._watch.sweep():
            transactions.write(journal.append, [vtn_id])
        self.work()


def introduce(region: Region) -> str:
    """Have a site know itself, as isthmus-interconnect has it; return the id it has then."""
    own = sites.SiteRecord(region.name, str(uuid4()), sites.State.OWN)
    transactions.write(sites.create, own)
    return own.id


def exchange(region: Region, *peers: Peer) -> None:
    """Carry everything everywhere until nobody has anything new to say."""
    for _ in range(20):
        before = (region.published(), [dict(peer.store) for peer in peers])
        for peer in peers:
            region.hear(peer)
        region.work()
        for peer in peers:
            others = [p for p in peers if p is not peer]
            peer.hear(
                [
                    *region.published(),
                    *(Published(o.name, each) for o in others for each in o.store.values()),
                ]
            )
        if before == (region.published(), [dict(peer.store) for peer in peers]):
            return
    raise AssertionError("the sites never agree")
