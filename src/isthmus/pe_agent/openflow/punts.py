# SPDX-License-Identifier: Apache-2.0
"""Packets the switch can't answer itself: taken from, and put back through, its management socket.

os-ken serves as codec only. This is not a controller: ``set-controller`` would flush all flows.
"""

from __future__ import annotations

import contextlib
import logging
import socket
import struct
import threading
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO

from os_ken.ofproto import ofproto_parser
from os_ken.ofproto import ofproto_v1_3 as ofp
from os_ken.ofproto import ofproto_v1_3_parser as parser
from os_ken.ofproto.ofproto_protocol import ProtocolDesc

LOG = logging.getLogger(__name__)

_HEADER = struct.Struct("!BBHI")
# What an ICMP answer quotes, and the Ethernet header.
_MISS_SEND_OCTETS = 600
_FIRST_RETRY_S = 0.02
_LONGEST_RETRY_S = 0.5
_LONGEST_WAIT_S = 1.0


@dataclass(frozen=True, slots=True)
class Punt:
    """A packet the switch handed over.

    Attributes:
        is_ttl_expired: its TTL expired; otherwise a flow's action handed it over.
        metadata: the pipeline's metadata at that point; names the VRF.
        frame: the first octets of the frame, from the Ethernet header on.
        table: of the flow that handed it over.
        in_port: OpenFlow port it came in on.
    """

    is_ttl_expired: bool
    metadata: int
    frame: bytes
    table: int = 0
    in_port: int = 0


@dataclass(frozen=True, slots=True)
class Injection:
    """A frame for the switch to send.

    Attributes:
        frame: whole.
        port: OpenFlow port to send it out of; None has the pipeline find its way.
    """

    frame: bytes
    port: int | None = None


