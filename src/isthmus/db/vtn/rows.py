# SPDX-License-Identifier: Apache-2.0
"""The rows of VTNs that the API lists: what the merged documents say, nothing of their own."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import sqlalchemy as sa
from neutron_lib.context import Context

from isthmus.db import standard_attributes
from isthmus.db.records import StandardAttributes
from isthmus.db.vtn import tables
from isthmus.model.report import Status
from isthmus.model.text import to_narrow
from isthmus.model.vtn import recovery
from isthmus.model.vtn.documents import Acceptance, MemberDocument, Result, VtnDocument
from isthmus.model.vtn.merge import VtnView
from isthmus.model.vtn.requests import Settled

_VTN: Any = tables.Vtn.__table__
_PREFIX: Any = tables.VtnPrefix.__table__
_MEMBER: Any = tables.VtnMember.__table__
_TARGET: Any = tables.VtnTarget.__table__
# Of what Neutron's tables and ours keep of a name.
MAX_NAME = 255
# What a change of counts as no revision: a state, not what anybody asked for.
_STATES = frozenset({"requests_pending", "refusal", "refusal_for_tenant", "notice", "generation"})

Row = dict[str, Any]


def put(
    context: Context,
    view: VtnView,
    project_id: str,
    heard_at: Mapping[str, datetime],
    settled: Sequence[Settled],
    refused: Sequence[str],
) -> bool:
    """Make the rows of a VTN say what the view says; remove them if it says nothing any more.

    Args:
        context: of the caller's transaction.
        view: the VTN.
        project_id: this site's, whose it is.
        heard_at: when each member's word was stored.
        settled: requests of this site's that have just been dealt with.
        refused: documents that could not be read.

    Returns:
        Whether what overlaps may be another than before.
    """
    known = _read(context, view.vtn_id)
    if view.document is None:
        if known is not None and view.is_forgotten:
            _delete(context, view.vtn_id, known["standard_attr_id"])
        return False
    document = view.document
    wanted = {**_of_vtn(view, document, refused), "project_id": project_id}
    wanted |= _of_settled(known, wanted["requests_pending"], settled)
    description = to_narrow(document.description)[:MAX_NAME]
    if known is None:
        standard = standard_attributes.create(context, tables.Vtn, description)
        values = {"id": view.vtn_id, "standard_attr_id": standard.id, **wanted}
        context.session.execute(sa.insert(_VTN).values(**values))
        changed = wanted
    else:
        changed = {name: value for name, value in wanted.items() if known[name] != value}
        if changed:
            change = sa.update(_VTN).where(_VTN.c.id == view.vtn_id)
            context.session.execute(change.values(**changed))
    children = (
        _Children(_PREFIX, "prefix", _of_prefixes(document)),
        _Children(_MEMBER, "site", _of_members(view, heard_at)),
    )
    is_new = known is None
    came_or_went = [_put_children(context, view.vtn_id, each, is_new=is_new) for each in children]
    is_other = any(came_or_went)
    if known is not None:
        is_other |= bool(changed.keys() - _STATES)
        _touch(context, known["standard_attr_id"], description, is_other=is_other)
    return came_or_went[0] or "project_id" in changed


def _read(context: Context, vtn_id: str) -> Any | None:
    """Return a VTN's row, locked and as it is now; None if there is none."""
    query: Any = sa.select(_VTN).where(_VTN.c.id == vtn_id)
    # To lock what is not there would keep others from adding what is beside it.
    if context.session.execute(query).first() is None:
        return None
    return context.session.execute(query.with_for_update()).mappings().first()


def _delete(context: Context, vtn_id: str, standard_attr_id: int) -> None:
    context.session.execute(sa.delete(_TARGET).where(_TARGET.c.vtn_id == vtn_id))
    context.session.execute(sa.delete(_VTN).where(_VTN.c.id == vtn_id))
    standard_attributes.delete(context, [standard_attr_id])


def _touch(context: Context, number: int, description: str, *, is_other: bool) -> None:
    table = standard_attributes.TABLE
    query: Any = sa.select(table.c.description).where(table.c.id == number)
    is_described = context.session.execute(query).scalar_one() == description
    if is_other or not is_described:
        standard = StandardAttributes(id=number)
        standard_attributes.touch(context, standard, {"description": description})


