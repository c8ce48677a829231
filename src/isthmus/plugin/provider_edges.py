# SPDX-License-Identifier: Apache-2.0
"""What each PE does for a VPN, for administrators: compiled, so it can only be read."""

from __future__ import annotations

from dataclasses import replace
from typing import Any, NoReturn

import webob.exc
from neutron_lib.context import Context
from neutron_lib.db import api as db_api

from isthmus.plugin import conditions, views
from isthmus.plugin.errors import ProviderEdgeNotFound
from isthmus.plugin.lookup import Fields, Filters, read_page, read_vpn
from isthmus.plugin.status import Evidence, Patience, compile_status
from isthmus.plugin.views import View


class ProviderEdgeCalls:
    """List and show, under the names Neutron's controller calls by."""

    _patience: Patience

    def get_bgpvpn_provider_edges(
        self,
        context: Context,
        bgpvpn_id: str,
        filters: Filters = None,
        fields: Fields = None,
        **paging: Any,
    ) -> list[views.View]:
        """Return what each PE does for a VPN: those that report it and those that should."""
        with db_api.CONTEXT_READER.using(context):
            record = read_vpn(context, bgpvpn_id)
            evidence = conditions.read_evidence(context, [record])[bgpvpn_id]
        found = view_provider_edges(evidence, self._patience)
        return views.arrange(found, filters, read_page(paging), fields)

    def get_bgpvpn_provider_edge(
        self,
        context: Context,
        id: str,  # noqa: A002  Neutron calls by this name
        bgpvpn_id: str,
        fields: Fields = None,
    ) -> views.View:
        """Return what one PE does for a VPN."""
        found = self.get_bgpvpn_provider_edges(context, bgpvpn_id, {"id": [id]}, fields)
        if not found:
            raise ProviderEdgeNotFound(id=id, vpn_id=bgpvpn_id)
        return found[0]

    def create_bgpvpn_provider_edge(self, *_: Any, **__: Any) -> NoReturn:
        """Refuse: 405."""
        raise webob.exc.HTTPMethodNotAllowed("Provider edges of a BGP VPN can only be read.")

    update_bgpvpn_provider_edge = create_bgpvpn_provider_edge
    delete_bgpvpn_provider_edge = create_bgpvpn_provider_edge
    create_bgpvpn_provider_edge_bulk = create_bgpvpn_provider_edge


def view_provider_edges(evidence: Evidence, patience: Patience) -> list[View]:
    """Return the hosts that have a part in a VPN, or report one, in order of name.

    A compute host without an agent is among them if it has a VM of the VPN: it has no address.
    """
    names = sorted(evidence.host_names | evidence.reports.keys())
    return [_view(name, evidence, patience) for name in names]


def _view(name: str, evidence: Evidence, patience: Patience) -> View:
    edge, report = evidence.edges.get(name), evidence.reports.get(name)
    own = replace(evidence, hosts={"": frozenset({name})}, networks=())
    condition = compile_status(own, patience)
    is_in_force = report is not None and report.is_in_force
    return {
        "id": name,
        "name": name,
        "address": None if edge is None else edge.address,
        "status": str(condition.status),
        "status_reason": condition.for_operator,
        "last_error": "" if edge is None else edge.last_error,
        "generation_asked": evidence.vpn.generation,
        "generation_in_force": report.generation if report is not None and is_in_force else None,
        "routes_sent": 0 if report is None else report.routes_sent,
        "routes_received": 0 if report is None else report.routes_received,
        "labels": [] if report is None else list(report.labels),
    }
