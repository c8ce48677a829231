# SPDX-License-Identifier: Apache-2.0
"""The contract of BgpSpeaker, on the fake; tests/functional/bgp has it on gobgpd."""

from __future__ import annotations

import pytest

from tests.contract.bgp_speaker_contract import (
    BgpSpeakerContract,
    FakeDaemonBench,
    SpeakerBench,
)
from tests.fakes.speaker import FakeBgpDaemon, FakeSpeaker


class TestFakeSpeaker(BgpSpeakerContract):
    """The fake that other tests trust."""

    @pytest.fixture
    def bench(self) -> SpeakerBench:
        """A fake daemon and its neighbors."""
        daemon = FakeBgpDaemon()
        return FakeDaemonBench(daemon, lambda: FakeSpeaker(daemon), patience_s=0.5)
