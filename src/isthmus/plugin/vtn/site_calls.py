# SPDX-License-Identifier: Apache-2.0
"""What the API calls for ``interconnect_sites``.

Each writes down what is wanted; isthmus-interconnect, which speaks with other sites, does it.
"""

from __future__ import annotations

import secrets
from collections.abc import Mapping
from dataclasses import replace
from datetime import timedelta
from typing import Any

from neutron_lib.context import Context
from neutron_lib.db import api as db_api
from oslo_utils import timeutils, uuidutils

from isthmus.config.plugin import PluginOptions
from isthmus.db import standard_attributes
from isthmus.db.records import StandardAttributes
from isthmus.db.vtn import documents, events, fits, invitations, journal, sites, views, vtns
from isthmus.db.vtn.sites import Asked, SiteRecord, State
from isthmus.model import invitation as inviting
from isthmus.model.errors import IntentConflict, InvalidValue
from isthmus.model.vtn import recovery
from isthmus.plugin import validate as texts
from isthmus.plugin.errors import refusals_answered
from isthmus.plugin.lookup import Fields, Filters, read_page
from isthmus.plugin.paging import View
from isthmus.plugin.revisions import check_revision, revision_wanted
from isthmus.plugin.views import arrange, select
from isthmus.plugin.vtn import forgetting, orphans, pages, reading, requests
from isthmus.rpc.senders import Waker

_MAX_PROJECTS = 10_000
_MAX_PROJECT = 255
# Of what differs, how much is looked at, and how much is shown.
_MAX_UNSETTLED, _MAX_SENTENCES = 200, 50
# In which an invitation of a known site's own may be accepted: there is no peering to be lost.
_TO_BE_JOINED_ANEW = (State.INVITED, State.REVOKED)


