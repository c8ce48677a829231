# SPDX-License-Identifier: Apache-2.0
"""Casts of the server side: to the agents of PEs, and to the worker."""

from __future__ import annotations

import logging
import os
import threading
from collections.abc import Callable
from typing import Any

import oslo_messaging

from isthmus.model.errors import DriverUnavailable
from isthmus.model.intent import VrfIntent
from isthmus.rpc import contract

LOG = logging.getLogger(__name__)

# Given when it is first needed: a process opens its transport after it was forked.
TransportSource = Callable[[], Any]
_ATTEMPTS = 2


def _client(transport: Any, topic: str) -> Any:
    target = oslo_messaging.Target(
        exchange=contract.EXCHANGE, topic=topic, version=contract.VERSION
    )
    return oslo_messaging.get_rpc_client(transport, target)


class PeSender:
    """Casts to agents: the message is with the broker when a method returns, no more."""

    def __init__(self, transport: TransportSource) -> None:
        self._transport = transport

    def send_intent(self, pe: str, intent: VrfIntent) -> None:
        """Tell a PE its whole part of a VPN.

        Raises:
            DriverUnavailable: the broker did not take the message.
        """
        self._cast(pe, "apply", intent=contract.encode_vrf_intent(intent))

    def send_removal(self, pe: str, vpn_id: str) -> None:
        """Tell a PE that it has no part in a VPN.

        Raises:
            DriverUnavailable: the broker did not take the message.
        """
        self._cast(pe, "remove", vpn_id=vpn_id)

    def _cast(self, pe: str, method: str, **arguments: object) -> None:
        try:
            client = _client(self._transport(), contract.PE_TOPIC)
            client.prepare(server=pe, retry=_ATTEMPTS).cast({}, method, **arguments)
        except (oslo_messaging.MessagingException, OSError) as error:
            raise DriverUnavailable(f"No message can be sent to PE '{pe}': {error}") from error


class Waker:
    """Wakes the worker after a commit, without making the caller wait for the broker.

    A message that is lost costs one poll interval. Safe to make before a fork: the thread that
    sends is started by the first call in each process.
    """

    def __init__(self, transport: TransportSource) -> None:
        self._transport = transport
        self._lock = threading.Lock()
        self._wanted = threading.Event()
        self._pid = 0

    def wake(self) -> None:
        """Have a ``wake`` sent soon; several calls may become one message."""
        if self._pid != os.getpid():
            self._start()
        self._wanted.set()

    def _start(self) -> None:
        with self._lock:
            if self._pid == os.getpid():
                return
            self._wanted = threading.Event()
            self._pid = os.getpid()
            threading.Thread(target=self._run, name="isthmus-waker", daemon=True).start()

    def _run(self) -> None:
        wanted = self._wanted
        while True:
            wanted.wait()
            wanted.clear()
            try:
                client = _client(self._transport(), contract.WORKER_TOPIC)
                client.prepare(retry=_ATTEMPTS).cast({}, "wake")
            except Exception as error:
                LOG.warning("worker.not_woken error=%r", error)
