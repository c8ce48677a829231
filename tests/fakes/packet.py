# SPDX-License-Identifier: Apache-2.0
"""A packet as the software switch sees it: the headers it reads, and a mark to know it by."""

from __future__ import annotations

import struct
from dataclasses import dataclass, field
from ipaddress import IPv4Address

ETHERNET_OCTETS = 14
MPLS = 0x8847
IPV4 = 0x0800
ARP = 0x0806
ICMP, UDP = 1, 17


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
    """An IPv4 packet; ``octets`` is its total length."""

    src: IPv4Address
    dst: IPv4Address
    ttl: int = 64
    proto: int = UDP
    icmp_type: int = 0
    icmp_code: int = 0
    octets: int = 100


@dataclass(frozen=True, slots=True)
class Packet:
    """An Ethernet frame; ``mark`` tells whose it is and survives every hop."""

    eth_src: str
    eth_dst: str
    payload: ArpPacket | Ipv4Packet | None
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
        return ARP if isinstance(self.payload, ArpPacket) else IPV4

    @property
    def octets(self) -> int:
        """Length of the frame, Ethernet header included."""
        inner = self.payload.octets if isinstance(self.payload, Ipv4Packet) else 28
        return ETHERNET_OCTETS + 4 * len(self.labels) + inner


def encode(packet: Packet, ident: int = 0) -> bytes:
    """Encode a frame; its checksums are zero, and ``ident`` is the identification of its IP."""
    stack = b"".join(
        struct.pack("!I", entry.label << 12 | entry.tc << 9 | (i == 1) << 8 | entry.ttl)
        for i, entry in zip(range(len(packet.labels), 0, -1), packet.labels, strict=True)
    )
    tag = struct.pack("!HH", 0x8100, packet.vlan_vid & 0xFFF) if packet.vlan_vid else b""
    ethernet = _mac(packet.eth_dst) + _mac(packet.eth_src) + tag
    ethernet += packet.eth_type.to_bytes(2, "big")
    if isinstance(packet.payload, ArpPacket):
        return ethernet + stack + _encode_arp(packet.payload)
    assert packet.payload is not None
    return ethernet + stack + _encode_ipv4(packet.payload, ident)


def decode(frame: bytes, mark: str = "") -> Packet:
    """Decode a frame of ARP, or of IPv4 with or without labels; checksums are not looked at."""
    eth_type, rest = int.from_bytes(frame[12:14], "big"), frame[ETHERNET_OCTETS:]
    labels: list[LabelStackEntry] = []
    is_bottom = eth_type != MPLS
    while not is_bottom:
        (entry,) = struct.unpack("!I", rest[:4])
        labels.append(LabelStackEntry(entry >> 12, entry >> 9 & 7, entry & 0xFF))
        is_bottom, rest = bool(entry & 0x100), rest[4:]
    assert eth_type in (MPLS, ARP, IPV4)
    return Packet(
        eth_dst=frame[0:6].hex(":"),
        eth_src=frame[6:12].hex(":"),
        payload=_decode_arp(rest) if eth_type == ARP else _decode_ipv4(rest),
        labels=tuple(labels),
        mark=mark,
    )


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
        0x45, 0, ip.octets, ident, 0, ip.ttl, ip.proto, 0, ip.src.packed, ip.dst.packed,
    )  # fmt: skip
    payload = bytes((ip.icmp_type, ip.icmp_code)) if ip.proto == ICMP else b""
    return header + payload.ljust(ip.octets - len(header), b"\x00")


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
    )


def _mac(text: str) -> bytes:
    return bytes.fromhex(text.replace(":", ""))
