# SPDX-License-Identifier: Apache-2.0
"""Documents that sites publish about virtual tenant networks, each with one writer.

A document stands in the store of the site that writes it, under its kind and name:

    vtn/<id>            VtnDocument       a site that is or was the VTN's owner
    member/<id>/<site>  MemberDocument    a member, about what it made of the VTN
    request/<id>        RequestDocument   a site that wants the owner to change something
    answer/<id>         AnswerDocument    the owner
    site/<name>         SiteDocument      every site, again and again

Nobody else writes it, so there is nothing to merge inside of it.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from isthmus.model.ids import RouteTarget
from isthmus.model.ip import IpPrefix
from isthmus.model.report import Status


class Kind(StrEnum):
    """First part of a document's key."""

    VTN = "vtn"
    MEMBER = "member"
    REQUEST = "request"
    ANSWER = "answer"
    SITE = "site"


class VtnType(StrEnum):
    """How members share addresses."""

    L3 = "l3"
    """Each member has a subnet of its own, cut from the VTN's prefixes."""
    SUBNET = "subnet"
    """One IP subnet over all members (RFC 7814)."""
    L2 = "l2"
    """One Ethernet over all members (RFC 7432)."""


class Acceptance(StrEnum):
    """Whether a site wants to be a member."""

    ACCEPTED = "accepted"
    PENDING = "pending"
    REFUSED = "refused"


class Operation(StrEnum):
    """What a site may ask of the owner."""

    UPDATE = "update"
    ADD_MEMBER = "add_member"
    REMOVE_MEMBER = "remove_member"
    DELETE = "delete"


class Result(StrEnum):
    """What became of a request."""

    DONE = "done"
    REFUSED = "refused"


@dataclass(frozen=True, slots=True, order=True)
class Version:
    """What the owner of a VTN said, and when in the order of all that was ever said of it.

    The greater one counts, at every site. A take-over raises the epoch; of two take-overs at once
    the one of the site whose name is greater counts.

    Attributes:
        epoch: counts take-overs, from 1.
        owner: the site that wrote it.
        generation: counts what that owner wrote, from 1; a take-over goes on from what it saw.
    """

    epoch: int
    owner: str
    generation: int

    def __str__(self) -> str:
        return f"{self.epoch}/{self.owner}/{self.generation}"

    @property
    def claim(self) -> tuple[int, str]:
        """By what the writer is the owner: nobody else can have the same."""
        return self.epoch, self.owner


@dataclass(frozen=True, slots=True)
class MemberGrant:
    """What the owner gives to a member.

    Attributes:
        site: the member.
        project: the tenant's project as the owner knows it at that site; None leaves it to the
            member's own mapping of projects.
        prefixes: cut from the VTN's prefixes for this member alone, IPv4 before IPv6 (type l3).
        is_leaving: no member any more, but it has not said yet that it removed everything; until
            then nobody else is given its prefixes.
    """

    site: str
    project: str | None
    prefixes: tuple[IpPrefix, ...]
    is_leaving: bool = False


@dataclass(frozen=True, slots=True, order=True)
class Answered:
    """How far the owner has answered the requests of one site.

    Attributes:
        site: that asked.
        number: of its newest request that was answered; those before are, too.
    """

    site: str
    number: int


@dataclass(frozen=True, slots=True)
class VtnDocument:
    """A virtual tenant network as its owner wants it.

    Attributes:
        vtn_id: a UUID, made where the VTN was.
        owner: the site that writes this document.
        epoch: as in ``Version``.
        generation: as in ``Version``.
        project: the tenant's project at the owner.
        name: the tenant's.
        description: the tenant's.
        type: how members share addresses.
        prefixes: of the whole VTN, in the tenant's order.
        route_targets: exported and imported by all members (RFC 4364 §4.3.1); never shown to
            tenants.
        members: in order of site, those that are leaving among them.
        admin_state_up: packets are to flow.
        class_of_service: default of the members'.
        rate_kbps: default of the members'.
        is_deleted: a tombstone; members remove everything and say so.
        answered: how far requests have been answered, in order of site.
        vouched_gone: former owners of which an operator said, at take-over, that they had given
            nothing that the new owner did not hear of.
    """

    vtn_id: str
    owner: str
    epoch: int
    generation: int
    project: str
    name: str
    description: str
    type: VtnType
    prefixes: tuple[IpPrefix, ...]
    route_targets: tuple[RouteTarget, ...]
    members: tuple[MemberGrant, ...]
    admin_state_up: bool = True
    class_of_service: str | None = None
    rate_kbps: int | None = None
    is_deleted: bool = False
    answered: tuple[Answered, ...] = ()
    vouched_gone: tuple[str, ...] = ()

    @property
    def version(self) -> Version:
        """Its place among all that was ever said of the VTN."""
        return Version(self.epoch, self.owner, self.generation)

    def grant(self, site: str) -> MemberGrant | None:
        """Return what a site is given, be it leaving or not; None if it is no member."""
        return next((each for each in self.members if each.site == site), None)

    def answered_up_to(self, site: str) -> int:
        """Return the number of the newest request of a site that was answered; 0 for none."""
        return next((each.number for each in self.answered if each.site == site), 0)


