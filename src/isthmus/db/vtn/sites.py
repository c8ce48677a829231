# SPDX-License-Identifier: Apache-2.0
"""The sites this one knows, itself among them, and whose project is whose."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields
from datetime import datetime
from enum import StrEnum
from typing import Any

import sqlalchemy as sa
from neutron_lib.context import Context
from oslo_utils import timeutils

from isthmus.db import standard_attributes
from isthmus.db.records import StandardAttributes
from isthmus.db.vtn import tables
from isthmus.model.vtn.status import Liveness

_TABLE: Any = tables.Site.__table__
_PROJECT: Any = tables.SiteProject.__table__
_NO_STANDARD = StandardAttributes()


class State(StrEnum):
    """How far peering with a site is."""

    OWN = "OWN"
    INVITED = "INVITED"
    PENDING = "PENDING"
    CONFIRMED = "CONFIRMED"
    REVOKED = "REVOKED"


class Asked(StrEnum):
    """What an operator asks the interconnect daemon to do with a peer."""

    NOTHING = ""
    CONFIRM = "confirm"
    ROTATE = "rotate"
    RECOVER = "recover"


@dataclass(frozen=True, slots=True)
class SiteRecord:
    """A site. Fields are the columns' of ``isthmus_sites``; see there."""

    name: str
    id: str
    state: State
    endpoints: str = ""
    peering_endpoint: str = ""
    as_number: int | None = None
    ca: str = ""
    certificate: str = ""
    private_key: str = ""
    certificate_expires_at: datetime | None = None
    exchange: str = ""
    shares_identity: bool = True
    incarnation: str = ""
    beat: int = 0
    watched_cluster: str = ""
    watched_revision: int = 0
    heard_at: datetime | None = None
    liveness: Liveness = Liveness.DOWN
    liveness_since: datetime | None = None
    reason: str = ""
    asked: Asked = Asked.NOTHING
    asked_at: datetime | None = None
    done_at: datetime | None = None
    standard: StandardAttributes = _NO_STANDARD

    def __repr__(self) -> str:
        """Neither key nor exchange: this may be logged."""
        return f"SiteRecord({self.name!r}, {self.state!r}, {self.liveness!r})"


@dataclass(frozen=True, slots=True)
class Standing:
    """What becomes of a site's word.

    Attributes:
        state: whether it belongs to us.
        shares_identity: project ids are the same here and there.
    """

    state: State
    shares_identity: bool


_COLUMNS = [each.name for each in fields(SiteRecord) if each.name != "standard"]


def create(context: Context, record: SiteRecord) -> SiteRecord:
    """Add a site."""
    standard = standard_attributes.create(context, tables.Site, record.standard.description)
    values = {name: getattr(record, name) for name in _COLUMNS}
    context.session.execute(sa.insert(_TABLE).values(**values, standard_attr_id=standard.id))
    return record


def update(context: Context, name: str, **columns: Any) -> None:
    """Change columns of a site's row; who watches, and how it is, counts as no revision."""
    if columns:
        context.session.execute(sa.update(_TABLE).where(_TABLE.c.name == name).values(**columns))


def columns_of_done() -> dict[str, Any]:
    """Return what a row says once what was asked for has just been done."""
    return {"asked": Asked.NOTHING.value, "done_at": timeutils.utcnow()}


def delete(context: Context, record: SiteRecord) -> None:
    """Forget a site and its projects; its documents are another's to forget."""
    context.session.execute(sa.delete(_TABLE).where(_TABLE.c.name == record.name))
    standard_attributes.delete(context, [record.standard.id])


def lock(context: Context, name: str) -> SiteRecord | None:
    """Return a site whose row is locked until the caller's transaction ends; None if none."""
    locked: Any = sa.select(_TABLE.c.name).where(_TABLE.c.name == name).with_for_update()
    return read_one(context, name) if context.session.execute(locked).first() else None


def read_one(context: Context, name: str) -> SiteRecord | None:
    """Return a site, or None."""
    query: Any = selection().where(_TABLE.c.name == name)
    row = context.session.execute(query).first()
    return record_of(row) if row is not None else None


def read(context: Context) -> dict[str, SiteRecord]:
    """Return all sites by name."""
    rows = context.session.execute(selection().order_by(_TABLE.c.name))
    return {row.name: record_of(row) for row in rows}


def read_standings(context: Context) -> dict[str, Standing]:
    """Return what counts of all sites when documents are merged, by name."""
    query: Any = sa.select(_TABLE.c.name, _TABLE.c.state, _TABLE.c.shares_identity)
    return {
        row.name: Standing(State(row.state), shares_identity=bool(row.shares_identity))
        for row in context.session.execute(query)
    }


def selection() -> Any:
    """Return a selection of sites with their standard attributes."""
    query: Any = sa.select(_TABLE, *standard_attributes.COLUMNS)
    return query.select_from(standard_attributes.joined(tables.Site))


def record_of(row: Any) -> SiteRecord:
    """Return a selected row as a value."""
    values = {name: getattr(row, name) for name in _COLUMNS}
    values |= {
        "state": State(row.state),
        "liveness": Liveness(row.liveness),
        "asked": Asked(row.asked),
        "shares_identity": bool(row.shares_identity),
    }
    return SiteRecord(**values, standard=standard_attributes.of_row(row))


def read_projects(context: Context, site: str) -> dict[str, str]:
    """Return our project for each of a site's projects that is mapped."""
    query: Any = sa.select(_PROJECT).where(_PROJECT.c.site == site)
    return {row.their_project: row.our_project for row in context.session.execute(query)}


def replace_projects(context: Context, site: str, projects: Mapping[str, str]) -> None:
    """Make ``projects``, ours by theirs, all that are mapped."""
    context.session.execute(sa.delete(_PROJECT).where(_PROJECT.c.site == site))
    rows = [
        {"site": site, "their_project": theirs, "our_project": ours}
        for theirs, ours in sorted(projects.items())
    ]
    if rows:
        context.session.execute(sa.insert(_PROJECT), rows)
