# SPDX-License-Identifier: Apache-2.0
"""Who waits says for what: while it lasts, and when the stack's time is over.

Of itself Heat says no more than ``Timed out``.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from typing import Any

from heat.common import exception
from heat.engine import resource, scheduler
from heat.objects import resource as resource_objects

GONE_ON = "It is waited for no more; this is gone on with."


class Awaiting(resource.Resource):
    """A resource whose actions may take as long as others make them."""

    _awaited, _since, _told = "", 0.0, ""

    def awaits(self, sentence: str, told_after_s: float = 0.0) -> None:
        """Remember for what it waits; it is told as its reason, and by an event.

        Args:
            sentence: the same one as long as it is for the same; empty if for nothing.
            told_after_s: what takes no longer is nobody's concern.
        """
        now = time.monotonic()
        if sentence != self._awaited:
            self._awaited, self._since = sentence, now
        is_told = not sentence or now - self._since >= told_after_s
        if is_told and sentence != self._told:
            self._told = sentence
            self._tell(sentence or GONE_ON)

    def awaited(self) -> str:
        """Return for what it waits, a sentence, or an empty text."""
        return self._awaited

    def action_handler_task(self, *args: Any, **named: Any) -> Iterator[Any]:
        """Do an action of Heat's; that its time was over is told with for what it waited.

        Raises:
            Error: it was over.
        """
        self._awaited = self._told = ""
        try:
            yield from super().action_handler_task(*args, **named)
        except scheduler.Timeout as timeout:
            if not (sentence := self.awaited()):
                raise
            raise exception.Error(f"Timed out. {sentence}") from timeout

    def _tell(self, reason: str) -> None:
        self.status_reason = reason
        if self.id is not None:
            resource_objects.Resource.update_by_id(self.context, self.id, {"status_reason": reason})
        self._add_event(self.action, self.status, reason)
