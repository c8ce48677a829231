# SPDX-License-Identifier: Apache-2.0
"""What differs between sites about a VTN, and what did not count: sentences for operators.

Nothing differs once every site follows the document that counts and every member carried it out.
"""

from __future__ import annotations

from collections.abc import Iterator

from isthmus.model.vtn.documents import VtnDocument, name_of
from isthmus.model.vtn.merge import MemberView, VtnView
from isthmus.model.vtn.slices import silent_sites


def report(view: VtnView) -> tuple[str, ...]:
    """Say what is not as it is to be, or will never be; empty when sites agree."""
    return (*differences(view), *losses(view), *refusals(view))


def differences(view: VtnView) -> tuple[str, ...]:
    """Say what has still to happen until sites agree."""
    return tuple(_differences(view))


def losses(view: VtnView) -> tuple[str, ...]:
    """Say what former owners wrote that a take-over did not know of, and that does not count."""
    counting = view.document
    if counting is None:
        return ()
    return tuple(
        f"What {lost.owner} wrote of {view.vtn_id} as its owner, up to generation "
        f"{lost.generation} of epoch {lost.epoch}, does not count since {counting.owner} took it "
        f"over: {_difference(lost, counting)}."
        for lost in view.overruled
        if lost.version not in counting.took_over
    )


def refusals(view: VtnView) -> tuple[str, ...]:
    """Say what was found where only another site may write it."""
    return tuple(
        f"{each.site} publishes {name_of(each.document)}, which only another site may write; "
        "it is ignored."
        for each in view.foreign
    )


def _differences(view: VtnView) -> Iterator[str]:
    counting = view.document
    own = view.own_member
    if counting is None and own is not None and not own.is_removed and view.newest is not None:
        yield (
            f"No site has a document of {view.vtn_id} any more, which {view.newest.owner} owned; "
            f"{view.site} keeps what it made of it. If {view.newest.owner} will not bring it back, "
            f"have that removed: openstack interconnect recover {view.site} "
            f"--abandon {view.vtn_id}"
        )
    if counting is None or view.newest is None:
        return
    if counting.version < view.newest:
        yield (
            f"{view.site} has {counting.version} of {view.vtn_id}; {view.newest} was heard of and "
            f"has to come from {view.newest.owner}."
        )
    for site in view.in_the_way:
        yield f"{view.site} waits until {site} has removed what it was given of {view.vtn_id}."
    for site in silent_sites(view):
        yield f"{site} has not said yet that {counting.owner} owns {view.vtn_id} now."
    for member in view.members:
        yield from _of_member(counting, member)


def _of_member(counting: VtnDocument, member: MemberView) -> Iterator[str]:
    said = member.document
    if said is None:
        yield f"{member.site} has not said anything of {counting.vtn_id} yet."
        return
    stays = member.grant is not None and not member.grant.is_leaving and not counting.is_deleted
    if stays and (said.carried_out is None or said.carried_out < counting.version):
        yield f"{member.site} has not carried out {counting.version} of {counting.vtn_id} yet."
    if not stays and not said.is_removed:
        yield f"{member.site} has not removed {counting.vtn_id} yet."
    for each in said.drift:
        yield f"{member.site}, {counting.vtn_id}: {each}"


def _difference(lost: VtnDocument, counting: VtnDocument) -> str:
    found = []
    if lost.is_deleted and not counting.is_deleted:
        found.append("it deleted it")
    for field in ("name", "description", "admin_state_up", "class_of_service", "rate_kbps"):
        theirs, ours = getattr(lost, field), getattr(counting, field)
        if theirs != ours:
            found.append(f"{field} {theirs!r} (is {ours!r})")
    if lost.prefixes != counting.prefixes:
        found.append(f"prefixes {', '.join(map(str, lost.prefixes)) or 'none'}")
    theirs, ours = _staying(lost), _staying(counting)
    found += [f"member {site} added" for site in sorted(theirs - ours)]
    found += [f"member {site} missing" for site in sorted(ours - theirs)]
    return "; ".join(found) or "nothing in it differs"


def _staying(document: VtnDocument) -> set[str]:
    return {each.site for each in document.members if not each.is_leaving}
