# SPDX-License-Identifier: Apache-2.0
"""A packet as the software switch sees it: the headers it reads, and a mark to know it by."""

from __future__ import annotations

import struct
from dataclasses import dataclass, field, replace
from ipaddress import IPv4Address, IPv6Address
from typing import Any

ETHERNET_OCTETS = 14
MPLS = 0x8847
IPV4 = 0x0800
IPV6 = 0x86DD
ARP = 0x0806
ICMP, UDP, ICMPV6 = 1, 17, 58


@dataclass(frozen=True, slots=True)
class LabelStackEntry:
    """One entry of an MPLS label stack (RFC 3032 §2.1); bottom of stack is where it stands."""

    label: int
    tc: int = 0
    ttl: int = 64


@dataclass(frozen=True, slots=True)
class ArpPacket:
    """ARP for IPv4 over Ethernet (RFC 826)."""

    op: int
    sender_mac: str
    sender: IPv4Address
    target_mac: str
    target: IPv4Address


@dataclass(frozen=True, slots=True)
class Ipv4Packet:
    """An IPv4 packet: ``octets`` is its total length, ``ports`` are of UDP.

    ``flags`` hold its fragment offset too.
    """

    src: IPv4Address
    dst: IPv4Address
    ttl: int = 64
    proto: int = UDP
    icmp_type: int = 0
    icmp_code: int = 0
    octets: int = 100
    flags: int = 0
    ports: tuple[int, int] = (0, 0)


@dataclass(frozen=True, slots=True)
class Ipv6Packet:
    """An IPv6 packet; ``octets`` is its total length, header included; ``ports`` are of UDP.

    Fields of neighbor solicitations and advertisements (RFC 4861 §4.3, §4.4) come last: target,
    flags with the reserved bits, and the one link-layer address option, by its type.
    """

    src: IPv6Address
    dst: IPv6Address
    ttl: int = 64
    proto: int = UDP
    icmp_type: int = 0
    icmp_code: int = 0
    octets: int = 100
    nd_target: IPv6Address | None = None
    nd_reserved: int = 0
    nd_option: tuple[int, str] | None = None
    ports: tuple[int, int] = field(default=(0, 0), kw_only=True)


@dataclass(frozen=True, slots=True)
class Packet:
    """An Ethernet frame; ``mark`` tells whose it is and survives every hop."""

    eth_src: str
    eth_dst: str
    payload: ArpPacket | Ipv4Packet | Ipv6Packet | None
    labels: tuple[LabelStackEntry, ...] = ()
    vlan_vid: int = 0
    ethertype: int | None = None
    tun_dst: IPv4Address | None = None
    mark: str = field(default="", compare=False)

    @property
    def eth_type(self) -> int:
        """What the outermost header says comes next."""
        if self.ethertype is not None:
            return self.ethertype
        if self.labels:
            return MPLS
        if isinstance(self.payload, Ipv6Packet):
            return IPV6
        return ARP if isinstance(self.payload, ArpPacket) else IPV4

    @property
    def octets(self) -> int:
        """Length of the frame, Ethernet header included."""
        is_ip = isinstance(self.payload, Ipv4Packet | Ipv6Packet)
        inner = self.payload.octets if is_ip else 28  # type: ignore[union-attr]  # it is one of them
        return ETHERNET_OCTETS + 4 * len(self.labels) + inner


def ip_packet(
    src: IPv4Address | IPv6Address, dst: IPv4Address | IPv6Address, **fields: Any
) -> Ipv4Packet | Ipv6Packet:
    """Make a packet of the version of its addresses."""
    if isinstance(src, IPv4Address) and isinstance(dst, IPv4Address):
        return Ipv4Packet(src, dst, **fields)
    assert isinstance(src, IPv6Address)
    assert isinstance(dst, IPv6Address)
    return Ipv6Packet(src, dst, **fields)


def encode(packet: Packet, ident: int = 0) -> bytes:
    """Encode a frame; ``ident`` is the identification of its IP.

    The headers of IPv4 and the messages of ICMPv6 have right checksums, which routers verify.
    """
    stack = b"".join(
        struct.pack("!I", entry.label << 12 | entry.tc << 9 | (i == 1) << 8 | entry.ttl)
        for i, entry in zip(range(len(packet.labels), 0, -1), packet.labels, strict=True)
    )
    tag = struct.pack("!HH", 0x8100, packet.vlan_vid & 0xFFF) if packet.vlan_vid else b""
    ethernet = _mac(packet.eth_dst) + _mac(packet.eth_src) + tag
    ethernet += packet.eth_type.to_bytes(2, "big")
    if isinstance(packet.payload, ArpPacket):
        return ethernet + stack + _encode_arp(packet.payload)
    if isinstance(packet.payload, Ipv6Packet):
        return ethernet + stack + _encode_ipv6(packet.payload, ident)
    assert packet.payload is not None
    return ethernet + stack + _encode_ipv4(packet.payload, ident)


