# SPDX-License-Identifier: Apache-2.0
"""What a site says as a member of a VTN, or as one that has been owner or has asked for something.

Whatever it says, it says which version it knows of: from then on it neither writes under an older
claim nor realises what an older one gave it.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TypedDict, Unpack

from isthmus.model.errors import IntentConflict
from isthmus.model.ip import IpPrefix, ip_order
from isthmus.model.report import Status
from isthmus.model.vtn.documents import Acceptance, MemberDocument, Version
from isthmus.model.vtn.merge import VtnView


class Said(TypedDict, total=False):
    """What a site may say of itself; the rest follows from what it knows."""

    acceptance: Acceptance
    carried_out: Version | None
    project: str | None
    prefixes: tuple[IpPrefix, ...]
    network_id: str | None
    subnet_ids: tuple[str, ...]
    bgpvpn_id: str | None
    class_of_service: str | None
    rate_kbps: int | None
    status: Status
    reason: str
    ports: int
    drift: tuple[str, ...]
    is_removed: bool
    settled: int


def speak(view: VtnView, **said: Unpack[Said]) -> MemberDocument:
    """Return what this site says next, with what it knows now.

    What was realised stays as it was said last, unless ``said`` says otherwise. ``is_removed``
    empties it, but for a site that has become a member again in between. What the site is given
    counts as realised from the moment it knows of it, since somebody may just be at it; having
    ``carried_out`` the version that counts says that nothing else is there.

    >>> from isthmus.model.vtn import ownership
    >>> from isthmus.model.vtn.documents import Published
    >>> from isthmus.model.vtn.merge import merge
    >>> vtn = ownership.create("v", "west", "p")
    >>> speak(merge("west", "v", [Published("west", vtn)])).follows
    Version(epoch=1, owner='west', generation=1)

    Raises:
        IntentConflict: nothing is known of the VTN.
    """
    counting = view.document
    before = view.own_member
    known = None if counting is None else counting.version
    ends = counting is not None and counting.is_deleted
    if before is not None and (known is None or known < before.follows):
        known, ends = before.follows, before.follows_deletion
    if known is None:
        raise IntentConflict("There is no such network.", f"Nothing is known of {view.vtn_id}.")
    if before is None:
        before = MemberDocument(view.vtn_id, view.site, Acceptance.PENDING, known, is_removed=True)
    own = view.own_document
    document = replace(
        before,
        follows=known,
        follows_deletion=ends,
        own_version=own.version if own else None,
        holds=tuple(sorted(each.version for each in view.overruled if not each.is_deleted)),
    )
    if said.get("acceptance", before.acceptance) is not Acceptance.REFUSED and view.grant:
        there = sorted({*document.prefixes, *view.grant.prefixes}, key=ip_order)
        document = replace(document, prefixes=tuple(there), is_removed=False)
        said["is_removed"] = False
    if view.wanted is not None and said.get("carried_out") == view.wanted.version:
        document = replace(document, prefixes=view.wanted.prefixes)
    document = replace(document, **said)
    return replace(document, **_NOTHING) if document.is_removed else document


class _Nothing(TypedDict):
    prefixes: tuple[IpPrefix, ...]
    network_id: None
    subnet_ids: tuple[str, ...]
    bgpvpn_id: None
    ports: int
    drift: tuple[str, ...]


_NOTHING: _Nothing = {
    "prefixes": (),
    "network_id": None,
    "subnet_ids": (),
    "bgpvpn_id": None,
    "ports": 0,
    "drift": (),
}
