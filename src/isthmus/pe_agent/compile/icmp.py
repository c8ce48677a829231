# SPDX-License-Identifier: Apache-2.0
"""Answer packets that were too big or whose TTL expired: octets in, octets out.

Neither OVN nor a P router sends these ICMP messages for a VPN's packets, so the PE has to, or path
MTU discovery stalls and traceroute is blind (RFC 1191 §3, RFC 792).
"""

from __future__ import annotations

import struct
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from ipaddress import IPv4Address

from isthmus.model.intent import AttachedSubnet

PUNTED_OCTETS = 14 + 548
"""How much of a packet the answer can use: an Ethernet header, and what fits below 576 octets."""

_ETHERNET_OCTETS = 14
_QUOTED_OCTETS = 548
_ICMP = 1
_UNREACHABLE, _FRAGMENTATION_NEEDED = 3, 4
_TIME_EXCEEDED, _IN_TRANSIT = 11, 0
_ERROR_TYPES = frozenset({3, 4, 5, 11, 12})
_INTERNETWORK_CONTROL = 0xC0
_NO_ANSWER_MAC = bytes.fromhex("026973ffffff")


class PuntReason(StrEnum):
    """Why the switch handed a packet to the agent."""

    TOO_BIG = "too_big"
    TTL_EXPIRED = "ttl_expired"


@dataclass(frozen=True, slots=True)
class PuntContext:
    """What an answer to one VRF's packets needs.

    Attributes:
        subnets: those attached to the VRF, whose gateway addresses are the PE's own.
        path_mtu: largest IP packet that leaves for another PE, in octets.
        host_mtus: local host → largest IP packet its network carries, in octets.
    """

    subnets: tuple[AttachedSubnet, ...]
    path_mtu: int
    host_mtus: Mapping[IPv4Address, int] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class _Ipv4Packet:
    """The part of a punted packet that an answer quotes or depends on."""

    source: IPv4Address
    destination: IPv4Address
    octets: bytes
    fragment_offset: int
    icmp_type: int | None


def injection_mac(vrf_number: int) -> str:
    """Return the source MAC by which a frame from the agent says which VRF it is for.

    >>> injection_mac(7)
    '02:69:73:00:00:07'
    """
    return f"02:69:73:00:{vrf_number >> 8:02x}:{vrf_number & 0xFF:02x}"


def answer(frame: bytes, reason: PuntReason, vrf_number: int, context: PuntContext) -> bytes | None:
    """Make the ICMP answer to a punted packet (RFC 1812 §4.3).

    Args:
        frame: Ethernet frame without labels, possibly cut after ``PUNTED_OCTETS``.
        reason: why it was punted.
        vrf_number: the metadata it was punted with.
        context: of that VRF.

    Returns:
        A frame to send with ``in_port=LOCAL``, which the VRF then routes to the sender, wherever
        that is; or None where RFC 1812 §4.3.2.7 wants silence: about ICMP errors, fragments other
        than the first, multicast and broadcast, and senders that are no single host. A packet that
        is too big is answered whether or not it forbids fragmentation, as the PE can't fragment:
        the sender's host learns the path MTU from the answer and fragments by itself.
    """
    packet = _decode(frame)
    if packet is None or not _may_be_answered(packet) or not context.subnets:
        return None
    if reason is PuntReason.TOO_BIG:
        mtu = context.host_mtus.get(packet.destination, context.path_mtu)
        icmp = _encode_icmp(_UNREACHABLE, _FRAGMENTATION_NEEDED, mtu, packet)
    else:
        icmp = _encode_icmp(_TIME_EXCEEDED, _IN_TRANSIT, 0, packet)
    ethernet = _NO_ANSWER_MAC + bytes.fromhex(injection_mac(vrf_number).replace(":", ""))
    source = _choose_source(packet, context)
    return ethernet + b"\x08\x00" + _encode_ipv4(source, packet.source, icmp)


def _decode(frame: bytes) -> _Ipv4Packet | None:
    """Read an Ethernet frame; None unless it holds a whole IPv4 header."""
    if frame[12:14] != b"\x08\x00" or len(frame) < _ETHERNET_OCTETS + 20:
        return None
    packet = frame[_ETHERNET_OCTETS:]
    header_octets = (packet[0] & 0x0F) * 4
    total_octets = int.from_bytes(packet[2:4], "big")
    if packet[0] >> 4 != 4 or header_octets < 20 or total_octets < header_octets:
        return None
    packet = packet[:total_octets]
    if len(packet) < header_octets:
        return None
    payload = packet[header_octets:]
    is_icmp = packet[9] == _ICMP and len(payload) > 0
    return _Ipv4Packet(
        source=IPv4Address(packet[12:16]),
        destination=IPv4Address(packet[16:20]),
        octets=packet,
        fragment_offset=int.from_bytes(packet[6:8], "big") & 0x1FFF,
        icmp_type=payload[0] if is_icmp else None,
    )


def _may_be_answered(packet: _Ipv4Packet) -> bool:
    return not (
        packet.fragment_offset
        or packet.icmp_type in _ERROR_TYPES
        or _is_no_single_host(packet.source)
        or _is_no_single_host(packet.destination)
    )


def _is_no_single_host(address: IPv4Address) -> bool:
    first = int(address) >> 24
    return first in (0, 127) or first >= 224


def _choose_source(packet: _Ipv4Packet, context: PuntContext) -> IPv4Address:
    """The gateway the sender knows, else the receiver's, else the VRF's first."""
    for address in (packet.source, packet.destination):
        for subnet in context.subnets:
            if address in subnet.prefix:
                return subnet.gateway
    return context.subnets[0].gateway


def _encode_icmp(kind: int, code: int, mtu: int, packet: _Ipv4Packet) -> bytes:
    """Encode an ICMP error that quotes ``packet`` (RFC 1191 §4, RFC 1812 §4.3.2.3)."""
    quoted = packet.octets[:_QUOTED_OCTETS]
    message = struct.pack("!BBHHH", kind, code, 0, 0, mtu) + quoted
    return message[:2] + _checksum(message) + message[4:]


def _encode_ipv4(source: IPv4Address, destination: IPv4Address, payload: bytes) -> bytes:
    """Encode a packet of an ICMP error, with the precedence of RFC 1812 §4.3.2.5."""
    total_octets = 20 + len(payload)
    header = struct.pack(
        "!BBHHHBBH4s4s",
        0x45, _INTERNETWORK_CONTROL, total_octets, 0, 0, 64, _ICMP, 0,
        source.packed, destination.packed,
    )  # fmt: skip
    return header[:10] + _checksum(header) + header[12:] + payload


def _checksum(octets: bytes) -> bytes:
    """Compute the Internet checksum of ``octets``, whose own checksum is zero (RFC 1071)."""
    padded = octets + b"\x00" * (len(octets) % 2)
    total: int = sum(struct.unpack(f"!{len(padded) // 2}H", padded))
    while total >> 16:
        total = (total & 0xFFFF) + (total >> 16)
    return (~total & 0xFFFF).to_bytes(2, "big")
