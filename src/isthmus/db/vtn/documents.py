# SPDX-License-Identifier: Apache-2.0
"""Documents as texts: this site's own, and other sites' as they were heard.

Only the site whose document it is writes it. An own one is put together with its entry in the
outbox, so that it is published if and only if it was committed; one that was heard is stored as
it was read, whatever it says: who reads it decides what it is worth.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import sqlalchemy as sa
from neutron_lib.context import Context
from oslo_utils import timeutils

from isthmus.db.vtn import outbox, tables

_TABLE: Any = tables.Document.__table__
_BATCH = 200


@dataclass(frozen=True, slots=True)
class Document:
    """A document in a site's hands.

    Attributes:
        site: whose it is.
        kind: ``vtn``, ``member``, ``request``, ``answer`` or ``site``.
        name: what follows the kind in its key.
        body: its text.
        vtn_id: of the VTN it is about; None of heartbeats.
        revision: of the site's etcd when it was put; 0 of own ones.
        heard_at: when it was stored here.
    """

    site: str
    kind: str
    name: str
    body: str
    vtn_id: str | None = None
    revision: int = 0
    heard_at: datetime | None = None


def put_own(context: Context, document: Document) -> None:
    """Write a document of this site's, to be published; nothing happens if it says this already."""
    if _put(context, document):
        outbox.append(context, document.kind, document.name)


def remove_own(context: Context, site: str, kind: str, name: str) -> None:
    """Remove a document of this site's, here and where it is published."""
    if _remove(context, site, kind, [name]):
        outbox.append(context, kind, name)


def put_heard(context: Context, document: Document) -> bool:
    """Store what another site published; False if it was known."""
    return _put(context, document)


def remove_heard(context: Context, site: str, kind: str, name: str) -> str | None:
    """Forget a document its site has removed; return the VTN it was about, if there was one."""
    query: Any = sa.select(_TABLE.c.vtn_id).where(_is(site, kind, name))
    vtn_id: str | None = context.session.execute(query).scalar_one_or_none()
    _remove(context, site, kind, [name])
    return vtn_id


def replace_heard(context: Context, site: str, documents: Iterable[Document]) -> frozenset[str]:
    """Make ``documents`` all there are of a site's, after all of them have been read anew.

    Returns:
        The VTNs of which something is different now.
    """
    wanted = {(each.kind, each.name): each for each in documents}
    known = {(each.kind, each.name): each for each in read_of_site(context, site)}
    changed = {
        document.vtn_id
        for key, document in wanted.items()
        if key not in known or known[key].body != document.body
        if _put(context, document)
    }
    for key in known.keys() - wanted.keys():
        changed.add(known[key].vtn_id)
        _remove(context, site, key[0], [key[1]])
    return frozenset(vtn_id for vtn_id in changed if vtn_id is not None)


def read_one(context: Context, site: str, kind: str, name: str) -> Document | None:
    """Return a document, or None."""
    query: Any = sa.select(_TABLE).where(_is(site, kind, name))
    row = context.session.execute(query).first()
    return _document(row) if row is not None else None


def read_many(context: Context, site: str, keys: Sequence[tuple[str, str]]) -> list[Document]:
    """Return those of a site's documents with these kinds and names that there are."""
    found = []
    for start in range(0, len(keys), _BATCH):
        some = keys[start : start + _BATCH]
        query: Any = sa.select(_TABLE).where(
            _TABLE.c.site == site, sa.tuple_(_TABLE.c.kind, _TABLE.c.name).in_(some)
        )
        found += [_document(row) for row in context.session.execute(query)]
    return found


def read_of_vtns(
    context: Context, vtn_ids: Collection[str], *, is_locked: bool = False
) -> list[Document]:
    """Return every site's documents about some VTNs, in order of site, kind and name.

    Args:
        context: of the caller's transaction.
        vtn_ids: the VTNs.
        is_locked: nobody else writes one of them until the caller's transaction ends; what others
            committed since it began is there.
    """
    query: Any = (
        sa.select(_TABLE)
        .where(_TABLE.c.vtn_id.in_(vtn_ids))
        .order_by(_TABLE.c.site, _TABLE.c.kind, _TABLE.c.name)
    )
    if is_locked:
        query = query.with_for_update()
    return [_document(row) for row in context.session.execute(query)]


def read_of_site(context: Context, site: str) -> list[Document]:
    """Return all documents of a site's: own ones to fill an empty etcd with."""
    query: Any = (
        sa.select(_TABLE).where(_TABLE.c.site == site).order_by(_TABLE.c.kind, _TABLE.c.name)
    )
    return [_document(row) for row in context.session.execute(query)]


def read_vtn_ids(context: Context) -> list[str]:
    """Return the VTNs that any document is about."""
    query: Any = sa.select(_TABLE.c.vtn_id).where(_TABLE.c.vtn_id.is_not(None)).distinct()
    return sorted(context.session.execute(query).scalars())


def lock(context: Context, site: str, kind: str, name: str) -> Document | None:
    """Return a document whose row is locked until the caller's transaction ends; None if none."""
    query: Any = sa.select(_TABLE).where(_is(site, kind, name)).with_for_update()
    row = context.session.execute(query).first()
    return _document(row) if row is not None else None


def _put(context: Context, document: Document) -> bool:
    key = {"site": document.site, "kind": document.kind, "name": document.name}
    known = read_one(context, **key)
    if known is not None:
        # Not before: to lock what is not there keeps others from adding what is beside it.
        known = lock(context, **key)
    if known is not None and known.body == document.body and known.vtn_id == document.vtn_id:
        return False
    columns = {
        "vtn_id": document.vtn_id,
        "body": document.body,
        "revision": document.revision,
        "heard_at": document.heard_at or timeutils.utcnow(),
    }
    change: Any = sa.insert(_TABLE).values(**key, **columns)
    if known is not None:
        change = sa.update(_TABLE).filter_by(**key).values(**columns)
    context.session.execute(change)
    return True


def _remove(context: Context, site: str, kind: str, names: Collection[str]) -> bool:
    query: Any = sa.delete(_TABLE).where(
        _TABLE.c.site == site, _TABLE.c.kind == kind, _TABLE.c.name.in_(names)
    )
    return bool(context.session.execute(query).rowcount)


def _is(site: str, kind: str, name: str) -> Any:
    return sa.and_(_TABLE.c.site == site, _TABLE.c.kind == kind, _TABLE.c.name == name)


def _document(row: Any) -> Document:
    return Document(
        site=row.site,
        kind=row.kind,
        name=row.name,
        body=row.body,
        vtn_id=row.vtn_id,
        revision=int(row.revision),
        heard_at=row.heard_at,
    )
