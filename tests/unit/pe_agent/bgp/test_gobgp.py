# SPDX-License-Identifier: Apache-2.0
"""The order in which a gobgpd is told, and what happens when it will not listen."""

from __future__ import annotations

import logging
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from ipaddress import IPv4Address
from pathlib import Path

import pytest

from isthmus.config.bgp import BgpConfig
from isthmus.model.errors import SpeakerRefused, SpeakerUnreachable
from isthmus.model.route import VpnRoute
from isthmus.pe_agent.bgp import gobgp, mapping
from isthmus.pe_agent.bgp.gobgp import GoBgpSpeaker
from isthmus.pe_agent.bgp.gobgp_api import gobgp_pb2
from isthmus.pe_agent.bgp.gobgp_client import GoBgpClient
from tests.contract.bgp_speaker_contract import (
    EMPTY,
    OURS,
    PE,
    THEIRS,
    BgpSpeakerContract,
    FakeDaemonBench,
    P,
    SpeakerBench,
    route,
)
from tests.fakes.gobgpd import FakeGobgpd

NEIGHBOR = IPv4Address("192.0.2.101")


@pytest.fixture
def daemon() -> Iterator[FakeGobgpd]:
    """A gobgpd that knows nothing."""
    with tempfile.TemporaryDirectory() as name:
        daemon = FakeGobgpd(Path(name), NEIGHBOR, P)
        daemon.start()
        yield daemon
        daemon.crash()


@pytest.fixture
def config(daemon: FakeGobgpd) -> BgpConfig:
    """The PE's settings."""
    return BgpConfig(64500, PE, (NEIGHBOR,), api=daemon.api, labelled_neighbors=(P,), quiet_s=0.1)


@pytest.fixture
def speaker(config: BgpConfig) -> Iterator[GoBgpSpeaker]:
    """A speaker that runs and has been told nothing."""
    speaker = GoBgpSpeaker(config)
    speaker.start(lambda: None)
    yield speaker
    speaker.stop()


def _advertises(speaker: GoBgpSpeaker, routes: frozenset[VpnRoute]) -> bool:
    try:
        speaker.advertise(routes)
    except SpeakerUnreachable:
        return False
    return True


def _eventually(is_it: Callable[[], object]) -> None:
    deadline = time.monotonic() + 5
    while not is_it():
        assert time.monotonic() < deadline
        time.sleep(0.005)


class TestContract(BgpSpeakerContract):
    """Without root and namespaces; the real daemon is in the functional ring."""

    @pytest.fixture
    def bench(self, daemon: FakeGobgpd, config: BgpConfig) -> SpeakerBench:
        """The fake daemon."""
        return FakeDaemonBench(daemon, lambda: GoBgpSpeaker(config), patience_s=5.0)


def test_routes_go_in_before_neighbors(daemon: FakeGobgpd, speaker: GoBgpSpeaker) -> None:
    """An end-of-RIB after an empty table would withdraw everything (RFC 4724 §4.1)."""
    speaker.advertise(OURS)

    own_routes = max(i for i, n in enumerate(daemon.calls) if n == "AddPathStream")
    assert daemon.calls[0] == "StartBgp"
    assert daemon.calls.index("AddPeer") > own_routes


def test_a_first_start_is_no_restart(daemon: FakeGobgpd, speaker: GoBgpSpeaker) -> None:
    """Nobody has forwarded anything by routes of ours; a daemon's crash later is a restart."""
    speaker.advertise(OURS)
    assert not daemon.peers[str(NEIGHBOR)].graceful_restart.local_restarting

    daemon.crash()
    daemon.start()
    _eventually(lambda: str(NEIGHBOR) in daemon.peers)
    assert daemon.peers[str(NEIGHBOR)].graceful_restart.local_restarting


def test_an_agent_that_finds_its_flows_restarts(daemon: FakeGobgpd, config: BgpConfig) -> None:
    """Daemon and agent both ended; the switch went on (F bit, RFC 4724 §3)."""
    speaker = GoBgpSpeaker(config, is_forwarding_kept=True)
    speaker.start(lambda: None)
    speaker.advertise(OURS)
    speaker.stop()

    assert daemon.peers[str(NEIGHBOR)].graceful_restart.local_restarting


