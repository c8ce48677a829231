# SPDX-License-Identifier: Apache-2.0
"""The status of a VTN and its members: what is known here, and how old it is.

A member's, the first that is so:

    it has refused, or says it failed                  ERROR
    its site is DOWN                                   DOWN
    its site does not answer, or says it is not well   DEGRADED, DOWN
    it has not accepted, is leaving, or is at it       PENDING
    it had to go, and has removed everything           DOWN
    otherwise                                          ACTIVE

The VTN's is the worst of its members', but DOWN only if all are; PENDING, too, while a request of
this site's waits for the owner. One that is deleted, or whose deletion this site has asked for, is
PENDING_DELETE until every site has removed its part and everybody concerned knows; then it is
gone.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from isthmus.model.report import Status
from isthmus.model.vtn.documents import Acceptance, MemberDocument, Operation
from isthmus.model.vtn.merge import MemberView, VtnView
from isthmus.model.vtn.slices import involved
from isthmus.model.vtn.upkeep import has_forgotten


class Liveness(StrEnum):
    """What is known of a site's being alive."""

    UP = "UP"
    """Its heartbeat is heard."""
    UNREACHABLE = "UNREACHABLE"
    """Nothing is heard; it may well be alive behind a link that is cut."""
    DOWN = "DOWN"
    """It was reached, and its interconnect or its etcd does not run."""


@dataclass(frozen=True, slots=True)
class SiteState:
    """A site, as seen from here.

    Attributes:
        liveness: what its heartbeats say.
        since: when that began.
        last_heard_at: when its last heartbeat came.
    """

    liveness: Liveness
    since: datetime | None = None
    last_heard_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class MemberStatus:
    """A member's status, as far as it is known here.

    Attributes:
        site: the member.
        status: in Neutron's words.
        reason: empty, or a sentence for the tenant.
        last_heard_at: when the site that says so was heard last; None for the own, or never.
    """

    site: str
    status: Status
    reason: str = ""
    last_heard_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class VtnStatus:
    """A VTN's status, as far as it is known here.

    Attributes:
        status: in Neutron's words.
        reason: empty, or a sentence for the tenant.
        members: in order of site.
    """

    status: Status
    reason: str
    members: tuple[MemberStatus, ...]


def compile_status(view: VtnView, sites: Mapping[str, SiteState]) -> VtnStatus:
    """Say how a VTN is.

    Args:
        view: the VTN.
        sites: the other sites; one that is not among them has never been heard.
    """
    members = tuple(
        _member_status(view, each, sites.get(each.site))
        for each in view.members
        if each.grant is not None
    )
    if view.is_deleted:
        return VtnStatus(Status.PENDING_DELETE, _being_removed(view, sites), members)
    if view.document is None or view.is_behind:
        return VtnStatus(Status.PENDING, "The owner of the network has to be heard first.", members)
    if _has_asked(view, Operation.DELETE):
        return VtnStatus(Status.PENDING_DELETE, " ".join(_waiting(view, sites)), members)
    if not view.document.admin_state_up:
        return VtnStatus(Status.DOWN, "It is administratively down.", members)
    reasons = [f"{each.site}: {each.reason}" for each in members if each.reason]
    reasons += _waiting(view, sites)
    return VtnStatus(_worst(view, members), " ".join(reasons), members)


def _member_status(view: VtnView, member: MemberView, site: SiteState | None) -> MemberStatus:
    status, reason = _said(view, member)
    if member.site == view.site:
        return MemberStatus(member.site, status, reason)
    if site is None or site.last_heard_at is None:
        return MemberStatus(member.site, status, reason or "The site has never been heard.")
    if site.liveness is not Liveness.UP:
        status = _unheard(status, site.liveness)
        reason = f"{_silence(site)}{' It said last: ' + reason if reason else ''}"
    return MemberStatus(member.site, status, reason, site.last_heard_at)


