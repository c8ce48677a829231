# SPDX-License-Identifier: Apache-2.0
"""What the owner of a VTN writes: a new one, changes, deletion; and how another site becomes owner.

Each change is the next generation of the whole document.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from itertools import combinations

from isthmus.model.errors import IntentConflict, InvalidValue, NotPermitted
from isthmus.model.ids import RouteTarget
from isthmus.model.ip import IpPrefix, ip_order
from isthmus.model.vtn.documents import (
    Acceptance,
    Answered,
    Change,
    MemberGrant,
    Operation,
    Version,
    VtnDocument,
    VtnType,
)
from isthmus.model.vtn.merge import VtnView
from isthmus.model.vtn.slices import cut, involved, reserved, silent_sites


def create(
    vtn_id: str,
    site: str,
    project: str,
    *,
    name: str = "",
    description: str = "",
    type: VtnType = VtnType.L3,  # noqa: A002
    prefixes: Sequence[IpPrefix] = (),
    members: Mapping[str, str | None] | None = None,
    route_targets: Iterable[RouteTarget] = (),
    admin_state_up: bool = True,
    class_of_service: str | None = None,
    rate_kbps: int | None = None,
) -> VtnDocument:
    """Make a VTN, owned by the site where it is asked for.

    Args:
        vtn_id: a new UUID.
        site: the owner.
        project: the tenant's, there.
        name: as in ``VtnDocument``.
        description: as in ``VtnDocument``.
        type: as in ``VtnDocument``.
        prefixes: as in ``VtnDocument``.
        members: site → the tenant's project there, None where the site knows; the owner alone if
            None.
        route_targets: from the owner's own pool.
        admin_state_up: as in ``VtnDocument``.
        class_of_service: as in ``VtnDocument``.
        rate_kbps: as in ``VtnDocument``.

    Raises:
        InvalidValue: prefixes overlap.
        IntentConflict: they have no room for all members.
    """
    _check_prefixes(prefixes)
    projects = {site: project} if members is None else members
    sites = sorted(projects)
    slices = _slices(type, prefixes, (), sites, len(sites))
    return VtnDocument(
        vtn_id=vtn_id,
        owner=site,
        epoch=1,
        generation=1,
        project=project,
        name=name,
        description=description,
        type=type,
        prefixes=tuple(prefixes),
        route_targets=tuple(sorted(route_targets)),
        members=tuple(MemberGrant(each, projects[each], slices[each]) for each in sites),
        admin_state_up=admin_state_up,
        class_of_service=class_of_service,
        rate_kbps=rate_kbps,
    )


def change(view: VtnView, operation: Operation, values: Change) -> VtnDocument:
    """Return the next generation of a VTN that this site owns.

    What is so already is no error; the generation is a new one all the same.

    Raises:
        NotPermitted: this site is not the owner; it has to ask.
        InvalidValue: what is asked for makes no sense.
        IntentConflict: it is at odds with the VTN as it is.
    """
    if not view.is_owner or view.document is None:
        owner = view.newest.owner if view.newest else "nobody"
        raise NotPermitted(
            "This network belongs to another site.",
            f"{view.vtn_id} is owned by {owner}, not by {view.site}: ask, or take it over.",
        )
    document = view.document
    if operation is Operation.DELETE:
        return _next(document) if document.is_deleted else replace(_next(document), is_deleted=True)
    if document.is_deleted:
        raise IntentConflict("The network is deleted.", f"{view.vtn_id} is deleted.")
    match operation:
        case Operation.ADD_MEMBER:
            return _add(view, document, _site_of(values), values.member_project)
        case Operation.REMOVE_MEMBER:
            return _remove(view, document, _site_of(values))
        case _:
            return _update(view, document, values)


def take_over(view: VtnView, vouched_gone: Iterable[str] = ()) -> VtnDocument:
    """Make this site the owner, by an epoch greater than any it knows of.

    The owner may do so again, to vouch for others or because it lost what it wrote. A VTN that is
    deleted stays deleted, even if only a member knows that it is. Members that only overruled
    owners gave something to leave.

    Args:
        view: the VTN, as this site sees it.
        vouched_gone: former owners of which an operator says that they gave nothing this site has
            not heard of, because they lost it or are gone for good.

    Raises:
        IntentConflict: nothing is known of the VTN, or this site is the owner.
        NotPermitted: this site is no member.
    """
    document = view.document
    if document is None or view.newest is None:
        raise IntentConflict("There is no such network.", f"Nothing is known of {view.vtn_id}.")
    vouched_gone = set(vouched_gone)
    if view.is_owner and not view.has_lost_versions and not vouched_gone:
        raise IntentConflict(
            "The network belongs to this site already.",
            f"{view.site} is the owner of {view.vtn_id} already.",
        )
    if not may_take_over(view):
        raise NotPermitted(
            "Only a member of the network may become its owner.",
            f"{view.site} is no member of {view.vtn_id}; add it first, or take over at a member.",
        )
    version = Version(view.newest.epoch + 1, view.site, document.generation + 1)
    return replace(
        document,
        owner=version.owner,
        epoch=version.epoch,
        generation=version.generation,
        members=tuple(_members_after_take_over(view, version)),
        is_deleted=document.is_deleted or _is_known_to_be_deleted(view, document),
        took_over=(*document.took_over, document.version),
        vouched_gone=tuple(sorted(vouched_gone.union(document.vouched_gone) - {view.site})),
    )


def _is_known_to_be_deleted(view: VtnView, document: VtnDocument) -> bool:
    """Whether a member follows a deletion whose document this site has not, or not any more."""
    return any(
        each.grant is not None
        and each.document is not None
        and each.document.follows_deletion
        and each.document.follows > document.version
        for each in view.members
    )


def may_take_over(view: VtnView) -> bool:
    """Whether this site could be asked what it gave: it is a member, or was owner itself."""
    grant = view.document.grant(view.site) if view.document else None
    return view.own_document is not None or (grant is not None and not grant.is_leaving)


def let_go(view: VtnView, revoked: Iterable[str] = ()) -> tuple[MemberGrant, ...]:
    """Return the members without those that have left.

    A member has left once it says, knowing that it is to leave, that it removed everything, and
    nobody could take the VTN over any more who does not know that it is to leave. A VTN that is
    deleted keeps its members until it is forgotten.

    Args:
        view: the VTN, which is this site's.
        revoked: sites that do not belong to us any more; nothing is expected of them.
    """
    if view.document is None:
        return ()
    if view.document.is_deleted:
        return tuple(each for each in view.document.members if each.site not in set(revoked))
    leaving = [each for each in view.document.members if each.leaving_since is not None]
    if not leaving:
        return view.document.members
    others = involved(view) - {view.site, *view.document.vouched_gone, *revoked}
    gone = {
        each.site
        for each in leaving
        if (each.site in set(revoked) or _has_left(view, each))
        and all(_knows_that_it_leaves(view, each, other) for other in others)
    }
    return tuple(each for each in view.document.members if each.site not in gone)


def _has_left(view: VtnView, grant: MemberGrant) -> bool:
    said = view.member(grant.site).document
    return said is not None and said.is_removed and _knows_that_it_leaves(view, grant, grant.site)


def _knows_that_it_leaves(view: VtnView, grant: MemberGrant, site: str) -> bool:
    said = view.member(site).document
    return (
        said is not None and grant.leaving_since is not None and said.follows >= grant.leaving_since
    )


def _members_after_take_over(view: VtnView, version: Version) -> Iterable[MemberGrant]:
    members: dict[str, MemberGrant] = {}
    for document in view.documents:
        for grant in document.members:
            stays = document is view.document and not grant.is_leaving
            leaving = replace(grant, leaving_since=version)
            members.setdefault(grant.site, grant if stays else leaving)
    return (members[site] for site in sorted(members))


def _next(document: VtnDocument) -> VtnDocument:
    return replace(document, generation=document.generation + 1)


def _site_of(values: Change) -> str:
    if values.member is None:
        raise InvalidValue("Which member is not said.")
    return values.member


def _add(view: VtnView, document: VtnDocument, site: str, project: str | None) -> VtnDocument:
    found = document.grant(site)
    if found is None:
        _check_that_all_spoke(view)
        many = len(document.members) + 1
        prefixes = _slices(document.type, document.prefixes, reserved(view), [site], many)[site]
        found = MemberGrant(site, project, prefixes)
    elif found.is_leaving:
        found = replace(found, project=project, leaving_since=None)
    said = view.member(site).document
    if said is not None and said.acceptance is Acceptance.REFUSED:
        raise IntentConflict(
            f"The site {site} has refused to be a member.",
            f"{site} has refused to be a member of {document.vtn_id}: accept it there first.",
        )
    return replace(_next(document), members=_with(document.members, found))


def _remove(view: VtnView, document: VtnDocument, site: str) -> VtnDocument:
    following = _next(document)
    found = document.grant(site)
    if found is None or found.is_leaving:
        return following
    if not any(each.site != site and not each.is_leaving for each in document.members):
        raise IntentConflict(
            f"{site} is the only member; delete the network instead.",
            f"{site} is the only member of {document.vtn_id}.",
        )
    said = view.member(site).document
    if said is not None and said.ports:
        raise IntentConflict(
            f"{site} still has {said.ports} ports on the network; delete them first.",
        )
    leaving = replace(found, leaving_since=following.version)
    return replace(following, members=_with(document.members, leaving))


def _with(members: tuple[MemberGrant, ...], one: MemberGrant) -> tuple[MemberGrant, ...]:
    others = (each for each in members if each.site != one.site)
    return tuple(sorted((*others, one), key=lambda each: each.site))


def _update(view: VtnView, document: VtnDocument, values: Change) -> VtnDocument:
    changed = _next(document)
    for field in ("name", "description", "admin_state_up", "class_of_service", "rate_kbps"):
        value = getattr(values, field)
        if value is not None:
            changed = replace(changed, **{field: value})
    if values.prefixes is not None and values.prefixes != document.prefixes:
        changed = _with_prefixes(view, changed, values.prefixes)
    return changed


def _with_prefixes(
    view: VtnView, document: VtnDocument, prefixes: tuple[IpPrefix, ...]
) -> VtnDocument:
    """Change the VTN's prefixes; whoever has no slice of a family that is new gets one."""
    _check_prefixes(prefixes)
    given = [prefix for grant in document.members for prefix in grant.prefixes]
    for each in given:
        if not any(each.version == of.version and each.subnet_of(of) for of in prefixes):  # type: ignore[arg-type]
            raise IntentConflict(
                f"{each} is given to a member and would be in none of the prefixes any more; "
                "remove that member first."
            )
    changed = replace(document, prefixes=prefixes)
    for version in (4, 6):
        of_family = [each for each in prefixes if each.version == version]
        without = [
            each.site
            for each in document.members
            if not each.is_leaving and all(own.version != version for own in each.prefixes)
        ]
        if of_family and without:
            _check_that_all_spoke(view)
            many = len(document.members)
            slices = _slices(document.type, of_family, reserved(view), without, many)
            changed = replace(
                changed,
                members=tuple(
                    replace(each, prefixes=_in_order(each.prefixes + slices.get(each.site, ())))
                    for each in changed.members
                ),
            )
    return changed