def test_one_changed_route_is_one_path(daemon: FakeGobgpd, speaker: GoBgpSpeaker) -> None:
    """Differences are sent, not tables; nothing when nothing changed."""
    table = frozenset(route(f"10.1.{k >> 8}.{k & 255}/32") for k in range(1200))
    speaker.advertise(table)
    speaker.advertise(table)
    assert daemon.messages[-1] == 1200 + 1  # and the label of this PE
    daemon.messages.clear()
    changed = table - {route("10.1.0.5/32")} | {route("10.1.0.5/32", label=1001)}
    speaker.advertise(changed)
    speaker.advertise(frozenset(replace(one) for one in changed))

    assert daemon.messages == [1]
    assert daemon.heard == changed


def test_an_unchanged_agent_restart_tells_a_running_daemon_nothing(
    daemon: FakeGobgpd, speaker: GoBgpSpeaker, config: BgpConfig
) -> None:
    """But the bookmark, in and out, by which it finds the end of the replay, and its own label."""
    speaker.advertise(OURS)
    speaker.stop()
    daemon.calls.clear()
    daemon.messages.clear()

    successor = GoBgpSpeaker(config)
    successor.start(lambda: None)
    successor.advertise(OURS)
    successor.stop()
    assert daemon.calls == ["AddPathStream", "AddPathStream", "AddPathStream"]
    assert daemon.messages == [1, 1, 1]
    assert daemon.heard == OURS


def test_what_the_daemon_refuses_half_way_is_undone(
    daemon: FakeGobgpd, speaker: GoBgpSpeaker
) -> None:
    """Validation let pass what the daemon will not have: the former routes are all there is."""
    speaker.advertise(OURS)
    daemon.refuse_after = 1
    with pytest.raises(SpeakerRefused, match="invalid path"):
        speaker.advertise(OURS | {route("10.1.1.1/32"), route("10.1.1.2/32")})

    _eventually(lambda: daemon.heard == OURS)
    # The speaker connects anew to learn what went in; who asks meanwhile is told to retry.
    _eventually(lambda: _advertises(speaker, OURS | {route("10.1.1.1/32")}))
    assert daemon.heard == OURS | {route("10.1.1.1/32")}


def test_a_speaker_without_daemon_never_blocks(tmp_path: Path) -> None:
    """The RIB is empty, advertising fails with the reason, stopping takes no time."""
    config = BgpConfig(64500, PE, (NEIGHBOR,), api=f"unix://{tmp_path}/nobody")
    speaker = GoBgpSpeaker(config)
    with pytest.raises(SpeakerUnreachable, match="not been started"):
        speaker.advertise(EMPTY)
    speaker.start(lambda: None)
    began = time.monotonic()
    with pytest.raises(SpeakerUnreachable, match="nobody"):
        speaker.advertise(EMPTY)
    assert not speaker.rib().routes
    assert not speaker.rib().is_complete
    speaker.stop()

    assert time.monotonic() - began < 2


