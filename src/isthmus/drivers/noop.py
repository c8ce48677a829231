# SPDX-License-Identifier: Apache-2.0
"""A driver that accepts everything, remembers it, and reports it in force.

For trying the API without provider edges, and as the second implementation that keeps the
contract honest.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable
from ipaddress import IPv4Address

from isthmus.drivers.base import DriverSetup, SyncAnswer
from isthmus.model.intent import VpnIntent
from isthmus.model.report import PeReport, VrfReport

_NO_ADDRESS = IPv4Address(0)


class NoopDriver:
    """Plays every host that a VPN has customers on, as a PE without neighbors."""

    def __init__(self, setup: DriverSetup) -> None:
        self._record_report = setup.record_report
        self._intents: dict[str, VpnIntent] = {}

    def apply(self, intent: VpnIntent, pes: Collection[str]) -> None:
        """Remember ``intent`` and report it in force on every host it has."""
        held = self._intents.get(intent.vpn_id)
        if held is None or held.generation <= intent.generation:
            self._intents[intent.vpn_id] = intent
        self._report(pes)

    def remove(self, vpn_id: str, pes: Collection[str]) -> None:
        """Forget a VPN and report what is left."""
        self._intents.pop(vpn_id, None)
        self._report(pes)

    def answer(
        self, report: PeReport, intents: Iterable[VpnIntent], pes: Collection[str]
    ) -> SyncAnswer:
        """Nobody asks; there is nothing to change."""
        del report, intents, pes
        return SyncAnswer()

    def _report(self, pes: Collection[str]) -> None:
        vrfs: dict[str, set[VrfReport]] = defaultdict(set)
        for pe in pes:
            vrfs[pe] = set()
        for intent in list(self._intents.values()):
            for attachment in intent.attachments:
                for bound in attachment.hosts:
                    vrf = VrfReport(intent.vpn_id, intent.generation, is_in_force=True)
                    vrfs[bound.host_name].add(vrf)
        for pe, held in vrfs.items():
            self._record_report(PeReport(pe, _NO_ADDRESS, tuple(sorted(held)), ()))
