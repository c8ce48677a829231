# SPDX-License-Identifier: Apache-2.0
"""Intent to our own agents, by oslo.messaging: one cast to every PE of the region."""

from __future__ import annotations

from collections.abc import Collection, Iterable

from isthmus.drivers.base import DriverSetup, SyncAnswer
from isthmus.drivers.pe_rpc.split import compare, split
from isthmus.model.intent import VpnIntent
from isthmus.model.report import PeReport
from isthmus.rpc.senders import PeSender


class PeRpcDriver:
    """Casts each PE its part, or that it has none.

    A cast that a PE does not get is made good by its next ``sync``.
    """

    def __init__(self, setup: DriverSetup) -> None:
        self._sender = PeSender(setup.transport)

    def apply(self, intent: VpnIntent, pes: Collection[str]) -> None:
        """Cast every PE its part; those without one are told to have none."""
        parts = split(intent, pes)
        for pe in sorted(pes):
            if pe in parts:
                self._sender.send_intent(pe, parts[pe])
            else:
                self._sender.send_removal(pe, intent.vpn_id)

    def remove(self, vpn_id: str, pes: Collection[str]) -> None:
        """Cast every PE that it has no part in the VPN."""
        for pe in sorted(pes):
            self._sender.send_removal(pe, vpn_id)

    def answer(
        self, report: PeReport, intents: Iterable[VpnIntent], pes: Collection[str]
    ) -> SyncAnswer:
        """Compare by generation."""
        held = {vrf.vpn_id: vrf.generation for vrf in report.vrfs}
        lacking, excess = compare(report.pe, held, intents, pes)
        return SyncAnswer(tuple(lacking), tuple(excess))
