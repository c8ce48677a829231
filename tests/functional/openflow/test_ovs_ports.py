# SPDX-License-Identifier: Apache-2.0
"""``OvsPortPlugger`` on a real Open vSwitch keeps the contract, and what is peculiar to it."""

from __future__ import annotations

import itertools
import json
from ipaddress import IPv4Address

import pytest

from isthmus.model.provider_edge import Encapsulation
from isthmus.pe_agent.openflow.ovs_plan import SwitchLayout
from isthmus.pe_agent.openflow.ovs_ports import OvsPortPlugger
from isthmus.pe_agent.openflow.writer import PortPlugger
from tests.contract.port_plugger import NET_A, NET_B, VM, Following, PortPluggerContract
from tests.functional.openflow.real_switch import RealSwitch, eventually

pytestmark = pytest.mark.functional


def layout(encapsulation: Encapsulation = Encapsulation.MPLS) -> SwitchLayout:
    """The usual names."""
    return SwitchLayout("br-pe", "br-int", "br-core", encapsulation, IPv4Address("192.0.2.11"))


class RealPluggedSwitch:
    """A real switch and a plugger on it."""

    def __init__(
        self, switch: RealSwitch, encapsulation: Encapsulation = Encapsulation.MPLS
    ) -> None:
        self.switch = switch
        self.plugger: PortPlugger = OvsPortPlugger(
            switch.database, layout(encapsulation), lambda: "1"
        )

    def plug_vm(self, port_id: str) -> None:
        """Plug an internal port that looks like a VM's."""
        self.switch.vsctl(
            "add-port", "br-int", "vm", "--", "set", "interface", "vm", "type=internal",
            f"external_ids:iface-id={port_id}",
        )  # fmt: skip

    def unplug_vm(self, port_id: str) -> None:
        """Remove it."""
        self.switch.vsctl("del-port", "br-int", "vm")

    def go_away(self) -> None:
        """Kill ovsdb-server."""
        self.switch.kill_database()

    def come_back(self) -> None:
        """Start it again."""
        self.switch.start_database()

    def rows(self, table: str) -> dict[str, dict[str, object]]:
        """Read a table of the database, rows by name, without what only counts."""
        answer = json.loads(
            self.switch.vsctl("--format=json", "--columns=name,_uuid", "list", table)
        )
        return {row[0]: dict(zip(answer["headings"], row, strict=True)) for row in answer["data"]}


class TestOvs(PortPluggerContract):
    """All of it."""

    @pytest.fixture
    def plugged_switch(self, real_switch: RealSwitch) -> RealPluggedSwitch:
        """A real one."""
        return RealPluggedSwitch(real_switch)


@pytest.fixture
def plugged(real_switch: RealSwitch) -> RealPluggedSwitch:
    """A real one."""
    return RealPluggedSwitch(real_switch)


def settle(plugged: RealPluggedSwitch, *circuits: str) -> Following:
    """Start the plugger, plug ``circuits`` and wait until they are."""
    following = Following(plugged)
    following.until(lambda ports: ports.core is not None)
    plugged.plugger.plug(frozenset(circuits))
    following.until(lambda ports: ports.circuits.keys() == set(circuits))
    return following


def test_the_pe_bridge_is_made_secure_and_of_br_ints_kind(plugged: RealPluggedSwitch) -> None:
    """Without flows it drops; no controller is set."""
    settle(plugged)
    vsctl = plugged.switch.vsctl
    assert vsctl("get", "bridge", "br-pe", "datapath_type").strip() == "netdev"
    assert vsctl("get-fail-mode", "br-pe").strip() == "secure"
    assert "OpenFlow15" in vsctl("get", "bridge", "br-pe", "protocols")
    assert vsctl("get-controller", "br-pe").strip() == ""


def test_a_circuit_is_a_patch_whose_far_end_carries_the_iface_id(
    plugged: RealPluggedSwitch,
) -> None:
    """By which OVN knows it."""
    settle(plugged, NET_A)
    vsctl = plugged.switch.vsctl
    near, far = f"ppe{NET_A[:9]}", f"ipe{NET_A[:9]}"
    assert vsctl("iface-to-br", near).strip() == "br-pe"
    assert vsctl("iface-to-br", far).strip() == "br-int"
    assert vsctl("get", "interface", near, "options:peer").strip(' "\n') == far
    assert vsctl("get", "interface", far, "external_ids:iface-id").strip(' "\n') == NET_A
    assert "iface-id" not in vsctl("get", "interface", near, "external_ids")


