# SPDX-License-Identifier: Apache-2.0
"""Sort a list and cut a page out, where the database can't. Pure."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from isthmus.db.listing import Page

View = dict[str, Any]


def cut(views: Iterable[View], page: Page) -> list[View]:
    """Return the page; nothing if the marker is not in the list."""
    found = sorted(views, key=lambda view: str(view["id"]))
    for name, is_up in reversed(page.sorts):
        found.sort(key=lambda view: _comparable(view.get(name)), reverse=not is_up)
    if page.marker is None:
        start, end = 0, len(found)
    else:
        places = [n for n, view in enumerate(found) if view["id"] == page.marker]
        if not places:
            return []
        start, end = (0, places[0]) if page.is_reverse else (places[0] + 1, len(found))
    if page.limit is None:
        return found[start:end]
    if page.is_reverse:
        return found[max(start, end - page.limit) : end]
    return found[start : min(end, start + page.limit)]


def _comparable(value: Any) -> tuple[bool, Any]:
    """None before everything."""
    return (value is not None, str(value) if isinstance(value, list) else value)
