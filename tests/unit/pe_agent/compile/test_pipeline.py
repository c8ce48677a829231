# SPDX-License-Identifier: Apache-2.0
"""An illegal flow fails here, rather than dropping packets in a switch."""

from __future__ import annotations

import pytest

from isthmus.model.flow import (
    CheckPacketLarger,
    DecTtl,
    Drop,
    Flow,
    Goto,
    Move,
    Output,
    PushMpls,
    Resubmit,
    SetField,
    ToAgent,
)
from isthmus.pe_agent.compile.pipeline import (
    PIPELINE,
    TABLES,
    DropCookie,
    IllegalFlow,
    check_flow,
    check_flows,
    miss_flows,
)

VRF = {"metadata": 1}
LEGAL = Flow.of(20, 132, VRF, SetField("reg3", "2"), Goto(22))


@pytest.mark.parametrize(
    "flow",
    [
        LEGAL,
        Flow.of(20, 200, VRF, Move("NXM_OF_IP_SRC[]", "NXM_OF_IP_DST[]"), Resubmit(20)),
        Flow.of(20, 132, VRF, CheckPacketLarger(1456, "NXM_NX_REG0"), Goto(22)),
        Flow.of(20, 250, {"ip_dst": "224.0.0.0/3"}, Drop()),
        Flow.of(25, 10, {"reg3": 1}, DecTtl(), PushMpls(), Output(1)),
    ],
    ids=str,
)
def test_a_flow_that_keeps_to_the_declaration_is_legal(flow: Flow) -> None:
    """It matches, sets, does and jumps as its table says."""
    check_flow(flow)


@pytest.mark.parametrize(
    ("flow", "rule"),
    [
        (Flow.of(7, 1, {}, Drop()), "there is no table 7"),
        (Flow.of(20, 65536, VRF, Drop()), "16 bits"),
        (Flow.of(20, 1, VRF | {"in_port": 1}, Drop()), "table 20 does not match in_port"),
        (Flow(20, 1, (("metadata", "1"), ("eth_type", "0x0800")), (Drop(),)), "canonical order"),
        (Flow.of(20, 1, {"ip_dst": "10.1.0.5"}, Goto(22)), "for every VRF"),
        (Flow.of(10, 1, {"in_port": 2}, Goto(20)), "for every VRF"),
        (Flow.of(20, 1, VRF), "drop and nothing else"),
        (Flow.of(20, 1, VRF, Drop(), Goto(22)), "drop and nothing else"),
        (Flow.of(20, 1, VRF, Goto(22), SetField("reg3", "1")), "after goto_table"),
        (Flow.of(20, 1, VRF, Goto(25)), "25 is not a next table of 20"),
        (Flow.of(20, 1, VRF, Goto(20)), "later tables"),
        (Flow.of(10, 1, VRF, Resubmit(20)), "does not do 'resubmit(,20)'"),
        (Flow.of(20, 1, VRF, SetField("metadata", "2"), Goto(22)), "does not set metadata"),
        (Flow.of(10, 1, VRF, Move("NXM_OF_IP_SRC[]", "NXM_NX_REG9[]")), "does not set NXM_NX_REG9"),
        (Flow.of(25, 1, {}, CheckPacketLarger(9, "NXM_NX_REG0")), "does not set reg0"),
        (Flow.of(20, 1, VRF, Output(1)), "does not do 'output:1'"),
        (Flow.of(25, 1, {}, ToAgent(128)), "does not do 'controller"),
    ],
)
def test_a_flow_outside_the_declaration_is_refused(flow: Flow, rule: str) -> None:
    """The sentence names the flow and the rule."""
    with pytest.raises(IllegalFlow) as refusal:
        check_flow(flow)
    assert rule in str(refusal.value)
    assert str(flow) in str(refusal.value)


def test_two_flows_that_match_the_same_packets_are_refused() -> None:
    """A switch would keep whichever came last."""
    check_flows([LEGAL, Flow.of(20, 131, VRF, Goto(22))])
    with pytest.raises(IllegalFlow, match="match the same packets"):
        check_flows([LEGAL, Flow.of(20, 132, VRF, Goto(22))])


def test_the_tables_are_in_order_and_lead_only_to_one_another() -> None:
    """The drawing above them can be trusted."""
    assert [table.number for table in PIPELINE] == sorted(TABLES)
    assert all(table.next_tables <= TABLES.keys() for table in PIPELINE)


def test_only_the_two_tables_that_decide_on_the_vrf_set_the_metadata() -> None:
    """Once in a VRF, a packet stays there."""
    assert [table.number for table in PIPELINE if "metadata" in table.sets] == [0, 6]


def test_every_drop_has_a_cookie_of_its_own_above_the_vrfs_numbers() -> None:
    """So that counters tell why."""
    assert min(DropCookie) > 0xFFFF
    misses = [table.miss for table in PIPELINE if table.miss is not None]
    assert len(set(misses)) == len(misses) == len(miss_flows())
    check_flows(miss_flows())
