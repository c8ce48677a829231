# SPDX-License-Identifier: Apache-2.0
"""Which routes need no flow that is not there yet."""

from __future__ import annotations

from dataclasses import replace

from isthmus.model.ids import Label
from isthmus.pe_agent.install import with_flows_already
from tests.actors import BLUE, RED, route

OLD = route("10.1.0.5/32")


def test_a_route_that_is_gone_is_left_out() -> None:
    """It is withdrawn before its flows go."""
    assert with_flows_already(frozenset({OLD}), frozenset()) == frozenset()


def test_a_new_route_waits_for_its_flows() -> None:
    """Nothing is attracted that can't be delivered."""
    new = route("10.1.0.6/32")
    assert with_flows_already(frozenset({OLD}), frozenset({OLD, new})) == {OLD}


def test_a_route_with_other_route_targets_need_not_wait() -> None:
    """Its label leads where it led before."""
    changed = replace(OLD, route_targets=RED | BLUE)
    assert with_flows_already(frozenset({OLD}), frozenset({changed})) == {changed}


def test_a_route_with_another_label_stays_as_it_was_meanwhile() -> None:
    """The old label's flows are still there."""
    changed = replace(OLD, label=Label(OLD.label.value + 1))
    assert with_flows_already(frozenset({OLD}), frozenset({changed})) == {OLD}
