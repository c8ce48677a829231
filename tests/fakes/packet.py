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
    sha: str
    spa: IPv4Address
    tha: str
    tpa: IPv4Address


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


def encode_ipv4(packet: Packet) -> bytes:
    """Encode a frame that holds IPv4 without labels; checksums of its payload are zero."""
    ip = packet.payload
    assert isinstance(ip, Ipv4Packet)
    assert not packet.labels
    ethernet = _mac(packet.eth_dst) + _mac(packet.eth_src) + b"\x08\x00"
    header = struct.pack(
        "!BBHHHBBH4s4s", 0x45, 0, ip.octets, 0, 0, ip.ttl, ip.proto, 0, ip.src.packed, ip.dst.packed
    )
    payload = bytes((ip.icmp_type, ip.icmp_code)) if ip.proto == ICMP else b""
    return ethernet + header + payload.ljust(ip.octets - len(header), b"\x00")


def decode_ipv4(frame: bytes, mark: str = "") -> Packet:
    """Decode a frame that holds IPv4 without labels."""
    assert frame[12:14] == b"\x08\x00"
    ip = frame[ETHERNET_OCTETS:]
    proto = ip[9]
    start = (ip[0] & 0x0F) * 4
    kind, code = (ip[start], ip[start + 1]) if proto == ICMP else (0, 0)
    return Packet(
        eth_dst=frame[0:6].hex(":"),
        eth_src=frame[6:12].hex(":"),
        payload=Ipv4Packet(
            src=IPv4Address(ip[12:16]),
            dst=IPv4Address(ip[16:20]),
            ttl=ip[8],
            proto=proto,
            icmp_type=kind,
            icmp_code=code,
            octets=int.from_bytes(ip[2:4], "big"),
        ),
        mark=mark,
    )


def _mac(text: str) -> bytes:
    return bytes.fromhex(text.replace(":", ""))