class PuntReceiver:
    """Hands punted packets to a callback and injects its answers as if from the LOCAL port.

    The connection is the switch's pulse as well: when it is lost, ovs-vswitchd restarted or the
    bridge was made anew, and its flows are gone.
    """

    def __init__(
        self, management_socket: Path, answer: Callable[[Punt], Iterable[Injection]]
    ) -> None:
        self._path = management_socket
        self._answer = answer
        self._on_connect: Callable[[], None] = lambda: None
        self._epoch = 0
        self._stopping = threading.Event()
        self._connection: socket.socket | None = None
        self._open: socket.socket | None = None
        self._sending = threading.Lock()
        self._is_done = threading.Event()
        self._thread = threading.Thread(target=self._run, name="punts", daemon=True)

    def start(self, on_connect: Callable[[], None]) -> None:
        """Connect and keep connected; ``on_connect`` is called after each new connection."""
        self._on_connect = on_connect
        self._thread.start()

    def inject(self, injections: Iterable[Injection]) -> None:
        """Send frames nobody asked for; without a connection they are lost. From any thread."""
        connection = self._open
        if connection is None:
            return
        with contextlib.suppress(OSError), self._sending:
            for injection in injections:
                _send(connection, _packet_out(injection))

    def inject_at_once(self, injections: Iterable[Injection]) -> None:
        """Send frames and wait until the switch has sent them; ports may go after that."""
        connection = self._open
        self._is_done.clear()
        self.inject(injections)
        if connection is None:
            return
        with contextlib.suppress(OSError), self._sending:
            _send(connection, parser.OFPBarrierRequest(_PROTOCOL))
        if not self._is_done.wait(_LONGEST_WAIT_S):
            LOG.warning("switch.did_not_say_that_frames_were_sent wait_s=%s", _LONGEST_WAIT_S)

    def epoch(self) -> str:
        """Return a text that differs after each restart of the switch."""
        return str(self._epoch)

    def stop(self) -> None:
        """Disconnect."""
        self._stopping.set()
        connection = self._connection
        if connection is not None:
            with contextlib.suppress(OSError):
                connection.shutdown(socket.SHUT_RDWR)
        if self._thread.is_alive():
            self._thread.join(_LONGEST_RETRY_S)

    def _run(self) -> None:
        wait_s = _FIRST_RETRY_S
        while not self._stopping.is_set():
            try:
                with socket.socket(socket.AF_UNIX) as connection:
                    connection.connect(str(self._path))
                    self._connection = connection
                    wait_s = _FIRST_RETRY_S
                    with connection.makefile("rb") as stream:
                        self._serve(connection, stream)
            except OSError as error:
                self._open = None
                LOG.debug("switch.management_socket_away path=%s error=%r", self._path, error)
            self._stopping.wait(wait_s)
            wait_s = min(wait_s * 2, _LONGEST_RETRY_S)

    def _serve(self, connection: socket.socket, stream: BinaryIO) -> None:
        connection.sendall(_HEADER.pack(ofp.OFP_VERSION, ofp.OFPT_HELLO, _HEADER.size, 1))
        _send(connection, parser.OFPSetConfig(_PROTOCOL, 0, _MISS_SEND_OCTETS))
        reasons = (1 << ofp.OFPR_ACTION) | (1 << ofp.OFPR_INVALID_TTL)
        _send(connection, parser.OFPSetAsync(_PROTOCOL, [reasons, reasons], [0, 0], [0, 0]))
        self._epoch += 1
        self._open = connection
        LOG.info("switch.connected path=%s epoch=%s", self._path, self._epoch)
        self._on_connect()
        while (header := stream.read(_HEADER.size)) and len(header) == _HEADER.size:
            version, kind, length, xid = _HEADER.unpack(header)
            body = stream.read(length - _HEADER.size)
            if kind == ofp.OFPT_ECHO_REQUEST:
                reply = _HEADER.pack(version, ofp.OFPT_ECHO_REPLY, length, xid)
                with self._sending:
                    connection.sendall(reply + body)
            elif kind == ofp.OFPT_PACKET_IN:
                self._receive(connection, header + body)
            elif kind == ofp.OFPT_BARRIER_REPLY:
                self._is_done.set()
            elif kind == ofp.OFPT_ERROR:
                LOG.warning("switch.refused_message octets=%s", body[:40].hex())
        self._open = None
        LOG.warning("switch.connection_lost path=%s", self._path)

    def _receive(self, connection: socket.socket, octets: bytes) -> None:
        punt = decode_packet_in(octets)
        if punt is None:
            return
        try:
            injections = self._answer(punt)
        except Exception:
            LOG.exception("switch.punt_not_answered metadata=%s", punt.metadata)
            return
        with self._sending:
            for injection in injections:
                _send(connection, _packet_out(injection))


def decode_packet_in(octets: bytes) -> Punt | None:
    """Decode an OpenFlow 1.3 packet-in (OpenFlow 1.3.5 §7.4.1); None if it can't be read."""
    try:
        version, kind, length, xid = _HEADER.unpack_from(octets)
        message = ofproto_parser.msg(_PROTOCOL, version, kind, length, xid, octets)
        return Punt(
            is_ttl_expired=message.reason == ofp.OFPR_INVALID_TTL,
            metadata=message.match.get("metadata", 0),
            frame=bytes(message.data),
            table=message.table_id,
            in_port=message.match.get("in_port", 0),
        )
    except Exception:
        LOG.exception("switch.unreadable_packet_in octets=%s", octets[:64].hex())
        return None


class _Protocol(ProtocolDesc):  # type: ignore[misc]  # os-ken ships no types
    """What os-ken's codec wants to know of a connection."""

    id = 0


_PROTOCOL = _Protocol(version=ofp.OFP_VERSION)


def _packet_out(injection: Injection) -> Any:
    port = ofp.OFPP_TABLE if injection.port is None else injection.port
    output = [parser.OFPActionOutput(port)]
    return parser.OFPPacketOut(
        _PROTOCOL, ofp.OFP_NO_BUFFER, ofp.OFPP_LOCAL, output, injection.frame
    )


def _send(connection: socket.socket, message: Any) -> None:
    message.set_xid(1)
    message.serialize()
    connection.sendall(bytes(message.buf))
