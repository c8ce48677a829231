# SPDX-License-Identifier: Apache-2.0
"""Routes that are heard one by one while no flow may be written yet cost no pass each."""

from __future__ import annotations

import pytest

from isthmus.model.errors import SpeakerUnreachable
from tests.actors import route
from tests.unit.pe_agent.workbench import VM1, VM2, Bench, blue, red


@pytest.fixture
def waiting(bench: Bench) -> Bench:
    """A PE whose neighbor is still sending."""
    bench.plugger.plug_vm("vm1")
    bench.give(red(VM1))
    bench.daemon.neighbor_sends_some()
    bench.start_agent()
    bench.settle()
    bench.daemon.neighbor_sends_some(route("10.2.0.7/32"))
    bench.settle()
    assert not bench.speaker.rib().is_complete
    bench.compiled.clear()
    bench.diary.entries.clear()
    return bench


def test_a_route_more_is_not_compiled_before_it_can_be_written(waiting: Bench) -> None:
    """A host with a thousand VRFs would compile a hundred times what it throws away."""
    for number in range(8, 12):
        waiting.daemon.neighbor_sends_some(route(f"10.2.0.{number}/32"))
        waiting.settle()
    assert waiting.compiled == []
    assert waiting.diary.entries == []


def test_all_that_was_heard_is_written_once_the_neighbor_has_sent_all(waiting: Bench) -> None:
    """What was left for later is not forgotten."""
    waiting.daemon.neighbor_sends_some(route("10.2.0.8/32"))
    waiting.settle()
    waiting.daemon.neighbor_sends(route("10.2.0.9/32"))
    waiting.settle()
    heard = {str(each.prefix) for each in waiting.compiled[-1].routes}
    assert heard == {"10.2.0.7/32", "10.2.0.8/32", "10.2.0.9/32"}
    assert waiting.diary.verbs() == ["apply"]
    assert waiting.state_of("red") == (True, "")


def test_a_vm_that_is_plugged_meanwhile_is_advertised_at_once(waiting: Bench) -> None:
    """Flows of a former life may serve it already."""
    waiting.give(red(VM1, VM2, generation=2))
    waiting.plugger.plug_vm("vm2")
    waiting.settle()
    assert waiting.prefixes() == {"10.1.0.5/32", "10.1.0.6/32"}


def test_a_network_that_is_attached_meanwhile_is_plugged_at_once(waiting: Bench) -> None:
    """OVN has to know of it, however long the neighbors take."""
    waiting.give(blue())
    assert "plug" in waiting.diary.verbs()
    assert "blue" in waiting.compiled[-1].intents


def test_what_a_daemon_that_was_away_missed_is_repeated(waiting: Bench) -> None:
    """A pass that failed has not done what it could."""
    waiting.speaker.fail_next_advertise = SpeakerUnreachable("The daemon is away.")
    waiting.give(red(VM1, VM2, generation=2))
    waiting.plugger.plug_vm("vm2")
    waiting.settle()
    assert waiting.state_of("red")[1] == "The daemon is away."
    waiting.settle()
    assert waiting.prefixes() == {"10.1.0.5/32", "10.1.0.6/32"}


def test_an_intent_that_was_refused_is_tried_again(waiting: Bench) -> None:
    """What it is refused for may be a route that was heard."""
    waiting.bad_vpns = {"blue"}
    waiting.give(blue())
    waiting.bad_vpns = set()
    waiting.daemon.neighbor_sends_some(route("10.2.0.8/32"))
    waiting.settle()
    assert waiting.compiled[-1].intents.keys() == {"red", "blue"}
    assert (last := waiting.agent.last_pass()) is not None
    assert last.salvaged.refused == {}


def test_an_agent_that_has_written_flows_writes_each_route_it_hears(bench: Bench) -> None:
    """A daemon that restarts later makes nothing wait."""
    bench.give(red(VM1))
    bench.daemon.neighbor_sends_some(route("10.2.0.8/32"))
    bench.settle()
    assert bench.diary.verbs()[-1] == "apply"
    assert {str(each.prefix) for each in bench.compiled[-1].routes} == {"10.2.0.8/32"}
