# SPDX-License-Identifier: Apache-2.0
"""The agent's end of the internal API: takes intent in, sends reports out.

The message queue may be away at the start or at any time later: only threads of this module wait
for it, the rest of the agent never does.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Iterable, Mapping
from typing import Any, Protocol, TypeVar

import oslo_messaging
from oslo_config import cfg

from isthmus.model.errors import InvalidValue
from isthmus.model.report import PeReport
from isthmus.pe_agent.inputs import Intents
from isthmus.rpc.contract import (
    EXCHANGE,
    PE_TOPIC,
    SERVER_TOPIC,
    SYNC_INTERVAL_S,
    VERSION,
    Plain,
    decode_vrf_intent,
    encode_pe_report,
)

LOG = logging.getLogger(__name__)

_LONGEST_RECONNECT_WAIT_S = 2
_RETRY_S = 1.0
# A restarted agent first makes sure that what it remembers is in force, then says so.
_FIRST_SYNC_AFTER_S = 2.0


class Reconciling(Protocol):
    """What the link needs of the reconciler."""

    intents: Intents

    def report(self) -> PeReport:
        """Report what is in force of what was asked."""

    def note_synced(self) -> None:
        """Note that the server has said all it knows."""


class PeEndpoint:
    """What the server may say to this PE (``rpc.contract``)."""

    target = oslo_messaging.Target(version=VERSION)

    def __init__(self, intents: Intents) -> None:
        self._intents = intents

    def apply(self, context: Mapping[str, Any], intent: Plain) -> None:  # noqa: ARG002
        """Take in the whole part of one VPN."""
        for decoded in _decode_each([intent], decode_vrf_intent):
            taken = self._intents.apply(decoded)
            LOG.info(
                "intent.received vpn=%s generation=%s is_new=%s",
                decoded.vpn_id, decoded.generation, taken,
            )  # fmt: skip

    def remove(self, context: Mapping[str, Any], vpn_id: str) -> None:  # noqa: ARG002
        """Forget a VPN that has no part here any more."""
        taken = self._intents.remove(str(vpn_id))
        LOG.info("intent.removed vpn=%s is_new=%s", vpn_id, taken)


class ServerLink:
    """Threads that talk to the server over oslo.messaging."""

    def __init__(self, conf: cfg.ConfigOpts, host: str, reconciler: Reconciling) -> None:
        self._conf = conf
        self._host = host
        self._reconciler = reconciler
        self._is_stopping = threading.Event()
        self._news = threading.Condition()
        self._report: PeReport | None = None
        self._has_settled = threading.Event()

    def start(self) -> None:
        """Start the threads; returns at once."""
        for name, work in (
            ("rpc-listen", self._listen),
            ("rpc-report", self._send_reports),
            ("rpc-sync", self._sync_for_ever),
        ):
            threading.Thread(target=self._insist, args=(work,), name=name, daemon=True).start()

    def tell(self, report: PeReport) -> None:
        """Have ``report`` sent; one that has not been sent yet is forgotten. Returns at once."""
        with self._news:
            self._report = report
            self._news.notify()
        self._has_settled.set()

    def stop(self) -> None:
        """Let the threads end; none is waited for, as the message queue may be away."""
        self._is_stopping.set()
        self._has_settled.set()
        with self._news:
            self._news.notify()

    def _insist(self, work: Callable[[], None]) -> None:
        while not self._is_stopping.is_set():
            try:
                work()
            except Exception as error:
                LOG.warning("rpc.failed work=%s error=%r", work.__name__, error)
            self._is_stopping.wait(_RETRY_S)

    def _listen(self) -> None:
        server = oslo_messaging.get_rpc_server(
            make_transport(self._conf),
            oslo_messaging.Target(exchange=EXCHANGE, topic=PE_TOPIC, server=self._host),
            [PeEndpoint(self._reconciler.intents)],
            access_policy=oslo_messaging.DefaultRPCAccessPolicy,
        )
        server.start()
        LOG.info("rpc.listening topic=%s server=%s", PE_TOPIC, self._host)
        self._is_stopping.wait()

    def _client(self) -> Any:
        target = oslo_messaging.Target(exchange=EXCHANGE, topic=SERVER_TOPIC, version=VERSION)
        return oslo_messaging.get_rpc_client(
            make_transport(self._conf), target, timeout=SYNC_INTERVAL_S, retry=1
        )

    def _send_reports(self) -> None:
        client = self._client()
        while not self._is_stopping.is_set():
            with self._news:
                self._news.wait_for(lambda: self._report is not None or self._is_stopping.is_set())
                report, self._report = self._report, None
            if report is None:
                continue
            try:
                client.cast({}, "report", report=encode_pe_report(report))
            except Exception as error:
                # The next sync carries the same.
                LOG.warning("rpc.report_not_sent error=%r", error)

    def _sync_for_ever(self) -> None:
        client = self._client()
        self._has_settled.wait(_FIRST_SYNC_AFTER_S)
        while not self._is_stopping.is_set():
            try:
                self._sync(client)
            except Exception as error:
                LOG.warning("rpc.not_synced retry_s=%s error=%r", SYNC_INTERVAL_S, error)
            self._is_stopping.wait(SYNC_INTERVAL_S)

    def _sync(self, client: Any) -> None:
        report = self._reconciler.report()
        answer = client.call({}, "sync", report=encode_pe_report(report))
        self._reconciler.intents.accept_sync(
            {vrf.vpn_id: vrf.generation for vrf in report.vrfs},
            _decode_each(answer["apply"], decode_vrf_intent),
            [str(vpn_id) for vpn_id in answer["remove"]],
        )
        self._reconciler.note_synced()


def make_transport(conf: cfg.ConfigOpts) -> Any:
    """Make a transport of its own; it connects when it is first used."""
    transport = oslo_messaging.get_rpc_transport(conf)
    if "oslo_messaging_rabbit" in conf:
        # After an outage the agent should be back about when RabbitMQ is.
        conf.set_default(
            "rabbit_interval_max", _LONGEST_RECONNECT_WAIT_S, group="oslo_messaging_rabbit"
        )
    return transport


_Decoded = TypeVar("_Decoded")


def _decode_each(plains: Iterable[Any], decode: Callable[[Any], _Decoded]) -> list[_Decoded]:
    """Decode what can be decoded; the rest is refused one by one."""
    decoded = []
    for plain in plains:
        try:
            decoded.append(decode(plain))
        except InvalidValue as error:
            LOG.error("intent.refused error=%r", error.for_operator)
    return decoded
