# SPDX-License-Identifier: Apache-2.0
"""The intent this PE has been given: the last value per VPN wins, whichever way it came."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable, Mapping

from isthmus.model.intent import VrfIntent


class Intents:
    """Each VPN's part on this PE. Safe for threads.

    A message that comes late never undoes a newer one: generations decide.

    Args:
        known: what was known in a former life.
        on_change: called, from any thread, after a change.
    """

    def __init__(self, known: Iterable[VrfIntent], on_change: Callable[[], None]) -> None:
        self._lock = threading.Lock()
        self._by_vpn = {intent.vpn_id: intent for intent in known}
        self._removed: dict[str, int] = {}
        self._on_change = on_change

    def snapshot(self) -> Mapping[str, VrfIntent]:
        """Return VPN id → its part on this PE, as of now."""
        with self._lock:
            return dict(self._by_vpn)

    def apply(self, intent: VrfIntent) -> bool:
        """Take in a VPN's part unless a newer one is known; return whether it was taken."""
        with self._lock:
            taken = self._put(intent)
        if taken:
            self._on_change()
        return taken

    def remove(self, vpn_id: str) -> bool:
        """Forget a VPN; return whether it was known."""
        with self._lock:
            taken = self._drop(vpn_id)
        if taken:
            self._on_change()
        return taken

    def accept_sync(
        self, reported: Mapping[str, int], apply: Iterable[VrfIntent], remove: Iterable[str]
    ) -> bool:
        """Take in the server's answer to what was ``reported``; return whether anything changed.

        The server knew what this PE has, so its word counts even where it is older (its database
        may have been restored); but not where this PE has heard something else in the meantime.
        """
        changed = False
        with self._lock:
            for intent in apply:
                if self._generation(intent.vpn_id) == reported.get(intent.vpn_id):
                    self._removed.pop(intent.vpn_id, None)
                    self._by_vpn.pop(intent.vpn_id, None)
                changed |= self._put(intent)
            for vpn_id in remove:
                if self._generation(vpn_id) == reported.get(vpn_id):
                    changed |= self._drop(vpn_id)
        if changed:
            self._on_change()
        return changed

    def _generation(self, vpn_id: str) -> int | None:
        intent = self._by_vpn.get(vpn_id)
        return None if intent is None else intent.generation

    def _put(self, intent: VrfIntent) -> bool:
        known = self._by_vpn.get(intent.vpn_id)
        if known == intent:
            return False
        least = self._removed.get(intent.vpn_id, 0) if known is None else known.generation
        if intent.generation < least:
            return False
        self._removed.pop(intent.vpn_id, None)
        self._by_vpn[intent.vpn_id] = intent
        return True

    def _drop(self, vpn_id: str) -> bool:
        intent = self._by_vpn.pop(vpn_id, None)
        if intent is None:
            return False
        self._removed[vpn_id] = intent.generation
        while len(self._removed) > _REMEMBERED_REMOVALS:
            del self._removed[next(iter(self._removed))]
        return True


_REMEMBERED_REMOVALS = 10_000
