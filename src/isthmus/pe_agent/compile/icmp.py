# SPDX-License-Identifier: Apache-2.0
"""Respond to packets that were too big or whose TTL expired: octets in, octets out.

Those that may be fragmented are; of others the sender is told. Neither OVN nor a P router sends
these ICMP messages for a VPN's packets, so the PE has to, or path MTU discovery stalls and
traceroute is blind (RFC 1191 §3, RFC 792; RFC 8201 §4, RFC 4443 §3).
"""

from __future__ import annotations

import struct
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from ipaddress import IPv4Address, IPv6Address, ip_network

from isthmus.model.intent import AttachedSubnet
from isthmus.model.ip import IpAddress, IpPrefix
from isthmus.pe_agent.compile.checksum import checksum, icmpv6_checksum
from isthmus.pe_agent.compile.fragments import fragment, may_be_fragmented

PUNTED_OCTETS = 14 + 548
"""How much of a packet the answer can use: an Ethernet header, and what fits below 576 octets."""

_ETHERNET_OCTETS = 14
_QUOTED_OCTETS = 548
_IPV4, _IPV6 = b"\x08\x00", b"\x86\xdd"
_ICMP, _ICMPV6 = 1, 58
_TOO_BIG = (3, 4)
_TIME_EXCEEDED, _IN_TRANSIT = 11, 0
_ICMPV6_PACKET_TOO_BIG, _ICMPV6_TIME_EXCEEDED = 2, 3
_ERROR_TYPES = frozenset({3, 4, 5, 11, 12})
# Errors, and the redirect.
_ICMPV6_ERROR_TYPES = frozenset({*range(128), 137})
_IPV6_HEADER_OCTETS = 40
# Hop-by-hop options, routing and destination options, which all say their length the same way.
_EXTENSION_HEADERS = frozenset({0, 43, 60})
_FRAGMENT_HEADER = 44
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
        mtus: prefix → largest IP packet its paths carry, in octets.
    """

    subnets: tuple[AttachedSubnet, ...]
    path_mtu: int
    mtus: Mapping[IpPrefix, int] = field(default_factory=dict)
    _lengths: tuple[tuple[int, int], ...] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        # A look-up for each length there can be would take most of the time an answer takes.
        lengths = {(prefix.version, prefix.prefixlen) for prefix in self.mtus}
        object.__setattr__(self, "_lengths", tuple(sorted(lengths, reverse=True)))

    def mtu_towards(self, destination: IpAddress) -> int:
        """Return the largest IP packet that gets to ``destination``, by the longest prefix."""
        for version, length in self._lengths:
            if version != destination.version:
                continue
            mtu = self.mtus.get(ip_network((destination, length), strict=False))
            if mtu is not None:
                return mtu
        return self.path_mtu


@dataclass(frozen=True, slots=True)
class _Packet:
    """The part of a punted packet that an answer quotes or depends on."""

    source: IpAddress
    destination: IpAddress
    octets: bytes
    is_icmp_error: bool
    is_later_fragment: bool


def injection_mac(vrf_number: int) -> str:
    """Return the source MAC by which a frame from the agent says which VRF it is for.

    >>> injection_mac(7)
    '02:69:73:00:00:07'
    """
    return f"02:69:73:00:{vrf_number >> 8:02x}:{vrf_number & 0xFF:02x}"


def is_to_be_fragmented(frame: bytes, reason: PuntReason) -> bool:
    """Tell whether ``respond`` fragments a punted packet: IPv4, too big and free to be cut."""
    return (
        reason is PuntReason.TOO_BIG
        and frame[12:_ETHERNET_OCTETS] == _IPV4
        and may_be_fragmented(frame[_ETHERNET_OCTETS:])
    )


def respond(
    frame: bytes, reason: PuntReason, vrf_number: int, context: PuntContext
) -> tuple[bytes, ...]:
    """Do with a punted packet what a router does: fragment it, or answer it.

    Args:
        frame: Ethernet frame without labels; one that is to be fragmented has to be whole.
        reason: why it was punted.
        vrf_number: the metadata it was punted with.
        context: of that VRF.

    Returns:
        Frames to send with ``in_port=LOCAL``. Fragments fit where the packet did not, and then
        take the way it would have taken.
    """
    if not is_to_be_fragmented(frame, reason):
        message = answer(frame, reason, vrf_number, context)
        return () if message is None else (message,)
    packet = frame[_ETHERNET_OCTETS:]
    mtu = context.mtu_towards(IPv4Address(packet[16:20]))
    ethernet = _ethernet(vrf_number) + _IPV4
    return tuple(ethernet + each for each in fragment(packet, mtu))


def answer(frame: bytes, reason: PuntReason, vrf_number: int, context: PuntContext) -> bytes | None:
    """Make the ICMP answer to a punted packet (RFC 1812 §4.3, RFC 4443 §2.4).

    Args:
        frame: Ethernet frame without labels, possibly cut after ``PUNTED_OCTETS``.
        reason: why it was punted.
        vrf_number: the metadata it was punted with.
        context: of that VRF.

    Returns:
        A frame to send with ``in_port=LOCAL``, which the VRF then routes to the sender, wherever
        that is; or None where RFC 1812 §4.3.2.7 and RFC 4443 §2.4 want silence: about ICMP errors,
        fragments other than the first, multicast and broadcast, and senders that are no single
        host; and where the PE has no address of that family in the VRF.
    """
    packet = _decode(frame)
    if packet is None or not _may_be_answered(packet):
        return None
    source = _choose_source(packet, context)
    if source is None:
        return None
    mtu = None
    if reason is PuntReason.TOO_BIG:
        mtu = context.mtu_towards(packet.destination)
    ethernet = _ethernet(vrf_number)
    if isinstance(source, IPv4Address):
        return ethernet + _IPV4 + _encode_ipv4(source, packet, mtu)
    return ethernet + _IPV6 + _encode_ipv6(source, packet, mtu)


def _ethernet(vrf_number: int) -> bytes:
    """The addresses of a frame that table 0 leads into the VRF."""
    return _NO_ANSWER_MAC + bytes.fromhex(injection_mac(vrf_number).replace(":", ""))


def _decode(frame: bytes) -> _Packet | None:
    """Read an Ethernet frame; None unless it holds a whole IP header."""
    ethertype, packet = frame[12:_ETHERNET_OCTETS], frame[_ETHERNET_OCTETS:]
    if ethertype == _IPV4 and len(packet) >= 20:
        return _decode_ipv4(packet)
    if ethertype == _IPV6 and len(packet) >= _IPV6_HEADER_OCTETS:
        return _decode_ipv6(packet)
    return None


def _decode_ipv4(packet: bytes) -> _Packet | None:
    header_octets = (packet[0] & 0x0F) * 4
    total_octets = int.from_bytes(packet[2:4], "big")
    if packet[0] >> 4 != 4 or header_octets < 20 or total_octets < header_octets:
        return None
    packet = packet[:total_octets]
    if len(packet) < header_octets:
        return None
    payload = packet[header_octets:]
    return _Packet(
        source=IPv4Address(packet[12:16]),
        destination=IPv4Address(packet[16:20]),
        octets=packet,
        is_icmp_error=packet[9] == _ICMP and payload[:1] != b"" and payload[0] in _ERROR_TYPES,
        is_later_fragment=bool(int.from_bytes(packet[6:8], "big") & 0x1FFF),
    )


def _decode_ipv6(packet: bytes) -> _Packet | None:
    if packet[0] >> 4 != 6:
        return None
    packet = packet[: _IPV6_HEADER_OCTETS + int.from_bytes(packet[4:6], "big")]
    kind, at, is_later_fragment = packet[6], _IPV6_HEADER_OCTETS, False
    while kind in {*_EXTENSION_HEADERS, _FRAGMENT_HEADER} and len(packet) >= at + 8:
        octets = (packet[at + 1] + 1) * 8
        if kind == _FRAGMENT_HEADER:
            octets = 8
            is_later_fragment |= bool(int.from_bytes(packet[at + 2 : at + 4], "big") >> 3)
        kind, at = packet[at], at + octets
    payload = packet[at:]
    return _Packet(
        source=IPv6Address(packet[8:24]),
        destination=IPv6Address(packet[24:40]),
        octets=packet,
        is_icmp_error=kind == _ICMPV6 and payload[:1] != b"" and payload[0] in _ICMPV6_ERROR_TYPES,
        is_later_fragment=is_later_fragment,
    )


def _may_be_answered(packet: _Packet) -> bool:
    return not (
        packet.is_later_fragment
        or packet.is_icmp_error
        or _is_no_single_host(packet.source)
        or _is_no_single_host(packet.destination)
    )


def _is_no_single_host(address: IpAddress) -> bool:
    if isinstance(address, IPv6Address):
        # A link-local sender is one host, but on its own link only.
        return (
            address.is_multicast
            or address.is_unspecified
            or address.is_loopback
            or address.is_link_local
        )
    first = int(address) >> 24
    return first in (0, 127) or first >= 224


def _choose_source(packet: _Packet, context: PuntContext) -> IpAddress | None:
    """The gateway the sender knows, else the receiver's, else the VRF's first of that family.

    A link-local gateway says nothing to anybody beyond its link, so it is never chosen.
    """
    subnets = [
        subnet
        for subnet in context.subnets
        if subnet.prefix.version == packet.source.version
        and not (subnet.prefix.version == 6 and subnet.gateway.is_link_local)
    ]
    for address in (packet.source, packet.destination):
        for subnet in subnets:
            if address in subnet.prefix:
                return subnet.gateway
    return subnets[0].gateway if subnets else None


def _encode_ipv4(source: IPv4Address, packet: _Packet, mtu: int | None) -> bytes:
    """Encode an ICMP error about ``packet`` (RFC 1191 §4, RFC 1812 §4.3.2.3 and §4.3.2.5).

    Without ``mtu`` it says that the TTL expired.
    """
    kind, code = (_TIME_EXCEEDED, _IN_TRANSIT) if mtu is None else _TOO_BIG
    message = struct.pack("!BBHHH", kind, code, 0, 0, mtu or 0) + packet.octets[:_QUOTED_OCTETS]
    message = message[:2] + checksum(message) + message[4:]
    header = struct.pack(
        "!BBHHHBBH4s4s",
        0x45, _INTERNETWORK_CONTROL, 20 + len(message), 0, 0, 64, _ICMP, 0,
        source.packed, packet.source.packed,
    )  # fmt: skip
    return header[:10] + checksum(header) + header[12:] + message


def _encode_ipv6(source: IPv6Address, packet: _Packet, mtu: int | None) -> bytes:
    """Encode an ICMPv6 error about ``packet`` (RFC 4443 §3.2 and §3.3).

    Without ``mtu`` it says that the hop limit was exceeded in transit.
    """
    kind = _ICMPV6_TIME_EXCEEDED if mtu is None else _ICMPV6_PACKET_TOO_BIG
    message = struct.pack("!BBHI", kind, 0, 0, mtu or 0) + packet.octets[:_QUOTED_OCTETS]
    addresses = source.packed + packet.source.packed
    message = message[:2] + icmpv6_checksum(addresses, message) + message[4:]
    traffic_class = _INTERNETWORK_CONTROL << 20
    return struct.pack("!IHBB", 6 << 28 | traffic_class, len(message), _ICMPV6, 64) + (
        addresses + message
    )
