# SPDX-License-Identifier: Apache-2.0
"""What the API calls for ``virtual_tenant_networks``: each is one transaction of this site's.

At the owner a change is the next generation of its document; elsewhere it is a request to the
owner, and the network is ``PENDING`` until that has answered. Nobody waits for another site.
"""

from __future__ import annotations

import secrets
from collections.abc import Mapping, Sequence
from typing import Any

from neutron_lib.context import Context
from neutron_lib.db import api as db_api
from oslo_db import exception as db_exc
from oslo_utils import uuidutils

from isthmus.config.plugin import PluginOptions
from isthmus.db import standard_attributes
from isthmus.db.listing import Listing, Page
from isthmus.db.vtn import events, sites, targets, views, vtns
from isthmus.db.vtn.sites import State
from isthmus.db.vtn.vtns import LISTED
from isthmus.model.errors import IntentConflict
from isthmus.model.ids import RouteTarget
from isthmus.model.vtn import ownership
from isthmus.model.vtn.documents import Change, Operation
from isthmus.plugin import quotas
from isthmus.plugin import validate as texts
from isthmus.plugin.errors import refusals_answered
from isthmus.plugin.lookup import Fields, Filters, own_project, read_page
from isthmus.plugin.paging import View
from isthmus.plugin.revisions import check_revision, revision_wanted
from isthmus.plugin.views import arrange, select
from isthmus.plugin.vtn import pages, reading, requests, validate
from isthmus.plugin.vtn.changing import carry_out
from isthmus.plugin.vtn.projects import member_project
from isthmus.rpc.senders import Waker


