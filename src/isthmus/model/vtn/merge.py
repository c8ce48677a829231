# SPDX-License-Identifier: Apache-2.0
"""What all documents of one VTN come to, as one site sees them.

Pure: the same documents in any order give the same view. Of documents by the same writer under the
same key only the newest is to be given.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterable
from dataclasses import dataclass, field
from operator import attrgetter

from isthmus.model.ids import RouteTarget
from isthmus.model.ip import IpPrefix
from isthmus.model.vtn.documents import (
    Acceptance,
    AnswerDocument,
    MemberDocument,
    MemberGrant,
    Published,
    RequestDocument,
    SiteDocument,
    Version,
    VtnDocument,
    VtnType,
    kind_of,
    name_of,
    writer_of,
)


@dataclass(frozen=True, slots=True)
class Wanted:
    """What a site has to realise of a VTN.

    Attributes:
        version: to write as ``carried_out`` when it is done.
        name: of the VTN.
        description: of the VTN.
        type: how members share addresses.
        project: the tenant's at this site; None if neither it nor the owner has said.
        prefixes: of this site's subnets, IPv4 before IPv6.
        route_targets: to export and import.
        admin_state_up: packets are to flow.
        class_of_service: this site's, or the VTN's default.
        rate_kbps: this site's, or the VTN's default.
    """

    version: Version
    name: str
    description: str
    type: VtnType
    project: str | None
    prefixes: tuple[IpPrefix, ...]
    route_targets: tuple[RouteTarget, ...]
    admin_state_up: bool
    class_of_service: str | None
    rate_kbps: int | None


@dataclass(frozen=True, slots=True)
class MemberView:
    """A member, by what the owner gives it and what it says itself.

    Attributes:
        site: the member.
        grant: what the owner gives it; None if it is none any more, or was one of an owner that
            was overruled.
        document: what it said last; None if it has never been heard.
    """

    site: str
    grant: MemberGrant | None
    document: MemberDocument | None


@dataclass(frozen=True, slots=True)
class OpenRequest:
    """A request that its site has not withdrawn.

    Attributes:
        request: what is asked.
        answer: what became of it, if that counts and has been heard; None is pending.
    """

    request: RequestDocument
    answer: AnswerDocument | None


@dataclass(frozen=True, slots=True)
class VtnView:
    """One VTN as one site sees it.

    Attributes:
        vtn_id: the VTN.
        site: that looks.
        document: the one that counts; None if there is none, or none any more.
        newest: version of what anybody is known to have heard of; greater than that of
            ``document`` while that one is still on its way. None if nothing is known.
        members: everybody who is a member, or says something as one, in order of site.
        requests: those that were not withdrawn, in the order in which they are to be answered.
        answers: this site's own.
        overruled: ``vtn`` documents that do not count, the newest first.
        foreign: documents found in the store of a site that may not write them.
    """

    vtn_id: str
    site: str
    document: VtnDocument | None
    newest: Version | None
    members: tuple[MemberView, ...]
    requests: tuple[OpenRequest, ...]
    answers: tuple[AnswerDocument, ...]
    overruled: tuple[VtnDocument, ...]
    foreign: tuple[Published, ...]

    @property
    def is_owner(self) -> bool:
        """Whether this site may write the document that counts.

        Not if another site is known to have heard of a greater claim, even if its document has not
        arrived here.
        """
        return (
            self.document is not None
            and self.newest is not None
            and self.document.owner == self.site
            and self.document.version.claim == self.newest.claim
        )

    @property
    def has_lost_versions(self) -> bool:
        """Whether others have heard more of this owner than it knows itself, as after a backup."""
        return (
            self.document is not None
            and self.newest is not None
            and self.newest.owner == self.site
            and self.document.version < self.newest
        )

    @property
    def is_behind(self) -> bool:
        """Whether this site itself once knew of a newer version than it has now."""
        own = self.own_member
        return own is not None and (self.document is None or self.document.version < own.follows)

    @property
    def is_forgotten(self) -> bool:
        """Whether nobody, this site neither, says anything of it any more."""
        return self.document is None and not self.is_behind

    @property
    def is_deleted(self) -> bool:
        """Whether it is deleted, as far as this site has ever heard; that is never undone."""
        own = self.own_member
        has_heard = own is not None and own.follows_deletion
        return has_heard or (self.document is not None and self.document.is_deleted)

    @property
    def grant(self) -> MemberGrant | None:
        """What this site is given; None if it is no member, is leaving or is behind."""
        if self.document is None or self.document.is_deleted or self.is_behind:
            return None
        found = self.member(self.site).grant
        return None if found is None or found.is_leaving else found

    @property
    def wanted(self) -> Wanted | None:
        """What to realise here; None if nothing is, or not now."""
        grant, own = self.grant, self.own_member
        if self.document is None or grant is None or own is None:
            return None
        if own.acceptance is not Acceptance.ACCEPTED or self.in_the_way:
            return None
        return _wanted(self.document, grant, own)

    @property
    def in_the_way(self) -> tuple[str, ...]:
        """Sites that are no members, but say that they still have what this one is given.

        Only where an owner was restored from a copy, or an operator vouched for a site that was not
        gone after all. They remove it as soon as they hear.
        """
        grant = self.grant
        if grant is None:
            return ()
        return tuple(
            each.site
            for each in self.members
            if each.site != self.site
            and (each.grant is None or each.grant.is_leaving)
            and each.document is not None
            and any(a.overlaps(b) for a in grant.prefixes for b in each.document.prefixes)
        )

    @property
    def is_to_be_removed(self) -> bool:
        """Whether what is realised here has to go."""
        own = self.own_member
        if own is None or own.is_removed or self.is_behind:
            return False
        return self.grant is None or own.acceptance is Acceptance.REFUSED

    @property
    def awaits_acceptance(self) -> bool:
        """Whether this site is a member and has not said yet that it wants to be."""
        own = self.own_member
        return self.grant is not None and (own is None or own.acceptance is Acceptance.PENDING)

    @property
    def own_member(self) -> MemberDocument | None:
        """What this site said last as a member."""
        return self.member(self.site).document

    @property
    def own_document(self) -> VtnDocument | None:
        """The ``vtn`` document in this site's own store, whether it counts or not."""
        return next((each for each in self.documents if each.owner == self.site), None)

    @property
    def documents(self) -> tuple[VtnDocument, ...]:
        """All ``vtn`` documents, the newest first."""
        return () if self.document is None else (self.document, *self.overruled)

    def member(self, site: str) -> MemberView:
        """Return what is known of a site as a member."""
        place = bisect_left(self.members, site, key=attrgetter("site"))
        if place < len(self.members) and self.members[place].site == site:
            return self.members[place]
        return MemberView(site, None, None)


