# SPDX-License-Identifier: Apache-2.0
"""A PE to try things on."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.unit.pe_agent.workbench import Bench


@pytest.fixture
def bench(tmp_path: Path) -> Bench:
    """A PE that has nothing yet."""
    return Bench(tmp_path)
