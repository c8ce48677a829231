# SPDX-License-Identifier: Apache-2.0
"""What tests measure in passing, shown at the end of a run."""

from __future__ import annotations

import os

TAKEN: list[str] = []


def add(text: str) -> None:
    """Remember a figure under the name of the test that takes it."""
    test = os.environ.get("PYTEST_CURRENT_TEST", "").rpartition("::")[2].partition(" ")[0]
    TAKEN.append(f"{test}: {text}")
