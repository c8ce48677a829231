# SPDX-License-Identifier: Apache-2.0
"""What this site says of a VTN as its member: one document, written when it says something new."""

from __future__ import annotations

from typing import Any

from neutron_lib.context import Context

from isthmus.db import vpns
from isthmus.db.vtn import documents, realisations, views
from isthmus.model.errors import IsthmusError
from isthmus.model.report import Status
from isthmus.model.vtn import encoding, membership
from isthmus.model.vtn.documents import Kind, MemberDocument
from isthmus.model.vtn.merge import VtnView
from isthmus.plugin import conditions
from isthmus.plugin.status import Condition, Patience, compile_status
from isthmus.plugin.vtn.realise.drift import Drift

_CHANGED_BY_HAND = "It was changed by hand at this site."


def read_view(context: Context, own_site: str, vtn_id: str) -> VtnView:
    """Return a VTN as the documents make it."""
    return views.load(context, own_site, [vtn_id])[vtn_id].view


def has_said_ports(context: Context, own_site: str, vtn_id: str) -> bool:
    """Whether this site said last that there are ports on its part of a VTN."""
    kind, name = str(Kind.MEMBER), f"{vtn_id}/{own_site}"
    known = documents.read_one(context, own_site, kind, name)
    if known is None:
        return False
    said = encoding.decode(known.kind, known.name, known.body)
    return isinstance(said, MemberDocument) and said.ports > 0


def say(context: Context, own_site: str, vtn_id: str, **fields: Any) -> bool:
    """Write the member's document, in the caller's transaction, if it is to say something new.

    Args:
        context: of the caller.
        own_site: this site.
        vtn_id: the VTN.
        fields: of the document; those left out stay. That a version is carried out is not said
            if another one is wanted by now.

    Returns:
        Whether it was written.
    """
    view = read_view(context, own_site, vtn_id)
    if view.document is None and view.own_member is None:
        return False
    if view.wanted is None or fields.get("carried_out") != view.wanted.version:
        fields.pop("carried_out", None)
    document = membership.speak(view, **fields)
    if document == view.own_member:
        return False
    views.write(context, own_site, document)
    return True


def say_refusal(context: Context, own_site: str, vtn_id: str, error: IsthmusError) -> None:
    """Say why a VTN can't be realised, or can't go yet."""
    view = read_view(context, own_site, vtn_id)
    status = Status.DOWN if view.wanted is None else Status.ERROR
    say(context, own_site, vtn_id, status=status, reason=error.for_tenant)


def read_condition(
    context: Context, bgpvpn_id: str, patience: Patience, drifts: tuple[Drift, ...]
) -> Condition:
    """Return the status of what is realised: the VPN's own, unless something is missing."""
    if any(drift.is_missing for drift in drifts):
        sentences = " ".join(drift.sentence for drift in drifts)
        return Condition(Status.ERROR, _CHANGED_BY_HAND, sentences)
    vpn = vpns.read_one(context, bgpvpn_id)
    if vpn is None:
        return Condition(Status.PENDING)
    return compile_status(conditions.read_evidence(context, [vpn])[bgpvpn_id], patience)


def read_stale(
    context: Context, own_site: str, patience: Patience, *, pending_alone: bool
) -> list[str]:
    """Return the VTNs whose status at this site is no more the one that was said.

    Args:
        context: of the caller.
        own_site: this site.
        patience: for statuses.
        pending_alone: look only at those that were said to be PENDING.
    """
    said = realisations.read_said(context, own_site)
    # What was changed by hand, and left, is looked at when somebody changes it again.
    said = {vtn_id: words for vtn_id, words in said.items() if words[1] != _CHANGED_BY_HAND}
    if pending_alone:
        said = {vtn_id: words for vtn_id, words in said.items() if words[0] == Status.PENDING}
    if not said:
        return []
    made = realisations.read(context, said)
    records = vpns.read(context, vpn_ids=[each.bgpvpn_id for each in made.values()])
    evidence = conditions.read_evidence(context, records)
    now = {
        record.vtn_id: compile_status(evidence[record.id], patience)
        for record in records
        if record.vtn_id is not None
    }
    return [
        vtn_id
        for vtn_id, condition in now.items()
        if said[vtn_id] != (condition.status, condition.for_tenant)
    ]
