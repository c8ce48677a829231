# SPDX-License-Identifier: Apache-2.0
"""Takes over the networks of a peer that has been DOWN for long, where the operator wants that.

Only what was seen without a break counts: the peer's machine answered, and its daemon or its etcd
did not run. A peer that can't be reached may be well, and keeps what it owns.
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Collection
from typing import Protocol

from isthmus.interconnect.database import DatabaseAway
from isthmus.interconnect.liveness import Sightings

LOG = logging.getLogger(__name__)


class Estate(Protocol):
    """The VTNs of other sites, as this site knows them."""

    def take_over(self, owner: str, down_s: float, up: Collection[str]) -> Collection[str]:
        """Take over those VTNs of a site that are this site's to take; return them.

        Args:
            owner: the site.
            down_s: how long it has been DOWN.
            up: other sites that are there.
        """


class Succession:
    """One site's.

    Args:
        estate: what there is to take over.
        look: says how the peers are.
        every_s: between two looks.
        clock: counts seconds.
    """

    def __init__(
        self,
        estate: Estate,
        look: Callable[[], Sightings],
        every_s: float = 5.0,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._estate = estate
        self._look = look
        self._every_s = every_s
        self._clock = clock
        self._down_since: dict[str, float] = {}

    def run(self, is_stopping: threading.Event, may_act: Callable[[], bool]) -> None:
        """Look again and again until the end.

        Args:
            is_stopping: the end.
            may_act: whether it is this daemon that has to.
        """
        while not is_stopping.wait(self._every_s):
            if not may_act():
                self._down_since.clear()
                continue
            try:
                self.look_once()
            except DatabaseAway as error:
                LOG.warning("succession.failed error=%s", error)

    def look_once(self) -> None:
        """Take over what is due."""
        seen, now = self._look(), self._clock()
        self._down_since = {site: self._down_since.get(site, now) for site in seen.down}
        for site, since in sorted(self._down_since.items()):
            taken = self._estate.take_over(site, now - since, seen.up)
            if taken:
                LOG.warning("succession.taken_over owner=%s vtns=%s", site, len(taken))
