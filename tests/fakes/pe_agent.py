# SPDX-License-Identifier: Apache-2.0
"""A PE agent that holds intent and reports it, on the real internal API."""

from __future__ import annotations

import threading
from ipaddress import IPv4Address
from typing import Any

import oslo_messaging

from isthmus.model.intent import VrfIntent
from isthmus.model.report import NeighborReport, PeReport, VrfReport
from isthmus.rpc import contract
from isthmus.rpc.endpoints import start_server

NEIGHBOR = IPv4Address("192.0.2.101")


class FakePeAgent:
    """Takes casts in, answers with reports when told to.

    Attributes:
        is_deaf: casts are lost on the way.
        is_in_force: what it says of everything it holds.
        is_established: what it says of its neighbor.
    """

    target = oslo_messaging.Target(version=contract.VERSION)

    def __init__(self, transport: Any, name: str, address: str) -> None:
        self.name = name
        self._address = IPv4Address(address)
        self._lock = threading.Lock()
        self.forget()
        target = oslo_messaging.Target(
            exchange=contract.EXCHANGE, topic=contract.SERVER_TOPIC, version=contract.VERSION
        )
        self._client = oslo_messaging.get_rpc_client(transport, target, timeout=10)
        self.server = start_server(transport, contract.PE_TOPIC, name, self)

    def forget(self) -> None:
        """Be as on the first day."""
        self.is_deaf = False
        self.is_in_force = True
        self.is_established = True
        self.held: dict[str, VrfIntent] = {}
        self.casts = 0

    def apply(self, ctxt: object, intent: dict[str, Any]) -> None:
        """Take an intent in, unless a newer one is there."""
        with self._lock:
            self.casts += 1
            if not self.is_deaf:
                self._take(contract.decode_vrf_intent(intent))

    def remove(self, ctxt: object, vpn_id: str) -> None:
        """Forget a VPN."""
        with self._lock:
            self.casts += 1
            if not self.is_deaf:
                self.held.pop(vpn_id, None)

    def _take(self, intent: VrfIntent) -> None:
        held = self.held.get(intent.vpn_id)
        if held is None or held.generation <= intent.generation:
            self.held[intent.vpn_id] = intent

    def has_heard(self) -> bool:
        """Whether any cast has come."""
        with self._lock:
            return self.casts > 0

    def report(self) -> PeReport:
        """Say what it holds."""
        with self._lock:
            return PeReport(
                pe=self.name,
                address=self._address,
                vrfs=tuple(
                    VrfReport(vpn_id, intent.generation, self.is_in_force)
                    for vpn_id, intent in sorted(self.held.items())
                ),
                neighbors=(NeighborReport(NEIGHBOR, self.is_established),),
            )

    def sync(self) -> None:
        """Compare with the server, as an agent does every few seconds, and report the outcome."""
        before = self.report()
        answer = self._client.call({}, "sync", report=contract.encode_pe_report(before))
        with self._lock:
            for plain in answer["apply"]:
                self._take(contract.decode_vrf_intent(plain))
            for vpn_id in answer["remove"]:
                self.held.pop(vpn_id, None)
        after = self.report()
        if after != before:
            self._client.call({}, "report", report=contract.encode_pe_report(after))
