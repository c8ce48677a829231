# SPDX-License-Identifier: Apache-2.0
"""What failed is gone on with when it is asked for again."""

from __future__ import annotations

from typing import Any

from heat.objects import resource as stored

from isthmus.heat.resources.awaiting import Awaiting
from isthmus.heat.resources.ordered import Ordered


class Retried(Awaiting, Ordered):
    """A resource whose update finishes what failed, also where nothing else changes.

    Attributes:
        has_failed: whether this update goes on with what failed; what Heat remembers of it then is
            from before that.
    """

    has_failed = False

    resource_id: str | None

    def state_set(self, action: str, *args: Any, **named: Any) -> None:
        """Write down how far it is."""
        if action == self.DELETE and self.resource_id is None and self.id is not None:
            # A deletion waits for a creation under way, then goes on with what it had read before:
            # it would write that there is no id, and delete nothing.
            found = stored.Resource.get_obj(self.context, self.id, refresh=True)
            self.resource_id, self._data = found.physical_resource_id, None
        super().state_set(action, *args, **named)

    def _needs_update(self, *args: Any, **named: Any) -> bool:
        self.has_failed = self.status == self.FAILED
        # What failed and is asked for again as it was, Heat would take for complete unseen.
        return bool(super()._needs_update(*args, **named)) or self.has_failed
