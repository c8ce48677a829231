# SPDX-License-Identifier: Apache-2.0
"""One PE with fakes of everything its agent acts on."""

from __future__ import annotations

import functools
from pathlib import Path
from typing import Any

import pytest

from isthmus.model.errors import InvalidValue
from isthmus.model.intent import VrfIntent
from isthmus.model.report import PeReport
from isthmus.pe_agent.compile.compiler import compile_pe
from isthmus.pe_agent.compile.inputs import Compiled, Inputs
from isthmus.pe_agent.install import Edges
from isthmus.pe_agent.reconcile import Identity, Reconciler
from isthmus.pe_agent.state import StateFile
from tests.actors import (
    BLUE,
    LABELS,
    PE1,
    circuit,
    host,
    intent,
    provider_edge,
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
    """One PE on a bench: a switch and a daemon that outlive the agent, and a clock by hand.

    Attributes:
        compiled: what the agent compiled, pass by pass.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self.now = 0.0
        self.switch = FakeSwitch()
        self.plugger = FakePlugger()
        self.daemon = FakeBgpDaemon()
        self.reports: list[PeReport] = []
        self.bad_vpns: set[str] = set()
        self.compiled: list[Inputs] = []
        self.speaker = FakeSpeaker(self.daemon)
        self.start_agent()

    def start_agent(self) -> None:
        """Start an agent that knows no more than what its former life left."""
        self.speaker.stop()
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
        self.compiled.append(inputs)
        for vpn_id in sorted(self.bad_vpns & inputs.intents.keys()):
            raise InvalidValue(f"Nobody can compile {vpn_id}.")
        return compile_pe(provider_edge(), LABELS, inputs)


def red(*hosts: Any, generation: int = 1) -> VrfIntent:
    """Make the red VPN's intent."""
    return intent("red", circuit("net", "10.1.0.0/24", *hosts), generation=generation)


def blue(*hosts: Any) -> VrfIntent:
    """Make the blue VPN's intent."""
    return intent("blue", circuit("blue-net", "10.1.0.0/24", *hosts), imports=BLUE)
