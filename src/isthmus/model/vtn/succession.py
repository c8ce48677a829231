# SPDX-License-Identifier: Apache-2.0
"""Who takes a VTN over by itself when its owner's site has been DOWN for long.

Where operators allow it. Members that see the same choose the same one: the first by name, and
after each further delay the next, should those before not do it. Two that do it all the same, since
they see different things, are as two operators that take over at once: one counts at every site.
"""

from __future__ import annotations

from collections.abc import Collection

from isthmus.model.vtn import ownership
from isthmus.model.vtn.documents import Acceptance, VtnDocument
from isthmus.model.vtn.merge import MemberView, VtnView


def wait_s(view: VtnView, up: Collection[str], delay_s: float) -> float | None:
    """Return how long the owner has to be DOWN before this site takes over; None if it never does.

    What is being deleted is left to its owner, or an operator: whoever is gone keeps it from being
    forgotten in any case. So is what a newer owner is known of.

    Args:
        view: the VTN, as this site sees it.
        up: other sites that are there, as this site sees it.
        delay_s: the operator's.
    """
    document = view.document
    if document is None or view.newest is None or document.is_deleted or view.is_behind:
        return None
    if document.owner == view.site or document.version.claim != view.newest.claim:
        return None
    heirs = [
        each.site
        for each in view.members
        if each.site != document.owner
        and (each.site == view.site or each.site in up)
        and _is_member(each)
    ]
    if view.site not in heirs:
        return None
    return delay_s * (1 + heirs.index(view.site))


def succeed(view: VtnView) -> VtnDocument:
    """Take a VTN over, vouching for nobody: nobody looked whether the former owner is gone.

    Raises:
        IsthmusError: this site may not.
    """
    return ownership.take_over(view)


def _is_member(member: MemberView) -> bool:
    return (
        member.grant is not None
        and not member.grant.is_leaving
        and member.document is not None
        and member.document.acceptance is Acceptance.ACCEPTED
    )
