# SPDX-License-Identifier: Apache-2.0
"""A whole agent in a thread of the test, on a real switch, its server away."""

from __future__ import annotations

import threading
from pathlib import Path

from isthmus.config.bgp import BgpConfig
from isthmus.config.pe_agent import PeAgentOptions, SwitchOptions
from isthmus.model.provider_edge import ProviderEdge
from isthmus.model.report import PeReport
from isthmus.pe_agent.agent import PeAgent
from isthmus.pe_agent.bgp.speaker import BgpSpeaker
from isthmus.pe_agent.look.answers import Answers
from tests.functional.openflow.real_switch import RealSwitch


class NoLink:
    """A server that is away."""

    def start(self) -> None:
        """Nobody there."""

    def tell(self, report: PeReport) -> None:
        """Nobody listens."""

    def stop(self) -> None:
        """Nothing to end."""


class RunningAgent:
    """Started when made."""

    def __init__(
        self,
        switch: RealSwitch,
        pe: ProviderEdge,
        state_path: Path,
        speaker: BgpSpeaker,
        bgp: BgpConfig | None = None,
    ) -> None:
        self.agent = PeAgent(
            PeAgentOptions(
                host="west-1",
                state_path=state_path,
                look_socket=None,
                pe=pe,
                labels=range(1000, 2000),
                switch=SwitchOptions("br-pe", "br-int", "br-core", switch.database, switch.run_dir),
                bgp=bgp or BgpConfig(64500, pe.address, ()),
            ),
            speaker,
            switch.enter,
        )
        self._thread = threading.Thread(target=self.agent.run, args=(NoLink(),), daemon=True)
        self._thread.start()

    @property
    def answers(self) -> Answers:
        """What may be asked over its socket."""
        return self.agent.answers

    def is_in_force(self) -> bool:
        """Whether the agent says so of everything it knows."""
        return all(vrf.is_in_force for vrf in self.agent.reconciler.report().vrfs)

    def stop(self) -> None:
        """End it as SIGTERM does."""
        self.agent.stop()
        self._thread.join(10)
        assert not self._thread.is_alive()
