# SPDX-License-Identifier: Apache-2.0
"""What the API calls for ``bgpvpns``: each is one transaction that records intent and journal."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import partial
from typing import Any

from neutron import policy
from neutron_lib.context import Context
from neutron_lib.db import api as db_api
from oslo_db import exception as db_exc
from oslo_utils import uuidutils

from isthmus.config.plugin import PluginOptions
from isthmus.db import journal, passed_on, standard_attributes, vpns
from isthmus.db.listing import Listing, Page
from isthmus.db.records import VpnRecord
from isthmus.db.vpn_listing import LISTED
from isthmus.db.vtn import journal as vtn_journal
from isthmus.model.errors import IntentConflict
from isthmus.plugin import allotment, conditions, quotas, requests, validate, views
from isthmus.plugin.errors import refusals_answered
from isthmus.plugin.lookup import Fields, Filters, own_project, read_page, read_vpn
from isthmus.plugin.revisions import check_revision, revision_wanted
from isthmus.plugin.status import Evidence, Patience, compile_status, just_recorded
from isthmus.plugin.transit import Transits
from isthmus.plugin.viewer import Viewer
from isthmus.rpc.senders import Waker


class VpnCalls:
    """Create, read, change and delete VPNs, under the names Neutron's controller calls by."""

    _options: PluginOptions
    _patience: Patience
    _transits: Transits
    _waker: Waker

    def create_bgpvpn(self, context: Context, bgpvpn: Mapping[str, Any]) -> views.View:
        """Record a VPN."""
        return self.create_bgpvpn_bulk(context, {"bgpvpns": [bgpvpn]})[0]

    def create_bgpvpn_bulk(self, context: Context, bgpvpns: Mapping[str, Any]) -> list[views.View]:
        """Record VPNs, all or none."""
        with refusals_answered():
            wanted = [
                requests.read_new_vpn(uuidutils.generate_uuid(), item["bgpvpn"])
                for item in bgpvpns["bgpvpns"]
            ]
            with db_api.CONTEXT_WRITER.using(context):
                made = [self._create(context, vpn) for vpn in wanted]
                quotas.check(context, quotas.VPNS, [vpn.project_id for vpn in made])
                journal.append(context, [vpn.id for vpn in made])
        self._waker.wake()
        return [self._view(context, vpn, views.Reported(just_recorded()), []) for vpn in made]

    def get_bgpvpns(
        self,
        context: Context,
        filters: Filters = None,
        fields: Fields = None,
        **paging: Any,
    ) -> list[views.View]:
        """Return the VPNs the caller may see."""
        page, asked = read_page(paging), dict(filters or {})
        later = {name: v for name, v in asked.items() if not LISTED.can_filter_by(name)}
        is_cut = not later and all(LISTED.can_sort_by(name) for name, _ in page.sorts)
        wanted = Listing(asked, page if is_cut else Page())
        with db_api.CONTEXT_READER.using(context):
            records = vpns.read(context, visible_to=own_project(context), wanted=wanted)
            found = self._view_vpns(context, records, asked, fields, page)
        if is_cut:
            return views.select(found, None, fields)
        return views.arrange(found, later, page, fields)

    def get_bgpvpn(self, context: Context, id: str, fields: Fields = None) -> views.View:  # noqa: A002
        """Return a VPN."""
        with db_api.CONTEXT_READER.using(context):
            found = self._view_vpns(context, [read_vpn(context, id)], None, fields, Page())
        return views.select(found, None, fields)[0]

    def update_bgpvpn(
        self,
        context: Context,
        id: str,  # noqa: A002  Neutron calls by this name
        bgpvpn: Mapping[str, Any],
    ) -> views.View:
        """Change a VPN; route targets are replaced, not added."""
        with refusals_answered(), revision_wanted(context, id) as expected:
            change = requests.read_vpn_change(bgpvpn["bgpvpn"])
            with db_api.CONTEXT_WRITER.using(context):
                vpns.lock(context, id)
                former = read_vpn(context, id)
                check_revision(former.standard, expected)
                wanted = change.over(former)
                allotment.claim(context, former, wanted, partial(_may_share, context, wanted))
                vpns.change(context, former, wanted)
                is_news = requests.changes_intent(former, wanted)
                if is_news:
                    if former.refusal:
                        # It may be possible now: PENDING until that was tried.
                        vpns.record_refusal(context, id, "", "")
                    journal.append(context, [id])
                    _tell_vtn(context, former)
                (view,) = self._view_vpns(context, [read_vpn(context, id)], None, None, Page())
        if is_news:
            self._waker.wake()
        return view

    def delete_bgpvpn(self, context: Context, id: str) -> None:  # noqa: A002
        """Remove a VPN and its associations."""
        with revision_wanted(context, id) as expected, db_api.CONTEXT_WRITER.using(context):
            vpns.lock(context, id)
            former = read_vpn(context, id)
            check_revision(former.standard, expected)
            journal.append(context, [id, *passed_on.read_dependents(context, id)])
            vpns.delete(context, former)
            _tell_vtn(context, former)
        self._transits.remove_now(former.router_ids)
        self._waker.wake()

    def set_bgpvpn_tags(self, context: Context, id: str, tags: Sequence[str]) -> None:  # noqa: A002
        """Make ``tags`` all a VPN has."""
        with refusals_answered():
            for tag in tags:
                validate.check_narrow_text("tags", tag)
            try:
                with db_api.CONTEXT_WRITER.using(context):
                    vpns.lock(context, id)
                    record = read_vpn(context, id)
                    number = record.standard.id
                    if number is not None:
                        standard_attributes.replace_tags(context, number, tags)
                        standard_attributes.touch(context, record.standard)
            except db_exc.DBDuplicateEntry:
                raise IntentConflict("Two of the tags differ by case or accents alone.") from None

    def _create(self, context: Context, wanted: VpnRecord) -> VpnRecord:
        made = vpns.create(context, allotment.give(context, self._options, wanted))
        allotment.claim(context, None, made, partial(_may_share, context, made))
        return made

    def _view_vpns(
        self,
        context: Context,
        records: Sequence[VpnRecord],
        filters: Filters,
        fields: Fields,
        page: Page,
    ) -> list[views.View]:
        evidence: Mapping[str, Evidence] = {}
        asked = {*(filters or {}), *(name for name, _ in page.sorts)}
        if views.wants_status(fields, asked):
            evidence = conditions.read_evidence(context, records)
        tags = standard_attributes.read_tags(context, [record.standard.id for record in records])
        return [
            self._view(
                context,
                record,
                self._reported(evidence[record.id]) if evidence else None,
                tags.get(record.standard.id or 0, []),
            )
            for record in records
        ]

    def _reported(self, evidence: Evidence) -> views.Reported:
        return views.Reported(compile_status(evidence, self._patience), evidence.mtu)

    def _view(
        self,
        context: Context,
        record: VpnRecord,
        reported: views.Reported | None,
        tags: Sequence[str],
    ) -> views.View:
        return views.view_vpn(record, reported, tags, Viewer.of(context))


def _tell_vtn(context: Context, vpn: VpnRecord) -> None:
    """Have the VTN that a VPN was made for looked at: somebody changed it by hand."""
    if vpn.vtn_id is not None:
        vtn_journal.append(context, [vpn.vtn_id])


def _may_share(context: Context, wanted: VpnRecord) -> bool:
    target = {"project_id": wanted.project_id, "tenant_id": wanted.project_id}
    return bool(policy.check(context, "share_route_target", target))
