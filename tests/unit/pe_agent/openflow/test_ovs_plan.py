# SPDX-License-Identifier: Apache-2.0
"""What is to be changed in Open vSwitch's database, decided without one."""

from __future__ import annotations

import dataclasses
from ipaddress import IPv4Address

from hypothesis import given
from hypothesis import strategies as st

from isthmus.model.provider_edge import Encapsulation
from isthmus.pe_agent.openflow.ovs_plan import (
    FIRST_CIRCUIT_OFPORT,
    LAST_CIRCUIT_OFPORT,
    AddPort,
    BridgeRow,
    DeletePort,
    Operation,
    PortRow,
    PutBridge,
    SwitchLayout,
    SwitchRows,
    circuit_names,
    has_core_link,
    installed_hosts,
    plan,
    plugged_circuits,
    plugged_hosts,
)

LAYOUT = SwitchLayout("br-pe", "br-int", "br-core", Encapsulation.MPLS, IPv4Address("192.0.2.11"))
GRE = dataclasses.replace(LAYOUT, encapsulation=Encapsulation.MPLS_IN_GRE)
EMPTY = SwitchRows({"br-int": BridgeRow("netdev"), "br-core": BridgeRow("netdev")}, {})
NET_A, NET_B, NET_C = "aaaaaaaa-1", "bbbbbbbb-2", "cccccccc-3"


def carry_out(rows: SwitchRows, operations: tuple[Operation, ...]) -> SwitchRows:
    """Do what Open vSwitch does: it grants each port the number asked for, or some other."""
    bridges, ports = dict(rows.bridges), dict(rows.ports)
    for operation in operations:
        match operation:
            case PutBridge(name, row):
                bridges[name] = row
            case DeletePort(name, bridge):
                assert ports.pop(name).bridge == bridge
            case AddPort(name, port):
                assert name not in ports
                assert port.bridge in bridges
                given = port.ofport_request or 1000 + len(ports)
                ports[name] = dataclasses.replace(port, ofport=given)
    return SwitchRows(bridges, ports)


def made(*circuits: str, layout: SwitchLayout = LAYOUT) -> SwitchRows:
    """Return what is there once ``circuits`` are plugged."""
    return carry_out(EMPTY, plan(EMPTY, layout, frozenset(circuits)))


def test_without_integration_bridge_nothing_is_done() -> None:
    """Its kind of datapath is not known yet."""
    assert plan(SwitchRows({}, {}), LAYOUT, frozenset({NET_A})) == ()


def test_the_pe_bridge_is_of_the_integration_bridges_kind() -> None:
    """A patch port can't cross datapaths."""
    rows = SwitchRows({"br-int": BridgeRow("system")}, {})
    (operation,) = plan(rows, LAYOUT, None)
    assert isinstance(operation, PutBridge)
    assert operation.row.datapath_type == "system"
    assert operation.row.fail_mode == "secure"


def test_a_circuit_is_a_pair_of_patches() -> None:
    """Both in the same transaction."""
    ports = made(NET_A).ports
    near, far = circuit_names(NET_A)
    assert ports[near].options == {"peer": far}
    assert ports[far].options == {"peer": near}
    assert ports[far].external_ids["iface-id"] == NET_A


def test_what_is_right_is_not_touched() -> None:
    """Neither bridge, nor core, nor circuits."""
    assert plan(made(NET_A), LAYOUT, frozenset({NET_A})) == ()


def test_what_ovn_wrote_onto_a_plug_is_not_wrong() -> None:
    """It notes there that it has installed the port."""
    rows = made(NET_A)
    far = circuit_names(NET_A)[1]
    ids = {**rows.ports[far].external_ids, "ovn-installed": "true"}
    ports = {**rows.ports, far: dataclasses.replace(rows.ports[far], external_ids=ids)}
    assert plan(SwitchRows(rows.bridges, ports), LAYOUT, frozenset({NET_A})) == ()


def test_unknown_circuits_are_left_alone_while_intent_is_unknown() -> None:
    """None is not the same as none at all."""
    rows = made(NET_A)
    assert plan(rows, LAYOUT, None) == ()
    assert {type(operation) for operation in plan(rows, LAYOUT, frozenset())} == {DeletePort}


def test_ports_of_others_are_never_removed() -> None:
    """Whatever they are called."""
    rows = made()
    vm = PortRow("br-int", external_ids={"iface-id": "vm1"})
    both = SwitchRows(rows.bridges, {**rows.ports, "ppeelse": PortRow("br-pe"), "tap1": vm})
    assert plan(both, LAYOUT, frozenset()) == ()


