# SPDX-License-Identifier: Apache-2.0
"""Servers of the internal API on Neutron's side: for agents' reports, and for the worker."""

from __future__ import annotations

import logging
from collections.abc import Callable
from typing import Any, Protocol

import oslo_messaging

from isthmus.model.errors import InvalidValue
from isthmus.model.intent import VrfIntent
from isthmus.model.report import PeReport
from isthmus.rpc import contract

LOG = logging.getLogger(__name__)


class ReportSink(Protocol):
    """What is done with an agent's reports."""

    def record(self, report: PeReport) -> None:
        """Keep what a PE reports."""

    def answer(self, report: PeReport) -> tuple[list[VrfIntent], list[str]]:
        """Keep what a PE reports; return the parts it lacks and the VPNs it has in excess."""


class ReportEndpoint:
    """``report`` and ``sync`` of SERVER_TOPIC."""

    target = oslo_messaging.Target(version=contract.VERSION)

    def __init__(self, sink: ReportSink) -> None:
        self._sink = sink

    def report(self, ctxt: object, report: dict[str, Any]) -> None:
        """Take a report; one that can't be read is logged and dropped, the next sync mends it."""
        del ctxt
        try:
            self._sink.record(contract.decode_pe_report(report))
        except InvalidValue as error:
            LOG.error("report.unreadable error=%s", error)

    def sync(self, ctxt: object, report: dict[str, Any]) -> dict[str, Any]:
        """Take a report and answer with what the PE should have and should not."""
        del ctxt
        try:
            decoded = contract.decode_pe_report(report)
        except InvalidValue as error:
            LOG.error("report.unreadable error=%s", error)
            return {"apply": [], "remove": []}
        lacking, excess = self._sink.answer(decoded)
        return {"apply": [contract.encode_vrf_intent(i) for i in lacking], "remove": excess}


class WakeEndpoint:
    """``wake`` of WORKER_TOPIC."""

    target = oslo_messaging.Target(version=contract.VERSION)

    def __init__(self, wake: Callable[[], None]) -> None:
        self._wake = wake

    def wake(self, ctxt: object) -> None:
        """Look into the journal now."""
        del ctxt
        self._wake()


def start_server(transport: Any, topic: str, host: str, endpoint: object) -> Any:
    """Start an RPC server in threads of its own; return it, so that it can be stopped."""
    target = oslo_messaging.Target(exchange=contract.EXCHANGE, topic=topic, server=host)
    server = oslo_messaging.get_rpc_server(transport, target, [endpoint], executor="threading")
    server.start()
    return server
