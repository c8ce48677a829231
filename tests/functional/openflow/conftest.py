# SPDX-License-Identifier: Apache-2.0
"""One real Open vSwitch per test."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.functional.openflow.real_switch import RealSwitch, missing


@pytest.fixture
def real_switch() -> Iterator[RealSwitch]:
    """A running switch; its sockets' paths have to be short."""
    if reason := missing():
        pytest.skip(reason)
    with tempfile.TemporaryDirectory(prefix="ovs") as folder:
        switch = RealSwitch(Path(folder))
        try:
            switch.start()
            yield switch
        finally:
            switch.stop()
