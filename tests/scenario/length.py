# SPDX-License-Identifier: Apache-2.0
"""How long a scenario lasts: short in every run of the tests, long with ``SCENARIO=long``."""

from __future__ import annotations

import os
from typing import TypeVar

import pytest

_T = TypeVar("_T")

IS_LONG = os.environ.get("SCENARIO") == "long"
#: For a test that is not for every run.
only_long = pytest.mark.skipif(not IS_LONG, reason="long: make failures")


def choose(short: _T, long: _T) -> _T:
    """Return the one that is asked for."""
    return long if IS_LONG else short
