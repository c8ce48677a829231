# SPDX-License-Identifier: Apache-2.0
"""What the API calls for ``bgpvpns``: each is one transaction that records intent and journal."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from neutron_lib.context import Context
from neutron_lib.db import api as db_api
from oslo_utils import uuidutils

from isthmus.db import journal, passed_on, vpns
from isthmus.db.records import VpnRecord
from isthmus.plugin import conditions, requests, views
from isthmus.plugin.errors import refusals_answered
from isthmus.plugin.lookup import Fields, Filters, own_project, read_vpn
from isthmus.plugin.status import Patience, compile_status
from isthmus.plugin.transit import Transits
from isthmus.rpc.senders import Waker


class VpnCalls:
    """Create, read, change and delete VPNs, under the names Neutron's controller calls by."""

    _patience: Patience
    _transits: Transits
    _waker: Waker

    def create_bgpvpn(self, context: Context, bgpvpn: Mapping[str, Any]) -> views.View:
        """Record a VPN."""
        return self.create_bgpvpn_bulk(context, {"bgpvpns": [bgpvpn]})[0]

    def create_bgpvpn_bulk(self, context: Context, bgpvpns: Mapping[str, Any]) -> list[views.View]:
        """Record VPNs, all or none."""
        with refusals_answered():
            wanted = [requests.read_new_vpn(item["bgpvpn"]) for item in bgpvpns["bgpvpns"]]
        with db_api.CONTEXT_WRITER.using(context):
            ids = [uuidutils.generate_uuid() for _ in wanted]
            for vpn_id, vpn in zip(ids, wanted, strict=True):
                vpns.create(context, vpn_id, vpn.columns, vpn.targets, vpn.rds or ())
            journal.append(context, ids)
            records = {record.id: record for record in vpns.read(context, vpn_ids=ids)}
            made = self._view_vpns(context, [records[vpn_id] for vpn_id in ids], None, None)
        self._waker.wake()
        return made

    def get_bgpvpns(
        self, context: Context, filters: Filters = None, fields: Fields = None
    ) -> list[views.View]:
        """Return the VPNs the caller may see."""
        ids = (filters or {}).get("id")
        with db_api.CONTEXT_READER.using(context):
            records = vpns.read(context, vpn_ids=ids, project_id=own_project(context))
            return self._view_vpns(context, records, filters, fields)

    def get_bgpvpn(self, context: Context, id: str, fields: Fields = None) -> views.View:  # noqa: A002
        """Return a VPN."""
        with db_api.CONTEXT_READER.using(context):
            return self._view_vpns(context, [read_vpn(context, id)], None, fields)[0]

    def update_bgpvpn(
        self,
        context: Context,
        id: str,  # noqa: A002  Neutron calls by this name
        bgpvpn: Mapping[str, Any],
    ) -> views.View:
        """Change a VPN; route targets are replaced, not added."""
        with refusals_answered():
            wanted = requests.read_vpn_change(bgpvpn["bgpvpn"])
        with db_api.CONTEXT_WRITER.using(context):
            vpns.lock(context, id)
            record = read_vpn(context, id)
            vpns.update(context, id, wanted.columns)
            if wanted.changes_targets:
                vpns.replace_targets(context, id, wanted.targets_over(record.targets))
            if wanted.rds is not None:
                vpns.replace_rds(context, id, wanted.rds)
            if wanted.changes_intent:
                journal.append(context, [id])
            view = self._view_vpns(context, [read_vpn(context, id)], None, None)[0]
        if wanted.changes_intent:
            self._waker.wake()
        return view

    def delete_bgpvpn(self, context: Context, id: str) -> None:  # noqa: A002
        """Remove a VPN and its associations."""
        with db_api.CONTEXT_WRITER.using(context):
            vpns.lock(context, id)
            former = read_vpn(context, id)
            journal.append(context, [id, *passed_on.read_dependents(context, id)])
            vpns.delete(context, id)
        self._transits.remove_now(former.router_ids)
        self._waker.wake()

    def _view_vpns(
        self, context: Context, records: Sequence[VpnRecord], filters: Filters, fields: Fields
    ) -> list[views.View]:
        evidence = {}
        if views.wants_status(fields, filters):
            evidence = conditions.read_evidence(context, records)
        return views.select(
            (
                views.view_vpn(
                    record,
                    compile_status(evidence[record.id], self._patience) if evidence else None,
                    is_operator=context.is_admin,
                )
                for record in records
            ),
            filters,
            fields,
        )