def test_a_wrong_plug_is_made_anew() -> None:
    """The one end that is wrong."""
    rows = made(NET_A)
    near, far = circuit_names(NET_A)
    wrong = dataclasses.replace(rows.ports[near], options={"peer": "elsewhere"})
    rows = SwitchRows(rows.bridges, {**rows.ports, near: wrong})
    operations = plan(rows, LAYOUT, frozenset({NET_A}))
    assert [operation.name for operation in operations] == [near, near]
    assert plugged_circuits(carry_out(rows, operations), LAYOUT).keys() == {NET_A}
    assert rows.ports[far] == carry_out(rows, operations).ports[far]


def test_a_circuit_with_one_end_is_not_plugged() -> None:
    """Nor is one whose port the switch could not make."""
    rows = made(NET_A, NET_B)
    ports = dict(rows.ports)
    del ports[circuit_names(NET_A)[1]]
    near = circuit_names(NET_B)[0]
    ports[near] = dataclasses.replace(ports[near], ofport=None)
    assert plugged_circuits(SwitchRows(rows.bridges, ports), LAYOUT) == {}


def test_hosts_are_what_others_plugged_into_the_integration_bridge() -> None:
    """Our own attachments carry an iface-id too."""
    rows = made(NET_A)
    vm = PortRow("br-int", external_ids={"iface-id": "vm1"}, ofport=7)
    failed = PortRow("br-int", external_ids={"iface-id": "vm2"})
    elsewhere = PortRow("br-core", external_ids={"iface-id": "vm3"}, ofport=8)
    ports = {**rows.ports, "tap1": vm, "tap2": failed, "tap3": elsewhere}
    assert plugged_hosts(SwitchRows(rows.bridges, ports), LAYOUT) == {"vm1"}


def test_ovn_says_which_hosts_it_has_installed_flows_for() -> None:
    """In the interface's own row."""
    rows = made(NET_A)
    known = {"iface-id": "vm1", "ovn-installed": "true"}
    ports = {
        **rows.ports,
        "tap1": PortRow("br-int", external_ids=known, ofport=7),
        "tap2": PortRow("br-int", external_ids={"iface-id": "vm2"}, ofport=8),
        "tap3": PortRow("br-core", external_ids={**known, "iface-id": "vm3"}, ofport=9),
    }
    assert installed_hosts(SwitchRows(rows.bridges, ports), LAYOUT) == {"vm1"}


def test_for_gre_there_is_no_patch_to_the_core_bridge() -> None:
    """The tunnel finds its way by the host's routes."""
    ports = made(layout=GRE).ports
    assert ports.keys() == {"pe-core"}
    assert ports["pe-core"].options["local_ip"] == "192.0.2.11"


def test_a_change_of_encapsulation_replaces_the_core_port() -> None:
    """And the bridge stays."""
    rows = made()
    operations = plan(rows, GRE, None)
    assert [operation.name for operation in operations] == ["pe-core", "pe-core"]


def test_numbers_of_the_past_are_not_given_while_there_are_others() -> None:
    """Flows may still lead to them."""
    operations = plan(EMPTY, LAYOUT, frozenset({NET_A}), highest_ofport=150)
    near = circuit_names(NET_A)[0]
    assert carry_out(EMPTY, operations).ports[near].ofport == 151


def test_when_numbers_have_all_been_used_the_free_ones_are_given_again() -> None:
    """From the first."""
    rows = made(NET_A)
    operations = plan(
        rows, LAYOUT, frozenset({NET_A, NET_B, NET_C}), highest_ofport=LAST_CIRCUIT_OFPORT - 1
    )
    numbers = plugged_circuits(carry_out(rows, operations), LAYOUT)
    assert numbers == {
        NET_A: FIRST_CIRCUIT_OFPORT,
        NET_B: LAST_CIRCUIT_OFPORT,
        NET_C: FIRST_CIRCUIT_OFPORT + 1,
    }


WISHES = st.sets(st.integers(1, 6).map(lambda n: f"{n:08x}-net")).map(frozenset)


@given(st.lists(WISHES, min_size=1))
def test_whatever_was_wanted_before_only_the_last_wish_counts(wishes: list[frozenset[str]]) -> None:
    """And then nothing is left to do."""
    rows = EMPTY
    for wish in wishes:
        rows = carry_out(rows, plan(rows, LAYOUT, wish))
    circuits = plugged_circuits(rows, LAYOUT)
    assert circuits.keys() == wishes[-1]
    assert len(set(circuits.values())) == len(circuits)
    assert plan(rows, LAYOUT, wishes[-1]) == ()


def test_the_core_link_is_there_while_any_nic_of_the_core_bridge_has_one() -> None:
    """What nothing is known of is taken to be there, such as a core bridge without a NIC."""
    for links, is_there in (
        ((), True),
        (("up",), True),
        (("",), True),
        (("down",), False),
        (("down", "up"), True),
        (("down", "down"), False),
    ):
        rows = SwitchRows({}, {}, {LAYOUT.core_bridge: links, "br-ex": ("down",)})
        assert has_core_link(rows, LAYOUT) is is_there
