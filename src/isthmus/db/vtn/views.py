# SPDX-License-Identifier: Apache-2.0
"""From all documents of a VTN to what this site makes of it, and what it writes because of them.

Whoever stores a document, an own one or one that was heard, refreshes its VTN in the same
transaction. The documents of a VTN are locked meanwhile: of two that store one at a time each
would not see the other's, so the later waits, or is tried again.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime

from neutron_lib.context import Context

from isthmus.db.vtn import documents, events, journal, rows, sites, vtns
from isthmus.db.vtn.readings import Readings
from isthmus.model.errors import InvalidValue
from isthmus.model.vtn import documents as model
from isthmus.model.vtn import encoding, overlaps
from isthmus.model.vtn.documents import Published, Result
from isthmus.model.vtn.merge import VtnView, merge
from isthmus.model.vtn.requests import Settled
from isthmus.model.vtn.upkeep import Upkeep, keep_up

# Each round writes what the one before brought about; so many end in any sane case.
_ROUNDS = 64
# Some ten thousand members' words; a VTN of a thousand members has 0.6 million characters.
_READINGS = Readings(8 * 1024 * 1024)


@dataclass(frozen=True, slots=True)
class Loaded:
    """A VTN as this site sees it, and what its documents' rows say besides.

    Attributes:
        view: all documents, merged.
        heard_at: when the word of each member was stored here.
        refused: documents that could not be read, a sentence each.
    """

    view: VtnView
    heard_at: Mapping[str, datetime]
    refused: tuple[str, ...] = ()


def load(context: Context, own_site: str, vtn_ids: Collection[str]) -> dict[str, Loaded]:
    """Return VTNs as this site sees them, those among them of which nothing is known."""
    found = documents.read_of_vtns(context, vtn_ids) if vtn_ids else []
    return _merged(own_site, vtn_ids, found)


def refresh(context: Context, own_site: str, vtn_ids: Iterable[str]) -> dict[str, VtnView]:
    """Bring what this site makes of VTNs up to date with their documents, in one transaction.

    Writes what this site says by itself upon what it heard, the rows that the API reads, and into
    the journal what is to be realised or removed here. Wake the worker afterwards.

    Returns:
        The VTNs as they are now.
    """
    known = sites.read_standings(context)
    return {vtn_id: _refresh(context, own_site, vtn_id, known) for vtn_id in sorted(set(vtn_ids))}


def write(context: Context, own_site: str, *written: model.Document) -> dict[str, VtnView]:
    """Put documents of this site's and refresh the VTNs they are about."""
    _put(context, own_site, written)
    about = (model.vtn_of(document) for document in written)
    return refresh(context, own_site, [vtn_id for vtn_id in about if vtn_id is not None])


def read_project(context: Context, own_site: str, view: VtnView) -> str:
    """Return the project of this site's whose a VTN is; empty if no one has said."""
    return _project_of(context, own_site, view, sites.read_standings(context))


def _refresh(
    context: Context, own_site: str, vtn_id: str, known: Mapping[str, sites.Standing]
) -> VtnView:
    loaded = _locked(context, own_site, vtn_id)
    settled: tuple[Settled, ...] = ()
    for _ in range(_ROUNDS):
        upkeep = _keep_up(own_site, loaded.view, known)
        if upkeep.is_empty:
            break
        settled += upkeep.settled
        _put(context, own_site, upkeep.put)
        for kind, name in upkeep.withdraw:
            documents.remove_own(context, own_site, str(kind), name)
        loaded = _locked(context, own_site, vtn_id)
    view = loaded.view
    for each in settled:
        _record_settled(context, own_site, each)
    project = _project_of(context, own_site, view, known)
    if rows.put(context, view, project, loaded.heard_at, settled, loaded.refused):
        _record_overlaps(context, vtn_id, project)
    if _is_to_be_done(view):
        journal.append(context, [vtn_id])
    return view


