# SPDX-License-Identifier: Apache-2.0
"""What the API calls for associations, the same for every kind.

Neutron's controller calls a method by the name of the resource; ``methods`` says which call is
which for a kind.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from neutron_lib.context import Context
from neutron_lib.db import api as db_api
from oslo_utils import uuidutils

from isthmus.db import associations, journal, vpns
from isthmus.db.records import AssociationRecord, Kind
from isthmus.db.vtn import journal as vtn_journal
from isthmus.plugin import conditions, joining, quotas, views
from isthmus.plugin.errors import VpnNotFound, refusals_answered
from isthmus.plugin.lookup import Fields, Filters, read_association, read_page, read_vpn
from isthmus.plugin.revisions import check_revision, revision_wanted
from isthmus.plugin.status import Patience, just_recorded
from isthmus.plugin.transit import Transits
from isthmus.rpc.senders import Waker


class AssociationCalls:
    """Create, read, change and delete associations of one kind.

    Args:
        kind: what they put into VPNs.
        waker: told of each change.
        patience: for their statuses.
        transits: what routers need.
    """

    def __init__(self, kind: Kind, waker: Waker, patience: Patience, transits: Transits) -> None:
        self._kind = kind
        self._transits = transits
        self._resource = f"{kind}_association"
        self._waker = waker
        self._patience = patience

    def methods(self) -> Mapping[str, Callable[..., Any]]:
        """Return the calls by the names under which Neutron's controller looks for them."""
        name = f"bgpvpn_{self._resource}"
        return {
            f"create_{name}": self.create,
            f"create_{name}_bulk": self.create_bulk,
            f"get_{name}s": self.index,
            f"get_{name}": self.show,
            f"update_{name}": self.update,
            f"delete_{name}": self.delete,
        }

    def create(self, context: Context, bgpvpn_id: str, **body: Any) -> views.View:
        """Put a network, router or port into a VPN."""
        items = {f"{self._resource}s": list(body.values())}
        return self.create_bulk(context, bgpvpn_id, items=items)[0]

    def create_bulk(self, context: Context, bgpvpn_id: str, **request: Any) -> list[views.View]:
        """Put several into a VPN, all or none."""
        (items,) = request.values()
        bodies = [item[self._resource] for item in items[f"{self._resource}s"]]
        with refusals_answered():
            wanted = [joining.read_new(context, self._kind, one) for one in bodies]
            with db_api.CONTEXT_WRITER.using(context):
                vpns.lock(context, bgpvpn_id)
                made = []
                for one, body in zip(wanted, bodies, strict=True):
                    vpn = read_vpn(context, bgpvpn_id)
                    joining.check(context, vpn, one)
                    record = one.record(uuidutils.generate_uuid(), vpn)
                    record = joining.read_change(record, body)
                    made.append(associations.create(context, record))
                quotas.check(context, quotas.ASSOCIATIONS, [record.project_id for record in made])
                self._journal(context, bgpvpn_id)
        self._waker.wake()
        return [
            views.view_association(record, just_recorded(), is_operator=context.is_admin)
            for record in made
        ]

    def index(
        self,
        context: Context,
        bgpvpn_id: str,
        filters: Filters = None,
        fields: Fields = None,
        **paging: Any,
    ) -> list[views.View]:
        """Return the associations of a VPN; none of one the caller may not see."""
        page = read_page(paging)
        asked = {**(filters or {}), **dict.fromkeys(dict(page.sorts), ())}
        with db_api.CONTEXT_READER.using(context):
            try:
                read_vpn(context, bgpvpn_id)
            except VpnNotFound:
                return []
            records = associations.read(context, self._kind, vpn_id=bgpvpn_id)
            found = self._view(context, bgpvpn_id, records, asked, fields)
        return views.arrange(found, filters, page, fields)

    def show(
        self,
        context: Context,
        id: str,  # noqa: A002  Neutron calls by this name
        bgpvpn_id: str,
        fields: Fields = None,
    ) -> views.View:
        """Return an association."""
        with db_api.CONTEXT_READER.using(context):
            record = read_association(context, self._kind, id, bgpvpn_id)
            found = self._view(context, bgpvpn_id, [record], None, fields)
        return views.select(found, None, fields)[0]

    def update(
        self,
        context: Context,
        id: str,  # noqa: A002  Neutron calls by this name
        bgpvpn_id: str,
        **request: Any,
    ) -> views.View:
        """Change an association; what is left out stays as it is."""
        (body,) = request.values()
        with (
            refusals_answered(),
            revision_wanted(context, id) as expected,
            db_api.CONTEXT_WRITER.using(context),
        ):
            vpns.lock(context, bgpvpn_id)
            former = read_association(context, self._kind, id, bgpvpn_id)
            check_revision(former.standard, expected)
            wanted = joining.read_change(former, body[self._resource])
            if wanted != former:
                joining.check_routes(context, read_vpn(context, bgpvpn_id), wanted.routes)
                associations.update(context, wanted)
            is_news = joining.changes_intent(former, wanted)
            if is_news:
                self._journal(context, bgpvpn_id)
            current = read_association(context, self._kind, id, bgpvpn_id)
            (view,) = self._view(context, bgpvpn_id, [current], None, None)
        if is_news:
            self._waker.wake()
        return view

    def delete(self, context: Context, id: str, bgpvpn_id: str) -> None:  # noqa: A002
        """Take a network, router or port out of a VPN."""
        with revision_wanted(context, id) as expected, db_api.CONTEXT_WRITER.using(context):
            vpns.lock(context, bgpvpn_id)
            former = read_association(context, self._kind, id, bgpvpn_id)
            check_revision(former.standard, expected)
            associations.delete(context, former)
            self._journal(context, bgpvpn_id)
        if self._kind is Kind.ROUTER:
            self._transits.remove_now([former.target_id])
        self._waker.wake()

    def _journal(self, context: Context, vpn_id: str) -> None:
        """Have the VPN looked at, and the VTN it was made for: its network may be in or out now."""
        journal.append(context, [vpn_id])
        if self._kind is Kind.NETWORK:
            vtn_journal.append_of_vpn(context, vpn_id)

    def _view(
        self,
        context: Context,
        vpn_id: str,
        records: Sequence[AssociationRecord],
        filters: Filters,
        fields: Fields,
    ) -> list[views.View]:
        evidence = None
        if records and views.wants_status(fields, filters):
            vpn = read_vpn(context, vpn_id)
            evidence = conditions.read_evidence(context, [vpn])[vpn_id]
        return [
            views.view_association(
                record,
                conditions.condition_of(evidence, record, self._patience) if evidence else None,
                is_operator=context.is_admin,
            )
            for record in records
        ]
