# SPDX-License-Identifier: Apache-2.0
"""What all documents of one VTN come to, as one site sees them.

Pure: the same documents in any order give the same view. Of documents by the same writer under the
same key only the newest is to be given.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from isthmus.model.ids import RouteTarget
from isthmus.model.ip import IpPrefix
from isthmus.model.vtn.documents import (
    AnswerDocument,
    MemberDocument,
    MemberGrant,
    Published,
    RequestDocument,
    Version,
    VtnDocument,
    VtnType,
)


@dataclass(frozen=True, slots=True)
class Wanted:
    """What a site has to realise of a VTN.

    Attributes:
        version: to write as ``carried_out`` when it is done.
        name: of the VTN.
        description: of the VTN.
        type: how members share addresses.
        project: the tenant's at this site; None if the owner does not know.
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
        members: everybody who is a member, or says something as one, in order of site.
        wanted: what to realise here; None if nothing is, or not yet accepted.
        is_to_be_removed: whatever is realised here has to go.
        awaits_acceptance: this site is a member and has not said yet whether it wants to be.
        requests: in the order in which the owner has to answer them.
        overruled: ``vtn`` documents that do not count, the newest first.
        foreign: documents found in the store of a site that may not write them.
    """

    vtn_id: str
    site: str
    document: VtnDocument | None
    members: tuple[MemberView, ...]
    wanted: Wanted | None
    is_to_be_removed: bool
    awaits_acceptance: bool
    requests: tuple[OpenRequest, ...]
    overruled: tuple[VtnDocument, ...]
    foreign: tuple[Published, ...]

    @property
    def is_owner(self) -> bool:
        """Whether this site may write the document that counts."""
        return self.document is not None and self.document.owner == self.site

    @property
    def own_member(self) -> MemberDocument | None:
        """What this site said last as a member."""
        return self.member(self.site).document

    def member(self, site: str) -> MemberView:
        """Return what is known of a site as a member."""
        return next(
            (each for each in self.members if each.site == site), MemberView(site, None, None)
        )


def merge(own_site: str, vtn_id: str, documents: Iterable[Published]) -> VtnView:
    """Put together what sites say of one VTN.

    Args:
        own_site: the site that looks.
        vtn_id: the VTN; documents about others are left out.
        documents: of all sites, the own among them, in any order.
    """
    raise NotImplementedError
