# SPDX-License-Identifier: Apache-2.0
"""Neutron's standard attributes and tags of our rows, in Neutron's own tables.

Written by hand, not by Neutron's mapped mix-in: no statement is sent that is not here. Rows of the
release before have none until ``fill`` gave them some.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping
from typing import Any

import sqlalchemy as sa
from neutron.db.models.tag import Tag
from neutron_lib.context import Context
from neutron_lib.db.standard_attr import StandardAttribute
from oslo_utils import timeutils

from isthmus.db.records import StandardAttributes

TABLE: Any = StandardAttribute.__table__
TAGS: Any = Tag.__table__
# Selected beside the columns of a table that refers to them.
COLUMNS = (TABLE.c.description, TABLE.c.created_at, TABLE.c.updated_at, TABLE.c.revision_number)


def joined(model: Any) -> Any:
    """Return a table joined with its rows' standard attributes, which some may lack."""
    table = model.__table__
    return table.outerjoin(TABLE, TABLE.c.id == table.c.standard_attr_id)


def of_row(row: Any) -> StandardAttributes:
    """Return those of a selected row."""
    return StandardAttributes(
        id=row.standard_attr_id,
        description=row.description or "",
        created_at=row.created_at,
        updated_at=row.updated_at or row.created_at,
        revision=row.revision_number or 0,
    )


def create(context: Context, model: Any, description: str = "") -> StandardAttributes:
    """Add those of a row that is about to be added."""
    now = timeutils.utcnow().replace(microsecond=0)
    query: Any = sa.insert(TABLE).values(
        resource_type=model.__tablename__,
        description=description,
        revision_number=0,
        created_at=now,
        updated_at=now,
    )
    (number,) = context.session.execute(query).inserted_primary_key
    return StandardAttributes(number, description, now, now, 0)


def touch(
    context: Context, attributes: StandardAttributes, columns: Mapping[str, Any] | None = None
) -> None:
    """Count a change of a row."""
    query: Any = (
        sa.update(TABLE)
        .where(TABLE.c.id == attributes.id)
        .values(
            revision_number=TABLE.c.revision_number + 1,
            updated_at=timeutils.utcnow(),
            **(columns or {}),
        )
    )
    context.session.execute(query)


def delete(context: Context, numbers: Iterable[int | None]) -> None:
    """Remove those of rows that go; the rows themselves and their tags go with them."""
    known = sorted(number for number in numbers if number is not None)
    if known:
        context.session.execute(sa.delete(TABLE).where(TABLE.c.id.in_(known)))


def fill(context: Context, model: Any) -> None:
    """Give standard attributes to rows that have none, those of the release before."""
    table = model.__table__
    query: Any = sa.select(table.c.id).where(table.c.standard_attr_id.is_(None)).with_for_update()
    for row_id in list(context.session.execute(query).scalars()):
        made = create(context, model)
        change = sa.update(table).where(table.c.id == row_id).values(standard_attr_id=made.id)
        context.session.execute(change)


def read_tags(context: Context, numbers: Collection[int | None]) -> Mapping[int, list[str]]:
    """Return tags in order, by number of the standard attributes."""
    query: Any = sa.select(TAGS).where(TAGS.c.standard_attr_id.in_(numbers)).order_by(TAGS.c.tag)
    found: dict[int, list[str]] = defaultdict(list)
    for row in context.session.execute(query):
        found[row.standard_attr_id].append(row.tag)
    return found


def replace_tags(context: Context, number: int, wanted: Collection[str]) -> None:
    """Make ``wanted`` all tags there are."""
    context.session.execute(sa.delete(TAGS).where(TAGS.c.standard_attr_id == number))
    if wanted:
        rows = [{"standard_attr_id": number, "tag": tag} for tag in wanted]
        context.session.execute(sa.insert(TAGS), rows)
