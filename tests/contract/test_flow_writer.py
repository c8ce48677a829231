# SPDX-License-Identifier: Apache-2.0
"""The fake switch keeps the contract of ``FlowWriter``."""

from __future__ import annotations

import pytest

from tests.contract.flow_writer import FlowWriterContract
from tests.fakes.switch import FakeSwitch


class FakeTable:
    """A fake switch as a table."""

    def __init__(self) -> None:
        self.writer = FakeSwitch()

    def cookies(self) -> list[int]:
        """Return what is installed."""
        return sorted(flow.cookie for flow in self.writer.installed)

    def lose_all_flows(self) -> None:
        """Restart."""
        self.writer.restart()

    def go_away(self) -> None:
        """Stop answering."""
        self.writer.is_down = True

    def come_back(self) -> None:
        """Answer again."""
        self.writer.restart()


class TestFakeSwitch(FlowWriterContract):
    """All of it."""

    @pytest.fixture
    def table(self) -> FakeTable:
        """A fake one."""
        return FakeTable()
