# SPDX-License-Identifier: Apache-2.0
"""The one flow on the operator's bridge is its own, and takes nothing but labels for this host."""

from __future__ import annotations

import logging
from pathlib import Path

import pytest

from isthmus.pe_agent.openflow.core_turn import COOKIE, CoreTurn, turn


def test_labelled_packets_for_the_host_go_to_the_pe_bridge() -> None:
    """By its MAC there; a flow for a MAC it had before goes at the same moment."""
    delete, add = turn("02:00:5e:00:00:0a", "02:00:c0:00:02:0b").splitlines()
    assert delete == f"delete cookie={COOKIE:#x}/-1"
    assert "eth_type=0x8847,eth_dst=02:00:5e:00:00:0a," in add
    assert add.endswith("actions=set_field:02:00:c0:00:02:0b->eth_dst,output:core-pe")


def test_a_bridge_that_is_away_is_complained_about_once(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """It is tried again, and the log not filled."""
    core_turn = CoreTurn(tmp_path / "br-core.mgmt", "02:00:c0:00:02:0b")
    with caplog.at_level(logging.WARNING):
        core_turn.put("02:00:5e:00:00:0a")
        core_turn.put("02:00:5e:00:00:0a")
    assert len(caplog.messages) == 1