def test_a_plugger_of_a_later_life_touches_nothing_that_is_right(
    plugged: RealPluggedSwitch,
) -> None:
    """Not even to write the same again: rows keep their identity."""
    settle(plugged, NET_A).plugger.stop()
    before = plugged.rows("interface")
    later = RealPluggedSwitch(plugged.switch)
    settle(later, NET_A).plugger.stop()
    assert plugged.rows("interface") == before


def test_leftovers_of_a_former_life_are_removed(plugged: RealPluggedSwitch) -> None:
    """They are known by what is written on them, not by their names."""
    settle(plugged, NET_A, NET_B).plugger.stop()
    later = RealPluggedSwitch(plugged.switch)
    settle(later, NET_B).plugger.stop()
    names = plugged.rows("interface").keys()
    assert f"ppe{NET_A[:9]}" not in names
    assert f"ipe{NET_A[:9]}" not in names


def test_until_told_otherwise_circuits_stay_as_they_are(plugged: RealPluggedSwitch) -> None:
    """A restarted agent does not know its intent yet."""
    settle(plugged, NET_A).plugger.stop()
    later = RealPluggedSwitch(plugged.switch)
    following = Following(later)
    following.until(lambda ports: NET_A in ports.circuits)
    later.plugger.stop()


def test_what_a_hand_undid_is_made_again(plugged: RealPluggedSwitch) -> None:
    """Whoever's it was."""
    following = settle(plugged, NET_A)
    before = following.ports().circuits[NET_A]
    plugged.switch.vsctl("del-port", "br-int", f"ipe{NET_A[:9]}")
    following.until(lambda ports: ports.circuits.keys() == {NET_A})
    plugged.switch.vsctl("del-port", "br-pe", f"ppe{NET_A[:9]}")
    following.until(lambda ports: ports.circuits.get(NET_A, before) != before)
    plugged.switch.vsctl("del-port", "br-core", "core-pe")
    eventually(lambda: "core-pe" in plugged.rows("interface"))
    plugged.plugger.stop()


def test_the_core_port_waits_for_the_core_bridge(plugged: RealPluggedSwitch) -> None:
    """The operator may make it later."""
    plugged.switch.vsctl("del-br", "br-core")
    following = Following(plugged)
    assert following.ports().core is None
    plugged.switch.vsctl("add-br", "br-core", "--", "set", "bridge", "br-core",
                         "datapath_type=netdev")  # fmt: skip
    following.until(lambda ports: ports.core is not None)
    plugged.plugger.stop()


def test_for_mpls_in_gre_the_core_port_is_a_tunnel_without_ethernet(
    real_switch: RealSwitch,
) -> None:
    """RFC 4023; each flow names the remote PE."""
    plugged = RealPluggedSwitch(real_switch, Encapsulation.MPLS_IN_GRE)
    settle(plugged, NET_A)
    options = real_switch.vsctl("get", "interface", "pe-core", "options")
    assert "legacy_l3" in options
    assert "remote_ip=flow" in options
    assert "core-pe" not in plugged.rows("interface")
    plugged.plugger.stop()


def test_ports_keep_their_numbers_over_a_restart_of_the_switch(plugged: RealPluggedSwitch) -> None:
    """Flows written from what was known before lead to the right port."""
    following = settle(plugged, NET_A, NET_B)
    plugged.plug_vm(VM)
    following.until(lambda ports: ports.hosts == {VM})
    before = following.ports()
    seen = []
    for _ in itertools.repeat(None, 2):
        plugged.switch.kill_vswitchd()
        seen.append(following.ports())
        plugged.switch.start_vswitchd()
        plugged.switch.vsctl("set", "bridge", "br-int", "external_ids:seen=1")
        seen.append(following.ports())
    assert seen == [before] * len(seen)
    plugged.plugger.stop()


def test_a_core_bridge_whose_nic_has_lost_its_link_is_told_at_once(
    plugged: RealPluggedSwitch,
) -> None:
    """Long before anything that speaks over it misses its neighbor."""
    switch = plugged.switch
    switch.run_inside("ip", "link", "add", "nic", "type", "veth", "peer", "name", "far")
    for end in ("nic", "far"):
        switch.run_inside("ip", "link", "set", end, "up")
    switch.vsctl("add-port", "br-core", "nic")
    following = settle(plugged)
    following.until(lambda ports: ports.has_core_link)
    switch.run_inside("ip", "link", "set", "far", "down")
    following.until(lambda ports: not ports.has_core_link)
    switch.run_inside("ip", "link", "set", "far", "up")
    following.until(lambda ports: ports.has_core_link)
