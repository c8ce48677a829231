# SPDX-License-Identifier: Apache-2.0
"""An agent or a switch that starts anew: what was in force stays, what is lost is put back."""

from __future__ import annotations

from isthmus.model.route import VpnRoute
from isthmus.pe_agent.reconcile import FIRST_SYNC_WAIT_S
from tests.actors import (
    route,
)
from tests.unit.pe_agent.workbench import VM1, Bench, blue, red


def test_a_restarted_agent_replaces_nothing_before_it_knows_all(bench: Bench) -> None:
    """Old flows stay until the neighbors have spoken; no route is ever withdrawn."""
    bench.plugger.plug_vm("vm1")
    bench.give(red(VM1))
    bench.daemon.neighbor_sends(route("10.2.0.7/32"))
    bench.settle()
    flows = bench.switch.installed
    bench.daemon._has_end_of_rib = False
    bench.daemon._is_neighbor_up = False
    learnt, bench.daemon._learnt = bench.daemon._learnt, frozenset()
    bench.start_agent()
    bench.settle()
    assert bench.switch.installed == flows
    assert bench.prefixes() == {"10.1.0.5/32"}
    assert bench.diary.verbs() == ["plug", "advertise"]
    assert bench.state_of("red")[0] is False
    bench.daemon._learnt = learnt
    bench.daemon.neighbor_comes_up()
    bench.settle()
    assert bench.switch.installed == flows
    assert all("10.1.0.5/32" in _prefixes(routes) for routes in bench.speaker.advertised)
    assert bench.plugger.touched == ["pe-net"]
    assert bench.state_of("red") == (True, "")


def test_a_restarted_agent_needs_no_server(bench: Bench) -> None:
    """The last intent is on disk."""
    bench.plugger.plug_vm("vm1")
    bench.give(red(VM1))
    bench.start_agent()
    bench.settle()
    assert bench.state_of("red") == (True, "")


def test_an_agent_without_memory_asks_the_server_first(bench: Bench) -> None:
    """It would otherwise undo what its former life left."""
    assert bench.settle() == FIRST_SYNC_WAIT_S
    assert bench.diary.entries == []
    bench.agent.note_synced()
    bench.settle()
    assert bench.diary.verbs()[-1] == "apply"


def test_an_agent_without_memory_goes_on_when_no_server_answers(bench: Bench) -> None:
    """A new PE comes up even so."""
    bench.now = FIRST_SYNC_WAIT_S + 1
    bench.settle()
    assert "advertise" in bench.diary.verbs()


def test_numbers_survive_a_restart(bench: Bench) -> None:
    """Neighbors go on using the labels they have."""
    bench.plugger.plug_vm("vm1")
    bench.give(blue(), red(VM1))
    before = bench.daemon.heard
    bench.agent.intents.remove("blue")
    bench.settle()
    bench.start_agent()
    bench.settle()
    assert bench.daemon.heard == before


def test_a_restarted_switch_gets_its_flows_again(bench: Bench) -> None:
    """Its bridge comes back empty."""
    bench.plugger.plug_vm("vm1")
    bench.give(red(VM1))
    flows = bench.switch.installed
    bench.switch.restart()
    bench.plugger.restart()
    bench.settle()
    assert bench.switch.installed == flows
    assert bench.prefixes() == {"10.1.0.5/32"}


def _prefixes(routes: frozenset[VpnRoute]) -> set[str]:
    return {str(each.prefix) for each in routes}