def _said(view: VtnView, member: MemberView) -> tuple[Status, str]:
    said = member.document
    if said is None:
        return Status.PENDING, "It has said nothing yet."
    if _has_to_go(view, member):
        if said.is_removed:
            return Status.DOWN, "It has been removed."
        return Status.PENDING, f"It is being removed. {said.reason}".strip()
    if said.acceptance is Acceptance.REFUSED:
        return Status.ERROR, "The site has refused to be a member."
    if said.acceptance is Acceptance.PENDING:
        return Status.PENDING, "The site has not accepted to be a member yet."
    if said.status is Status.ERROR:
        return Status.ERROR, said.reason
    if not _has_carried_out(view, said):
        return Status.PENDING, said.reason or "The change is being carried out."
    return said.status, said.reason


def _has_to_go(view: VtnView, member: MemberView) -> bool:
    is_deleted = view.document is not None and view.document.is_deleted
    return is_deleted or (member.grant is not None and member.grant.is_leaving)


def _has_carried_out(view: VtnView, said: MemberDocument) -> bool:
    return (
        view.document is not None
        and said.carried_out is not None
        and said.carried_out >= view.document.version
    )


def _unheard(status: Status, liveness: Liveness) -> Status:
    if status is Status.ERROR or liveness is Liveness.DOWN:
        return status if status is Status.ERROR else Status.DOWN
    return Status.DEGRADED if status is Status.ACTIVE else status


def _silence(site: SiteState) -> str:
    since = f" since {site.since:%Y-%m-%d %H:%M:%S} UTC" if site.since else ""
    return f"The site can't be reached{since}."


def _waiting(view: VtnView, sites: Mapping[str, SiteState]) -> Iterator[str]:
    if view.document is None or not _has_asked(view):
        return
    owner = view.document.owner
    site = sites.get(owner)
    silence = "" if site is None or site.liveness is Liveness.UP else f" {_silence(site)}"
    what = "Its deletion" if _has_asked(view, Operation.DELETE) else "A change"
    yield f"{what} waits for the site {owner}.{silence}"


def _has_asked(view: VtnView, *operations: Operation) -> bool:
    return any(
        each.request.site == view.site
        and not each.answer
        and (not operations or each.request.operation in operations)
        for each in view.requests
    )


def _worst(view: VtnView, members: tuple[MemberStatus, ...]) -> Status:
    found = {each.status for each in members}
    if Status.ERROR in found:
        return Status.ERROR
    if found == {Status.DOWN}:
        return Status.DOWN
    if found & {Status.DOWN, Status.DEGRADED}:
        return Status.DEGRADED
    return Status.PENDING if Status.PENDING in found or _has_asked(view) else Status.ACTIVE


def _being_removed(view: VtnView, sites: Mapping[str, SiteState]) -> str:
    """Say who has still to remove something, or else to hear of it, or else to say so."""
    left = [each for each in view.members if each.grant is not None and not _is_removed(each)]
    if left:
        names = [each.site for each in left]
        said = [
            f"{each.site}: {each.document.reason}"
            for each in left
            if each.document is not None and each.document.reason
        ]
        return " ".join(
            (f"It is being removed at {', '.join(names)}.", *said, *_silent(view, names, sites))
        )
    if view.document is None or not view.document.is_deleted:
        # Its owner has forgotten it already, or what it says now is still on its way.
        return "It has been removed."
    owner = view.document.owner
    unaware = sorted(
        site for site in involved(view) - {owner, view.site} if not has_forgotten(view, site)
    )
    if not unaware and owner != view.site:
        return " ".join(
            (f"It has been removed; {owner} has to say so.", *_silent(view, [owner], sites))
        )
    if not unaware:
        return "It has been removed."
    return " ".join(
        (
            f"It has been removed; {', '.join(unaware)} has to hear of it.",
            *_silent(view, unaware, sites),
        )
    )


def _is_removed(member: MemberView) -> bool:
    return member.document is not None and member.document.is_removed


def _silent(view: VtnView, names: Iterable[str], sites: Mapping[str, SiteState]) -> Iterator[str]:
    for name in names:
        site = sites.get(name)
        if name == view.site:
            continue
        if site is None or site.last_heard_at is None:
            yield f"{name}: The site has never been heard."
        elif site.liveness is not Liveness.UP:
            yield f"{name}: {_silence(site)}"
