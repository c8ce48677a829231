# SPDX-License-Identifier: Apache-2.0
"""A change of a VTN: at its owner the next generation, elsewhere a request to it."""

from __future__ import annotations

from neutron_lib.context import Context
from oslo_utils import timeutils, uuidutils

from isthmus.db.vtn import views
from isthmus.model.errors import IntentConflict
from isthmus.model.vtn import ownership
from isthmus.model.vtn.documents import Change, Operation
from isthmus.model.vtn.merge import VtnView
from isthmus.model.vtn.requests import ask
from isthmus.plugin.errors import VtnNotFound

# A site that can't be reached is not asked for more, however long that lasts.
MAX_WAITING = 50


def carry_out(
    context: Context, own_site: str, vtn_id: str, operation: Operation, change: Change
) -> VtnView:
    """Write the change, or the request for it, in the caller's transaction.

    Returns:
        The VTN as it is then.

    To delete what is being deleted changes nothing.

    Raises:
        VtnNotFound: it has just gone.
        IsthmusError: this site is the owner, and the change is refused; the VTN is being deleted;
            or too many changes wait for its owner.
    """
    # Brings it up to date, and locks its documents.
    view = views.refresh(context, own_site, [vtn_id])[vtn_id]
    if operation is Operation.DELETE and is_being_deleted(view):
        return view
    if view.is_forgotten:
        raise VtnNotFound(id=vtn_id)
    check_stays(view)
    if view.is_owner:
        views.write(context, own_site, ownership.change(view, operation, change))
    else:
        _check_patience(view)
        now = timeutils.utcnow_ts(microsecond=True)
        request = ask(view, uuidutils.generate_uuid(), now, operation, change)
        views.write(context, own_site, request)
    return views.load(context, own_site, [vtn_id])[vtn_id].view


def is_being_deleted(view: VtnView) -> bool:
    """Whether a VTN is deleted, or this site has asked its owner to delete it."""
    return view.is_deleted or any(
        each.request.operation is Operation.DELETE and each.request.site == view.site
        for each in view.requests
        if each.answer is None
    )


def check_stays(view: VtnView) -> None:
    """Refuse to change what is being deleted.

    Raises:
        IntentConflict: it is.
    """
    if is_being_deleted(view):
        raise IntentConflict("The network is being deleted; nothing of it can be changed any more.")


def _check_patience(view: VtnView) -> None:
    waiting = [each for each in view.requests if each.request.site == view.site]
    if len(waiting) >= MAX_WAITING:
        owner = view.document.owner if view.document is not None else "its owner"
        raise IntentConflict(
            f"{len(waiting)} changes of this network wait for the site {owner}: wait until it has "
            "answered, or have your provider take the network over."
        )
