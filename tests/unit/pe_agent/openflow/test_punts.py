# SPDX-License-Identifier: Apache-2.0
"""Punted packets: what is read and sent, and a switch that comes and goes."""

from __future__ import annotations

import socket
import struct
import threading
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from os_ken.ofproto import ofproto_v1_3 as ofp
from os_ken.ofproto import ofproto_v1_3_parser as parser

from isthmus.pe_agent.openflow.punts import (
    Injection,
    Punt,
    PuntReceiver,
    decode_packet_in,
)

FRAME = bytes(range(60))


def packet_in(reason: int, metadata: int, frame: bytes = FRAME) -> bytes:
    """Encode a packet-in as Open vSwitch sends it (OpenFlow 1.3.5 §7.4.1)."""
    match = parser.OFPMatch(in_port=1, metadata=metadata)
    body = bytearray()
    match.serialize(body, 0)
    head = struct.pack("!IHBBQ", ofp.OFP_NO_BUFFER, len(frame), reason, 21, 0)
    payload = head + bytes(body) + b"\0\0" + frame
    return struct.pack("!BBHI", 4, ofp.OFPT_PACKET_IN, 8 + len(payload), 0) + payload


def test_a_packet_in_names_reason_vrf_and_frame() -> None:
    """By the pipeline's metadata."""
    assert decode_packet_in(packet_in(ofp.OFPR_ACTION, 7)) == Punt(
        is_ttl_expired=False, metadata=7, frame=FRAME, table=21, in_port=1
    )
    assert decode_packet_in(packet_in(ofp.OFPR_INVALID_TTL, 9)) == Punt(
        is_ttl_expired=True, metadata=9, frame=FRAME, table=21, in_port=1
    )


@given(st.binary(max_size=120))
def test_no_octets_are_fatal(octets: bytes) -> None:
    """What can't be read is none of ours."""
    decode_packet_in(struct.pack("!BBHI", 4, ofp.OFPT_PACKET_IN, 8 + len(octets), 0) + octets)


class FakeManagementSocket:
    """A switch's end of the management socket."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._connection: socket.socket | None = None

    def come_up(self) -> None:
        """Take a connection and what is said first: hello, configuration, which packets."""
        self.path.unlink(missing_ok=True)
        with socket.socket(socket.AF_UNIX) as listener:
            listener.settimeout(5)
            listener.bind(str(self.path))
            listener.listen()
            self._connection, _ = listener.accept()
        self._connection.settimeout(5)
        kinds = [self.receive()[0] for _ in range(3)]
        assert kinds == [ofp.OFPT_HELLO, ofp.OFPT_SET_CONFIG, ofp.OFPT_SET_ASYNC]

    def send(self, octets: bytes) -> None:
        """Send to the agent."""
        assert self._connection is not None
        self._connection.sendall(octets)

    def receive(self) -> tuple[int, bytes]:
        """Receive one message: its type and its body."""
        assert self._connection is not None
        head = self._connection.recv(8, socket.MSG_WAITALL)
        _, kind, length, _ = struct.unpack("!BBHI", head)
        return kind, self._connection.recv(length - 8, socket.MSG_WAITALL) if length > 8 else b""

    def go_down(self) -> None:
        """Close the connection, as a switch that is killed."""
        if self._connection is not None:
            self._connection.close()


@pytest.fixture
def switch(tmp_path: Path) -> Iterator[FakeManagementSocket]:
    """A switch that is down."""
    switch = FakeManagementSocket(tmp_path / "mgmt")
    yield switch
    switch.go_down()


Start = Callable[..., PuntReceiver]


def output_of(packet_out: bytes) -> int:
    """Read where a packet-out's only action sends it (OpenFlow 1.3.5 §7.3.7, §7.2.5)."""
    (port,) = struct.unpack_from("!I", packet_out, 16 + 4)
    return int(port)


@pytest.fixture
def start(switch: FakeManagementSocket) -> Iterator[Start]:
    """Start a receiver, and have it stopped in the end."""
    started: list[PuntReceiver] = []

    def start(
        answer: Callable[[Punt], Iterable[Injection]], on_connect: Callable[[], None] = lambda: None
    ) -> PuntReceiver:
        started.append(PuntReceiver(switch.path, answer))
        started[-1].start(on_connect)
        return started[-1]

    yield start
    for receiver in started:
        receiver.stop()


ECHO_REQUEST = struct.pack("!BBHI", 4, ofp.OFPT_ECHO_REQUEST, 12, 5) + b"ping"


def test_an_answer_is_injected_as_if_from_the_local_port(
    switch: FakeManagementSocket, start: Start
) -> None:
    """From CONTROLLER it would die behind a patch port."""
    start(lambda punt: [Injection(b"answer to " + bytes([punt.metadata]))])
    switch.come_up()
    switch.send(packet_in(ofp.OFPR_ACTION, 7))
    kind, body = switch.receive()
    assert kind == ofp.OFPT_PACKET_OUT
    assert struct.unpack_from("!II", body) == (ofp.OFP_NO_BUFFER, ofp.OFPP_LOCAL)
    assert output_of(body) == ofp.OFPP_TABLE
    assert body.endswith(b"answer to \x07")


