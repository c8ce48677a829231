# SPDX-License-Identifier: Apache-2.0
"""Meters on a real Open vSwitch: there before the flows that name them, and no longer."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path

import pytest

from isthmus.model.errors import SwitchRefused, SwitchUnreachable
from isthmus.model.flow import Flow, ToAgent
from isthmus.pe_agent.openflow.ovs_flows import OvsFlowWriter
from isthmus.pe_agent.openflow.ovs_meters import OvsMeters
from tests.functional.openflow.real_switch import RealSwitch

pytestmark = pytest.mark.functional


@pytest.fixture
def switch(real_switch: RealSwitch) -> RealSwitch:
    """A switch with a PE bridge."""
    real_switch.vsctl("add-br", "br-pe", "--", "set", "bridge", "br-pe", "datapath_type=netdev",
                      "fail_mode=secure", "protocols=OpenFlow10,OpenFlow13,OpenFlow15")  # fmt: skip
    return real_switch


def meters(switch: RealSwitch) -> dict[int, str]:
    """Return the meters as ovs-ofctl shows them."""
    argv = ["ovs-ofctl", "-OOpenFlow13", "dump-meters", f"unix:{switch.management_socket}"]
    text = subprocess.run(argv, check=True, capture_output=True, text=True).stdout
    found = re.findall(r"meter=(\d+) (.*?)(?=meter=|\Z)", text, re.DOTALL)
    return {int(number): " ".join(rest.split()) for number, rest in found}


def punting(*vrfs: int) -> frozenset[Flow]:
    """Make flows that hand packets of these VRFs to the agent."""
    return frozenset(Flow.of(21, 10, {"metadata": vrf}, ToAgent(128, vrf)) for vrf in vrfs)


def test_meters_come_and_go_with_the_flows_that_name_them(switch: RealSwitch) -> None:
    """All alike: packets, not octets."""
    writer = OvsFlowWriter(switch.management_socket)
    writer.apply(punting(1, 7))
    band = "pktps burst bands= type=drop rate=500 burst_size=500"
    assert meters(switch) == {1: band, 7: band}
    writer.apply(punting(7, 65535))
    assert meters(switch) == {7: band, 65535: band}
    assert len(switch.flows()) == 2
    writer.apply(frozenset())
    assert meters(switch) == {}


def test_a_new_agent_finds_meters_right_and_makes_them_right(switch: RealSwitch) -> None:
    """Whatever a former life, or an older version, left."""
    OvsFlowWriter(switch.management_socket).apply(punting(1, 2))
    subprocess.run(
        ["ovs-ofctl", "-OOpenFlow13", "mod-meter", f"unix:{switch.management_socket}",
         "meter=2,kbps,band=type=drop,rate=9"], check=True,
    )  # fmt: skip
    OvsFlowWriter(switch.management_socket).apply(punting(2, 3))
    found = meters(switch)
    assert found.keys() == {2, 3}
    assert found[2] == found[3]


def test_meters_of_a_thousand_vrfs_take_no_time(switch: RealSwitch) -> None:
    """Nobody waits for them after a restart."""
    wanted = frozenset(range(1, 1001))
    OvsMeters(switch.management_socket).add(wanted)
    assert meters(switch).keys() == wanted


def test_a_meter_no_switch_has_is_refused_for_good(switch: RealSwitch) -> None:
    """Retrying would not help."""
    with pytest.raises(SwitchRefused, match="needs meters"):
        OvsMeters(switch.management_socket).add(frozenset({0}))


def test_a_switch_that_is_away_may_be_asked_again(tmp_path: Path) -> None:
    """Its socket is not there."""
    with pytest.raises(SwitchUnreachable):
        OvsMeters(tmp_path / "br-pe.mgmt").add(frozenset({1}))
