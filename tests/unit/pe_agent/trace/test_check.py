# SPDX-License-Identifier: Apache-2.0
"""The switch's word: it does what was computed, or the flow that it lacks is named."""

from __future__ import annotations

from isthmus.pe_agent.trace.check import checked
from isthmus.pe_agent.trace.path import Checked, Met, Step, Trace
from isthmus.pe_agent.trace.walk import Packet

WAY: Met = ((0, 100, 1), (10, 90, 1), (20, 132, 1), (21, 0, 0), (25, 10, 0))
OTHER: Met = (*WAY[:3], (25, 20, 0))
FINE = Step("core", is_ok=True, says="out.")


def path(*ways: Met) -> Trace:
    """A path that gets through by any of some ways."""
    return Trace((FINE,), (tuple(Checked(Packet({}), way) for way in ways),))


def test_the_same_flows_are_said_to_be_the_same() -> None:
    """What branches off on the way does not matter."""
    found = (*WAY[:3], (21, 10, 0), *WAY[3:])
    step = checked(path(WAY), [found]).steps[-1]
    assert (step.name, step.is_ok) == ("switch", True)
    assert "5 flows" in step.says


def test_any_of_several_equal_paths_will_do() -> None:
    """The switch chooses by a hash."""
    assert checked(path(WAY, OTHER), [OTHER]).failed is None


def test_a_flow_that_the_switch_lacks_is_named() -> None:
    """With the one that it has instead."""
    failed = checked(path(WAY), [((0, 100, 1), (10, 90, 1), (20, 0, 0xD2000))]).failed
    assert failed is not None
    assert "table 20 (FIB), priority 132, cookie 0x1" in failed.says
    assert "priority 0, cookie 0xd2000, instead" in failed.says


def test_nothing_matched_is_no_flow_instead() -> None:
    """An empty switch has none at all."""
    failed = checked(path(WAY), [((0, -1, 0),)]).failed
    assert failed is not None
    assert "table 0 (classify)" in failed.says
    assert "instead" not in failed.says


def test_a_path_that_fails_anyway_is_left_alone() -> None:
    """Its own reason stands."""
    failed = Trace((Step("route", is_ok=False, says="None."),))
    assert checked(failed, []) is failed
