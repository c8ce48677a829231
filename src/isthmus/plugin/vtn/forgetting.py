# SPDX-License-Identifier: Apache-2.0
"""Whether a site may be forgotten, with all that it published."""

from __future__ import annotations

from neutron_lib.context import Context

from isthmus.db.vtn import views, vtns
from isthmus.model.errors import IntentConflict
from isthmus.model.vtn.merge import VtnView

_AT_ONCE, _SHOWN = 200, 10


def check_is_nowhere(context: Context, own_site: str, site: str) -> None:
    """Refuse to forget a site that networks of ours name: they would wait for whom nobody knows.

    Networks in which this site has no part are forgotten with it.

    Raises:
        IntentConflict: one names it as its owner or a member.
    """
    found, named = vtns.read_naming(context, site), list[str]()
    for start in range(0, len(found), _AT_ONCE):
        some = found[start : start + _AT_ONCE]
        loaded = views.load(context, own_site, some)
        named += [vtn_id for vtn_id in some if _has_part(loaded[vtn_id].view)]
    if named:
        raise IntentConflict(
            f"{len(named)} networks name {site}: take over those that it owns, and remove it "
            f"from their members, first: {', '.join(named[:_SHOWN])}"
        )


def _has_part(view: VtnView) -> bool:
    """Whether this site owns a network, is a member, or says something that is not over yet."""
    document, own = view.document, view.own_member
    if document is not None and document.grant(view.site) is not None:
        return True
    if view.own_document is not None:
        return True
    return own is not None and not (own.is_removed and own.follows_deletion)
