# SPDX-License-Identifier: Apache-2.0
"""Frames as octets, and how to send them from a machine of the lab."""

from __future__ import annotations

import json
import struct
from collections.abc import Callable, Sequence
from ipaddress import IPv4Address
from subprocess import CompletedProcess

from lab import places

MPLS, IPV4 = 0x8847, 0x0800
_ICMP = 1
_TTL = 64

_SENDER = """
import json, socket, sys, time
interface, frames = json.load(sys.stdin)
sender = socket.socket(socket.AF_PACKET, socket.SOCK_RAW)
sender.bind((interface, 0))
for number, frame in enumerate(frames):
    sender.send(bytes.fromhex(frame))
    if number % 8 == 7:
        time.sleep(0.004)
"""


def ethernet(destination: str, source: str, ethertype: int, payload: bytes) -> bytes:
    """An Ethernet frame without its check sequence."""
    addresses = bytes.fromhex(destination.replace(":", "") + source.replace(":", ""))
    return (addresses + struct.pack("!H", ethertype) + payload).ljust(60, b"\0")


def label_stack(*labels: int) -> bytes:
    """Label stack entries, top first (RFC 3032 §2.1)."""
    last = len(labels) - 1
    return b"".join(
        struct.pack("!I", label << 12 | (number == last) << 8 | _TTL)
        for number, label in enumerate(labels)
    )


def echo_request(source: IPv4Address, destination: IPv4Address, data: bytes) -> bytes:
    """An IPv4 packet with an ICMP echo request (RFC 792)."""
    icmp = struct.pack("!BBHHH", 8, 0, 0, 1, 1) + data
    icmp = icmp[:2] + struct.pack("!H", _checksum(icmp)) + icmp[4:]
    head = struct.pack(
        "!BBHHHBBH4s4s",
        *(0x45, 0, 20 + len(icmp), 1, 0, _TTL, _ICMP, 0, source.packed, destination.packed),
    )
    return head[:10] + struct.pack("!H", _checksum(head)) + head[12:] + icmp


def send(
    run: Callable[..., CompletedProcess[str]], interface: str, frames: Sequence[bytes]
) -> None:
    """Send frames as they are, no faster than a switch without queues can take them.

    Args:
        run: runs a command where the interface is, as `lab.machine.Machine.run` does.
        interface: where they leave.
        frames: in the order they are sent.
    """
    text = json.dumps([interface, [frame.hex() for frame in frames]])
    run([str(places.PYTHON), "-S", "-E", "-c", _SENDER], text=text)


def _checksum(octets: bytes) -> int:
    """The Internet checksum (RFC 1071)."""
    words = struct.unpack(f"!{len(octets) // 2}H", octets[: len(octets) // 2 * 2])
    total = int(sum(words)) + (octets[-1] << 8 if len(octets) % 2 else 0)
    while total >> 16:
        total = (total & 0xFFFF) + (total >> 16)
    return ~total & 0xFFFF
