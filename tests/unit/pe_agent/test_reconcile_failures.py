# SPDX-License-Identifier: Apache-2.0
"""Edges that fail, and mistakes of our own: what was in force stays in force."""

from __future__ import annotations

import pytest

from isthmus.model.errors import SpeakerUnreachable, SwitchRefused
from isthmus.pe_agent.compile.inputs import Compiled, Inputs
from isthmus.pe_agent.state import StateFile
from tests.unit.pe_agent.workbench import VM1, VM2, Bench, blue, red


def test_a_switch_that_is_away_is_tried_again_ever_more_slowly(bench: Bench) -> None:
    """New routes wait for their flows; the report says so."""
    bench.plugger.plug_vm("vm1")
    bench.give()
    bench.switch.is_down = True
    first = bench.give(red(VM1))
    assert first is not None
    assert bench.prefixes() == set()
    is_in_force, reason = bench.state_of("red")
    assert (is_in_force, reason) == (False, "The switch is down.")
    second = bench.settle()
    assert second is not None
    assert first < second <= 5
    bench.switch.is_down = False
    assert bench.settle() is None
    assert bench.prefixes() == {"10.1.0.5/32"}
    assert bench.state_of("red") == (True, "")


def test_a_refused_flow_leaves_what_was_in_force(bench: Bench) -> None:
    """The table is as it was; the new generation is not in force and says why."""
    bench.plugger.plug_vm("vm1", "vm2")
    bench.give(red(VM1))
    bench.switch.fail_next_apply = SwitchRefused("Bad match.")
    again_s = bench.give(red(VM1, VM2, generation=2))
    assert again_s is not None
    assert bench.state_of("red") == (False, "Bad match.")
    assert bench.prefixes() == {"10.1.0.5/32"}
    bench.give(red(VM1, VM2, generation=3))
    assert bench.state_of("red") == (True, "")
    assert bench.agent.report().last_error == "Bad match."


@pytest.mark.parametrize("is_plug_failing", [True, False])
def test_an_edge_that_fails_once_is_asked_again(bench: Bench, is_plug_failing: bool) -> None:  # noqa: FBT001
    """Whichever it is."""
    bench.plugger.plug_vm("vm1")
    bench.give()
    if is_plug_failing:
        bench.plugger.fail_next_plug = True
    else:
        bench.speaker.fail_next_advertise = SpeakerUnreachable("Away.")
    bench.give(red(VM1))
    assert bench.settle() is None
    assert bench.state_of("red") == (True, "")


def test_a_daemon_that_is_away_does_not_keep_flows_from_being_written(bench: Bench) -> None:
    """Local changes need no neighbor."""
    bench.plugger.plug_vm("vm1")
    bench.give()
    flows = bench.switch.installed
    bench.daemon.crash()
    bench.give(red(VM1))
    assert bench.switch.installed > flows
    bench.daemon.start()
    bench.settle()
    assert bench.prefixes() == {"10.1.0.5/32"}


def test_a_circuit_without_port_is_not_in_force(bench: Bench) -> None:
    """Until the switch has given it one."""
    bench.plugger.is_slow = True
    bench.give(red(VM1))
    is_in_force, reason = bench.state_of("red")
    assert is_in_force is False
    assert "not plugged" in reason
    bench.plugger.settle()
    bench.settle()
    assert bench.state_of("red") == (True, "")


def test_an_intent_that_cannot_be_compiled_fails_alone(bench: Bench) -> None:
    """The others go on."""
    bench.plugger.plug_vm("vm1")
    bench.bad_vpns = {"blue"}
    bench.give(blue(), red(VM1))
    assert bench.state_of("red") == (True, "")
    is_in_force, reason = bench.state_of("blue")
    assert is_in_force is False
    assert "Nobody can compile blue." in reason


def test_when_nothing_can_be_compiled_what_is_installed_stays(bench: Bench) -> None:
    """A fault of ours is no reason to stop forwarding."""
    bench.plugger.plug_vm("vm1")
    bench.give(red(VM1))
    flows = bench.switch.installed

    def fail(inputs: Inputs) -> Compiled:
        raise RuntimeError("A mistake.")

    bench.agent._compile = fail
    bench.give(red(VM1, VM2, generation=2))
    assert bench.switch.installed == flows
    assert bench.prefixes() == {"10.1.0.5/32"}
    assert bench.state_of("red")[0] is False


def test_a_full_disk_does_not_keep_packets_from_being_forwarded(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It is logged."""

    def fail(self: StateFile, memory: object) -> None:
        raise OSError("No space left on device")

    monkeypatch.setattr(StateFile, "save", fail)
    bench.plugger.plug_vm("vm1")
    bench.give(red(VM1))
    assert bench.state_of("red") == (True, "")


def test_the_loop_outlives_every_failure(bench: Bench) -> None:
    """It runs until told to stop."""
    passes: list[int] = []

    def fail() -> None:
        passes.append(1)
        if len(passes) == 2:
            bench.agent.stop()
        else:
            bench.agent.wake()
        raise RuntimeError("A mistake.")

    bench.agent.step = fail  # type: ignore[method-assign]
    bench.agent.run(bench.reports.append)
    assert len(passes) == 2


def test_a_pe_whose_flows_are_refused_meets_no_gateway(bench: Bench) -> None:
    """The others go on serving."""
    bench.switch.fail_next_apply = SwitchRefused("No.")
    bench.give(red(VM1))
    assert not bench.speaker.meetings