class VtnCalls:
    """Create, read, change, delete and take over VTNs, under the names Neutron calls by."""

    def __init__(self, options: PluginOptions, waker: Waker) -> None:
        self._options = options
        self._waker = waker

    def create_virtual_tenant_network(
        self, context: Context, virtual_tenant_network: Mapping[str, Any]
    ) -> View:
        """Make a VTN, owned by this site."""
        bodies = {"virtual_tenant_networks": [virtual_tenant_network]}
        return self.create_virtual_tenant_network_bulk(context, bodies)[0]

    def create_virtual_tenant_network_bulk(
        self, context: Context, virtual_tenant_networks: Mapping[str, Any]
    ) -> list[View]:
        """Make VTNs, all or none."""
        with refusals_answered():
            wanted = [
                requests.read_new(item["virtual_tenant_network"])
                for item in virtual_tenant_networks["virtual_tenant_networks"]
            ]
            with db_api.CONTEXT_WRITER.using(context):
                ids = [self._create(context, each) for each in wanted]
                quotas.check(context, quotas.VTNS, [each.project_id for each in wanted])
                made = [self._view_one(context, vtn_id) for vtn_id in ids]
        self._waker.wake()
        return made

    def get_virtual_tenant_networks(
        self, context: Context, filters: Filters = None, fields: Fields = None, **paging: Any
    ) -> list[View]:
        """Return the VTNs the caller may see."""
        page, asked = read_page(paging), dict(filters or {})
        later = {name: v for name, v in asked.items() if not LISTED.can_filter_by(name)}
        is_cut = not later and all(LISTED.can_sort_by(name) for name, _ in page.sorts)
        wanted = Listing(asked, page if is_cut else Page())
        is_status_wanted = pages.wants_documents(fields, [*later, *(n for n, _ in page.sorts)])
        with db_api.CONTEXT_READER.using(context):
            records = vtns.read(context, visible_to=own_project(context), wanted=wanted)
            known = reading.complete(
                context, self._options.site_name, records, is_status_wanted=is_status_wanted
            )
        found = [pages.view_vtn(each, is_operator=context.is_admin) for each in known]
        return select(found, None, fields) if is_cut else arrange(found, later, page, fields)

    def get_virtual_tenant_network(
        self,
        context: Context,
        id: str,  # noqa: A002  Neutron calls by this name
        fields: Fields = None,
    ) -> View:
        """Return a VTN."""
        with db_api.CONTEXT_READER.using(context):
            found = self._view_one(context, id, fields)
        return select([found], None, fields)[0]

    def update_virtual_tenant_network(
        self,
        context: Context,
        id: str,  # noqa: A002  Neutron calls by this name
        virtual_tenant_network: Mapping[str, Any],
    ) -> View:
        """Change a VTN, or ask its owner to."""
        with refusals_answered(), revision_wanted(context, id) as expected:
            change = requests.read_change(virtual_tenant_network["virtual_tenant_network"])
            with db_api.CONTEXT_WRITER.using(context):
                vtns.lock(context, id)
                record = reading.read_vtn(context, id)
                check_revision(record.standard, expected)
                if change.prefixes is not None:
                    others = vtns.read_prefixes(context, record.project_id)
                    validate.check_apart(change.prefixes, (o for o in others if o[0] != id))
                if change != Change():
                    carry_out(context, self._options.site_name, id, Operation.UPDATE, change)
                view = self._view_one(context, id)
        self._waker.wake()
        return view

    def delete_virtual_tenant_network(self, context: Context, id: str) -> None:  # noqa: A002
        """Delete a VTN at all its sites, or ask its owner to."""
        own_site = self._options.site_name
        with (
            refusals_answered(),
            revision_wanted(context, id) as expected,
            db_api.CONTEXT_WRITER.using(context),
        ):
            vtns.lock(context, id)
            check_revision(reading.read_vtn(context, id).standard, expected)
            view = views.load(context, own_site, [id])[id].view
            validate.check_unused(
                reading.count_ports(context, own_site, view), "delete the network"
            )
            carry_out(context, own_site, id, Operation.DELETE, Change())
        self._waker.wake()

    def take_over_virtual_tenant_network(
        self,
        context: Context,
        id: str,  # noqa: A002  Neutron calls by this name
        body: Mapping[str, Any],
    ) -> View:
        """Make this site the owner, because the former one is gone."""
        own_site = self._options.site_name
        with refusals_answered(), revision_wanted(context, id) as expected:
            vouched = requests.read_names(body, "vouched_gone")
            with db_api.CONTEXT_WRITER.using(context):
                vtns.lock(context, id)
                record = reading.read_vtn(context, id)
                check_revision(record.standard, expected)
                view = views.load(context, own_site, [id])[id].view
                document = ownership.take_over(view, vouched)
                views.write(context, own_site, document)
                text = f"Taken over from {record.owner_site} with epoch {document.epoch}."
                events.append(context, own_site, text, id)
                found = self._view_one(context, id)
        self._waker.wake()
        return found

    def set_virtual_tenant_network_tags(
        self,
        context: Context,
        id: str,  # noqa: A002  Neutron calls by this name
        tags: Sequence[str],
    ) -> None:
        """Make ``tags`` all a VTN has at this site."""
        with refusals_answered():
            for tag in tags:
                texts.check_narrow_text("tags", tag)
            try:
                with db_api.CONTEXT_WRITER.using(context):
                    vtns.lock(context, id)
                    standard = reading.read_vtn(context, id).standard
                    if standard.id is not None:
                        standard_attributes.replace_tags(context, standard.id, tags)
                        standard_attributes.touch(context, standard)
            except db_exc.DBDuplicateEntry:
                raise IntentConflict("Two of the tags differ by case or accents alone.") from None

    def _create(self, context: Context, wanted: requests.NewVtn) -> str:
        own_site, vtn_id = self._options.site_name, str(uuidutils.generate_uuid())
        known = sites.read(context)
        states = {**{name: str(each.state) for name, each in known.items()}, own_site: State.OWN}
        members = wanted.members or (own_site,)
        validate.check_members(members, states)
        validate.check_apart(wanted.prefixes, vtns.read_prefixes(context, wanted.project_id))
        document = ownership.create(
            vtn_id,
            own_site,
            wanted.project_id,
            name=wanted.name,
            description=wanted.description,
            prefixes=wanted.prefixes,
            members={
                name: member_project(context, known.get(name), wanted.project_id)
                for name in members
            },
            route_targets=[self._give_target(context, vtn_id)],
            admin_state_up=wanted.is_up,
        )
        views.write(context, own_site, document)
        return vtn_id

    def _give_target(self, context: Context, vtn_id: str) -> RouteTarget:
        pool = self._options.route_target_pool
        if not pool.ranges:
            raise IntentConflict(
                "Virtual tenant networks can't be made at this site; ask at another one.",
                "[isthmus] route_target_pool is empty: virtual tenant networks need it.",
            )
        taken = targets.read_taken(context, pool)
        target = pool.choose(taken, secrets.randbelow(len(pool)))
        targets.claim(context, vtn_id, target)
        return target

    def _view_one(self, context: Context, vtn_id: str, fields: Fields = None) -> View:
        record = reading.read_vtn(context, vtn_id)
        known = reading.complete(
            context,
            self._options.site_name,
            [record],
            is_status_wanted=pages.wants_documents(fields),
        )
        return pages.view_vtn(known[0], is_operator=context.is_admin)
