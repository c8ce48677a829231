# SPDX-License-Identifier: Apache-2.0
"""The wiring of one PE agent: what feeds what.

       RabbitMQ                gobgpd                       Open vSwitch
          │                       │              ┌───────────────┼────────────────┐
      ServerLink            GoBgpSpeaker   OvsPortPlugger  OvsFlowWriter     PuntReceiver
   intent │  ▲ report   RIB-in │  ▲ routes  ports │  ▲ plug      ▲ flows   too big │  ▲ ICMP
          ▼  │                 │  │               │  │           │         expired ▼  │ neighbor
       Intents                 │  │               │  │           │ arrived asked      │ discovery
          │  │                 │  │               │  │           │    compile.icmp, .neighbor_…
          │  │                 │  │               │  │           │   router advertisements
          │  │                 │  │               │  │           │   gateway announcements
          │  │                 │  │               │  │           │                ▲
          ▼  │                 ▼  │               ▼  │           │                ┆ contexts, links
         Reconciler: gather ──▶ compile_pe ──▶ Installer ────────┘                ┆
          │  ▲                       └┄┄┄┄┄┄┄┄┄┄┄┄┄┄┄┄┄┄┄┄┄┄┄┄┄┄┄┄┄┄┄┄┄┄┄┄┄┄┄┄┄┄┄┄┘
          ▼  │ numbers, intents
        StateFile

Threads: the loop runs in the caller's; every adapter has its own and only ever calls ``wake``.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Protocol

from isthmus.config.pe_agent import PeAgentOptions
from isthmus.model.report import PeReport
from isthmus.pe_agent import advertiser, gateway_announcer
from isthmus.pe_agent.bgp.gobgp import GoBgpSpeaker
from isthmus.pe_agent.bgp.speaker import BgpSpeaker
from isthmus.pe_agent.compile import neighbor_discovery
from isthmus.pe_agent.compile.compiler import compile_pe
from isthmus.pe_agent.compile.inputs import Compiled
from isthmus.pe_agent.compile.memo import Memo
from isthmus.pe_agent.install import Edges
from isthmus.pe_agent.look.answers import Answers
from isthmus.pe_agent.look.listener import LookingGlass
from isthmus.pe_agent.look.tracing import Tracing
from isthmus.pe_agent.next_hops import NextHops
from isthmus.pe_agent.openflow.core_turn import CoreTurn
from isthmus.pe_agent.openflow.ovs_flows import OvsFlowWriter
from isthmus.pe_agent.openflow.ovs_plan import SwitchLayout
from isthmus.pe_agent.openflow.ovs_ports import OvsPortPlugger
from isthmus.pe_agent.openflow.ovs_trace import OvsPacketTracer
from isthmus.pe_agent.openflow.punts import PuntReceiver
from isthmus.pe_agent.reconcile import Identity, Reconciler
from isthmus.pe_agent.responder import Responder
from isthmus.pe_agent.state import StateFile
from isthmus.pe_agent.timed_sender import TimedSender


class Link(Protocol):
    """The way to the server."""

    def start(self) -> None:
        """Start threads; returns at once."""

    def tell(self, report: PeReport) -> None:
        """Have a report sent. Returns at once."""

    def stop(self) -> None:
        """Let the threads end."""


class PeAgent:
    """One PE: everything wired, nothing started.

    Args:
        options: what the operator said.
        speaker: the BGP daemon.
        enter_core: makes a thread one of the network namespace the core bridge's own port is in.
    """

    def __init__(
        self,
        options: PeAgentOptions,
        speaker: BgpSpeaker,
        enter_core: Callable[[], None] = lambda: None,
    ) -> None:
        pe, switch = options.pe, options.switch
        management_socket = _management_socket(options)
        layout = SwitchLayout(
            bridge=switch.bridge,
            integration_bridge=switch.integration_bridge,
            core_bridge=switch.core_bridge,
            encapsulation=pe.encapsulation,
            address=pe.address,
        )
        self.responder = Responder(self._compiled, lambda port: self.reconciler.arrivals.note(port))
        self._punts = PuntReceiver(management_socket, self.responder.respond)
        self._ports = OvsPortPlugger(switch.ovsdb, layout, self._punts.epoch)
        self._speaker = speaker
        self._learns_labels = bool(options.bgp.labelled_neighbors)
        core_turn = CoreTurn(switch.run_dir / f"{switch.core_bridge}.mgmt", pe.core_mac)
        self._next_hops = NextHops(switch.core_bridge, core_turn.put, enter_core)
        edges = Edges(
            self._ports,
            OvsFlowWriter(management_socket),
            speaker,
            lambda wanted: self._next_hops.resolve(
                wanted - pe.next_hop_macs.keys(), self._punts.epoch()
            ),
        )
        self.reconciler = Reconciler(
            edges,
            functools.partial(compile_pe, pe, options.labels, memo=Memo()),
            _state_file(options),
            Identity(options.host, pe.address, options.is_gateway, pe.core_payload),
        )
        inject = self._punts.inject
        self._advertiser = TimedSender(
            "router-advertisements", advertiser.Schedule(), self._links, inject
        )
        self._announcer = TimedSender(
            "gateway-announcements", gateway_announcer.Schedule(), self._announcements, inject
        )
        tracing = Tracing(pe, OvsPacketTracer(switch.run_dir, switch.bridge))
        self.answers = Answers(self.reconciler, edges, tracing, self.responder.counts)
        self._look = None
        if options.look_socket is not None:
            self._look = LookingGlass(options.look_socket, self.answers.answer)

    def run(self, link: Link) -> None:
        """Run until ``stop``; flows, plugs and routes stay as they are then."""
        wake = self.reconciler.wake
        if self._look is not None:
            self._look.start()
        self._ports.start(wake)
        self._punts.start(wake)
        if self._learns_labels:
            self._next_hops.start(wake)
        self._speaker.start(wake)
        link.start()
        self._advertiser.start()
        self._announcer.start()
        try:
            self.reconciler.run(
                link.tell,
                self._look_again,
                lambda links: self._punts.inject_at_once(advertiser.farewells(links)),
            )
        finally:
            self._announcer.stop()
            self._advertiser.stop()
            link.stop()
            self._speaker.stop()
            self._next_hops.stop()
            self._punts.stop()
            self._ports.stop()

    def stop(self) -> None:
        """Let ``run`` return soon. Safe in a signal handler."""
        self.reconciler.stop()

    def _look_again(self) -> None:
        """Have hosts told what the last pass made of their router."""
        self._advertiser.look()
        self._announcer.look()

    def _links(self) -> Mapping[int, neighbor_discovery.Link]:
        compiled = self._compiled()
        return {} if compiled is None else compiled.links

    def _announcements(self) -> gateway_announcer.Announcements:
        compiled = self._compiled()
        return {} if compiled is None else compiled.announcements

    def _compiled(self) -> Compiled | None:
        done = self.reconciler.last_pass()
        return None if done is None else done.salvaged.compiled


def make_speaker(options: PeAgentOptions) -> GoBgpSpeaker:
    """Make the speaker, which tells neighbors of a restart if forwarding went on without it."""
    is_restart = _state_file(options).exists() and _management_socket(options).exists()
    return GoBgpSpeaker(options.bgp, is_forwarding_kept=is_restart)


def _state_file(options: PeAgentOptions) -> StateFile:
    return StateFile(options.state_path / "pe-agent.json")


def _management_socket(options: PeAgentOptions) -> Path:
    return options.switch.run_dir / f"{options.switch.bridge}.mgmt"