def merge(own_site: str, vtn_id: str, published: Iterable[Published]) -> VtnView:
    """Put together what sites say of one VTN.

    Args:
        own_site: the site that looks.
        vtn_id: the VTN; documents about others are left out.
        published: by all sites, the own among them, in any order, however often each.
    """
    heard = _sort_out(vtn_id, published)
    documents = heard.newest_first()
    counting = documents[0] if documents else None
    grants = {each.site: each for each in counting.members} if counting else {}
    return VtnView(
        vtn_id,
        own_site,
        counting,
        heard.newest(),
        tuple(
            MemberView(site, grants.get(site), heard.members.get(site))
            for site in sorted(grants.keys() | heard.members.keys())
        ),
        tuple(_open(counting, heard)),
        tuple(
            sorted(
                (each for each in heard.answers.values() if each.site == own_site),
                key=lambda each: (each.asker, each.number, each.request_id),
            )
        ),
        tuple(documents[1:]),
        tuple(sorted(heard.foreign, key=_place)),
    )


@dataclass(slots=True)
class _Heard:
    """Documents of one VTN, by kind."""

    vtns: dict[str, VtnDocument] = field(default_factory=dict)
    members: dict[str, MemberDocument] = field(default_factory=dict)
    requests: dict[str, RequestDocument] = field(default_factory=dict)
    answers: dict[tuple[str, str], AnswerDocument] = field(default_factory=dict)
    foreign: list[Published] = field(default_factory=list)

    def newest_first(self) -> list[VtnDocument]:
        """Return ``vtn`` documents in the order in which they count."""
        return sorted(self.vtns.values(), key=lambda each: each.version, reverse=True)

    def newest(self) -> Version | None:
        """Return the newest version anybody is known to have heard of."""
        written = (each.version for each in self.vtns.values())
        followed = (each.follows for each in self.members.values())
        return max((*written, *followed), default=None)


def _sort_out(vtn_id: str, published: Iterable[Published]) -> _Heard:
    heard = _Heard()
    for each in published:
        document = each.document
        if isinstance(document, SiteDocument) or document.vtn_id != vtn_id:
            continue
        if writer_of(document) != each.site:
            heard.foreign.append(each)
            continue
        match document:
            case VtnDocument():
                heard.vtns[document.owner] = document
            case MemberDocument():
                heard.members[document.site] = document
            case RequestDocument():
                heard.requests[document.request_id] = document
            case _:
                heard.answers[document.site, document.request_id] = document
    return heard


def _wanted(counting: VtnDocument, grant: MemberGrant, own: MemberDocument) -> Wanted:
    return Wanted(
        version=counting.version,
        name=counting.name,
        description=counting.description,
        type=counting.type,
        project=own.project or grant.project,
        prefixes=grant.prefixes,
        route_targets=counting.route_targets,
        admin_state_up=counting.admin_state_up,
        class_of_service=own.class_of_service or counting.class_of_service,
        rate_kbps=counting.rate_kbps if own.rate_kbps is None else own.rate_kbps,
    )


def _open(counting: VtnDocument | None, heard: _Heard) -> Iterable[OpenRequest]:
    """Yield requests in an order that all sites agree on, each site's own in its order."""
    answers: dict[str, AnswerDocument] = {}
    for each in sorted(heard.answers.values(), key=lambda each: each.as_of):
        answers[each.request_id] = each
    for request in sorted(heard.requests.values(), key=lambda each: (each.number, each.site)):
        counts = counting is not None and request.number <= counting.answered_up_to(request.site)
        yield OpenRequest(request, answers.get(request.request_id) if counts else None)


def _place(published: Published) -> tuple[str, str, str]:
    return published.site, kind_of(published.document), name_of(published.document)
