# SPDX-License-Identifier: Apache-2.0
"""VTNs, members and sites as the API shows them."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime

from isthmus.db.vtn.sites import SiteRecord
from isthmus.model.report import Status
from isthmus.model.vtn.documents import Acceptance
from isthmus.model.vtn.merge import MemberView
from isthmus.model.vtn.status import MemberStatus
from isthmus.plugin.paging import View
from isthmus.plugin.views import view_standard, view_time
from isthmus.plugin.vtn.reading import Known

_FROM_DOCUMENTS = frozenset({"status", "status_reason", "network_id"})


def wants_documents(fields: Iterable[str] | None, asked: Iterable[str] = ()) -> bool:
    """Whether a request needs what documents say, not rows alone."""
    return not fields or bool(_FROM_DOCUMENTS & {*fields, *asked})


def view_vtn(known: Known, *, is_operator: bool) -> View:
    """Return a VTN as a resource of the API."""
    record = known.record
    return {
        "id": record.id,
        "project_id": record.project_id,
        "tenant_id": record.project_id,
        "name": record.name,
        "type": record.type,
        "prefixes": list(record.prefixes),
        "members": list(record.members),
        "admin_state_up": record.is_up,
        "class_of_service": record.class_of_service,
        "rate_kbps": record.rate_kbps,
        "owner_site": record.owner_site,
        "epoch": record.epoch,
        "generation": record.generation,
        "notice": record.notice,
        **_view_state(known, is_operator=is_operator),
        **view_standard(record.standard),
        "tags": list(known.tags),
    }


def _view_state(known: Known, *, is_operator: bool) -> View:
    if known.loaded is None or known.status is None:
        return {}
    own = known.loaded.view.own_member
    record = known.record
    reason = " ".join([known.status.reason, *(each.sentence for each in known.overlaps)]).strip()
    refusal = record.refusal if is_operator else record.refusal_for_tenant
    if refusal:
        reason = f"{reason} Of what was asked for last, this was refused: {refusal}".strip()
    return {
        "status": str(known.status.status),
        "status_reason": reason,
        "network_id": own.network_id if own is not None else None,
    }


def view_members(known: Known) -> list[View]:
    """Return the members of a VTN whose documents were read."""
    if known.loaded is None or known.status is None:
        return []
    states = {each.site: each for each in known.status.members}
    heard_at = known.loaded.heard_at
    return [
        _view_member(known, each, states[each.site], heard_at.get(each.site))
        for each in known.loaded.view.members
        if each.site in states
    ]


def _view_member(
    known: Known, member: MemberView, state: MemberStatus, heard_at: datetime | None
) -> View:
    said, grant = member.document, member.grant
    own = view_coming_member(known, member.site)
    own["prefixes"] = [str(prefix) for prefix in grant.prefixes] if grant is not None else []
    own |= {"status": str(state.status), "status_reason": state.reason}
    if said is None:
        return own
    return own | {
        "site_project_id": said.project or own["site_project_id"],
        "acceptance": str(said.acceptance),
        "network_id": said.network_id,
        "subnet_ids": list(said.subnet_ids),
        "bgpvpn_id": said.bgpvpn_id,
        "class_of_service": said.class_of_service,
        "rate_kbps": said.rate_kbps,
        "drift": list(said.drift),
        "heard_at": view_time(state.last_heard_at or heard_at),
    }


def view_coming_member(known: Known, site: str) -> View:
    """Return a member of which nothing is known but that it was asked for."""
    record = known.record
    grant = None
    if known.loaded is not None and known.loaded.view.document is not None:
        grant = known.loaded.view.document.grant(site)
    return {
        "id": site,
        "project_id": record.project_id,
        "tenant_id": record.project_id,
        "site": site,
        "site_project_id": grant.project if grant is not None else None,
        "acceptance": str(Acceptance.PENDING),
        "prefixes": [],
        "network_id": None,
        "subnet_ids": [],
        "bgpvpn_id": None,
        "class_of_service": None,
        "rate_kbps": None,
        "status": str(Status.PENDING),
        "status_reason": f"The change waits for the site {record.owner_site}.",
        "drift": [],
        "heard_at": None,
    }


def view_site(
    site: SiteRecord, projects: dict[str, str], invitation: str | None = None, recovery: str = ""
) -> View:
    """Return a site as a resource of the API; nothing secret but an invitation just made."""
    return {
        "id": site.id,
        "name": site.name,
        "invitation": invitation,
        "shares_identity": site.shares_identity,
        "projects": projects,
        "state": str(site.state),
        "liveness": str(site.liveness),
        "liveness_since": view_time(site.liveness_since),
        "reason": site.reason,
        "endpoints": site.endpoints.split(),
        "as_number": site.as_number,
        "heard_at": view_time(site.heard_at),
        "certificate_expires_at": view_time(site.certificate_expires_at),
        "asked": str(site.asked),
        "asked_at": view_time(site.asked_at),
        "done_at": view_time(site.done_at),
        "recovery": recovery,
        **view_standard(site.standard),
    }
