# SPDX-License-Identifier: Apache-2.0
"""What PEs report: kept for status, answered with what they lack."""

from __future__ import annotations

import logging
from collections.abc import Iterable

from neutron_lib import context as neutron_context
from neutron_lib.context import Context
from neutron_lib.db import api as db_api
from neutron_lib.plugins import directory

from isthmus.db import gateways, intent, journal, membership, provider_edges, vpns
from isthmus.drivers.base import VpnDriver
from isthmus.model.intent import VpnIntent, VrfIntent
from isthmus.model.report import PeReport
from isthmus.rpc import contract

LOG = logging.getLogger(__name__)

AGENT_BINARY = "isthmus-pe-agent"
AGENT_TYPE = "Isthmus PE agent"


@db_api.retry_db_errors
def record(report: PeReport) -> None:
    """Keep a report for status."""
    context = neutron_context.get_admin_context()
    with db_api.CONTEXT_WRITER.using(context):
        if provider_edges.record_report(context, report):
            journal.append(context, gateways.read_vpns_in_gateway_mode(context))


@db_api.retry_db_errors
def forget(pe: str) -> None:
    """Forget a PE that is no more."""
    context = neutron_context.get_admin_context()
    with db_api.CONTEXT_WRITER.using(context):
        provider_edges.forget(context, pe)
        journal.append(context, gateways.read_vpns_in_gateway_mode(context))


class Reports:
    """Takes what agents report, in neutron-rpc-server."""

    def __init__(self, driver: VpnDriver) -> None:
        self._driver = driver

    def record(self, report: PeReport) -> None:
        """Keep a report."""
        record(report)

    def answer(self, report: PeReport) -> tuple[list[VrfIntent], list[str]]:
        """Keep a report, show the agent alive, and say what it has to change."""
        record(report)
        _beat(report)
        candidates, gone, pes = _read_candidates(report)
        answer = self._driver.answer(report, candidates, pes)
        excess = sorted({*answer.excess, *gone})
        if answer.lacking or excess:
            LOG.info(
                "pe.synced pe=%s lacking=%d excess=%d", report.pe, len(answer.lacking), len(excess)
            )
        return list(answer.lacking), excess


def _beat(report: PeReport) -> None:
    """Show the agent in ``openstack network agent list``, alive as of now."""
    established = sum(neighbor.is_established for neighbor in report.neighbors)
    state = {
        "agent_type": AGENT_TYPE,
        "binary": AGENT_BINARY,
        "host": report.pe,
        "topic": contract.PE_TOPIC,
        "configurations": {
            "address": str(report.address),
            "vpns": len(report.vrfs),
            "neighbors": len(report.neighbors),
            "neighbors_established": established,
        },
    }
    directory.get_plugin().create_or_update_agent(neutron_context.get_admin_context(), state)


@db_api.retry_db_errors
def _read_candidates(report: PeReport) -> tuple[list[VpnIntent], list[str], list[str]]:
    """Return the VPNs whose part at this PE may differ, those that are gone, and every PE.

    A VPN with entries in the journal is left to the worker: its tables may hold more than was
    sent with its generation, and a generation must mean one thing.
    """
    context = neutron_context.get_admin_context()
    held = {vrf.vpn_id: vrf.generation for vrf in report.vrfs}
    with db_api.CONTEXT_READER.using(context):
        needed = membership.read_vpns_on_host(context, report.pe)
        needed |= gateways.read_vpns_of_gateway(context, report.pe)
        generations = vpns.read_generations(context, {*needed, *held})
        pending = journal.read_pending(context, generations)
        differing = [
            vpn_id
            for vpn_id, generation in generations.items()
            if vpn_id not in pending and (held.get(vpn_id, -1) < generation or vpn_id not in needed)
        ]
        pes = [edge.name for edge in provider_edges.read(context)]
        gone = sorted(held.keys() - vpns.read_existing(context, held.keys()))
        return list(_read_intents(context, differing)), gone, pes


def _read_intents(context: Context, vpn_ids: Iterable[str]) -> Iterable[VpnIntent]:
    for vpn_id in vpn_ids:
        wanted = intent.read_intent(context, vpn_id)
        if wanted is not None:
            yield wanted
