# SPDX-License-Identifier: Apache-2.0
"""``OvsFlowWriter`` on a real Open vSwitch keeps the contract of ``FlowWriter``."""

from __future__ import annotations

import re
import subprocess

import pytest

from isthmus.pe_agent.openflow.ovs_flows import OvsFlowWriter
from isthmus.pe_agent.openflow.writer import FlowDifference
from tests.cases.case import Case, all_cases
from tests.contract.flow_writer import FlowWriterContract
from tests.functional.openflow.real_switch import RealSwitch, eventually

pytestmark = pytest.mark.functional


class RealTable:
    """A real bridge as a table."""

    def __init__(self, switch: RealSwitch) -> None:
        self._switch = switch
        switch.vsctl(
            "add-br", "br-pe", "--", "set", "bridge", "br-pe", "datapath_type=netdev",
            "fail_mode=secure", "protocols=OpenFlow10,OpenFlow13,OpenFlow15",
        )  # fmt: skip
        self.writer = OvsFlowWriter(switch.management_socket)

    def cookies(self) -> list[int]:
        """Read back what is installed."""
        return sorted(
            int(found[1], 16) if (found := re.search(r"cookie=(0x[0-9a-f]+)", flow)) else 0
            for flow in self._switch.flows()
        )

    def lose_all_flows(self) -> None:
        """Restart ovs-vswitchd."""
        self.go_away()
        self.come_back()

    def go_away(self) -> None:
        """Kill ovs-vswitchd."""
        self._switch.kill_vswitchd()

    def come_back(self) -> None:
        """Start it again."""
        self._switch.start_vswitchd()
        argv = ["ovs-ofctl", "-OOpenFlow15", "show", f"unix:{self._switch.management_socket}"]
        eventually(lambda: subprocess.run(argv, capture_output=True).returncode == 0)


class TestOvs(FlowWriterContract):
    """All of it."""

    @pytest.fixture
    def table(self, real_switch: RealSwitch) -> RealTable:
        """A real one."""
        return RealTable(real_switch)

    @pytest.mark.parametrize("case", all_cases(), ids=lambda case: case.folder.name)
    def test_what_the_compiler_writes_is_read_back_as_the_same(
        self, table: RealTable, case: Case
    ) -> None:
        """Else every look would find a difference, and every restart would touch flows."""
        flows = case.compile().flows
        table.writer.apply(flows)
        assert table.writer.difference(flows) == FlowDifference((), ())
        assert len(table.writer.read()) == len(flows)
