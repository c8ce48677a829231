# SPDX-License-Identifier: Apache-2.0
"""PEs and what they report."""

from __future__ import annotations

from collections.abc import Collection
from typing import Any

import sqlalchemy as sa
from neutron_lib.context import Context
from oslo_utils import timeutils

from isthmus.db import models
from isthmus.db.records import PeReportRecord, ProviderEdgeRecord
from isthmus.model.report import PeReport, VrfReport


def record_report(context: Context, report: PeReport) -> bool:
    """Make ``report`` all that is known of its PE, and note that the PE was heard now.

    Returns:
        Whether it changes which PEs may be gateways, or the address of one.
    """
    edge = context.session.get(models.ProviderEdge, report.pe, with_for_update=True)
    if edge is None:
        edge = models.ProviderEdge(name=report.pe)
        context.session.add(edge)
    address = str(report.address)
    is_news = bool(edge.is_gateway) != report.is_gateway or (
        report.is_gateway and edge.address != address
    )
    edge.is_gateway = report.is_gateway
    edge.address = address
    edge.core_payload = report.core_payload
    edge.last_error = report.last_error
    edge.heard_at = timeutils.utcnow()
    edge.neighbors = len(report.neighbors)
    edge.neighbors_established = sum(n.is_established for n in report.neighbors)
    context.session.flush()
    wanted = {vrf.vpn_id: vrf for vrf in report.vrfs}
    table = models.PeReport
    for row in context.session.execute(sa.select(table).where(table.pe == report.pe)).scalars():
        vrf = wanted.pop(row.vpn_id, None)
        if vrf is None:
            context.session.delete(row)
            continue
        for column, value in _columns(vrf).items():
            setattr(row, column, value)
    for vrf in wanted.values():
        context.session.add(table(pe=report.pe, vpn_id=vrf.vpn_id, **_columns(vrf)))
    context.session.flush()
    return is_news


def _columns(vrf: VrfReport) -> dict[str, Any]:
    return {
        "generation": vrf.generation,
        "is_in_force": vrf.is_in_force,
        "reason": vrf.reason,
        "labels": " ".join(str(label) for label in vrf.labels),
        "routes_sent": vrf.routes_sent,
        "routes_received": vrf.routes_received,
    }


def forget(context: Context, name: str) -> None:
    """Remove a PE and what it reported; if it lives, its next report makes it known again."""
    context.session.execute(sa.delete(models.ProviderEdge).where(models.ProviderEdge.name == name))


def read(context: Context) -> list[ProviderEdgeRecord]:
    """Return every PE ever heard, in order of name."""
    query: Any = sa.select(models.ProviderEdge.__table__).order_by(models.ProviderEdge.name)
    return [
        ProviderEdgeRecord(
            row.name,
            row.address,
            row.heard_at,
            row.neighbors,
            row.neighbors_established,
            row.core_payload,
            row.last_error,
        )
        for row in context.session.execute(query)
    ]


def read_reports(context: Context, vpn_ids: Collection[str]) -> list[PeReportRecord]:
    """Return what PEs report of VPNs."""
    table = models.PeReport
    query: Any = sa.select(table.__table__).where(table.vpn_id.in_(vpn_ids))
    return [
        PeReportRecord(
            row.pe,
            row.vpn_id,
            row.generation,
            row.is_in_force,
            row.reason,
            tuple(int(label) for label in row.labels.split()),
            row.routes_sent,
            row.routes_received,
        )
        for row in context.session.execute(query)
    ]


def read_greatest_generation(context: Context, vpn_id: str) -> int:
    """Return the greatest generation any PE has reported of a VPN; 0 if none did."""
    query: Any = sa.select(sa.func.max(models.PeReport.generation)).where(
        models.PeReport.vpn_id == vpn_id
    )
    return int(context.session.execute(query).scalar_one() or 0)
