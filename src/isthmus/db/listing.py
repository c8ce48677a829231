# SPDX-License-Identifier: Apache-2.0
"""Lists of resources: filtered, sorted and cut into pages by the database.

What is compiled from reports, a status, the database can't filter or sort by: whoever asks for
that reads everything and cuts it afterwards (``plugin/paging.py``).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

import sqlalchemy as sa
from neutron_lib.context import Context

from isthmus.db import standard_attributes

_STANDARD: Any = standard_attributes.TABLE
_TAG: Any = standard_attributes.TAGS
_EPOCH = datetime(1970, 1, 1)
_INTEGERS = range(-(2**63), 2**63)

Condition = Any
Values = Sequence[Any]


@dataclass(frozen=True, slots=True)
class Page:
    """A part of a list.

    Attributes:
        sorts: pairs of attribute and whether it ascends; an id decides at last.
        limit: how many at most.
        marker: id of the last one the client has seen.
        is_reverse: those before the marker are asked for.
    """

    sorts: tuple[tuple[str, bool], ...] = ()
    limit: int | None = None
    marker: str | None = None
    is_reverse: bool = False


@dataclass(frozen=True, slots=True)
class Listing:
    """What is asked for of a list."""

    filters: Mapping[str, Values] = field(default_factory=dict)
    page: Page = Page()


def is_text(value: object) -> bool:
    """Whether a database can be asked for a text."""
    if not isinstance(value, str) or "\0" in value:
        return False
    try:
        value.encode()
    except UnicodeEncodeError:
        return False
    return True


def texts(column: Any, values: Values) -> Condition:
    """Return the condition that a column is one of some texts.

    Letter by letter, whatever the collation takes for the same.
    """
    wanted = [value for value in values if is_text(value)]
    exact = (
        sa.cast(column, sa.LargeBinary) == sa.cast(sa.literal(value, sa.String), sa.LargeBinary)
        for value in wanted
    )
    return sa.and_(column.in_(wanted), sa.or_(sa.false(), *exact))


def integers(column: Any, values: Values) -> Condition:
    """Return the condition that a column is one of some integers, or NULL."""
    numbers = [v for v in values if isinstance(v, int) and v in _INTEGERS]
    condition = column.in_(numbers)
    return sa.or_(condition, column.is_(None)) if None in values else condition


def times(column: Any, values: Values) -> Condition:
    """Return the condition that a column is one of some times; what is no time is none of them."""
    return column.in_([time for value in values if (time := _read_time(value)) is not None])


def _read_time(value: object) -> datetime | None:
    try:
        read = datetime.fromisoformat(str(value))
    except ValueError:
        return None
    return read.astimezone(UTC).replace(tzinfo=None) if read.tzinfo else read


def booleans(column: Any, values: Values) -> Condition:
    """Return the condition that a column is one of some truth values."""
    return column.in_([bool(value) for value in values])


Filter = Callable[[Values], Condition]


@dataclass(frozen=True, slots=True)
class Listed:
    """How resources of a kind are listed; those with an id and standard attributes.

    Attributes:
        model: their table's.
        filters: conditions by attribute.
        sort_keys: columns by attribute, never NULL.
        key: column that decides at last, and which markers are values of.
    """

    model: Any
    filters: Mapping[str, Filter]
    sort_keys: Mapping[str, Any]
    key: str = "id"

    def can_filter_by(self, attribute: str) -> bool:
        """Whether the database can filter by an attribute."""
        return attribute in self.filters

    def can_sort_by(self, attribute: str) -> bool:
        """Whether the database can sort by an attribute."""
        return attribute in self.sort_keys

    def filtered(self, query: Any, filters: Mapping[str, Values]) -> Any:
        """Narrow a selection down; filters the database does not know are left out."""
        known = [
            self.filters[name](_flat(values))
            for name, values in filters.items()
            if name in self.filters
        ]
        return query.where(*known)

    def cut(self, context: Context, query: Any, page: Page) -> Any | None:
        """Sort a selection and cut a page out; None if the marker is none of them."""
        last = self.model.__table__.c[self.key]
        keys = [(self.sort_keys[name], is_up != page.is_reverse) for name, is_up in page.sorts]
        if not any(name == "id" for name, _ in page.sorts):
            keys.append((last, not page.is_reverse))
        if page.marker is not None:
            seen = self._read_marker(context, page.marker, [key for key, _ in keys])
            if seen is None:
                return None
            query = query.where(_is_after(keys, seen))
        query = query.order_by(*(key.asc() if is_up else key.desc() for key, is_up in keys))
        return query if page.limit is None else query.limit(page.limit)

    def _read_marker(
        self, context: Context, marker: str, keys: Sequence[Any]
    ) -> Sequence[Any] | None:
        if not is_text(marker):
            return None
        labelled = [key.label(f"key_{position}") for position, key in enumerate(keys)]
        query: Any = sa.select(*labelled).select_from(standard_attributes.joined(self.model))
        chosen = query.where(self.model.__table__.c[self.key] == marker)
        row: Sequence[Any] | None = context.session.execute(chosen).first()
        return row


def standard_filters(table: Any) -> dict[str, Filter]:
    """Return filters by the standard attributes of a table's rows, and by their tags."""

    def has_tag(tags: Sequence[str]) -> Condition:
        mine = _TAG.c.standard_attr_id == table.c.standard_attr_id
        return sa.exists().where(mine, texts(_TAG.c.tag, tags))

    def has_all_tags(values: Values) -> Condition:
        return sa.and_(sa.true(), *(has_tag([tag]) for tag in _tagged(values)))

    return {
        "description": lambda values: texts(_STANDARD.c.description, values),
        "revision_number": lambda values: integers(_STANDARD.c.revision_number, values),
        "created_at": lambda values: times(_STANDARD.c.created_at, values),
        "updated_at": lambda values: times(_STANDARD.c.updated_at, values),
        "tags": has_all_tags,
        "tags-any": lambda values: has_tag(_tagged(values)),
        "not-tags": lambda values: sa.not_(has_all_tags(values)),
        "not-tags-any": lambda values: sa.not_(has_tag(_tagged(values))),
    }


STANDARD_SORT_KEYS: Mapping[str, Any] = {
    "description": sa.func.coalesce(_STANDARD.c.description, ""),
    "revision_number": sa.func.coalesce(_STANDARD.c.revision_number, 0),
    "created_at": sa.func.coalesce(_STANDARD.c.created_at, _EPOCH),
    "updated_at": sa.func.coalesce(_STANDARD.c.updated_at, _STANDARD.c.created_at, _EPOCH),
}


def _tagged(values: Values) -> list[str]:
    given = (part for value in values for part in str(value).split(","))
    return list(dict.fromkeys(given))


def _is_after(keys: Sequence[tuple[Any, bool]], seen: Sequence[Any]) -> Condition:
    """The first key that differs decides."""
    alternatives = []
    same: list[Condition] = []
    for (key, is_up), value in zip(keys, seen, strict=True):
        alternatives.append(sa.and_(*same, key > value if is_up else key < value))
        same.append(key == value)
    return sa.or_(*alternatives)


def _flat(values: Iterable[Any]) -> list[Any]:
    return [
        item for value in values for item in (value if isinstance(value, list | tuple) else [value])
    ]
