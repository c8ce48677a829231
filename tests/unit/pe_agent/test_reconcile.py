# SPDX-License-Identifier: Apache-2.0
"""What an agent does, in which order, and what it reports."""

from __future__ import annotations

from dataclasses import replace

from isthmus.model.intent import Migration
from tests.actors import (
    BLUE,
    RED,
    circuit,
    intent,
    mac_of,
    route,
)
from tests.unit.pe_agent.workbench import VM1, VM2, Bench, red


def test_an_intent_becomes_a_plug_flows_and_a_route(bench: Bench) -> None:
    """The main job."""
    bench.plugger.plug_vm("vm1")
    bench.give(red(VM1))
    assert bench.prefixes() == {"10.1.0.5/32"}
    assert bench.switch.installed
    assert bench.state_of("red") == (True, "")


def test_flows_are_in_place_before_the_route_that_needs_them(bench: Bench) -> None:
    """Make before break."""
    bench.give()
    bench.plugger.plug_vm("vm1")
    bench.diary.entries.clear()
    bench.give(red(VM1))
    assert bench.diary.verbs() == ["plug", "apply", "advertise"]


def test_a_route_is_withdrawn_before_its_flows_go(bench: Bench) -> None:
    """Nobody is made to send into nothing."""
    bench.plugger.plug_vm("vm1")
    bench.give(red(VM1))
    bench.diary.entries.clear()
    bench.agent.intents.remove("red")
    bench.settle()
    assert bench.diary.verbs() == ["advertise", "apply", "advertise", "plug"]
    assert bench.prefixes() == set()
    assert bench.diary.entries[-1] == ("plug", frozenset())


def test_a_change_withdraws_first_and_advertises_last(bench: Bench) -> None:
    """Both at once: what stays is never withdrawn."""
    bench.plugger.plug_vm("vm1", "vm2")
    bench.give(red(VM1))
    bench.diary.entries.clear()
    bench.give(red(VM2, generation=2))
    assert bench.diary.verbs() == ["advertise", "apply", "advertise"]
    assert bench.diary.entries[0][1] == frozenset()
    assert bench.prefixes() == {"10.1.0.6/32"}


def test_other_route_targets_never_withdraw_the_route(bench: Bench) -> None:
    """Who imports it already goes on; its flows are there, so neighbors hear of it at once."""
    bench.plugger.plug_vm("vm1")
    bench.give(red(VM1))
    (before,) = bench.daemon.heard
    bench.diary.entries.clear()
    bench.give(intent("red", circuit("net", "10.1.0.0/24", VM1), imports=RED | BLUE, generation=2))
    (after,) = bench.daemon.heard
    assert (after.rd, after.label) == (before.rd, before.label)
    assert after.route_targets == RED | BLUE
    assert all(routes for verb, routes in bench.diary.entries if verb == "advertise")
    assert bench.diary.verbs()[0] == "advertise"


def test_nothing_is_touched_when_nothing_changed(bench: Bench) -> None:
    """A wake without news costs a compilation and no more."""
    bench.plugger.plug_vm("vm1")
    bench.give(red(VM1))
    bench.diary.entries.clear()
    bench.settle()
    assert bench.diary.entries == []


def test_an_unplugged_host_is_withdrawn(bench: Bench) -> None:
    """Only what is here is advertised."""
    bench.plugger.plug_vm("vm1")
    bench.give(red(VM1))
    bench.plugger.unplug_vm("vm1")
    bench.settle()
    assert bench.prefixes() == set()


def test_a_report_is_told_when_it_is_news(bench: Bench) -> None:
    """And only then."""
    bench.plugger.plug_vm("vm1")
    bench.give(red(VM1))
    told = len(bench.reports)
    assert bench.reports[-1] == bench.agent.report()
    bench.settle()
    assert len(bench.reports) == told
    bench.daemon.neighbor_goes_down()
    bench.settle()
    assert not bench.reports[-1].neighbors[0].is_established


def test_a_route_that_comes_is_counted_but_no_news(bench: Bench) -> None:
    """Figures go with the periodic report."""
    bench.plugger.plug_vm("vm1")
    bench.give(red(VM1))
    told = len(bench.reports)
    bench.daemon.neighbor_sends(route("10.9.0.1/32"), route("10.9.0.2/32"))
    bench.settle()
    assert len(bench.reports) == told
    (vrf,) = bench.agent.report().vrfs
    assert (len(vrf.labels), vrf.routes_sent, vrf.routes_received) == (1, 1, 2)


def test_hosts_hear_that_their_router_goes_before_it_is_unplugged(bench: Bench) -> None:
    """And after nothing is forwarded any more; a restart of the agent says nothing."""
    dual = intent("red", circuit("net", ["10.1.0.0/24", "2001:db8:1::/64"]))
    bench.give(dual)
    (port,) = bench.plugger.ports().circuits.values()  # type: ignore[union-attr]  # it was read
    bench.start_agent()
    bench.settle()
    assert "leave" not in bench.diary.verbs()
    bench.diary.entries.clear()
    bench.agent.intents.remove("red")
    bench.settle()
    verbs = [verb for verb in bench.diary.verbs() if verb in ("apply", "leave", "plug")]
    assert verbs == ["apply", "leave", "plug"]
    assert dict(bench.diary.entries)["leave"][port].mac == mac_of("pe-net")


def test_whoever_tells_hosts_looks_again_after_each_pass(bench: Bench) -> None:
    """A PE that becomes a gateway has nothing new to report, and much to tell its hosts."""
    looks: list[int] = []

    def look() -> None:
        looks.append(len(bench.reports))
        bench.agent.wake() if len(looks) < 2 else bench.agent.stop()

    bench.give(red(VM1))
    told = len(bench.reports)
    bench.agent.run(bench.reports.append, look)
    assert looks == [told, told]


def test_other_gateways_hear_of_a_pe_once_its_flows_are_there(bench: Bench) -> None:
    """One that was told earlier would hand over what can't be carried yet."""
    bench.diary._keep(bench.speaker, "meet_gateways")
    bench.give(red(VM1))
    assert bench.diary.verbs().index("apply") < bench.diary.verbs().index("meet_gateways")


def test_the_speaker_hears_of_the_core_link_before_sessions_notice(bench: Bench) -> None:
    """And again when it is back."""
    bench.give(red(VM1))
    for is_up in (False, True):
        bench.plugger.set_core_link(is_up=is_up)
        bench.settle()
        assert bench.speaker.has_core_link is is_up


def test_a_vm_that_is_arriving_is_ready_for_before_and_told_of_when_it_runs(bench: Bench) -> None:
    """Its attachment is plugged once OVN knows the VM; nobody hears of it until it is noted."""
    bench.give(red(replace(VM1, migration=Migration.ARRIVING)))
    bench.plugger.plug_vm("vm1")
    bench.settle()
    assert bench.plugger.touched == []
    bench.plugger.install_vm("vm1")
    bench.settle()
    assert len(bench.plugger.touched) == 1
    assert bench.prefixes() == set()
    bench.agent.arrivals.note("vm1")
    bench.settle()
    assert bench.prefixes() == {"10.1.0.5/32"}
    bench.diary.entries.clear()
    bench.give(red(VM1, generation=2))
    assert bench.prefixes() == {"10.1.0.5/32"}
    assert "advertise" not in bench.diary.verbs()
    assert bench.agent.arrivals.snapshot() == frozenset()
