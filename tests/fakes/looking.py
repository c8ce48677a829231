# SPDX-License-Identifier: Apache-2.0
"""A PE that serves one VPN over fakes, to be looked at."""

from __future__ import annotations

from ipaddress import IPv4Address
from pathlib import Path

from isthmus.pe_agent.compile.compiler import compile_pe
from isthmus.pe_agent.install import Edges
from isthmus.pe_agent.look.answers import Answers
from isthmus.pe_agent.look.tracing import Tracing
from isthmus.pe_agent.reconcile import Identity, Reconciler
from isthmus.pe_agent.state import StateFile
from tests.actors import LABELS, circuit, host, intent, provider_edge, route
from tests.fakes.ports import FakePlugger
from tests.fakes.speaker import FakeSpeaker
from tests.fakes.switch import FakeSwitch
from tests.fakes.tracer import FakeTracer


class SmallPe:
    """West-1 with one VM in the red VPN, and a route to another behind another PE."""

    def __init__(self, folder: Path) -> None:
        self.plugger, self.speaker, self.switch = FakePlugger(), FakeSpeaker(), FakeSwitch()
        edges = Edges(self.plugger, self.switch, self.speaker)
        self.reconciler = Reconciler(
            edges,
            lambda inputs: compile_pe(provider_edge(), LABELS, inputs),
            StateFile(folder / "state.json"),
            Identity("west-1", IPv4Address("192.0.2.11")),
        )
        self.responses: dict[int, dict[str, int]] = {}
        tracing = Tracing(provider_edge(), FakeTracer(self.switch))
        self.answers = Answers(self.reconciler, edges, tracing, lambda: self.responses)
        self.plugger.start(self.reconciler.wake)
        self.plugger.plug_vm("vm1")
        self.speaker.daemon.neighbor_sends(route("10.2.0.7/32"))
        red = intent("red", circuit("net", "10.1.0.0/24", host("vm1", "10.1.0.5")))
        self.reconciler.intents.apply(red)

    def reconcile(self) -> None:
        """Let it do all it can."""
        self.reconciler.note_synced()
        self.reconciler.step()
        self.reconciler.step()
