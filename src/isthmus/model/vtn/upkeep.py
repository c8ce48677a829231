# SPDX-License-Identifier: Apache-2.0
"""What a site writes by itself whenever it has heard something, until nothing is left to write.

An owner answers requests, lets members go that have left, and forgets a deleted VTN once nobody
could bring it back. Who asked withdraws what was answered. Everybody says what it knows.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, replace

from isthmus.model.vtn.documents import (
    Acceptance,
    AnswerDocument,
    Document,
    Kind,
    MemberDocument,
    key_of,
)
from isthmus.model.vtn.membership import Said, speak
from isthmus.model.vtn.merge import VtnView
from isthmus.model.vtn.ownership import let_go, may_take_over, take_over
from isthmus.model.vtn.requests import Settled, answer, repeat_answers, settle, settled_up_to
from isthmus.model.vtn.slices import involved


@dataclass(frozen=True, slots=True)
class Upkeep:
    """What a site is to write into its own store, all at once.

    Attributes:
        put: to publish, each in the place of what has its kind and name.
        withdraw: kind and name of what is not to be published any more.
        settled: requests of this site's that are over; they are among what is withdrawn.
    """

    put: tuple[Document, ...] = ()
    withdraw: tuple[tuple[Kind, str], ...] = ()
    settled: tuple[Settled, ...] = ()

    @property
    def is_empty(self) -> bool:
        """Whether there is nothing to write until something else is heard."""
        return not self.put and not self.withdraw


def keep_up(view: VtnView, *, accepts: bool, revoked: Collection[str] = ()) -> Upkeep:
    """Return what this site has to write next; to be asked again after writing it.

    Args:
        view: the VTN, as this site sees it.
        accepts: this site is a member of whatever it is asked to be.
        revoked: sites that do not belong to us any more; nothing is expected of them. While their
            documents are kept, nothing is forgotten that they could bring back.
    """
    owned = _own_document(view, revoked)
    if not owned.is_empty:
        return owned
    settled = settle(view)
    repeated = tuple(repeat_answers(view))
    over: list[Document] = [*_read_answers(view), *(each.request for each in settled)]
    withdraw = tuple(key_of(each) for each in over)
    said = _say(view, settled, accepts=accepts)
    if said is None:
        gone = () if view.own_member is None else (key_of(view.own_member),)
        return Upkeep(repeated, withdraw + gone, settled)
    return Upkeep(repeated + (() if said == view.own_member else (said,)), withdraw, settled)


def may_forget(view: VtnView, revoked: Collection[str] = ()) -> bool:
    """Whether nobody could bring a deleted VTN back, if its tombstone were gone.

    Everybody who may have owned it or been given something has to have heard of the tombstone,
    removed everything, withdrawn its own ``vtn`` document, and dropped those of others.
    """
    document = view.document
    if document is None or not document.is_deleted or not view.is_owner or view.overruled:
        return False
    waiting = involved(view) - {view.site, *revoked}
    own = view.own_member
    if own is not None and not own.is_removed:
        return False
    return all(has_forgotten(view, site) for site in waiting)


def has_forgotten(view: VtnView, site: str) -> bool:
    """Whether a site that is not the owner could not bring a deleted VTN back."""
    said = view.member(site).document
    return (
        said is not None
        and view.document is not None
        and said.follows >= view.document.version
        and said.is_removed
        and said.own_version is None
        and not said.holds
    )


def _own_document(view: VtnView, revoked: Collection[str]) -> Upkeep:
    """What becomes of the ``vtn`` document in this site's store."""
    document = view.document
    if document is None:
        return Upkeep()
    if view.has_lost_versions and may_take_over(view):
        return Upkeep((take_over(view),))
    if not view.is_owner:
        is_left = view.own_document is not None and document.is_deleted and not view.is_behind
        return Upkeep(withdraw=((Kind.VTN, view.vtn_id),)) if is_left else Upkeep()
    if may_forget(view, revoked):
        return Upkeep(withdraw=((Kind.VTN, view.vtn_id),))
    answered = answer(view)
    if answered is not None:
        return Upkeep(answered)
    members = let_go(view, revoked)
    if members != document.members:
        following = replace(document, generation=document.generation + 1, members=members)
        return Upkeep((following,))
    return Upkeep()


def _read_answers(view: VtnView) -> Iterable[AnswerDocument]:
    """Yield own answers that were read, or that nobody waits for."""
    for each in view.answers:
        said = view.member(each.asker).document
        if view.document is None or (said is not None and each.number <= said.settled):
            yield each


def _say(view: VtnView, settled: Sequence[Settled], *, accepts: bool) -> MemberDocument | None:
    """Return what this site says of itself; None for nothing (any more)."""
    own = view.own_member
    has_asked = any(each.request.site == view.site for each in view.requests)
    if view.document is None:
        is_over = own is None or (own.is_removed and own.follows_deletion)
        return None if is_over and not has_asked else own
    if own is None and not has_asked and view.site not in involved(view):
        return None
    said = Said(settled=_settled_by_now(view, settled))
    if accepts and view.awaits_acceptance:
        said["acceptance"] = Acceptance.ACCEPTED
    return speak(view, **said)


def _settled_by_now(view: VtnView, settled: Sequence[Settled]) -> int:
    """Return up to which number this site needs no answers; what it forgot having asked, too."""
    over = {each.request.number for each in settled}
    own = {each.request.number for each in view.requests if each.request.site == view.site}
    if own - over:
        return min(own - over) - 1
    return max({*over, settled_up_to(view, view.site)})
