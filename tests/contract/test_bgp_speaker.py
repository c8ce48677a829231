# SPDX-License-Identifier: Apache-2.0
"""The contract of BgpSpeaker, on the fake; tests/functional/bgp has it on gobgpd."""

from __future__ import annotations

import pytest

from isthmus.model.route import VpnRoute
from isthmus.pe_agent.bgp.speaker import BgpSpeaker
from tests.contract.bgp_speaker_contract import BgpSpeakerContract, SpeakerBench
from tests.fakes.speaker import FakeBgpDaemon, FakeSpeaker


class FakeBench:
    """A fake daemon and its neighbor."""

    patience_s = 0.5

    def __init__(self) -> None:
        self._daemon = FakeBgpDaemon()

    def new_speaker(self) -> BgpSpeaker:
        """Make a speaker, not started, over the daemon there is."""
        return FakeSpeaker(self._daemon)

    def heard_by_neighbor(self) -> frozenset[VpnRoute]:
        """What the neighbor has of this PE now."""
        return self._daemon.heard

    def neighbor_sends(self, *routes: VpnRoute) -> None:
        """Let the neighbor advertise."""
        self._daemon.neighbor_sends(*routes)

    def neighbor_withdraws(self, *routes: VpnRoute) -> None:
        """Let the neighbor withdraw."""
        self._daemon.neighbor_withdraws(*routes)

    def crash_daemon(self) -> None:
        """End the daemon without a word to its neighbor."""
        self._daemon.crash()

    def start_daemon(self) -> None:
        """Start the daemon; it knows nothing."""
        self._daemon.start()


class TestFakeSpeaker(BgpSpeakerContract):
    """The fake that other tests trust."""

    @pytest.fixture
    def bench(self) -> SpeakerBench:
        """A fake daemon and its neighbor."""
        return FakeBench()
