# SPDX-License-Identifier: Apache-2.0
"""What the API calls for the ``members`` of a VTN: its sites."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from neutron_lib.context import Context
from neutron_lib.db import api as db_api

from isthmus.config.plugin import PluginOptions
from isthmus.db.vtn import journal, sites, views, vtns
from isthmus.db.vtn.sites import State
from isthmus.db.vtn.vtns import VtnRecord
from isthmus.model.errors import IntentConflict
from isthmus.model.vtn.documents import Acceptance, Change, Operation
from isthmus.model.vtn.membership import speak
from isthmus.plugin import validate as texts
from isthmus.plugin.errors import MemberNotFound, refusals_answered
from isthmus.plugin.lookup import Fields, Filters, read_page
from isthmus.plugin.paging import View
from isthmus.plugin.revisions import check_revision, revision_wanted
from isthmus.plugin.views import arrange, select
from isthmus.plugin.vtn import pages, reading, validate
from isthmus.plugin.vtn.changing import carry_out, check_stays
from isthmus.plugin.vtn.projects import member_project
from isthmus.plugin.vtn.reading import Known
from isthmus.rpc.senders import Waker


class MemberCalls:
    """Add, read and remove members, and say whether this site wants to be one."""

    def __init__(self, options: PluginOptions, waker: Waker) -> None:
        self._options = options
        self._waker = waker

    def create_virtual_tenant_network_member(
        self, context: Context, virtual_tenant_network_id: str, member: Mapping[str, Any]
    ) -> View:
        """Add a site, or ask the owner to."""
        vtn_id, site = virtual_tenant_network_id, member["member"]["site"]
        with refusals_answered():
            texts.check_text("site", site)
            with db_api.CONTEXT_WRITER.using(context):
                vtns.lock(context, vtn_id)
                record = reading.read_vtn(context, vtn_id)
                if site in record.members:
                    raise IntentConflict(f"The site {site} is a member already.")
                change = self._member(context, record, site, member["member"])
                carry_out(context, self._options.site_name, vtn_id, Operation.ADD_MEMBER, change)
                known = self._read(context, vtn_id)
        self._waker.wake()
        found = [each for each in pages.view_members(known) if each["id"] == site]
        return found[0] if found else pages.view_coming_member(known, site)

    def create_virtual_tenant_network_member_bulk(
        self, context: Context, virtual_tenant_network_id: str, members: Mapping[str, Any]
    ) -> list[View]:
        """Add sites, all or none."""
        with db_api.CONTEXT_WRITER.using(context):
            return [
                self.create_virtual_tenant_network_member(
                    context, virtual_tenant_network_id, member
                )
                for member in members["members"]
            ]

    def get_virtual_tenant_network_members(
        self,
        context: Context,
        virtual_tenant_network_id: str,
        filters: Filters = None,
        fields: Fields = None,
        **paging: Any,
    ) -> list[View]:
        """Return the members of a VTN the caller may see."""
        with db_api.CONTEXT_READER.using(context):
            found = pages.view_members(self._read(context, virtual_tenant_network_id))
        return arrange(found, filters or {}, read_page(paging), fields)

    def get_virtual_tenant_network_member(
        self,
        context: Context,
        id: str,  # noqa: A002  Neutron calls by this name
        virtual_tenant_network_id: str,
        fields: Fields = None,
    ) -> View:
        """Return a member, by the name of its site."""
        with db_api.CONTEXT_READER.using(context):
            found = self._view(self._read(context, virtual_tenant_network_id), id)
        return select([found], None, fields)[0]

    def delete_virtual_tenant_network_member(
        self,
        context: Context,
        id: str,  # noqa: A002  Neutron calls by this name
        virtual_tenant_network_id: str,
    ) -> None:
        """Remove a site that has no ports on it, or ask the owner to."""
        vtn_id, own_site = virtual_tenant_network_id, self._options.site_name
        with refusals_answered(), db_api.CONTEXT_WRITER.using(context):
            vtns.lock(context, vtn_id)
            record = reading.read_vtn(context, vtn_id)
            if id not in record.members:
                raise MemberNotFound(id=id, vtn_id=vtn_id)
            view = views.load(context, own_site, [vtn_id])[vtn_id].view
            counts = reading.count_ports(context, own_site, view)
            validate.check_unused({id: counts.get(id, 0)}, "remove the member")
            carry_out(context, own_site, vtn_id, Operation.REMOVE_MEMBER, Change(member=id))
        self._waker.wake()

    def accept_virtual_tenant_network_member(
        self,
        context: Context,
        id: str,  # noqa: A002  Neutron calls by this name
        body: Mapping[str, Any],
        virtual_tenant_network_id: str,
    ) -> View:
        """Say that this site becomes a member, under the caller's project."""
        del body
        return self._answer(context, virtual_tenant_network_id, id, Acceptance.ACCEPTED)

    def refuse_virtual_tenant_network_member(
        self,
        context: Context,
        id: str,  # noqa: A002  Neutron calls by this name
        body: Mapping[str, Any],
        virtual_tenant_network_id: str,
    ) -> View:
        """Say that this site does not become a member, or is none any more."""
        del body
        return self._answer(context, virtual_tenant_network_id, id, Acceptance.REFUSED)

    def _answer(self, context: Context, vtn_id: str, site: str, acceptance: Acceptance) -> View:
        own_site = self._options.site_name
        with (
            refusals_answered(),
            revision_wanted(context, vtn_id) as expected,
            db_api.CONTEXT_WRITER.using(context),
        ):
            vtns.lock(context, vtn_id)
            record = reading.read_vtn(context, vtn_id)
            check_revision(record.standard, expected)
            if site != own_site:
                raise IntentConflict(f"Only the site {site} can say that: ask there.")
            view = views.refresh(context, own_site, [vtn_id])[vtn_id]
            check_stays(view)
            if acceptance is Acceptance.REFUSED:
                counts = reading.count_ports(context, own_site, view)
                validate.check_unused({site: counts.get(site, 0)}, "refuse the membership")
            elif not record.project_id:
                raise IntentConflict(
                    "No project of this site is the network's yet.",
                    f"Map the project of {record.owner_site} that has it to one of this site "
                    "first: openstack interconnect site set --project.",
                )
            said = speak(view, acceptance=acceptance, project=record.project_id or None)
            views.write(context, own_site, said)
            journal.append(context, [vtn_id])
            found = self._view(self._read(context, vtn_id), site)
        self._waker.wake()
        return found

    def _member(
        self, context: Context, record: VtnRecord, site: str, body: Mapping[str, Any]
    ) -> Change:
        own_site = self._options.site_name
        known = sites.read(context)
        states = {**{name: str(each.state) for name, each in known.items()}, own_site: State.OWN}
        validate.check_members([site], states)
        project = body.get("site_project_id")
        texts.check_text("site_project_id", project)
        if project is None:
            project = member_project(context, known.get(site), record.project_id)
        return Change(member=site, member_project=project)

    def _read(self, context: Context, vtn_id: str) -> Known:
        record = reading.read_vtn(context, vtn_id)
        own_site = self._options.site_name
        return reading.complete(context, own_site, [record], is_status_wanted=True)[0]

    def _view(self, known: Known, site: str) -> View:
        found = [each for each in pages.view_members(known) if each["id"] == site]
        if not found:
            raise MemberNotFound(id=site, vtn_id=known.record.id)
        return found[0]
