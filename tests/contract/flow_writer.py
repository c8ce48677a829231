# SPDX-License-Identifier: Apache-2.0
"""What every ``FlowWriter`` promises; run over the fake here, over the real one in functional."""

from __future__ import annotations

from typing import Protocol

import pytest

from isthmus.model.errors import SwitchRefused, SwitchUnreachable
from isthmus.model.flow import Drop, Flow, Goto, PopMpls, SetField
from isthmus.pe_agent.openflow.writer import FlowDifference, FlowWriter


class Table(Protocol):
    """A flow table and a writer of it."""

    writer: FlowWriter

    def cookies(self) -> list[int]:
        """Return the cookies of all flows that are installed, in order."""

    def lose_all_flows(self) -> None:
        """Do what a restart of the switch does to the table."""

    def go_away(self) -> None:
        """Stop answering."""

    def come_back(self) -> None:
        """Answer again, with an empty table."""


def label_flow(label: int, cookie: int, vrf: int = 1) -> Flow:
    """Make the flow by which a VPN label leads into a VRF."""
    match = {"eth_type": "0x8847", "mpls_bos": 1, "mpls_label": label}
    actions = SetField("metadata", str(vrf)), PopMpls(0x0800), Goto(20)
    return Flow.of(6, 10, match, *actions, cookie=cookie)


MISS = Flow.of(6, 0, {}, Drop(), cookie=0xD0600)


class FlowWriterContract:
    """Inherited with a fixture ``table``."""

    def test_what_is_applied_is_the_whole_table(self, table: Table) -> None:
        """Nothing else is in it."""
        table.writer.apply(frozenset({MISS, label_flow(1000, 1)}))
        assert table.cookies() == [1, 0xD0600]
        table.writer.apply(frozenset({MISS, label_flow(1001, 2)}))
        assert table.cookies() == [2, 0xD0600]

    def test_applying_again_changes_nothing(self, table: Table) -> None:
        """Idempotent."""
        flows = frozenset({MISS, label_flow(1000, 1)})
        table.writer.apply(flows)
        table.writer.apply(flows)
        assert table.cookies() == [1, 0xD0600]

    def test_other_actions_replace_a_flow(self, table: Table) -> None:
        """The match identifies it."""
        table.writer.apply(frozenset({label_flow(1000, 1, vrf=1)}))
        table.writer.apply(frozenset({label_flow(1000, 2, vrf=2)}))
        assert table.cookies() == [2]

    def test_nothing_is_a_table_too(self, table: Table) -> None:
        """An empty set removes everything."""
        table.writer.apply(frozenset({MISS}))
        table.writer.apply(frozenset())
        assert table.cookies() == []

    def test_after_forgetting_the_table_is_made_right_whatever_is_in_it(self, table: Table) -> None:
        """That is how a restarted switch gets its flows."""
        flows = frozenset({MISS, label_flow(1000, 1)})
        table.writer.apply(flows)
        table.lose_all_flows()
        table.writer.forget()
        table.writer.apply(flows)
        assert table.cookies() == [1, 0xD0600]

    def test_forgetting_removes_what_a_former_life_left(self, table: Table) -> None:
        """Leftovers are not kept."""
        table.writer.apply(frozenset({MISS, label_flow(1000, 1)}))
        table.writer.forget()
        table.writer.apply(frozenset({MISS}))
        assert table.cookies() == [0xD0600]

    def test_a_refused_flow_leaves_the_table_as_it_was(self, table: Table) -> None:
        """All or nothing."""
        table.writer.apply(frozenset({MISS}))
        unknown = Flow.of(6, 10, {"colour": "red"}, Drop(), cookie=3)
        backwards = Flow.of(6, 10, {}, Goto(5), cookie=4)
        for bad in (unknown, backwards):
            with pytest.raises(SwitchRefused) as refused:
                table.writer.apply(frozenset({MISS, label_flow(1000, 1), bad}))
            assert not refused.value.retryable
            assert table.cookies() == [0xD0600]
        table.writer.apply(frozenset({MISS, label_flow(1000, 1)}))
        assert table.cookies() == [1, 0xD0600]

    def test_a_switch_that_is_away_may_be_asked_again(self, table: Table) -> None:
        """The same flows are then taken."""
        table.writer.apply(frozenset({MISS}))
        table.go_away()
        with pytest.raises(SwitchUnreachable) as unreachable:
            table.writer.apply(frozenset({MISS, label_flow(1000, 1)}))
        assert unreachable.value.retryable
        table.come_back()
        table.writer.apply(frozenset({MISS, label_flow(1000, 1)}))
        assert table.cookies() == [1, 0xD0600]

    def test_the_table_can_be_read_back(self, table: Table) -> None:
        """In order, each flow with its cookie; reading changes nothing."""
        table.writer.apply(frozenset({MISS, label_flow(1000, 1)}))
        for _ in range(2):
            read = table.writer.read()
            assert [(flow.table, flow.priority, flow.cookie) for flow in read] == [
                (6, 10, 1),
                (6, 0, 0xD0600),
            ]
        assert "mpls_label=1000" in read[0].match
        assert "goto_table:20" in read[0].actions
        assert (read[1].match, read[1].actions, read[1].packets) == ("", "drop", 0)

    def test_what_was_applied_is_no_difference(self, table: Table) -> None:
        """However the switch writes it."""
        flows = frozenset({MISS, label_flow(1000, 1)})
        table.writer.apply(flows)
        assert table.writer.difference(flows) == FlowDifference((), ())

    def test_a_difference_says_what_is_missing_and_what_is_unexpected(self, table: Table) -> None:
        """A flow with other actions is both; nothing is changed by asking."""
        table.writer.apply(frozenset({MISS, label_flow(1000, 1), label_flow(1001, 2)}))
        changed = label_flow(1001, 3, vrf=3)
        found = table.writer.difference(frozenset({MISS, changed, label_flow(1002, 4)}))
        assert [flow.cookie for flow in found.missing] == [3, 4]
        assert sorted(flow.cookie for flow in found.unexpected) == [1, 2]
        assert table.cookies() == [1, 2, 0xD0600]

    def test_a_switch_that_lost_its_flows_shows_it(self, table: Table) -> None:
        """The writer does not answer from memory."""
        flows = frozenset({MISS, label_flow(1000, 1)})
        table.writer.apply(flows)
        table.lose_all_flows()
        assert table.writer.read() == ()
        assert len(table.writer.difference(flows).missing) == 2

    def test_a_switch_that_is_away_can_not_be_read(self, table: Table) -> None:
        """Nothing is not the same as nothing known."""
        table.writer.apply(frozenset({MISS}))
        table.go_away()
        with pytest.raises(SwitchUnreachable):
            table.writer.read()
        with pytest.raises(SwitchUnreachable):
            table.writer.difference(frozenset({MISS}))
