# SPDX-License-Identifier: Apache-2.0
"""VTNs of which this site made something, and nobody has a document any more.

As after a database was restored from a copy of before a deletion that all others have forgotten, or
the owner's from one of before the VTN was made. This site can't tell a VTN that was deleted from
one whose owner is just being restored, so an operator says which it is.
"""

from __future__ import annotations

from collections.abc import Sequence

from neutron_lib.context import Context
from neutron_lib.db import api as db_api

from isthmus.db.vtn import documents, events, journal, views
from isthmus.model.errors import IntentConflict
from isthmus.plugin.vtn import reading


def abandon(context: Context, own_site: str, site_id: str, vtn_ids: Sequence[str]) -> None:
    """Withdraw all that this site says of VTNs, so that what it made of them is removed.

    Where servers have ports on it, it goes when they have gone. Should a document turn up
    nevertheless, the site is asked to be a member as if for the first time.

    Raises:
        IntentConflict: there is a document of one, or nothing of it at all; or another site is
            meant.
    """
    with db_api.CONTEXT_WRITER.using(context):
        if reading.read_site(context, site_id).name != own_site:
            raise IntentConflict(f"Only what {own_site} made itself can be abandoned here.")
        for vtn_id in vtn_ids:
            view = views.refresh(context, own_site, [vtn_id])[vtn_id]
            if view.document is not None or view.own_member is None:
                raise IntentConflict(
                    f"{vtn_id:.80} is not to be abandoned here: "
                    + ("delete it." if view.document is not None else "there is nothing of it.")
                )
            for each in documents.read_of_vtns(context, [vtn_id]):
                if each.site == own_site:
                    documents.remove_own(context, own_site, each.kind, each.name)
            views.refresh(context, own_site, [vtn_id])
            events.append(context, own_site, "Abandoned by an operator.", vtn_id)
        journal.append(context, vtn_ids)