def decode(frame: bytes, mark: str = "") -> Packet:
    """Decode a frame of ARP, or of IP with or without labels; checksums are not looked at."""
    eth_type, rest = int.from_bytes(frame[12:14], "big"), frame[ETHERNET_OCTETS:]
    labels: list[LabelStackEntry] = []
    is_bottom = eth_type != MPLS
    while not is_bottom:
        (entry,) = struct.unpack("!I", rest[:4])
        labels.append(LabelStackEntry(entry >> 12, entry >> 9 & 7, entry & 0xFF))
        is_bottom, rest = bool(entry & 0x100), rest[4:]
    assert eth_type in (MPLS, ARP, IPV4, IPV6)
    payload: ArpPacket | Ipv4Packet | Ipv6Packet
    if eth_type == ARP:
        payload = _decode_arp(rest)
    else:
        payload = _decode_ipv6(rest) if rest[0] >> 4 == 6 else _decode_ipv4(rest)
    return Packet(
        eth_dst=frame[0:6].hex(":"),
        eth_src=frame[6:12].hex(":"),
        payload=payload,
        labels=tuple(labels),
        mark=mark,
    )


def ones_complement_sum(octets: bytes) -> int:
    """Add up 16-bit words (RFC 1071); what carries its right checksum gives 0xffff."""
    padded = octets + b"\x00" * (len(octets) % 2)
    total: int = sum(struct.unpack(f"!{len(padded) // 2}H", padded))
    while total >> 16:
        total = (total & 0xFFFF) + (total >> 16)
    return total


def _encode_arp(arp: ArpPacket) -> bytes:
    head = struct.pack("!HHBBH", 1, IPV4, 6, 4, arp.op)
    return (
        head + _mac(arp.sender_mac) + arp.sender.packed + _mac(arp.target_mac) + arp.target.packed
    )


def _decode_arp(octets: bytes) -> ArpPacket:
    return ArpPacket(
        op=int.from_bytes(octets[6:8], "big"),
        sender_mac=octets[8:14].hex(":"),
        sender=IPv4Address(octets[14:18]),
        target_mac=octets[18:24].hex(":"),
        target=IPv4Address(octets[24:28]),
    )


def _encode_ipv4(ip: Ipv4Packet, ident: int) -> bytes:
    header = struct.pack(
        "!BBHHHBBH4s4s",
        0x45, 0, ip.octets, ident, ip.flags, ip.ttl, ip.proto, 0, ip.src.packed, ip.dst.packed,
    )  # fmt: skip
    header = header[:10] + (0xFFFF - ones_complement_sum(header)).to_bytes(2, "big") + header[12:]
    payload = bytes((ip.icmp_type, ip.icmp_code)) if ip.proto == ICMP else _encode_ports(ip)
    return header + payload.ljust(ip.octets - len(header), b"\x00")


def _encode_ports(ip: Ipv4Packet | Ipv6Packet) -> bytes:
    return struct.pack("!HH", *ip.ports) if ip.proto == UDP else b""


def _decode_ports(proto: int, payload: bytes) -> tuple[int, int]:
    if proto != UDP or len(payload) < 4:
        return (0, 0)
    return int.from_bytes(payload[:2], "big"), int.from_bytes(payload[2:4], "big")


def _decode_ipv4(octets: bytes) -> Ipv4Packet:
    proto, start = octets[9], (octets[0] & 0x0F) * 4
    kind, code = (octets[start], octets[start + 1]) if proto == ICMP else (0, 0)
    return Ipv4Packet(
        src=IPv4Address(octets[12:16]),
        dst=IPv4Address(octets[16:20]),
        ttl=octets[8],
        proto=proto,
        icmp_type=kind,
        icmp_code=code,
        octets=int.from_bytes(octets[2:4], "big"),
        flags=int.from_bytes(octets[6:8], "big"),
        ports=_decode_ports(proto, octets[start:]),
    )


def _encode_ipv6(ip: Ipv6Packet, ident: int) -> bytes:
    """Encode; ``ident`` is the flow label."""
    payload = _encode_ports(ip)
    if ip.proto == ICMPV6:
        payload = struct.pack("!BBHI", ip.icmp_type, ip.icmp_code, 0, ip.nd_reserved)
        if ip.nd_target is not None:
            payload += ip.nd_target.packed
        if ip.nd_option is not None:
            payload += bytes((ip.nd_option[0], 1)) + _mac(ip.nd_option[1])
    is_nd = ip.nd_target is not None
    payload = payload if is_nd else payload.ljust(ip.octets - 40, b"\x00")
    addresses = ip.src.packed + ip.dst.packed
    if ip.proto == ICMPV6:
        summed = addresses + struct.pack("!II", len(payload), ICMPV6) + payload
        total = 0xFFFF - ones_complement_sum(summed)
        payload = payload[:2] + total.to_bytes(2, "big") + payload[4:]
    header = struct.pack("!IHBB", 6 << 28 | ident, len(payload), ip.proto, ip.ttl)
    return header + addresses + payload


def _decode_ipv6(octets: bytes) -> Ipv6Packet:
    proto, payload = octets[6], octets[40:]
    packet = Ipv6Packet(
        src=IPv6Address(octets[8:24]),
        dst=IPv6Address(octets[24:40]),
        ttl=octets[7],
        proto=proto,
        octets=40 + int.from_bytes(octets[4:6], "big"),
        ports=_decode_ports(proto, payload),
    )
    if proto != ICMPV6:
        return packet
    packet = replace(packet, icmp_type=payload[0], icmp_code=payload[1])
    if payload[0] not in (135, 136):
        return packet
    option = (payload[24], payload[26:32].hex(":")) if len(payload) >= 32 else None
    return replace(
        packet,
        nd_target=IPv6Address(payload[8:24]),
        nd_reserved=int.from_bytes(payload[4:8], "big"),
        nd_option=option,
    )


def _mac(text: str) -> bytes:
    return bytes.fromhex(text.replace(":", ""))
