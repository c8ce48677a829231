# SPDX-License-Identifier: Apache-2.0
"""Reads the table of labelled unicast, whole, each time it may have changed.

gobgpd's events name one best path to each prefix, and the others that are as good come and go
unheard; but they are all in its table, which has a row or two for each PE. Events say when to look.
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable
from ipaddress import IPv4Address

from isthmus.config.bgp import BgpConfig
from isthmus.model.errors import EdgeError
from isthmus.pe_agent.bgp.gobgp_client import GoBgpClient
from isthmus.pe_agent.bgp.labelled import Labels, read_table
from isthmus.pe_agent.bgp.mapping import LABELLED_IPV4

_LOG = logging.getLogger(__name__)

_AGAIN_S = 1.0
"""An event may be ahead of the table, as that of a session that was lost."""
_STALE_AGAIN_S = 2.0
_LEAST_BETWEEN_LOOKS_S = 0.02
_NEVER = float("inf")
_JUNK_REMEMBERED = 10_000

Ends = frozenset[IPv4Address]
"""Neighbors whose end-of-RIB came before the table was read."""


class LabelReader:
    """A thread that looks when told to, and once more a moment later.

    Args:
        config: of this PE.
        hear: takes what was read.
    """

    def __init__(self, config: BgpConfig, hear: Callable[[Labels, Ends], None]) -> None:
        self._config = config
        self._hear = hear
        self._reading = threading.Lock()
        self._told = threading.Condition()
        # What follows is shared under the condition.
        self._client: GoBgpClient | None = None
        self._ends: set[IPv4Address] = set()
        self._look_at = self._again_at = _NEVER
        self._is_stopping = False
        self._junk: set[tuple[str, str]] = set()
        self._thread = threading.Thread(target=self._run, name="bgp-labels", daemon=True)

    def start(self) -> None:
        """Start the thread."""
        self._thread.start()

    def stop(self) -> None:
        """End the thread."""
        with self._told:
            self._is_stopping = True
            self._told.notify_all()
        if self._thread.is_alive():
            self._thread.join()

    def attach(self, client: GoBgpClient) -> None:
        """Look now, in the caller's thread, and from now on when told to.

        Raises:
            EdgeError: the daemon did not answer.
        """
        with self._told:
            self._client = client
        self._read(client)

    def detach(self) -> None:
        """Look no more: the daemon is away."""
        with self._told:
            self._client = None
            self._ends.clear()
            self._look_at = self._again_at = _NEVER

    def look(self, end_of_rib: IPv4Address | None = None) -> None:
        """Look soon; ``end_of_rib`` is of a neighbor whose routes have all been sent by then."""
        with self._told:
            now = time.monotonic()
            self._look_at, self._again_at = now, now + _AGAIN_S
            if end_of_rib is not None:
                self._ends.add(end_of_rib)
            self._told.notify_all()

    def _run(self) -> None:
        while True:
            with self._told:
                client = self._wait()
            if client is None:
                return
            try:
                self._read(client)
            except EdgeError as error:
                # The thread that reads events connects anew, and attaches again.
                _LOG.debug("labels.unread reason=%s", error.for_operator)
            time.sleep(_LEAST_BETWEEN_LOOKS_S)

    def _wait(self) -> GoBgpClient | None:
        """Return what to ask once it is time; None to stop."""
        while not self._is_stopping:
            due = min(self._look_at, self._again_at) - time.monotonic()
            if self._client is not None and due <= 0:
                self._look_at = _NEVER
                if self._again_at <= time.monotonic():
                    self._again_at = _NEVER
                return self._client
            self._told.wait(None if self._client is None or due == _NEVER else due)
        return None

    def _read(self, client: GoBgpClient) -> None:
        with self._reading:
            with self._told:
                ends, self._ends = frozenset(self._ends), set()
            labels = read_table(client.paths(LABELLED_IPV4), self._config)
            self._hear(labels, ends)
        if labels.has_stale:
            with self._told:
                self._again_at = min(self._again_at, time.monotonic() + _STALE_AGAIN_S)
        for junk, reason in labels.junk.items():
            if junk not in self._junk and len(self._junk) < _JUNK_REMEMBERED:
                self._junk.add(junk)
                _LOG.warning("label.skipped neighbor=%s nlri=%r reason=%s", *junk, reason)
