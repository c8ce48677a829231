# SPDX-License-Identifier: Apache-2.0
"""The loop with fakes of everything it acts on."""

from __future__ import annotations

import functools
from pathlib import Path
from typing import Any

import pytest

from isthmus.model.errors import InvalidValue, SpeakerUnreachable, SwitchRefused
from isthmus.model.intent import VrfIntent
from isthmus.model.report import PeReport
from isthmus.model.route import VpnRoute
from isthmus.pe_agent.compile.compiler import compile_pe
from isthmus.pe_agent.compile.inputs import Compiled, Inputs
from isthmus.pe_agent.install import Edges
from isthmus.pe_agent.reconcile import FIRST_SYNC_WAIT_S, Identity, Reconciler
from isthmus.pe_agent.state import StateFile
from tests.actors import (
    BLUE,
    LABELS,
    PE1,
    RED,
    circuit,
    host,
    intent,
    mac_of,
    provider_edge,
    route,
)
from tests.fakes.ports import FakePlugger
from tests.fakes.speaker import FakeBgpDaemon, FakeSpeaker
from tests.fakes.switch import FakeSwitch

VM1 = host("vm1", "10.1.0.5")
VM2 = host("vm2", "10.1.0.6")


class Diary:
    """Edges that write down who was called, in order."""

    def __init__(self, plugger: FakePlugger, switch: FakeSwitch, speaker: FakeSpeaker) -> None:
        self.entries: list[tuple[str, Any]] = []
        self.ports, self.writer, self.speaker = plugger, switch, speaker
        self._keep(plugger, "plug")
        self._keep(switch, "apply")
        self._keep(speaker, "advertise")

    def _keep(self, edge: Any, name: str) -> None:
        call = getattr(edge, name)

        @functools.wraps(call)
        def noted(*arguments: Any) -> Any:
            self.entries.append((name, next(iter(arguments), None)))
            return call(*arguments)

        setattr(edge, name, noted)

    def verbs(self) -> list[str]:
        """Name the calls, in order."""
        return [verb for verb, _ in self.entries]


class Bench:
    """One PE on a bench: a switch and a daemon that outlive the agent, and a clock by hand."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.now = 0.0
        self.switch = FakeSwitch()
        self.plugger = FakePlugger()
        self.daemon = FakeBgpDaemon()
        self.reports: list[PeReport] = []
        self.bad_vpns: set[str] = set()
        self.start_agent()

    def start_agent(self) -> None:
        """Start an agent that knows no more than what its former life left."""
        self.speaker = FakeSpeaker(self.daemon)
        self.switch.forget()
        self.diary = Diary(self.plugger, self.switch, self.speaker)
        self.agent = Reconciler(
            Edges(self.plugger, self.switch, self.speaker),
            self._compile,
            StateFile(self.path / "state.json"),
            Identity("west-1", PE1),
            clock=lambda: self.now,
        )
        self.agent._tell = self.reports.append
        self.agent._take_leave = lambda links: self.diary.entries.append(("leave", dict(links)))
        self.plugger.start(self.agent.wake)
        self.speaker.start(self.agent.wake)

    def settle(self) -> float | None:
        """Run passes until none is asked for."""
        for _ in range(20):
            self.agent._wake.clear()
            again_s = self.agent.step()
            if not self.agent._wake.is_set():
                return again_s
        pytest.fail("The loop does not come to rest.")

    def give(self, *intents: VrfIntent) -> float | None:
        """Let the server apply intents, then run passes."""
        for each in intents:
            self.agent.intents.apply(each)
        self.agent.note_synced()
        return self.settle()

    def state_of(self, vpn_id: str) -> tuple[bool, str]:
        """Return whether a VPN is reported in force, and the reason given."""
        (vrf,) = [vrf for vrf in self.agent.report().vrfs if vrf.vpn_id == vpn_id]
        return vrf.is_in_force, vrf.reason

    def prefixes(self) -> set[str]:
        """Return what the neighbor has heard."""
        return {str(route.prefix) for route in self.daemon.heard}

    def _compile(self, inputs: Inputs) -> Compiled:
        for vpn_id in sorted(self.bad_vpns & inputs.intents.keys()):
            raise InvalidValue(f"Nobody can compile {vpn_id}.")
        return compile_pe(provider_edge(), LABELS, inputs)


@pytest.fixture
def bench(tmp_path: Path) -> Bench:
    """A PE that has nothing yet."""
    return Bench(tmp_path)


def red(*hosts: Any, generation: int = 1) -> VrfIntent:
    """Make the red VPN's intent."""
    return intent("red", circuit("net", "10.1.0.0/24", *hosts), generation=generation)


def blue(*hosts: Any) -> VrfIntent:
    """Make the blue VPN's intent."""
    return intent("blue", circuit("blue-net", "10.1.0.0/24", *hosts), imports=BLUE)


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


def test_an_unplugged_host_is_withdrawn(bench: Bench) -> None:
    """Only what is here is advertised."""
    bench.plugger.plug_vm("vm1")
    bench.give(red(VM1))
    bench.plugger.unplug_vm("vm1")
    bench.settle()
    assert bench.prefixes() == set()


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


def test_a_pe_whose_flows_are_refused_meets_no_gateway(bench: Bench) -> None:
    """The others go on serving."""
    bench.switch.fail_next_apply = SwitchRefused("No.")
    bench.give(red(VM1))
    assert not bench.speaker.meetings


def test_the_speaker_hears_of_the_core_link_before_sessions_notice(bench: Bench) -> None:
    """And again when it is back."""
    bench.give(red(VM1))
    for is_up in (False, True):
        bench.plugger.set_core_link(is_up=is_up)
        bench.settle()
        assert bench.speaker.has_core_link is is_up


def _prefixes(routes: frozenset[VpnRoute]) -> set[str]:
    return {str(each.prefix) for each in routes}
