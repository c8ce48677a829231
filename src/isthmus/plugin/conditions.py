# SPDX-License-Identifier: Apache-2.0
"""Gather the evidence for statuses of many VPNs in a fixed number of statements."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import timedelta

from neutron_lib.context import Context
from oslo_utils import timeutils

from isthmus.config.plugin import PluginOptions
from isthmus.db import gateways, journal, neutron_facts, provider_edges, router_facts
from isthmus.db.records import AssociationRecord, Kind, NetworkRecord, PeReportRecord, VpnRecord
from isthmus.plugin.status import Condition, Evidence, Patience, compile_status, taken_down
from isthmus.plugin.viewer import Viewer


def patience_of(options: PluginOptions) -> Patience:
    """Return the operator's patience."""
    return Patience(
        pe_down_time=timedelta(seconds=options.pe_down_time_s),
        report_time=timedelta(seconds=options.report_time_s),
    )


def read_evidence(context: Context, records: Sequence[VpnRecord]) -> dict[str, Evidence]:
    """Return what may be told of VPNs, by id; one statement per table, however many VPNs."""
    viewer = Viewer.of(context)
    ids = [record.id for record in records]
    network_ids = {n for record in records for n in record.up(record.network_ids)}
    router_ids = {r for record in records for r in record.up(record.router_ids)}
    port_ids = {p for record in records for p in record.up(record.port_ids)}
    if not ids:
        return {}
    pending = journal.read_pending(context, ids)
    networks = neutron_facts.read_networks(context, network_ids)
    hosts = {
        **neutron_facts.read_hosts(context, network_ids),
        **router_facts.read_hosts_behind(context, router_ids),
        **neutron_facts.read_hosts_of_ports(context, port_ids),
    }
    # Gateways serve hosts of theirs that are no PEs themselves.
    hosts |= {
        network_id: frozenset(port.pe for port in ports)
        for network_id, ports in gateways.read_ports(context, network_ids).items()
        if network_id in hosts
    }
    edges = {edge.name: edge for edge in provider_edges.read(context)}
    reports: dict[str, dict[str, PeReportRecord]] = defaultdict(dict)
    for report in provider_edges.read_reports(context, ids):
        reports[report.vpn_id][report.pe] = report
    now = timeutils.utcnow()
    return {
        record.id: Evidence(
            vpn=viewer.told(record),
            is_pending=record.id in pending,
            networks=_present(networks, viewer.seen(record, record.up(record.network_ids))),
            hosts={
                member: hosts[member]
                for kind in Kind
                for member in record.up(record.ids_of(kind))
                if member in hosts
            },
            edges=edges,
            reports=reports[record.id],
            now=now,
        )
        for record in records
    }


def _present(
    networks: Mapping[str, NetworkRecord], network_ids: Sequence[str]
) -> tuple[NetworkRecord, ...]:
    return tuple(networks[network_id] for network_id in network_ids if network_id in networks)


def condition_of(
    evidence: Evidence, association: AssociationRecord, patience: Patience
) -> Condition:
    """Compile the status of one association of a VPN."""
    target_id = association.target_id
    if not association.is_up and not evidence.is_pending:
        return taken_down()
    own = replace(
        evidence,
        networks=tuple(network for network in evidence.networks if network.id == target_id),
        hosts={member: names for member, names in evidence.hosts.items() if member == target_id},
    )
    return compile_status(own, patience)
