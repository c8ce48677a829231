# SPDX-License-Identifier: Apache-2.0
"""Send an ICMP echo request every few milliseconds and tell when answers begin and end.

A program of its own, run inside an endpoint's namespace; standard library only. One line of
standard output per change, with the wall clock in milliseconds since 1970 of the first answer, or
of the last one before the silence:

    up 1763849221123.418
    down 1763849230004.902
"""

from __future__ import annotations

import os
import socket
import struct
import sys
import time

_ECHO_REQUEST, _ECHO_REPLY = 8, 0
_HEADER = struct.Struct("!BBHHH")


def checksum(octets: bytes) -> int:
    """The Internet checksum (RFC 1071) of an even number of octets.

    >>> hex(checksum(bytes.fromhex("0001f203f4f5f6f7")))
    '0x220d'
    """
    total: int = sum(struct.unpack(f"!{len(octets) // 2}H", octets))
    total = (total >> 16) + (total & 0xFFFF)
    return ~(total + (total >> 16)) & 0xFFFF


def echo_request(identifier: int, sequence: int) -> bytes:
    """An ICMP echo request without data (RFC 792)."""
    blank = _HEADER.pack(_ECHO_REQUEST, 0, 0, identifier, sequence)
    return _HEADER.pack(_ECHO_REQUEST, 0, checksum(blank), identifier, sequence)


def is_reply(packet: bytes, identifier: int) -> bool:
    """Whether an IPv4 packet is an echo reply to one of ours."""
    begin = (packet[0] & 0x0F) * 4
    if len(packet) < begin + _HEADER.size:
        return False
    kind, _, _, found, _ = _HEADER.unpack_from(packet, begin)
    return bool(kind == _ECHO_REPLY and found == identifier)


def probe(address: str, interval_s: float, silence_s: float) -> None:
    """Probe for ever; ``silence_s`` without an answer is "down"."""
    raw = socket.socket(socket.AF_INET, socket.SOCK_RAW, socket.IPPROTO_ICMP)
    identifier, sequence = os.getpid() & 0xFFFF, 0
    last_answer, is_up = 0.0, False
    next_request = time.time()
    while True:
        now = time.time()
        if now >= next_request:
            sequence = (sequence + 1) & 0xFFFF
            _send(raw, echo_request(identifier, sequence), address)
            next_request = max(next_request + interval_s, now)
        if is_up and now - last_answer > silence_s:
            is_up = False
            print(f"down {last_answer * 1000:.3f}", flush=True)
        raw.settimeout(max(next_request - time.time(), 0.0001))
        try:
            packet = raw.recv(2048)
        except (TimeoutError, OSError):
            continue
        if is_reply(packet, identifier):
            last_answer = time.time()
            if not is_up:
                is_up = True
                print(f"up {last_answer * 1000:.3f}", flush=True)


def _send(raw: socket.socket, request: bytes, address: str) -> None:
    try:
        raw.sendto(request, (address, 0))
    except OSError:
        # The gateway has no neighbor entry yet: the next request asks for it again.
        return


if __name__ == "__main__":
    probe(sys.argv[1], float(sys.argv[2]), float(sys.argv[3]))