def _locked(context: Context, own_site: str, vtn_id: str) -> Loaded:
    found = documents.read_of_vtns(context, [vtn_id], is_locked=True)
    return _merged(own_site, [vtn_id], found)[vtn_id]


def _merged(
    own_site: str, vtn_ids: Collection[str], found: Iterable[documents.Document]
) -> dict[str, Loaded]:
    published: dict[str, list[Published]] = defaultdict(list)
    heard_at: dict[str, dict[str, datetime]] = defaultdict(dict)
    refused: dict[str, list[str]] = defaultdict(list)
    for each in found:
        vtn_id = each.vtn_id or ""
        try:
            document = _READINGS.read(each.kind, each.name, each.body)
        except InvalidValue as error:
            refused[vtn_id].append(f"{each.kind}/{each.name} of {each.site}: {error.for_operator}")
            continue
        published[vtn_id].append(Published(each.site, document))
        if isinstance(document, model.MemberDocument) and each.heard_at is not None:
            heard_at[vtn_id][each.site] = each.heard_at
    return {
        vtn_id: Loaded(
            merge(own_site, vtn_id, published[vtn_id]), heard_at[vtn_id], tuple(refused[vtn_id])
        )
        for vtn_id in vtn_ids
    }


def _put(context: Context, own_site: str, written: Iterable[model.Document]) -> None:
    for document in written:
        documents.put_own(
            context,
            documents.Document(
                site=own_site,
                kind=str(model.kind_of(document)),
                name=model.name_of(document),
                body=encoding.encode(document),
                vtn_id=model.vtn_of(document),
            ),
        )


def _keep_up(own_site: str, view: VtnView, known: Mapping[str, sites.Standing]) -> Upkeep:
    owner = view.document.owner if view.document else own_site
    revoked = {name for name, site in known.items() if site.state is sites.State.REVOKED}
    # A site is forgotten only once no network has it as its owner or a member: what is left of it
    # is that it once was the owner.
    revoked |= _former_owners(view) - {own_site, *known}
    accepts = owner == own_site or _is_trusted(known.get(owner))
    return keep_up(view, accepts=accepts, revoked=revoked)


def _former_owners(view: VtnView) -> set[str]:
    if view.document is None:
        return set()
    members = {grant.site for grant in view.document.members}
    return {version.owner for version in view.document.took_over} - members


def _is_trusted(site: sites.Standing | None) -> bool:
    """Whether project ids of a site's are this site's own."""
    return site is not None and site.shares_identity and site.state is sites.State.CONFIRMED


def _project_of(
    context: Context, own_site: str, view: VtnView, known: Mapping[str, sites.Standing]
) -> str:
    document, own = view.document, view.own_member
    if document is None:
        return ""
    if document.owner == own_site:
        return document.project
    if own is not None and own.project is not None:
        return own.project
    if _is_trusted(known.get(document.owner)):
        grant = document.grant(own_site)
        return (grant.project if grant is not None else None) or document.project
    return sites.read_projects(context, document.owner).get(document.project, "")


def _is_to_be_done(view: VtnView) -> bool:
    own = view.own_member
    if view.wanted is not None:
        return own is None or own.carried_out != view.wanted.version
    return view.is_to_be_removed


def _record_overlaps(context: Context, vtn_id: str, project: str) -> None:
    """Tell operators once, of either network; their tenant reads it in their reasons."""
    # Locked: neither of two that are stored in the same instant would see the other.
    placed = vtns.read_placed(context, [project], is_locked=True)
    for overlap in overlaps.find(placed).get(vtn_id, ()):
        for one, other in ((overlap.own, overlap.other), (overlap.other, overlap.own)):
            sentence = overlaps.Overlap(one, other).sentence
            events.append(context, other.owner, f"Tenant {project}: {sentence}", one.vtn_id)


def _record_settled(context: Context, own_site: str, settled: Settled) -> None:
    if settled.result is Result.REFUSED:
        request = settled.request
        text = f"Request {request.operation} was refused: {settled.for_operator}"
        events.append(context, own_site, text, request.vtn_id)
