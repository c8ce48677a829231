# SPDX-License-Identifier: Apache-2.0
"""What a site asks of the owner, and what becomes of it.

A site counts its requests for a VTN. The owner answers each site's in that order and says in the
VTN's document how far it came, so that whoever owns the VTN next neither repeats nor skips one. The
answer's sentences are in a document of their own, until the site that asked says that it has read
them.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import takewhile

from isthmus.model.errors import IsthmusError, NotPermitted
from isthmus.model.vtn.documents import (
    AnswerDocument,
    Change,
    Operation,
    RequestDocument,
    Result,
    VtnDocument,
)
from isthmus.model.vtn.merge import OpenRequest, VtnView
from isthmus.model.vtn.ownership import answered, change


@dataclass(frozen=True, slots=True)
class Settled:
    """A request of this site's that is over.

    Attributes:
        request: what was asked.
        result: what became of it.
        for_tenant: empty, or why not.
        for_operator: empty, or why not.
    """

    request: RequestDocument
    result: Result
    for_tenant: str
    for_operator: str


def ask(
    view: VtnView, request_id: str, now: float, operation: Operation, values: Change
) -> RequestDocument:
    """Return a request of this site to whoever owns the VTN.

    Args:
        view: the VTN.
        request_id: a new UUID.
        now: seconds since 1970-01-01 UTC.
        operation: what is to be done.
        values: with what.

    Raises:
        NotPermitted: this site is no member.
    """
    site = view.site
    if view.grant is None and view.own_document is None:
        raise NotPermitted(
            "Only a member of the network may change it.",
            f"{site} is no member of {view.vtn_id}; add it first, or ask at a member.",
        )
    numbers = [each.request.number for each in view.requests if each.request.site == site]
    number = 1 + max((*numbers, settled_up_to(view, site)))
    return RequestDocument(
        request_id=request_id,
        site=site,
        vtn_id=view.vtn_id,
        number=number,
        operation=operation,
        change=values,
        asked_at=now,
    )


def settled_up_to(view: VtnView, site: str) -> int:
    """Return the number up to which a site needs no answers any more, or has them."""
    said = view.member(site).document
    return max(
        view.document.answered_up_to(site) if view.document else 0,
        said.settled if said else 0,
    )


def answer(view: VtnView) -> tuple[VtnDocument, AnswerDocument] | None:
    """Carry out the next request that this site, the owner, has not answered.

    One at a time, so that each sees what the one before has changed.

    Returns:
        The VTN's next generation and the answer; None if nobody waits for one.
    """
    document = view.document
    if not view.is_owner or document is None or document.is_deleted:
        return None
    due = next(_due(view), None)
    if due is None:
        return None
    try:
        following = change(view, due.operation, due.change)
    except IsthmusError as refusal:
        following = change(view, Operation.UPDATE, Change())
        result, reasons = Result.REFUSED, (refusal.for_tenant, refusal.for_operator)
    else:
        result, reasons = Result.DONE, ("", "")
    following = answered(following, due.site, due.number)
    return following, _answer(view, due, result, reasons, following)


def repeat_answers(view: VtnView) -> Iterable[AnswerDocument]:
    """Yield answers for what has been answered, but not in this site's, the owner's, documents.

    A former owner may not be there any more to publish its own.
    """
    if not view.is_owner or view.document is None:
        return
    own = {each.request_id for each in view.answers}
    for each in view.requests:
        request = each.request
        if request.number > settled_up_to(view, request.site) or request.request_id in own:
            continue
        said = view.member(request.site).document
        if said is not None and request.number <= said.settled:
            continue
        if each.answer is not None:
            reasons = (each.answer.for_tenant, each.answer.for_operator)
            result = each.answer.result
        else:
            result, reasons = Result.DONE, ("", _ANSWER_LOST)
        yield _answer(view, request, result, reasons, view.document)


def settle(view: VtnView) -> tuple[Settled, ...]:
    """Return this site's own requests that are over, up to the first that is not.

    They are when they have been answered, or when the VTN is deleted.
    """
    own = (each for each in view.requests if each.request.site == view.site)
    over = (_settled(view, each) for each in own)
    return tuple(each for each in takewhile(lambda each: each is not None, over) if each)


_ANSWER_LOST = "A former owner dealt with it, and its answer is lost; look at the network."
_DELETED = "The network is deleted."


def _settled(view: VtnView, each: OpenRequest) -> Settled | None:
    if each.answer is not None:
        said = each.answer
        return Settled(each.request, said.result, said.for_tenant, said.for_operator)
    if not view.is_deleted:
        return None
    if each.request.operation is Operation.DELETE:
        return Settled(each.request, Result.DONE, "", "")
    return Settled(each.request, Result.REFUSED, _DELETED, f"{view.vtn_id} is deleted.")


def _due(view: VtnView) -> Iterator[RequestDocument]:
    return (
        each.request
        for each in view.requests
        if each.request.number == settled_up_to(view, each.request.site) + 1
    )


def _answer(
    view: VtnView,
    request: RequestDocument,
    result: Result,
    reasons: tuple[str, str],
    document: VtnDocument,
) -> AnswerDocument:
    return AnswerDocument(
        request_id=request.request_id,
        site=view.site,
        vtn_id=view.vtn_id,
        asker=request.site,
        number=request.number,
        result=result,
        for_tenant=reasons[0],
        for_operator=reasons[1],
        as_of=document.version,
    )
