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
from isthmus.db import gateways, journal, neutron_facts, provider_edges
from isthmus.db.records import AssociationRecord, NetworkRecord, PeReportRecord, VpnRecord
from isthmus.plugin.status import Condition, Evidence, Patience, compile_status


def patience_of(options: PluginOptions) -> Patience:
    """Return the operator's patience."""
    return Patience(
        pe_down_time=timedelta(seconds=options.pe_down_time_s),
        report_time=timedelta(seconds=options.report_time_s),
    )


def read_evidence(context: Context, records: Sequence[VpnRecord]) -> dict[str, Evidence]:
    """Return what is known of VPNs, by id; one statement per table, however many VPNs."""
    ids = [record.id for record in records]
    network_ids = {network_id for record in records for network_id in record.network_ids}
    if not ids:
        return {}
    pending = journal.read_pending(context, ids)
    networks = neutron_facts.read_networks(context, network_ids)
    hosts = neutron_facts.read_hosts(context, network_ids)
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
            vpn=record,
            is_pending=record.id in pending,
            networks=_present(networks, record.network_ids),
            hosts={n: hosts[n] for n in record.network_ids if n in hosts},
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
    network_id = association.target_id
    own = replace(
        evidence,
        networks=tuple(network for network in evidence.networks if network.id == network_id),
        hosts={n: names for n, names in evidence.hosts.items() if n == network_id},
    )
    return compile_status(own, patience)
