# SPDX-License-Identifier: Apache-2.0
"""A daemon that outlived its agent gets the new agent's settings; neighbors are not trusted."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from ipaddress import IPv4Address

import pytest

from isthmus.config.bgp import BgpConfig
from isthmus.model.errors import SpeakerUnreachable
from isthmus.model.route import VpnRoute
from isthmus.pe_agent.bgp import mapping
from isthmus.pe_agent.bgp.gobgp import GoBgpSpeaker
from tests.contract.bgp_speaker_contract import OURS, PE, THEIRS, route
from tests.functional.bgp.network import (
    AS_NUMBER,
    CoreNetwork,
    GoBgpd,
    eventually,
    gobgp_reflector_configuration,
)

pytestmark = pytest.mark.functional
REFLECTOR = IPv4Address("192.0.2.102")
PASSWORD = "of both sides"
Speak = Callable[[BgpConfig, frozenset[VpnRoute]], GoBgpSpeaker]


@pytest.fixture(scope="module")
def core(network: CoreNetwork) -> CoreNetwork:
    """The places of a PE and a reflector."""
    network.add_node("pe", PE)
    network.add_node("rr", REFLECTOR)
    return network


@pytest.fixture
def daemon(core: CoreNetwork) -> Iterator[GoBgpd]:
    """The PE's gobgpd."""
    daemon = GoBgpd(core, "pe")
    yield daemon
    daemon.kill()


@pytest.fixture
def reflector(core: CoreNetwork, request: pytest.FixtureRequest) -> Iterator[GoBgpd]:
    """A gobgpd that reflects; its parameter is the sessions' password."""
    password = getattr(request, "param", "")
    reflector = GoBgpd(core, "rr", gobgp_reflector_configuration(REFLECTOR, [PE], password))
    yield reflector
    reflector.kill()


@pytest.fixture
def config(daemon: GoBgpd) -> BgpConfig:
    """The PE's settings."""
    return BgpConfig(AS_NUMBER, PE, (REFLECTOR,), api=daemon.api)


@pytest.fixture
def speak() -> Iterator[Speak]:
    """Start a speaker that advertises, in the place of the one before."""
    speakers: list[GoBgpSpeaker] = []

    def start(config: BgpConfig, routes: frozenset[VpnRoute]) -> GoBgpSpeaker:
        for former in speakers:
            former.stop()
        speaker = GoBgpSpeaker(config)
        speakers.append(speaker)
        speaker.start(lambda: None)
        speaker.advertise(routes)
        return speaker

    yield start
    for speaker in speakers:
        speaker.stop()


def _is_up(speaker: GoBgpSpeaker) -> bool:
    return speaker.rib().neighbors[0].is_established


@pytest.mark.parametrize("reflector", [PASSWORD], indirect=True)
def test_only_the_right_password_opens_a_session(
    reflector: GoBgpd, config: BgpConfig, speak: Speak
) -> None:
    """TCP MD5 (RFC 2385). A password set later reaches the daemon that runs."""
    speaker = speak(config, OURS)
    time.sleep(4)  # longer than a session takes to open
    assert not _is_up(speaker)

    speaker = speak(replace(config, password=PASSWORD), OURS)
    eventually(lambda: _is_up(speaker))
    eventually(lambda: reflector.learnt_from(PE) == OURS)


def test_a_daemon_that_runs_as_somebody_else_is_left_alone_until_it_is_restarted(
    daemon: GoBgpd, reflector: GoBgpd, config: BgpConfig, speak: Speak
) -> None:
    """The operator corrected the AS number, and is told what else to do."""
    speak(replace(config, as_number=AS_NUMBER + 1), OURS)
    with pytest.raises(SpeakerUnreachable, match=r"AS 64501.* restart its process"):
        speak(config, OURS)

    daemon.restart()
    eventually(lambda: reflector.learnt_from(PE) == OURS)


def test_a_neighbor_that_is_no_longer_configured_is_removed(
    reflector: GoBgpd, config: BgpConfig, speak: Speak
) -> None:
    """It hears nothing more, and nothing is heard from it."""
    speaker = speak(config, OURS)
    reflector.advertise(THEIRS)
    eventually(lambda: reflector.learnt_from(PE) == OURS and speaker.rib().routes)

    speaker = speak(replace(config, neighbors=()), OURS)
    eventually(lambda: reflector.learnt_from(PE) == frozenset())
    eventually(lambda: speaker.rib().routes == frozenset())
    assert speaker.rib().neighbors == ()


def test_sessions_from_one_hop_away_pass_ttl_security(
    reflector: GoBgpd, config: BgpConfig, speak: Speak
) -> None:
    """RFC 5082; the reflector's own packets leave with TTL 255."""
    speaker = speak(replace(config, ttl_security_hops=1), OURS)

    eventually(lambda: _is_up(speaker))


def test_what_can_not_be_used_is_skipped_with_one_line(
    reflector: GoBgpd, config: BgpConfig, speak: Speak, caplog: pytest.LogCaptureFixture
) -> None:
    """A usable route that turns into junk is gone; junk that turns usable is there."""
    speaker = speak(config, OURS)
    good, other = route("10.2.0.7/32", pe=REFLECTOR), THEIRS
    reflector.advertise(good, other)
    eventually(lambda: speaker.rib().routes == {good, other})
    junk = mapping.encode_route(good)
    for nlri in (junk.nlri, junk.pattrs[2].mp_reach.nlris[0]):
        nlri.labeled_vpn_ip_prefix.labels[:] = [3]

    with caplog.at_level(logging.WARNING):
        reflector.ask(lambda client: client.send([junk]))
        eventually(lambda: speaker.rib().routes == {other})
        del junk.pattrs[3]
        reflector.ask(lambda client: client.send([junk]))
        reflector.advertise(good)
        eventually(lambda: speaker.rib().routes == {good, other})
    skipped = [line for line in caplog.messages if line.startswith("route.skipped")]
    assert len(skipped) == 1
    assert "3 is not an MPLS label" in skipped[0]


def test_what_a_former_agent_left_behind_is_withdrawn_when_it_comes_to_light(
    daemon: GoBgpd, reflector: GoBgpd, config: BgpConfig, speak: Speak
) -> None:
    """A better path of a neighbor with the same RD hid it from the new agent."""
    hidden = route("10.1.0.9/32")
    better = replace(hidden, next_hop=REFLECTOR, local_pref=200)
    speaker = speak(config, frozenset([hidden]))
    reflector.advertise(better)
    eventually(lambda: speaker.rib().routes == {better})

    speaker = speak(config, OURS)
    reflector.withdraw(better)
    eventually(lambda: speaker.rib().routes == frozenset())
    eventually(lambda: reflector.learnt_from(PE) == OURS)