def _in_order(prefixes: tuple[IpPrefix, ...]) -> tuple[IpPrefix, ...]:
    return tuple(sorted(prefixes, key=ip_order))


def _slices(
    type_: VtnType,
    prefixes: Sequence[IpPrefix],
    taken: Iterable[IpPrefix],
    sites: Sequence[str],
    members: int,
) -> Mapping[str, tuple[IpPrefix, ...]]:
    if type_ is not VtnType.L3:
        return dict.fromkeys(sites, ())
    return cut(prefixes, taken, sites, members)


def _check_that_all_spoke(view: VtnView) -> None:
    silent = silent_sites(view)
    if silent:
        names = ", ".join(silent)
        raise IntentConflict(
            f"What {names} did while this site could not hear of it is not known yet; "
            "try again when it is back.",
            f"{view.site} took {view.vtn_id} over and has not heard from {names} since, which may "
            "have given prefixes away: wait, or take over again vouching that it is gone.",
        )


def _check_prefixes(prefixes: Sequence[IpPrefix]) -> None:
    for one, other in combinations(prefixes, 2):
        if one.overlaps(other):
            raise InvalidValue(f"The prefixes {one} and {other} overlap.")


def answered(document: VtnDocument, site: str, number: int) -> VtnDocument:
    """Return a document that says how far a site's requests have been answered."""
    others = (each for each in document.answered if each.site != site)
    return replace(document, answered=tuple(sorted((*others, Answered(site, number)))))
