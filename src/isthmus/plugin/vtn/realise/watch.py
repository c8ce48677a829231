# SPDX-License-Identifier: Apache-2.0
"""What the worker that realises VTNs has to look at.

What Neutron tells of is in the journal at once; what it failed to tell is found here.
"""

from __future__ import annotations

import time
from collections.abc import Callable

from neutron_lib.context import Context

from isthmus.db.vtn import documents, journal, realisations
from isthmus.plugin import transactions
from isthmus.plugin.status import Patience
from isthmus.plugin.vtn.realise import found, saying

# How long a status may be said that is no more, but for PENDING, which is looked at each time.
_STALE_S = 10.0


class Watch:
    """Finds VTNs whose documents changed, and those whose status did.

    Args:
        own_site: this site.
        patience: for statuses.
        clock: counts seconds.
    """

    def __init__(
        self, own_site: str, patience: Patience, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._own_site = own_site
        self._patience = patience
        self._clock = clock
        self._next_all = clock()
        self._used: frozenset[str] = frozenset()

    def read_due(self) -> dict[str, int]:
        """Return the VTNs to look at, with their newest entry in the journal, or 0."""
        now = self._clock()
        pending_alone = now < self._next_all
        if not pending_alone:
            self._next_all = now + _STALE_S
        return transactions.read(self._read, pending_alone=pending_alone)

    def sweep(self) -> list[str]:
        """Return every VTN of which there are documents, or anything made of it."""
        return transactions.read(_read_all)

    def _read(self, context: Context, *, pending_alone: bool) -> dict[str, int]:
        due = journal.read_changed(context)
        stale = saying.read_stale(
            context, self._own_site, self._patience, pending_alone=pending_alone
        )
        if not pending_alone:
            used = found.read_used(context)
            stale = [*stale, *(used ^ self._used)]
            self._used = used
        return dict.fromkeys(stale, 0) | due


def _read_all(context: Context) -> list[str]:
    return sorted({*documents.read_vtn_ids(context), *realisations.read(context)})
