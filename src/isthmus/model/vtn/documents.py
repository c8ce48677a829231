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
        leaving_since: no member any more from this version on, but it has not said yet that it
            removed everything; until then nobody else is given its prefixes. None for a member.
    """

    site: str
    project: str | None
    prefixes: tuple[IpPrefix, ...]
    leaving_since: Version | None = None

    @property
    def is_leaving(self) -> bool:
        """Whether it is to remove everything."""
        return self.leaving_since is not None


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
        took_over: the versions from which each take-over went on, in order.
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
    took_over: tuple[Version, ...] = ()
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
        acceptance: whether it wants to be a member.
        follows: the newest version of the VTN it has heard of: from then on it writes nothing
            under an older claim.
        follows_deletion: that version deletes the VTN.
        carried_out: the version that is carried out here; None before the first.
        project: the project under which it is realised.
        prefixes: of the subnets that are there or may be, in order.
        network_id: the Neutron network that was made.
        subnet_ids: of that network, in order of prefix.
        bgpvpn_id: the VPN that was made.
        class_of_service: at this site; None for the VTN's.
        rate_kbps: at this site; None for the VTN's.
        status: of what is realised.
        reason: empty, or a sentence for the tenant.
        ports: how many the tenant has on the network here.
        drift: what somebody changed by hand, a sentence for the operator each.
        is_removed: nothing of the VTN is left here.
        own_version: of the newest ``vtn`` document this site has in its store, if any; when
            ``follows`` has another owner, it is the last one of that claim.
        holds: of all ``vtn`` documents this site knows that neither count nor delete, in order.
        settled: number up to which this site's requests have been answered and withdrawn.
    """

    vtn_id: str
    site: str
    acceptance: Acceptance
    follows: Version
    follows_deletion: bool = False
    carried_out: Version | None = None
    project: str | None = None
    prefixes: tuple[IpPrefix, ...] = ()
    network_id: str | None = None
    subnet_ids: tuple[str, ...] = ()
    bgpvpn_id: str | None = None
    class_of_service: str | None = None
    rate_kbps: int | None = None
    status: Status = Status.PENDING
    reason: str = ""
    ports: int = 0
    drift: tuple[str, ...] = ()
    is_removed: bool = False
    own_version: Version | None = None
    holds: tuple[Version, ...] = ()
    settled: int = 0


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
        number: counts this site's requests for this VTN, from 1; they are answered in that order.
        operation: what is to be done.
        change: with what.
        asked_at: seconds since 1970-01-01 UTC by the asking site's clock, for people to read.
    """

    request_id: str
    site: str
    vtn_id: str
    number: int
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
        asker: the site that asked.
        number: of the request.
        result: carried out, or not.
        for_tenant: empty, or why not.
        for_operator: empty, or why not.
        as_of: the first version that has the change in it, or that goes without it.
    """

    request_id: str
    site: str
    vtn_id: str
    asker: str
    number: int
    result: Result
    for_tenant: str
    for_operator: str
    as_of: Version


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
        case _:
            return document.name


def key_of(document: Document) -> tuple[Kind, str]:
    """Return kind and name: there is one such document in a site's store."""
    return kind_of(document), name_of(document)


def writer_of(document: Document) -> str:
    """Return the site that says it wrote a document; in another's store it does not count."""
    match document:
        case VtnDocument():
            return document.owner
        case SiteDocument():
            return document.name
        case _:
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