def _of_vtn(view: VtnView, document: VtnDocument, refused: Sequence[str]) -> Row:
    pending = [each for each in view.requests if each.request.site == view.site]
    return {
        "name": document.name[:MAX_NAME],
        "type": str(document.type),
        "owner_site": document.owner,
        "epoch": document.epoch,
        "generation": document.generation,
        "admin_state_up": document.admin_state_up,
        "is_deleted": document.is_deleted,
        "class_of_service": document.class_of_service,
        "rate_kbps": document.rate_kbps,
        "requests_pending": sum(each.answer is None for each in pending),
        "notice": "\n".join(
            [
                *recovery.losses(view),
                *recovery.refusals(view),
                *(f"Not understood: {each}" for each in refused),
            ]
        ),
    }


def _of_settled(known: Any | None, pending: int, settled: Sequence[Settled]) -> Row:
    """What was refused of all that was asked for, until something else is asked for.

    What waited together may be answered together or one by one, and what is done hides no refusal.
    """
    told = {"refusal": "", "refusal_for_tenant": ""}
    if known is not None and pending <= known["requests_pending"]:
        told = {name: known[name] for name in told}
    for each in settled:
        if each.result is Result.REFUSED:
            told["refusal"] = _with_sentence(told["refusal"], each.for_operator)
            told["refusal_for_tenant"] = _with_sentence(told["refusal_for_tenant"], each.for_tenant)
    return told


def _with_sentence(told: str, sentence: str) -> str:
    return told if sentence in told else f"{told} {sentence}".strip()


def _of_prefixes(document: VtnDocument) -> dict[str, Row]:
    return {
        str(prefix): {"position": position} for position, prefix in enumerate(document.prefixes)
    }


def _of_members(view: VtnView, heard_at: Mapping[str, datetime]) -> dict[str, Row]:
    return {
        member.site: {
            **_of_word(member.document),
            "prefixes": _joined(member.grant.prefixes),
            "is_leaving": member.grant.is_leaving,
            "heard_at": heard_at.get(member.site),
        }
        for member in view.members
        if member.grant is not None
    }


def _of_word(said: MemberDocument | None) -> Row:
    """What a member says of itself, or has not said yet."""
    carried_out = said.carried_out if said else None
    return {
        "project_id": said.project if said else None,
        "acceptance": str(said.acceptance if said else Acceptance.PENDING),
        "status": str(said.status if said else Status.PENDING),
        "reason": said.reason if said else "",
        "epoch": carried_out.epoch if carried_out else 0,
        "generation": carried_out.generation if carried_out else 0,
        "network_id": said.network_id if said else None,
        "subnet_ids": " ".join(said.subnet_ids) if said else "",
        "bgpvpn_id": said.bgpvpn_id if said else None,
        "class_of_service": said.class_of_service if said else None,
        "rate_kbps": said.rate_kbps if said else None,
        "drift": "\n".join(said.drift) if said else "",
    }


def _joined(values: Iterable[object]) -> str:
    return " ".join(str(value) for value in values)


@dataclass(frozen=True, slots=True)
class _Children:
    """All rows of a child table that a VTN is to have, by the other column of their key."""

    table: Any
    key: str
    wanted: Mapping[str, Row]


def _put_children(context: Context, vtn_id: str, children: _Children, *, is_new: bool) -> bool:
    """Make rows of a child table what is wanted; return whether one came or went."""
    table, key, wanted = children.table, children.key, children.wanted
    mine = table.c.vtn_id == vtn_id
    known: dict[str, Any] = {}
    if not is_new:
        query: Any = sa.select(table).where(mine).with_for_update()
        known = {row[key]: row for row in context.session.execute(query).mappings()}
    new = [{"vtn_id": vtn_id, key: k, **row} for k, row in wanted.items() if k not in known]
    if new:
        context.session.execute(sa.insert(table), new)
    gone = sorted(known.keys() - wanted.keys())
    if gone:
        context.session.execute(sa.delete(table).where(mine, table.c[key].in_(gone)))
    for name, row in wanted.items():
        changed = {k: v for k, v in row.items() if name in known and known[name][k] != v}
        if changed:
            change = sa.update(table).where(mine, table.c[key] == name)
            context.session.execute(change.values(**changed))
    return bool(new or gone)
