# SPDX-License-Identifier: Apache-2.0
"""Meters into Open vSwitch: how many packets of one VRF may come to the agent in a second.

``ovs-ofctl`` adds one meter a process and a bundle takes none, so they are sent on the bridge's
management socket: any number in one exchange (OpenFlow 1.3.5 §7.3.4.5, §7.3.5.12).
"""

from __future__ import annotations

import contextlib
import socket
import struct
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import BinaryIO

from isthmus.model.errors import EdgeError, SwitchRefused, SwitchUnreachable
from isthmus.model.flow import Flow, ToAgent

PACKETS_PER_S = 500
"""Of one VRF to the agent: more than it answers, for the fragments of hosts that know no better."""

_TIMEOUT_S = 20
_OPENFLOW_13 = 4
_HELLO, _ERROR, _ECHO_REQUEST, _ECHO_REPLY = 0, 1, 2, 3
_MULTIPART_REQUEST, _MULTIPART_REPLY, _BARRIER_REQUEST, _BARRIER_REPLY = 18, 19, 20, 21
_METER_MOD = 29
_ADD, _MODIFY, _DELETE = 0, 1, 2
_IN_PACKETS_WITH_BURST = 1 << 1 | 1 << 2
_DROP_BAND = 1
_METER_CONFIGURATION = 10
_ALL_METERS = 0xFFFFFFFF
_MORE_REPLIES = 1
_METER_EXISTS = struct.pack("!HH", 12, 1)
_HEADER = struct.Struct("!BBHI")
_METER = struct.Struct("!HHI")
_BAND = struct.Struct("!HHII4x")
_CONFIGURED = {(_IN_PACKETS_WITH_BURST, _BAND.pack(_DROP_BAND, 16, PACKETS_PER_S, PACKETS_PER_S))}


def meters_of(flows: Iterable[Flow]) -> frozenset[int]:
    """Return the meters that flows name."""
    return frozenset(
        action.meter
        for flow in flows
        for action in flow.actions
        if isinstance(action, ToAgent) and action.meter is not None
    )


class OvsMeters:
    """The meters of one bridge, all alike."""

    def __init__(self, management_socket: Path) -> None:
        self._path = management_socket
        self._installed: frozenset[int] | None = None

    def forget(self) -> None:
        """Assume nothing about what is installed."""
        self._installed = None

    def add(self, wanted: frozenset[int]) -> None:
        """Have the meters ``wanted`` there, before flows name them.

        Raises:
            SwitchUnreachable: retry.
            SwitchRefused: it has no meters, or not as many.
        """
        if wanted and (self._installed is None or wanted - self._installed):
            self._change(wanted, keep_others=True)

    def remove_others(self, wanted: frozenset[int]) -> None:
        """Keep only the meters ``wanted``, now that no flow names others.

        One that stays because this fails does no harm; the next call tries again.
        """
        if self._installed != wanted:
            with contextlib.suppress(EdgeError):
                self._change(wanted, keep_others=False)

    def _change(self, wanted: frozenset[int], *, keep_others: bool) -> None:
        self._installed = None
        try:
            with socket.socket(socket.AF_UNIX) as connection:
                connection.settimeout(_TIMEOUT_S)
                connection.connect(str(self._path))
                with connection.makefile("rb") as stream:
                    self._installed = _converse(connection, stream, wanted, keep_others=keep_others)
        except OSError as error:
            raise SwitchUnreachable(f"Open vSwitch did not take the meters: {error}.") from error


def _converse(
    connection: socket.socket, stream: BinaryIO, wanted: frozenset[int], *, keep_others: bool
) -> frozenset[int]:
    """Read which meters there are, change what differs, and return which there are then."""
    request = struct.pack("!HH4xI4x", _METER_CONFIGURATION, 0, _ALL_METERS)
    connection.sendall(_message(_HELLO) + _message(_MULTIPART_REQUEST, request))
    is_right = dict(_read_meters(connection, stream))
    changes = [
        _meter_mod(_MODIFY if number in is_right else _ADD, number)
        for number in sorted(wanted)
        if not is_right.get(number, False)
    ]
    others = frozenset(is_right) - wanted
    if not keep_others:
        changes += [_meter_mod(_DELETE, number) for number in sorted(others)]
    connection.sendall(b"".join(changes) + _message(_BARRIER_REQUEST))
    for kind, _ in _messages(connection, stream):
        if kind == _BARRIER_REPLY:
            break
    return wanted | others if keep_others else wanted


def _read_meters(connection: socket.socket, stream: BinaryIO) -> Iterator[tuple[int, bool]]:
    """Read each meter there is, and whether it is as it should be."""
    for kind, body in _messages(connection, stream):
        if kind != _MULTIPART_REPLY:
            continue
        at = 8
        while at + _METER.size <= len(body):
            octets, flags, number = _METER.unpack_from(body, at)
            yield number, (flags, body[at + _METER.size : at + octets]) in _CONFIGURED
            at += max(octets, _METER.size)
        if not int.from_bytes(body[2:4], "big") & _MORE_REPLIES:
            return


def _messages(connection: socket.socket, stream: BinaryIO) -> Iterator[tuple[int, bytes]]:
    """Read messages: type and body; an error is raised, an echo is answered."""
    while len(header := stream.read(_HEADER.size)) == _HEADER.size:
        _, kind, octets, _ = _HEADER.unpack(header)
        body = stream.read(octets - _HEADER.size)
        if kind == _ERROR and body[:4] == _METER_EXISTS:
            # A switch that was slow did what it had been asked before, after it was read.
            raise SwitchUnreachable("Open vSwitch has changed its meters meanwhile.")
        if kind == _ERROR:
            raise SwitchRefused(
                "Open vSwitch refused a meter: error type "
                f"{int.from_bytes(body[:2], 'big')}, code {int.from_bytes(body[2:4], 'big')} "
                "(its datapath needs meters: Linux 4.18 or newer, or userspace)."
            )
        if kind == _ECHO_REQUEST:
            connection.sendall(_message(_ECHO_REPLY, body))
        else:
            yield kind, body
    raise ConnectionResetError("it closed the connection")


def _meter_mod(command: int, number: int) -> bytes:
    band = _BAND.pack(_DROP_BAND, _BAND.size, PACKETS_PER_S, PACKETS_PER_S)
    body = _METER.pack(command, _IN_PACKETS_WITH_BURST, number)
    return _message(_METER_MOD, body + (b"" if command == _DELETE else band))


def _message(kind: int, body: bytes = b"") -> bytes:
    return _HEADER.pack(_OPENFLOW_13, kind, _HEADER.size + len(body), 1) + body