class SiteCalls:
    """Invite, accept, read, change, revoke and forget sites, under the names Neutron calls by."""

    def __init__(self, options: PluginOptions, waker: Waker) -> None:
        self._options = options
        self._waker = waker

    def create_interconnect_site(
        self, context: Context, interconnect_site: Mapping[str, Any]
    ) -> View:
        """Invite a site, or accept an invitation of one."""
        bodies = {"interconnect_sites": [interconnect_site]}
        return self.create_interconnect_site_bulk(context, bodies)[0]

    def create_interconnect_site_bulk(
        self, context: Context, interconnect_sites: Mapping[str, Any]
    ) -> list[View]:
        """Invite sites, or accept invitations, all or none."""
        with refusals_answered(), db_api.CONTEXT_WRITER.using(context):
            return [
                self._create(context, each["interconnect_site"])
                for each in interconnect_sites["interconnect_sites"]
            ]

    def get_interconnect_sites(
        self, context: Context, filters: Filters = None, fields: Fields = None, **paging: Any
    ) -> list[View]:
        """Return the sites there are."""
        with db_api.CONTEXT_READER.using(context):
            known = sites.read(context).values()
            found = [self._view(context, site) for site in known]
        return arrange(found, filters or {}, read_page(paging), fields)

    def get_interconnect_site(
        self,
        context: Context,
        id: str,  # noqa: A002  Neutron calls by this name
        fields: Fields = None,
    ) -> View:
        """Return a site; and, for operators, what differs between it and this one."""
        with db_api.CONTEXT_READER.using(context):
            site = reading.read_site(context, id)
            report = ""
            # Neutron's controller asks for no fields in particular when it only looks whose it is.
            is_shown = fields is not None and (not fields or "recovery" in fields)
            if context.is_admin and is_shown:
                report = self._report(context, site)
            found = self._view(context, site, recovery=report)
        return select([found], None, fields)[0]

    def update_interconnect_site(
        self,
        context: Context,
        id: str,  # noqa: A002  Neutron calls by this name
        interconnect_site: Mapping[str, Any],
    ) -> View:
        """Change what is known of a site's identities, or its description."""
        body = interconnect_site["interconnect_site"]
        with (
            refusals_answered(),
            revision_wanted(context, id) as expected,
            db_api.CONTEXT_WRITER.using(context),
        ):
            site = self._lock(context, id)
            check_revision(site.standard, expected)
            texts.check_narrow_text("description", body.get("description"))
            if "shares_identity" in body:
                sites.update(context, site.name, shares_identity=body["shares_identity"])
            if "projects" in body:
                projects = _read_projects(body["projects"])
                sites.replace_projects(context, site.name, projects)
            words = body.get("description", site.standard.description)
            standard_attributes.touch(context, site.standard, {"description": words})
            self._refresh_of(context, site)
            view = self._view(context, reading.read_site(context, id))
        self._waker.wake()
        return view

    def delete_interconnect_site(self, context: Context, id: str) -> None:  # noqa: A002
        """Forget a site that is none of ours any more, and what it published."""
        own_site = self._options.site_name
        with (
            refusals_answered(),
            revision_wanted(context, id) as expected,
            db_api.CONTEXT_WRITER.using(context),
        ):
            site = self._lock(context, id)
            check_revision(site.standard, expected)
            if site.state in (State.OWN, State.CONFIRMED):
                raise IntentConflict(
                    f"{site.name} is joined with this site: revoke it first."
                    if site.state is State.CONFIRMED
                    else f"{site.name} is this site itself."
                )
            forgetting.check_is_nowhere(context, own_site, site.name)
            touched = documents.replace_heard(context, site.name, [])
            invitations.remove(context, site.name)
            sites.delete(context, site)
            views.refresh(context, own_site, touched)
            events.append(context, site.name, "Forgotten, with what it published.")
        self._waker.wake()

    def invite_interconnect_site(
        self,
        context: Context,
        id: str,  # noqa: A002  Neutron calls by this name
        body: Mapping[str, Any],
    ) -> View:
        """Invite a site again, whose invitation has expired or that was revoked."""
        with refusals_answered(), db_api.CONTEXT_WRITER.using(context):
            site = self._lock(context, id)
            if site.state not in (State.INVITED, State.REVOKED):
                raise IntentConflict(f"{site.name} is {site.state}; it needs no invitation.")
            text = self._invite(context, site.name, requests.read_expiry(body))
            sites.update(context, site.name, state=str(State.INVITED), reason="")
            return self._view(context, reading.read_site(context, id), text)

    def confirm_interconnect_site(
        self,
        context: Context,
        id: str,  # noqa: A002  Neutron calls by this name
        body: Mapping[str, Any],
    ) -> View:
        """Say that the site that answered is the one that was meant."""
        del body
        return self._ask(context, id, Asked.CONFIRM, (State.PENDING,))

    def rotate_interconnect_site(
        self,
        context: Context,
        id: str,  # noqa: A002  Neutron calls by this name
        body: Mapping[str, Any],
    ) -> View:
        """Have the certificates between the two sites made anew, without a break."""
        del body
        return self._ask(context, id, Asked.ROTATE, (State.CONFIRMED,))

    def recover_interconnect_site(
        self,
        context: Context,
        id: str,  # noqa: A002  Neutron calls by this name
        body: Mapping[str, Any],
    ) -> View:
        """Have everything of a site read anew, or of this one published anew.

        ``abandon`` names VTNs of which nobody has a document any more: what this site made of them
        is removed.
        """
        with refusals_answered():
            abandoned = requests.read_names(body, "abandon")
            if abandoned:
                orphans.abandon(context, self._options.site_name, id, abandoned)
        self._waker.wake()
        found = self._ask(context, id, Asked.RECOVER, (State.CONFIRMED, State.OWN))
        with db_api.CONTEXT_READER.using(context):
            site = reading.read_site(context, id)
            return {**found, "recovery": self._report(context, site)}

    def revoke_interconnect_site(
        self,
        context: Context,
        id: str,  # noqa: A002  Neutron calls by this name
        body: Mapping[str, Any],
    ) -> View:
        """End the peering: nothing of the site is heard any more, and it hears nothing."""
        del body
        with refusals_answered(), db_api.CONTEXT_WRITER.using(context):
            site = self._lock(context, id)
            if site.state is State.OWN:
                raise IntentConflict(f"{site.name} is this site itself.")
            invitations.remove(context, site.name)
            sites.update(context, site.name, state=str(State.REVOKED), asked="", exchange="")
            standard_attributes.touch(context, site.standard)
            events.append(context, site.name, "Revoked by an operator.")
            self._refresh_of(context, site)
            found = self._view(context, reading.read_site(context, id))
        self._waker.wake()
        return found

    def _create(self, context: Context, body: Mapping[str, Any]) -> View:
        own_site = self._options.site_name
        name, text = body["name"], body.get("invitation")
        fits.check_site_name(name)
        if name == own_site:
            raise InvalidValue(f"{name} is this site itself; other sites have other names.")
        there = sites.lock(context, name)
        if there is not None and (text is None or there.state not in _TO_BE_JOINED_ANEW):
            raise IntentConflict(
                f"There is a site {name} already, {there.state}: invite it again or forget it, "
                "both of which a peer has to be revoked for."
            )
        texts.check_narrow_text("description", body.get("description"))
        site = SiteRecord(
            name=name,
            id=uuidutils.generate_uuid(),
            state=State.INVITED,
            shares_identity=bool(body["shares_identity"]),
            standard=StandardAttributes(description=body.get("description") or ""),
        )
        made = None
        if text is not None:
            site = self._accepted(site, text)
        if there is None:
            sites.create(context, site)
        else:
            site = self._joined_anew(context, there, site)
        if text is None:
            made = self._invite(context, name, body["expires_in"])
        sites.replace_projects(context, name, _read_projects(body["projects"]))
        return self._view(context, reading.read_site(context, site.id), made)

    def _accepted(self, site: SiteRecord, text: str) -> SiteRecord:
        """Return a site whose invitation is accepted; the daemon brings the acceptance to it."""
        invitation = inviting.decode(text)
        inviting.check_time(invitation, timeutils.utcnow_ts(microsecond=True))
        own_site = self._options.site_name
        if invitation.invited != own_site:
            raise InvalidValue(
                f"This invitation is for {invitation.invited!r:.80}, not {own_site}."
            )
        if invitation.site != site.name:
            raise InvalidValue(f"This invitation is from {invitation.site!r:.80}: call it that.")
        return replace(
            site,
            state=State.PENDING,
            peering_endpoint=invitation.peering_endpoint,
            as_number=int(invitation.as_number),
            ca=invitation.ca,
            exchange=inviting.encode(invitation),
        )

    def _joined_anew(self, context: Context, there: SiteRecord, site: SiteRecord) -> SiteRecord:
        """Have a site that is known, with what it said, become a peer by another invitation."""
        invitations.remove(context, there.name)
        accepted = ("state", "peering_endpoint", "as_number", "ca", "exchange", "shares_identity")
        columns = {name: getattr(site, name) for name in accepted}
        sites.update(context, there.name, **columns, asked="", reason="")
        words = site.standard.description or there.standard.description
        standard_attributes.touch(context, there.standard, {"description": words})
        return replace(site, id=there.id)

    def _invite(self, context: Context, name: str, expires_in_s: int) -> str:
        """Make an invitation; its text is nowhere but in the answer."""
        own = sites.read_one(context, self._options.site_name)
        if own is None or not own.peering_endpoint or not own.ca:
            raise IntentConflict(
                "This site can't invite others yet: isthmus-interconnect has not started here."
            )
        now = timeutils.utcnow()
        expires_at = now + timedelta(seconds=expires_in_s)
        token = secrets.token_urlsafe(32)
        record = invitations.InvitationRecord(
            id=uuidutils.generate_uuid(),
            site=name,
            token_hash=inviting.token_hash(token),
            created_at=now,
            expires_at=expires_at,
        )
        invitations.create(context, record)
        return inviting.encode(
            inviting.Invitation(
                site=own.name,
                invited=name,
                peering_endpoint=own.peering_endpoint,
                ca=own.ca,
                as_number=own.as_number or 0,
                expires_at=timeutils.utcnow_ts() + expires_in_s,
                token=token,
            )
        )

    def _ask(self, context: Context, site_id: str, what: Asked, states: tuple[State, ...]) -> View:
        with (
            refusals_answered(),
            revision_wanted(context, site_id) as expected,
            db_api.CONTEXT_WRITER.using(context),
        ):
            site = self._lock(context, site_id)
            check_revision(site.standard, expected)
            if site.state not in states:
                raise IntentConflict(
                    f"{site.name} is {site.state}; that needs {' or '.join(states)}."
                )
            sites.update(
                context, site.name, asked=str(what), asked_at=timeutils.utcnow(), reason=""
            )
            standard_attributes.touch(context, site.standard)
            events.append(context, site.name, f"An operator asked to {what}.")
            return self._view(context, reading.read_site(context, site_id))

    def _lock(self, context: Context, site_id: str) -> SiteRecord:
        name = reading.read_site(context, site_id).name
        return sites.lock(context, name) or reading.read_site(context, site_id)

    def _refresh_of(self, context: Context, site: SiteRecord) -> None:
        """Look again at every VTN of a site's whose projects mean something else now."""
        touched = {
            each.vtn_id
            for each in documents.read_of_site(context, site.name)
            if each.vtn_id is not None
        }
        views.refresh(context, self._options.site_name, touched)
        journal.append(context, touched)

    def _report(self, context: Context, site: SiteRecord) -> str:
        """Say what differs between a site and this one, or between all of them and this one."""
        about = vtns.read_unsettled(context, site.name, _MAX_UNSETTLED)
        about = sorted({*about, *vtns.read_orphans(context, site.name, _MAX_UNSETTLED)})
        loaded = views.load(context, self._options.site_name, about)
        sentences = [text for each in loaded.values() for text in recovery.report(each.view)]
        shown = sentences[:_MAX_SENTENCES]
        if len(sentences) > len(shown) or len(about) >= _MAX_UNSETTLED:
            shown.append("And more.")
        return "\n".join(shown)

    def _view(
        self,
        context: Context,
        site: SiteRecord,
        invitation: str | None = None,
        recovery: str = "",
    ) -> View:
        projects = sites.read_projects(context, site.name) if context.is_admin else {}
        return pages.view_site(site, projects, invitation, recovery)


def _read_projects(projects: Mapping[str, Any]) -> dict[str, str]:
    """Read whose project is whose: ours by theirs.

    Raises:
        InvalidValue: something is no project's id, or one of ours stands for two of theirs.
    """
    if len(projects) > _MAX_PROJECTS:
        raise InvalidValue(f"More than {_MAX_PROJECTS} projects can't be mapped.")
    for each in (*projects, *projects.values()):
        texts.check_text("projects", each)
        if not isinstance(each, str) or not 0 < len(each) <= _MAX_PROJECT:
            raise InvalidValue("'projects' maps ids of the site's projects to ids of this site's.")
    if len(set(projects.values())) < len(projects):
        raise InvalidValue("In 'projects' a project of this site stands for two of the other's.")
    return dict(projects)
