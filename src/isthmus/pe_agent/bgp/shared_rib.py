# SPDX-License-Identifier: Apache-2.0
"""A RIB-in that threads share, and the thread that says when it changed."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable

from isthmus.config.bgp import BgpConfig
from isthmus.pe_agent.bgp.rib import Rib
from isthmus.pe_agent.bgp.speaker import RibIn

_LOG = logging.getLogger(__name__)

_LEAST_BETWEEN_REPORTS_S = 0.01


class SharedRib:
    """A `Rib` behind a lock that is held for moments."""

    def __init__(self, config: BgpConfig) -> None:
        self._changed = threading.Condition()
        self._rib = Rib(config)
        self._reported = self._rib.revision
        self._stopping = threading.Event()
        self._on_change: Callable[[], None] = lambda: None
        self._thread = threading.Thread(target=self._report, name="bgp-changes", daemon=True)

    def start(self, on_change: Callable[[], None]) -> None:
        """Call ``on_change`` in a thread after every change, or after several at once."""
        self._on_change = on_change
        self._thread.start()

    def stop(self) -> None:
        """End the thread."""
        self._stopping.set()
        with self._changed:
            self._changed.notify_all()
        if self._thread.is_alive():
            self._thread.join()

    def snapshot(self) -> RibIn:
        """Return the RIB-in as it is."""
        with self._changed:
            return self._rib.snapshot()

    def update(self, change: Callable[[Rib], None]) -> bool:
        """Change the RIB; return whether that made a difference."""
        with self._changed:
            before = self._rib.revision
            change(self._rib)
            is_changed = self._rib.revision != before
            if is_changed or self._rib.is_waiting:
                self._changed.notify_all()
            return is_changed

    def _report(self) -> None:
        while not self._stopping.is_set():
            with self._changed:
                now = time.monotonic()
                self._rib.settle(now)
                if self._rib.revision == self._reported:
                    deadline = self._rib.next_deadline(now)
                    self._changed.wait(None if deadline is None else deadline - now)
                    continue
                self._reported = self._rib.revision
            try:
                self._on_change()
            except Exception:
                _LOG.exception("bgp.change_unheard")
            # A single change is told at once; a flood of them not one by one.
            self._stopping.wait(_LEAST_BETWEEN_REPORTS_S)
