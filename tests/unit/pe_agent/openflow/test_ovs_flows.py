# SPDX-License-Identifier: Apache-2.0
"""Bundles, and what is made of ovs-ofctl's words."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from isthmus.model.errors import EdgeError, SwitchRefused, SwitchUnreachable
from isthmus.model.flow import Drop, Flow, Goto
from isthmus.pe_agent.openflow.ovs_flows import OvsFlowWriter, bundle

OLD = Flow.of(6, 10, {"mpls_label": 1000}, Goto(20), cookie=1)
NEW = Flow.of(6, 10, {"mpls_label": 1000}, Drop(), cookie=2)
OTHER = Flow.of(6, 10, {"mpls_label": 1001}, Goto(20), cookie=3)


def test_a_flow_that_is_gone_is_deleted_by_its_match_alone() -> None:
    """Whatever cookie and actions it had."""
    assert bundle(frozenset({OLD}), frozenset()) == [
        "delete_strict table=6,priority=10,mpls_label=1000"
    ]


def test_a_flow_with_other_actions_is_added_over_the_old_one() -> None:
    """Deleting it first would let a packet miss it."""
    assert bundle(frozenset({OLD}), frozenset({NEW})) == [f"add {NEW}"]


def test_deletions_come_before_additions() -> None:
    """In one bundle, so that no packet sees the one without the other."""
    lines = bundle(frozenset({OLD}), frozenset({OTHER}))
    assert [line.split()[0] for line in lines] == ["delete_strict", "add"]


def test_what_stays_is_not_mentioned() -> None:
    """Its counters and its megaflows stay."""
    assert bundle(frozenset({OLD, OTHER}), frozenset({OLD, OTHER})) == []


@pytest.mark.parametrize(
    ("words", "kind"),
    [
        ("ovs-ofctl: unix:/x.mgmt: failed to connect to socket (Connection refused)", None),
        ("ovs-ofctl: talking to unix:/x.mgmt (End of file)", None),
        ("ovs-ofctl: -:1: colour: unknown keyword colour", SwitchRefused),
        ("Error OFPBIC_BAD_TABLE_ID for: OFPT_FLOW_MOD (OF1.5)", SwitchRefused),
    ],
)
def test_what_ovs_ofctl_says_decides_whether_to_retry(
    words: str, kind: type[EdgeError] | None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its words are passed on."""
    stand_in(tmp_path, monkeypatch, f"cat > /dev/null; echo '{words}' >&2; exit 1")
    with pytest.raises(kind or SwitchUnreachable, match=r"Open vSwitch") as raised:
        OvsFlowWriter(Path("/x.mgmt")).apply(frozenset({OLD}))
    assert words in raised.value.for_operator


def test_an_ovs_ofctl_that_is_killed_leaves_the_table_unknown(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It may or may not have done its work: the next one reads the table back."""
    commands = tmp_path / "commands"
    stand_in(tmp_path, monkeypatch, f'cat > /dev/null; echo "$4" >> {commands}')
    writer = OvsFlowWriter(Path("/x.mgmt"))
    writer.apply(frozenset({OLD}))
    stand_in(tmp_path, monkeypatch, "kill -9 $$")
    with pytest.raises(SwitchUnreachable):
        writer.apply(frozenset({OTHER}))
    stand_in(tmp_path, monkeypatch, f'cat > /dev/null; echo "$4" >> {commands}')
    writer.apply(frozenset({OTHER}))
    assert commands.read_text().split() == ["replace-flows", "replace-flows"]


def test_without_ovs_ofctl_the_switch_is_away(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Someone may be upgrading it."""
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(SwitchUnreachable):
        OvsFlowWriter(Path("/x.mgmt")).apply(frozenset({OLD}))


def stand_in(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, script: str) -> None:
    """Put a script in the place of ovs-ofctl."""
    program = tmp_path / "ovs-ofctl"
    program.write_text(f"#!/bin/sh\n{script}\n")
    program.chmod(0o755)
    if str(tmp_path) not in os.environ["PATH"]:
        monkeypatch.setenv("PATH", f"{tmp_path}:{os.environ['PATH']}")
