# SPDX-License-Identifier: Apache-2.0
"""What a client knows of a write."""

from __future__ import annotations

from enum import Enum


class Outcome(Enum):
    """What a client knows of a write."""

    DONE = "done"
    REFUSED = "refused"
    #: No answer came: it may have been carried out.
    UNKNOWN = "unknown"
