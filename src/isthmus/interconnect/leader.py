# SPDX-License-Identifier: Apache-2.0
"""One of a site's daemons leads: a lease in the own etcd that it has to keep.

Another takes over within the lease's time to live once the leader is gone or cut off.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable

from isthmus.interconnect.keys import LEADER_KEY
from isthmus.interconnect.store.store import Leadership, LeadershipLost, Store
from isthmus.model.errors import EdgeError, StoreRefused, StoreUnreachable

LOG = logging.getLogger(__name__)

_CAMPAIGN_EVERY_S = 1.0


class Leader:
    """This daemon's part in it.

    Args:
        store: the own etcd's.
        holder: this daemon, for whoever looks.
        ttl_s: how long leadership outlives its holder.
        changed: called, from the thread that runs this, whenever an answer of ours has changed.
    """

    def __init__(self, store: Store, holder: str, ttl_s: int, changed: Callable[[], None]) -> None:
        self._store = store
        self._holder = holder
        self._ttl_s = ttl_s
        self._changed = changed
        self._leadership: Leadership | None = None
        self._is_cut_off = False

    @property
    def leadership(self) -> Leadership | None:
        """Return the leadership this daemon holds, as far as it knows."""
        return self._leadership

    @property
    def may_listen(self) -> bool:
        """Whether this daemon is to hear peers: it leads, or nobody can tell who does."""
        return self._leadership is not None or self._is_cut_off

    def run(self, is_stopping: threading.Event) -> None:
        """Campaign, and keep what was won; resigns in the end."""
        while not is_stopping.is_set():
            before = self._leadership, self._is_cut_off
            try:
                self._take_turn()
            except Exception:
                LOG.exception("leader.failed")
            if (self._leadership, self._is_cut_off) != before:
                self._changed()
            is_stopping.wait(_CAMPAIGN_EVERY_S if self._leadership is None else self._ttl_s / 3)
        self._resign()

    def give_up(self, leadership: Leadership) -> None:
        """Take note, from any thread, that a leadership turned out to be lost."""
        if self._leadership == leadership:
            self._leadership = None

    def _take_turn(self) -> None:
        held = self._leadership
        try:
            if held is None:
                self._leadership = self._store.campaign(LEADER_KEY, self._holder, self._ttl_s)
                if self._leadership is not None:
                    LOG.info("leader.elected holder=%s", self._holder)
            else:
                self._store.keep(held)
        except LeadershipLost:
            LOG.warning("leader.lost holder=%s", self._holder)
            self._leadership = None
        except (StoreUnreachable, StoreRefused) as error:
            # What is written under a leadership that has ended is refused: it need not be dropped.
            if not self._is_cut_off:
                LOG.warning("leader.cut_off error=%s", error.for_operator)
            self._is_cut_off = True
            return
        self._is_cut_off = False

    def _resign(self) -> None:
        held, self._leadership = self._leadership, None
        if held is None:
            return
        try:
            self._store.resign(held)
        except EdgeError as error:
            LOG.warning("leader.not_resigned error=%s", error.for_operator)
