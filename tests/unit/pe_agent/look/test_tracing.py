# SPDX-License-Identifier: Apache-2.0
"""A path is asked for over the socket, and held against the switch."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from isthmus.model.errors import InvalidValue
from isthmus.pe_agent.compile.pipeline import FIB
from tests.fakes.looking import SmallPe


@pytest.fixture
def pe(tmp_path: Path) -> SmallPe:
    """A PE at rest."""
    pe = SmallPe(tmp_path)
    pe.reconcile()
    return pe


def trace(pe: SmallPe, **asked: object) -> dict[str, Any]:
    """Ask for a path."""
    return pe.answers.answer({"trace": asked})


def test_a_path_gets_through_and_the_switch_agrees(pe: SmallPe) -> None:
    """Then the far PE and its label are named."""
    path = trace(pe, **{"from": "vm1", "to": "10.2.0.7"})
    assert path["failed"] is None
    assert path["steps"][-1]["step"] == "switch"
    assert path["far"] == {"pe": "192.0.2.21", "label": 1000}


def test_the_far_half_begins_with_the_label(pe: SmallPe) -> None:
    """And ends at the VM."""
    path = trace(pe, label=1000, to="10.1.0.5")
    assert path["failed"] is None
    assert [step["step"] for step in path["steps"]] == [
        "label", "VRF", "route", "size", "delivery", "switch",
    ]  # fmt: skip


def test_a_flow_that_the_switch_lacks_is_the_step_that_fails(pe: SmallPe) -> None:
    """On either half."""
    pe.switch.installed = frozenset(
        flow for flow in pe.switch.installed if flow.table != FIB or flow.cookie != 1
    )
    for asked in ({"from": "vm1", "to": "10.2.0.7"}, {"label": 1000, "to": "10.1.0.5"}):
        path = trace(pe, **asked)
        assert path["failed"] == "switch"
        assert "table 20 (FIB)" in path["steps"][-1]["says"]
        assert path["far"] is None


def test_a_switch_that_is_away_leaves_the_path_as_computed(pe: SmallPe) -> None:
    """And says that it was not asked."""
    pe.switch.is_down = True
    path = trace(pe, **{"from": "vm1", "to": "10.2.0.7"})
    assert path["failed"] is None
    assert path["unread"] == ["The switch is down."]


@pytest.mark.parametrize(
    "asked",
    [
        {},
        {"to": "10.2.0.7"},
        {"from": "vm1", "label": 1000, "to": "10.2.0.7"},
        {"from": "vm1"},
        {"from": "vm1", "to": "nowhere"},
        {"from": "vm1", "to": "10.2.0.7", "octets": "many"},
        {"from": "vm1", "to": "10.2.0.7", "octets": 0},
        {"from": "vm9", "to": "10.2.0.7"},
    ],
)
def test_a_question_without_sense_is_refused_in_a_sentence(
    pe: SmallPe, asked: dict[str, object]
) -> None:
    """Nothing is guessed."""
    with pytest.raises(InvalidValue):
        trace(pe, **asked)


def test_before_the_first_pass_there_is_no_path(tmp_path: Path) -> None:
    """What is waited for is said."""
    with pytest.raises(InvalidValue, match="server"):
        trace(SmallPe(tmp_path), **{"from": "vm1", "to": "10.2.0.7"})
