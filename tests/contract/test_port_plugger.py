# SPDX-License-Identifier: Apache-2.0
"""The fake plugger keeps the contract of ``PortPlugger``."""

from __future__ import annotations

import pytest

from tests.contract.port_plugger import PortPluggerContract
from tests.fakes.ports import FakePlugger


class FakePluggedSwitch:
    """A fake plugger and its switch in one."""

    def __init__(self) -> None:
        self.plugger = FakePlugger()

    def plug_vm(self, port_id: str) -> None:
        """As Nova does."""
        self.plugger.plug_vm(port_id)

    def unplug_vm(self, port_id: str) -> None:
        """As Nova does."""
        self.plugger.unplug_vm(port_id)

    def go_away(self) -> None:
        """For one call."""
        self.plugger.fail_next_plug = True

    def come_back(self) -> None:
        """By itself."""


class TestFakePlugger(PortPluggerContract):
    """All of it."""

    @pytest.fixture
    def plugged_switch(self) -> FakePluggedSwitch:
        """A fake one."""
        return FakePluggedSwitch()
