# SPDX-License-Identifier: Apache-2.0
"""VMs that were on their way here and run here now, while intent still says they are arriving.

The hypervisor sends a RARP request in a VM's name the moment it begins to run. Neutron says so too,
later; after that nothing is remembered.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Collection

LOG = logging.getLogger(__name__)


class Arrivals:
    """Neutron ports of VMs that have arrived. Safe for threads.

    Args:
        on_change: called, from any thread, after another one has arrived.
    """

    def __init__(self, on_change: Callable[[], None]) -> None:
        self._lock = threading.Lock()
        self._arrived: frozenset[str] = frozenset()
        self._on_change = on_change

    def note(self, port_id: str) -> None:
        """Note that a VM runs here."""
        with self._lock:
            if port_id in self._arrived:
                return
            self._arrived |= {port_id}
        LOG.info("host.arrived port=%s", port_id)
        self._on_change()

    def snapshot(self) -> frozenset[str]:
        """Return the ports of those that have arrived, as of now."""
        with self._lock:
            return self._arrived

    def forget_others(self, arriving: Collection[str]) -> None:
        """Forget all but those that are still said to be arriving."""
        with self._lock:
            self._arrived &= frozenset(arriving)