@dataclass(frozen=True, slots=True)
class MemberDocument:
    """What a site made of a VTN. Former owners write one, too, members or not.

    Attributes:
        vtn_id: the VTN.
        site: that writes this document.
        serial: counts what the site wrote here, from 1; the greater one is newer.
        acceptance: whether it wants to be a member.
        follows: the newest version of the VTN it has heard of: from then on it writes nothing
            under an older claim.
        carried_out: the version that is carried out here; None before the first.
        project: the project under which it is realised.
        network_id: the Neutron network that was made.
        subnet_ids: of that network, in order of prefix.
        bgpvpn_id: the VPN that was made.
        class_of_service: at this site; None for the VTN's.
        rate_kbps: at this site; None for the VTN's.
        status: of what is realised.
        reason: empty, or a sentence for the tenant.
        drift: what somebody changed by hand, a sentence for the operator each.
        is_removed: nothing of the VTN is left here.
        own_version: of the newest ``vtn`` document this site has in its store, if any; when
            ``follows`` has another owner, it is the last one of that claim.
        holds: claims of all living ``vtn`` documents this site has heard and not dropped, in order.
    """

    vtn_id: str
    site: str
    serial: int
    acceptance: Acceptance
    follows: Version
    carried_out: Version | None = None
    project: str | None = None
    network_id: str | None = None
    subnet_ids: tuple[str, ...] = ()
    bgpvpn_id: str | None = None
    class_of_service: str | None = None
    rate_kbps: int | None = None
    status: Status = Status.PENDING
    reason: str = ""
    drift: tuple[str, ...] = ()
    is_removed: bool = False
    own_version: Version | None = None
    holds: tuple[Version, ...] = ()


@dataclass(frozen=True, slots=True)
class Change:
    """What a request asks for; of the rest nothing is said.

    Attributes:
        name: new name.
        description: new description.
        prefixes: all the VTN is to have.
        admin_state_up: new administrative state.
        class_of_service: new default.
        rate_kbps: new default.
        member: the site to add or to remove.
        member_project: the project at the member, if the asking site knows.
    """

    name: str | None = None
    description: str | None = None
    prefixes: tuple[IpPrefix, ...] | None = None
    admin_state_up: bool | None = None
    class_of_service: str | None = None
    rate_kbps: int | None = None
    member: str | None = None
    member_project: str | None = None


@dataclass(frozen=True, slots=True)
class RequestDocument:
    """What a site asks of the owner of a VTN, whoever that is.

    Attributes:
        request_id: a UUID.
        site: that asks.
        vtn_id: the VTN.
        number: greater than that of any earlier request of this site for this VTN.
        previous: number of this site's request that has to be answered before; 0 for none. The
            site writes 0 here once it has withdrawn that one.
        operation: what is to be done.
        change: with what.
        asked_at: seconds since 1970-01-01 UTC by the asking site's clock, for people to read.
    """

    request_id: str
    site: str
    vtn_id: str
    number: int
    previous: int
    operation: Operation
    change: Change
    asked_at: float


@dataclass(frozen=True, slots=True)
class AnswerDocument:
    """What became of a request.

    Attributes:
        request_id: the request.
        site: that answers.
        vtn_id: the VTN.
        result: carried out, or not.
        for_tenant: empty, or why not.
        for_operator: empty, or why not.
        version: the first that has the change in it, or that was refused a change of.
    """

    request_id: str
    site: str
    vtn_id: str
    result: Result
    for_tenant: str
    for_operator: str
    version: Version


@dataclass(frozen=True, slots=True, order=True)
class HeardOf:
    """How far a site has heard another.

    Attributes:
        site: the other.
        revision: of the other's store.
    """

    site: str
    revision: int


@dataclass(frozen=True, slots=True)
class SiteDocument:
    """A heartbeat.

    Attributes:
        name: the site.
        incarnation: made anew whenever its store is.
        beat: counts up.
        as_number: the site's AS (RFC 6793).
        heard: how far it has heard the others, in order of site.
        state: empty, or a sentence for the others' operators.
    """

    name: str
    incarnation: str
    beat: int
    as_number: int
    heard: tuple[HeardOf, ...] = ()
    state: str = ""


Document = VtnDocument | MemberDocument | RequestDocument | AnswerDocument | SiteDocument


@dataclass(frozen=True, slots=True)
class Published:
    """A document and the site in whose store it was found.

    Attributes:
        site: the only one who may have written it.
        document: what it says.
    """

    site: str
    document: Document


def kind_of(document: Document) -> Kind:
    """Return the first part of a document's key."""
    return _KINDS[type(document)]


def name_of(document: Document) -> str:
    """Return the rest of a document's key.

    >>> name_of(SiteDocument("west", "a", 1, 64500))
    'west'
    """
    match document:
        case VtnDocument():
            return document.vtn_id
        case MemberDocument():
            return f"{document.vtn_id}/{document.site}"
        case RequestDocument() | AnswerDocument():
            return document.request_id
        case SiteDocument():
            return document.name


def writer_of(document: Document) -> str:
    """Return the site that says it wrote a document; in another's store it does not count."""
    match document:
        case VtnDocument():
            return document.owner
        case SiteDocument():
            return document.name
        case MemberDocument() | RequestDocument() | AnswerDocument():
            return document.site


def vtn_of(document: Document) -> str | None:
    """Return the VTN a document is about; None for a heartbeat."""
    return None if isinstance(document, SiteDocument) else document.vtn_id


_KINDS: dict[type, Kind] = {
    VtnDocument: Kind.VTN,
    MemberDocument: Kind.MEMBER,
    RequestDocument: Kind.REQUEST,
    AnswerDocument: Kind.ANSWER,
    SiteDocument: Kind.SITE,
}
