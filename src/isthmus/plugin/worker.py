# SPDX-License-Identifier: Apache-2.0
"""The worker: waits to be woken, finds what is due, and keeps at what failed.

One dispatches VPNs, another realises virtual tenant networks.

Runs in a process of its own under neutron-periodic-workers. It is one of Neutron's RPC workers,
since ML2/OVN connects to the northbound database in those alone, and attachments are ports.
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any, Protocol

from isthmus.config.plugin import PluginOptions
from isthmus.model.errors import InOtherHands, IsthmusError
from isthmus.rpc import contract
from isthmus.rpc.endpoints import WakeEndpoint, start_server
from isthmus.rpc.senders import TransportSource

LOG = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class _Failure:
    """What failed: how often in a row, when to try again, and what the journal held then."""

    times: int
    not_before: float
    newest: int


class Dispatching(Protocol):
    """What the worker has done for one VPN or virtual tenant network (VTN)."""

    def dispatch(self, item_id: str, /) -> None:
        """Bring a VPN from the tables to the driver, or what there is of a VTN into line."""


@dataclass(frozen=True, slots=True)
class Journal:
    """What the worker reads and writes itself.

    Attributes:
        read_due: the VPNs or VTNs that changed, with their newest entry.
        sweep: removes what nobody remembers and returns every one there is.
        record_refusal: keeps, for its status, why one can't be dispatched.
        kind: what they are, for the log.
    """

    read_due: Callable[[], dict[str, int]]
    sweep: Callable[[], list[str]]
    record_refusal: Callable[[str, IsthmusError], None]
    kind: str = "vpn"


class Worker:
    """One loop over the journal, and a few threads that dispatch."""

    def __init__(
        self,
        dispatcher: Dispatching,
        journal: Journal,
        options: PluginOptions,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._dispatcher = dispatcher
        self._journal = journal
        self._kind = journal.kind
        self._options = options
        self._clock = clock
        self._wanted = threading.Event()
        self._lock = threading.Lock()
        self._busy: set[str] = set()
        self._failures: dict[str, _Failure] = {}
        self._unchecked: set[str] = set()
        self._next_resync = clock()
        self._is_stopping = False
        self._pool: ThreadPoolExecutor | None = None
        self._thread: threading.Thread | None = None

    def wake(self) -> None:
        """Look into the journal now."""
        self._wanted.set()

    def start(self) -> None:
        """Start the loop; everything there is gets checked once."""
        self._pool = ThreadPoolExecutor(self._options.dispatch_threads, f"isthmus-{self._kind}")
        self._thread = threading.Thread(
            target=self._run, name=f"isthmus-{self._kind}-worker", daemon=True
        )
        self._thread.start()

    def stop(self) -> None:
        """End the loop and wait for dispatches under way."""
        self._is_stopping = True
        self.wake()
        if self._thread is not None:
            self._thread.join()
        if self._pool is not None:
            self._pool.shutdown()

    def _run(self) -> None:
        LOG.info("worker.started kind=%s", self._kind)
        while not self._is_stopping:
            try:
                self._look()
            except Exception:
                # The database may be away for a while; the loop must outlive that.
                LOG.exception("worker.look_failed")
            self._wanted.wait(self._options.poll_interval_s)
            self._wanted.clear()

    def _look(self) -> None:
        now = self._clock()
        if now >= self._next_resync:
            self._next_resync = now + self._options.resync_interval_s
            self._resync()
        due = self._journal.read_due()
        with self._lock:
            for item_id in [*due, *sorted(self._unchecked - due.keys())]:
                newest = due.get(item_id, 0)
                if item_id in self._busy or not self._may_try(item_id, newest, now):
                    continue
                self._unchecked.discard(item_id)
                self._busy.add(item_id)
                if self._pool is not None:
                    self._pool.submit(self._dispatch, item_id, newest)

    def _resync(self) -> None:
        try:
            found = self._journal.sweep()
        except Exception:
            # What is in the journal does not wait for this.
            LOG.exception("worker.sweep_failed")
            self._next_resync = self._clock() + self._options.retry_interval_s
            return
        with self._lock:
            self._unchecked.update(found)

    def _may_try(self, item_id: str, newest: int, now: float) -> bool:
        failure = self._failures.get(item_id)
        return failure is None or now >= failure.not_before or newest > failure.newest

    def _dispatch(self, item_id: str, newest: int) -> None:
        try:
            self._dispatcher.dispatch(item_id)
        except IsthmusError as error:
            LOG.warning("%s.not_dispatched %s=%s error=%s", self._kind, self._kind, item_id, error)
            self._fail(item_id, newest, error)
        except Exception:
            LOG.exception("%s.not_dispatched %s=%s", self._kind, self._kind, item_id)
            self._fail(item_id, newest, None)
        else:
            with self._lock:
                self._failures.pop(item_id, None)
        finally:
            with self._lock:
                self._busy.discard(item_id)
            # What changed meanwhile was passed over while the VPN was busy.
            self.wake()

    def _fail(self, item_id: str, newest: int, error: IsthmusError | None) -> None:
        with self._lock:
            times = self._failures[item_id].times if item_id in self._failures else 0
            # Waiting for another worker is no failure: it takes seconds, however often.
            times = max(times, 1) if isinstance(error, InOtherHands) else times + 1
            pause = min(
                self._options.retry_interval_s * 2 ** min(times - 1, 16),
                self._options.max_retry_interval_s,
            )
            self._failures[item_id] = _Failure(times, self._clock() + pause, newest)
            self._unchecked.add(item_id)
        if error is not None and not error.retryable:
            try:
                self._journal.record_refusal(item_id, error)
            except Exception:
                LOG.exception("%s.refusal_not_recorded %s=%s", self._kind, self._kind, item_id)


class WorkerService:
    """The workers as Neutron's ``RpcWorker`` starts them: something with RPC listeners."""

    def __init__(
        self, make_workers: Callable[[], Sequence[Worker]], transport: TransportSource, host: str
    ) -> None:
        self._make_workers = make_workers
        self._transport = transport
        self._host = host

    def start_rpc_listeners(self) -> list[Any]:
        """Start the loops in this process, and listen for whoever wakes them."""
        workers = self._make_workers()
        for worker in workers:
            worker.start()

        def wake() -> None:
            for worker in workers:
                worker.wake()

        endpoint = WakeEndpoint(wake)
        return [start_server(self._transport(), contract.WORKER_TOPIC, self._host, endpoint)]
