# SPDX-License-Identifier: Apache-2.0
"""What failed is gone on with when it is asked for again."""

from __future__ import annotations

from typing import Any

from heat.engine import resource


class Retried(resource.Resource):
    """A resource whose update finishes what failed, also where nothing else changes."""

    def _needs_update(self, *args: Any, **named: Any) -> bool:
        # What failed and is asked for again as it was, Heat would take for complete unseen.
        return bool(super()._needs_update(*args, **named)) or self.status == self.FAILED