def test_a_speaker_is_stopped_while_it_connects(
    daemon: FakeGobgpd, config: BgpConfig, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As it does again and again to a daemon that is away."""
    is_connecting, may_connect = threading.Event(), threading.Event()

    def connect(api: str) -> GoBgpClient:
        is_connecting.set()
        assert may_connect.wait(5)
        return GoBgpClient(api)

    monkeypatch.setattr(gobgp, "GoBgpClient", connect)
    speaker = GoBgpSpeaker(config)
    speaker.start(lambda: None)
    assert is_connecting.wait(5)
    stopping = threading.Thread(target=speaker.stop, daemon=True)
    stopping.start()
    stopping.join(0.1)
    may_connect.set()
    stopping.join(5)

    assert not stopping.is_alive()


def test_a_daemon_with_other_settings_is_named_to_the_operator(
    daemon: FakeGobgpd, speaker: GoBgpSpeaker, config: BgpConfig
) -> None:
    """And not torn down: its routes are in use."""
    speaker.advertise(OURS)
    speaker.stop()
    other = GoBgpSpeaker(replace(config, as_number=64501))
    other.start(lambda: None)

    with pytest.raises(SpeakerUnreachable, match=r"AS 64500.*restart its process"):
        other.advertise(EMPTY)
    other.stop()
    assert daemon.heard == OURS


def test_changed_neighbors_reach_a_running_daemon(
    daemon: FakeGobgpd, speaker: GoBgpSpeaker, config: BgpConfig
) -> None:
    """Kept, changed, added, removed: only what differs is touched."""
    added = IPv4Address("192.0.2.103")
    speaker.advertise(OURS)
    for changed, calls in (
        (config, []),
        (replace(config, hold_time_s=30), ["UpdatePeer", "UpdatePeer"]),
        (replace(config, hold_time_s=30, neighbors=(NEIGHBOR, added)), ["AddPeer"]),
        (replace(config, neighbors=(), labelled_neighbors=()), ["DeletePeer"] * 3),
    ):
        speaker.stop()
        daemon.calls.clear()
        speaker = GoBgpSpeaker(changed)
        speaker.start(lambda: None)
        speaker.advertise(OURS)
        assert [call for call in daemon.calls if call != "AddPathStream"] == calls
    speaker.stop()


def test_junk_is_skipped_with_one_line_per_route(
    daemon: FakeGobgpd, speaker: GoBgpSpeaker, caplog: pytest.LogCaptureFixture
) -> None:
    """A route that was usable and is junk now can't be used any more."""
    speaker.advertise(EMPTY)
    daemon.neighbor_sends_paths(mapping.encode_route(THEIRS))
    _eventually(lambda: speaker.rib().routes == {THEIRS})
    junk = mapping.encode_route(THEIRS)
    junk.nlri.labeled_vpn_ip_prefix.labels[:] = [0]

    with caplog.at_level(logging.WARNING):
        daemon.neighbor_sends_paths(junk)
        daemon.neighbor_sends_paths(junk)
        _eventually(lambda: not speaker.rib().routes)
        daemon.neighbor_sends_paths(mapping.encode_route(THEIRS))
        _eventually(lambda: speaker.rib().routes == {THEIRS})
    assert len([line for line in caplog.messages if line.startswith("route.skipped")]) == 1


def test_a_flood_of_changes_is_told_in_few_words(daemon: FakeGobgpd, config: BgpConfig) -> None:
    """A single one at once."""
    told = threading.Semaphore(0)
    speaker = GoBgpSpeaker(config)
    speaker.start(told.release)
    speaker.advertise(EMPTY)
    _eventually(lambda: speaker.rib().is_complete)
    flood = [route(f"10.2.{k >> 8}.{k & 255}/32", pe=IPv4Address("192.0.2.12")) for k in range(999)]
    for one in flood:
        daemon.neighbor_sends_paths(mapping.encode_route(one))
    _eventually(lambda: len(speaker.rib().routes) == len(flood))
    speaker.stop()

    count = 0
    while told.acquire(blocking=False):
        count += 1
    assert count < len(flood) / 2


def test_a_listener_that_fails_is_called_again(daemon: FakeGobgpd, config: BgpConfig) -> None:
    """Its failure is its own."""
    calls: list[int] = []

    def listen() -> None:
        calls.append(1)
        raise RuntimeError("not mine")

    speaker = GoBgpSpeaker(config)
    speaker.start(listen)
    speaker.advertise(EMPTY)
    _eventually(lambda: speaker.rib().is_complete)
    before = len(calls)
    daemon.neighbor_sends_paths(mapping.encode_route(THEIRS))
    _eventually(lambda: len(calls) > before)
    speaker.stop()


def test_events_that_can_not_be_read_do_not_end_the_speaker(
    daemon: FakeGobgpd, speaker: GoBgpSpeaker, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A neighbor named by something that is no address: log, connect anew, go on."""
    speaker.advertise(OURS)
    event = gobgp_pb2.WatchEventResponse.PeerEvent(
        type=gobgp_pb2.WatchEventResponse.PeerEvent.TYPE_STATE
    )
    event.peer.state.neighbor_address = "not an address"
    for watcher in daemon._watchers:
        watcher.put(gobgp_pb2.WatchEventResponse(peer=event))

    daemon.neighbor_sends_paths(mapping.encode_route(THEIRS))
    _eventually(lambda: speaker.rib().routes == {THEIRS})