def test_an_answer_for_one_link_leaves_by_its_port(
    switch: FakeManagementSocket, start: Start
) -> None:
    """Tables would ask where it is for."""
    start(lambda punt: [Injection(b"router here", punt.in_port)])
    switch.come_up()
    switch.send(packet_in(ofp.OFPR_ACTION, 7))
    kind, body = switch.receive()
    assert (kind, output_of(body)) == (ofp.OFPT_PACKET_OUT, 1)


def test_what_nobody_asked_for_is_sent_while_there_is_a_switch(
    switch: FakeManagementSocket, start: Start
) -> None:
    """Without one it is lost, and nobody waits."""
    connects = threading.Semaphore(0)
    receiver = start(lambda _: (), connects.release)
    receiver.inject([Injection(b"too early", 3)])
    switch.come_up()
    assert connects.acquire(timeout=5)
    receiver.inject([Injection(b"router here", 3)])
    kind, body = switch.receive()
    assert (kind, output_of(body), body[-11:]) == (ofp.OFPT_PACKET_OUT, 3, b"router here")


def test_one_packet_may_become_several(switch: FakeManagementSocket, start: Start) -> None:
    """Its fragments, in their order."""
    start(lambda _: [Injection(b"one"), Injection(b"two")])
    switch.come_up()
    switch.send(packet_in(ofp.OFPR_ACTION, 7))
    assert [switch.receive()[1][-3:] for _ in range(2)] == [b"one", b"two"]


def test_a_port_may_go_once_the_switch_has_sent_what_is_for_it(
    switch: FakeManagementSocket, start: Start
) -> None:
    """A barrier says so; a switch that is away or silent keeps nobody waiting for long."""
    connects = threading.Semaphore(0)
    receiver = start(lambda _: (), connects.release)
    receiver.inject_at_once([Injection(b"nobody there", 3)])
    switch.come_up()
    assert connects.acquire(timeout=5)
    waiting = threading.Thread(target=receiver.inject_at_once, args=([Injection(b"bye", 3)],))
    waiting.start()
    assert [switch.receive()[0] for _ in range(2)] == [
        ofp.OFPT_PACKET_OUT,
        ofp.OFPT_BARRIER_REQUEST,
    ]
    assert waiting.is_alive()
    switch.send(struct.pack("!BBHI", 4, ofp.OFPT_BARRIER_REPLY, 8, 1))
    waiting.join(0.9)
    assert not waiting.is_alive()
    receiver.inject_at_once([Injection(b"bye", 3)])


def test_a_ping_of_the_switch_is_answered(switch: FakeManagementSocket, start: Start) -> None:
    """It would otherwise close the connection."""
    start(lambda _: ())
    switch.come_up()
    switch.send(ECHO_REQUEST)
    assert switch.receive() == (ofp.OFPT_ECHO_REPLY, b"ping")


def test_nothing_is_answered_by_silence(switch: FakeManagementSocket, start: Start) -> None:
    """No injection means none."""
    seen = threading.Semaphore(0)

    def say_nothing(_: Punt) -> list[Injection]:
        seen.release()
        return []

    start(say_nothing)
    switch.come_up()
    switch.send(packet_in(ofp.OFPR_ACTION, 7) + ECHO_REQUEST)
    assert switch.receive()[0] == ofp.OFPT_ECHO_REPLY
    assert seen.acquire(timeout=5)


def test_an_answerer_that_fails_costs_one_packet(
    switch: FakeManagementSocket, start: Start
) -> None:
    """The connection, and with it the switch's pulse, goes on."""
    answers: Iterator[bytes | Exception] = iter([RuntimeError("A mistake."), b"well"])

    def answer(punt: Punt) -> list[Injection]:
        given = next(answers)
        if isinstance(given, Exception):
            raise given
        return [Injection(given)]

    receiver = start(answer)
    switch.come_up()
    switch.send(packet_in(ofp.OFPR_ACTION, 7) * 2)
    kind, body = switch.receive()
    assert (kind, body[-4:]) == (ofp.OFPT_PACKET_OUT, b"well")
    assert receiver.epoch() == "1"


def test_a_new_connection_is_a_new_epoch(switch: FakeManagementSocket, start: Start) -> None:
    """A restarted switch has lost its flows."""
    connects = threading.Semaphore(0)
    receiver = start(lambda _: (), connects.release)
    for epoch in ("1", "2"):
        switch.come_up()
        assert connects.acquire(timeout=5)
        assert receiver.epoch() == epoch
        switch.go_down()
