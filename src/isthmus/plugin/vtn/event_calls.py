# SPDX-License-Identifier: Apache-2.0
"""What the API calls for ``interconnect_events``: what happened, the newest first."""

from __future__ import annotations

from typing import Any

from neutron_lib.context import Context
from neutron_lib.db import api as db_api

from isthmus.db.vtn import events
from isthmus.db.vtn.events import Event
from isthmus.plugin.errors import EventNotFound
from isthmus.plugin.lookup import Fields, Filters, read_page
from isthmus.plugin.paging import View
from isthmus.plugin.views import arrange, select, view_time

# So many are shown at most; older ones are found by a narrower filter.
_SHOWN = 1000


class EventCalls:
    """Read events, under the names Neutron calls by."""

    def get_interconnect_events(
        self, context: Context, filters: Filters = None, fields: Fields = None, **paging: Any
    ) -> list[View]:
        """Return the newest events that are asked for."""
        asked, page = dict(filters or {}), read_page(paging)
        with db_api.CONTEXT_READER.using(context):
            found = events.read(
                context,
                sites=asked.get("site"),
                vtn_ids=asked.get("virtual_tenant_network_id"),
                limit=_SHOWN,
            )
        views = [_view(each) for each in found]
        # Neutron sorts by id alone unless it is told otherwise: then the newest come first.
        if {name for name, _ in page.sorts} <= {"id"} and page.marker is None:
            return select(select(views, asked, None)[: page.limit], None, fields)
        return arrange(views, asked, page, fields)

    def get_interconnect_event(
        self,
        context: Context,
        id: str,  # noqa: A002  Neutron calls by this name
        fields: Fields = None,
    ) -> View:
        """Return an event."""
        with db_api.CONTEXT_READER.using(context):
            found = [each for each in events.read(context, limit=_SHOWN) if str(each.id) == id]
        if not found:
            raise EventNotFound(id=id)
        return select([_view(found[0])], None, fields)[0]


def _view(event: Event) -> View:
    return {
        "id": str(event.id),
        "created_at": view_time(event.at),
        "site": event.site,
        "virtual_tenant_network_id": event.vtn_id,
        "sentence": event.text,
    }
