# SPDX-License-Identifier: Apache-2.0
"""The wiring of one PE agent: what feeds what.

       RabbitMQ                gobgpd                       Open vSwitch
          │                       │              ┌───────────────┼────────────────┐
      ServerLink            GoBgpSpeaker   OvsPortPlugger  OvsFlowWriter     PuntReceiver
   intent │  ▲ report   RIB-in │  ▲ routes  ports │  ▲ plug      ▲ flows   too big │  ▲ ICMP
          ▼  │                 │  │               │  │           │         expired ▼  │
       Intents                 │  │               │  │           │         compile.icmp
          │  │                 │  │               │  │           │                ▲
          ▼  │                 ▼  │               ▼  │           │                ┆ contexts
         Reconciler: gather ──▶ compile_pe ──▶ Installer ────────┘                ┆
          │  ▲                       └┄┄┄┄┄┄┄┄┄┄┄┄┄┄┄┄┄┄┄┄┄┄┄┄┄┄┄┄┄┄┄┄┄┄┄┄┄┄┄┄┄┄┄┄┄┘
          ▼  │ numbers, intents
        StateFile

Threads: the loop runs in the caller's; every adapter has its own and only ever calls ``wake``.
"""

from __future__ import annotations

import functools
import logging

from oslo_config import cfg

from isthmus.config.pe_agent import PeAgentOptions
from isthmus.pe_agent.bgp.config import BgpConfig
from isthmus.pe_agent.bgp.gobgp import GoBgpSpeaker
from isthmus.pe_agent.compile import icmp
from isthmus.pe_agent.compile.compiler import compile_pe
from isthmus.pe_agent.install import Edges
from isthmus.pe_agent.look import LookingGlass
from isthmus.pe_agent.openflow.ovs_flows import OvsFlowWriter
from isthmus.pe_agent.openflow.ovs_plan import SwitchLayout
from isthmus.pe_agent.openflow.ovs_ports import OvsPortPlugger
from isthmus.pe_agent.openflow.punts import Punt, PuntReceiver
from isthmus.pe_agent.reconcile import Identity, Reconciler
from isthmus.pe_agent.server_link import ServerLink
from isthmus.pe_agent.state import StateFile

LOG = logging.getLogger(__name__)


class PeAgent:
    """One PE: everything wired, nothing started.

    Args:
        options: what the operator said.
        conf: for the message queue's own options.
    """

    def __init__(self, options: PeAgentOptions, conf: cfg.ConfigOpts) -> None:
        pe, switch = options.pe, options.switch
        management_socket = switch.run_dir / f"{switch.bridge}.mgmt"
        layout = SwitchLayout(
            bridge=switch.bridge,
            integration_bridge=switch.integration_bridge,
            core_bridge=switch.core_bridge,
            encapsulation=pe.encapsulation,
            address=pe.address,
        )
        state_file = StateFile(options.state_path / "pe-agent.json")
        is_forwarding = state_file.exists() and management_socket.exists()
        self._punts = PuntReceiver(management_socket, self._answer)
        self._ports = OvsPortPlugger(switch.ovsdb, layout, self._punts.epoch)
        self._speaker = GoBgpSpeaker(_bgp_config(options), is_forwarding_kept=is_forwarding)
        self._reconciler = Reconciler(
            Edges(self._ports, OvsFlowWriter(management_socket), self._speaker),
            functools.partial(compile_pe, pe, options.labels),
            state_file,
            Identity(options.host, pe.address),
        )
        self._link = ServerLink(conf, options.host, self._reconciler)
        self._look_socket = options.look_socket

    def run(self) -> None:
        """Run until ``stop``; flows, plugs and routes stay as they are then."""
        wake = self._reconciler.wake
        self._ports.start(wake)
        self._punts.start(wake)
        self._speaker.start(wake)
        self._link.start()
        if self._look_socket is not None:
            LookingGlass(self._look_socket, self._reconciler).start()
        try:
            self._reconciler.run(self._link.tell)
        finally:
            self._link.stop()
            self._speaker.stop()
            self._punts.stop()
            self._ports.stop()

    def stop(self) -> None:
        """Let ``run`` return soon. Safe in a signal handler."""
        self._reconciler.stop()

    def _answer(self, punt: Punt) -> bytes | None:
        """Answer a packet the switch handed over, as the VRF it is in."""
        done = self._reconciler.last_pass()
        if done is None or done.salvaged.compiled is None:
            return None
        context = done.salvaged.compiled.punts.get(punt.metadata)
        if context is None:
            return None
        expired = punt.is_ttl_expired
        reason = icmp.PuntReason.TTL_EXPIRED if expired else icmp.PuntReason.TOO_BIG
        return icmp.answer(punt.frame, reason, punt.metadata, context)


def _bgp_config(options: PeAgentOptions) -> BgpConfig:
    bgp = options.bgp
    return BgpConfig(
        as_number=bgp.as_number,
        router_id=options.pe.address,
        neighbors=bgp.neighbors,
        api=bgp.api,
        listen_port=bgp.listen_port,
        hold_time_s=bgp.hold_time_s,
        graceful_restart_time_s=bgp.graceful_restart_time_s,
        long_lived_stale_time_s=bgp.long_lived_stale_time_s,
        password=bgp.password,
        ttl_security_hops=bgp.ttl_security_hops,
    )
