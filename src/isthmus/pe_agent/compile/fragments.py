# SPDX-License-Identifier: Apache-2.0
"""Fragment an IPv4 packet that is larger than its path carries (RFC 791 §2.3, §3.2).

Open vSwitch has no such action. IPv6 has none either: there the sender alone fragments.
"""

from __future__ import annotations

from isthmus.pe_agent.compile.checksum import checksum

_LEAST_HEADER_OCTETS = 20
_DONT_FRAGMENT, _MORE_FRAGMENTS = 0x4000, 0x2000
_OFFSET = 0x1FFF
# Offsets count these.
_UNIT_OCTETS = 8
_END_OF_OPTIONS, _NO_OPERATION = 0, 1
_IS_COPIED = 0x80


def may_be_fragmented(packet: bytes) -> bool:
    """Tell whether an IPv4 packet lets routers fragment it: its "don't fragment" is not set.

    Args:
        packet: from the IP header on; later octets may be missing.
    """
    return len(packet) >= _LEAST_HEADER_OCTETS and not _flags(packet) & _DONT_FRAGMENT


def fragment(packet: bytes, mtu: int) -> tuple[bytes, ...]:
    """Cut an IPv4 packet into fragments that fit.

    Args:
        packet: from the IP header on, whole; it may be a fragment itself. What follows its total
            length is padding.
        mtu: largest packet that may come out, in octets.

    Returns:
        The fragments, in order, each as long as it may be; the packet itself if it fits. Nothing
        if it forbids fragmentation, is cut off or damaged, has options nobody can read, or if not
        even eight octets of its payload would fit beside its header.
    """
    header_octets = _header_octets(packet)
    if header_octets is None or not may_be_fragmented(packet):
        return ()
    header = packet[:header_octets]
    total_octets = int.from_bytes(packet[2:4], "big")
    if not header_octets <= total_octets <= len(packet) or checksum(header) != b"\x00\x00":
        return ()
    if total_octets <= mtu:
        return (packet[:total_octets],)
    copied = _copied_options(header[_LEAST_HEADER_OCTETS:])
    if copied is None:
        return ()
    later_header = header[:_LEAST_HEADER_OCTETS] + copied
    return _cut(packet[header_octets:total_octets], (header, later_header), mtu)


def _cut(payload: bytes, headers: tuple[bytes, bytes], mtu: int) -> tuple[bytes, ...]:
    """Put pieces of ``payload`` behind the first header, then behind the other."""
    first, later = headers
    flags = _flags(first)
    base, has_more_behind = flags & _OFFSET, flags & _MORE_FRAGMENTS
    fragments: list[bytes] = []
    at = 0
    while at < len(payload):
        header = first if at == 0 else later
        room = mtu - len(header)
        is_last = len(payload) - at <= room
        octets = len(payload) - at if is_last else room // _UNIT_OCTETS * _UNIT_OCTETS
        if octets <= 0:
            return ()
        more = has_more_behind if is_last else _MORE_FRAGMENTS
        offset = base + at // _UNIT_OCTETS
        fragments.append(_encode(header, offset | more, payload[at : at + octets]))
        at += octets
    return tuple(fragments)


def _encode(header: bytes, flags_and_offset: int, payload: bytes) -> bytes:
    """Put a header of this length, these flags and a right checksum before ``payload``."""
    version_and_length = (4 << 4 | len(header) // 4).to_bytes(1, "big")
    total_octets = (len(header) + len(payload)).to_bytes(2, "big")
    header = (
        version_and_length
        + header[1:2]
        + total_octets
        + header[4:6]
        + flags_and_offset.to_bytes(2, "big")
        + header[8:10]
        + b"\x00\x00"
        + header[12:]
    )
    return header[:10] + checksum(header) + header[12:] + payload


def _header_octets(packet: bytes) -> int | None:
    """Read how long the header is; None if it is not all there."""
    if len(packet) < _LEAST_HEADER_OCTETS or packet[0] >> 4 != 4:
        return None
    octets = (packet[0] & 0x0F) * 4
    return octets if _LEAST_HEADER_OCTETS <= octets <= len(packet) else None


def _flags(packet: bytes) -> int:
    return int.from_bytes(packet[6:8], "big")


def _copied_options(options: bytes) -> bytes | None:
    """Return the options that every fragment carries, padded; None if they can't be read.

    Others, such as record route and timestamp, go with the first fragment alone (§3.1).
    """
    copied, at = b"", 0
    while at < len(options) and options[at] != _END_OF_OPTIONS:
        octets = 1
        if options[at] != _NO_OPERATION:
            octets = options[at + 1] if at + 1 < len(options) else 0
            if not 2 <= octets <= len(options) - at:
                return None
        if options[at] & _IS_COPIED:
            copied += options[at : at + octets]
        at += octets
    return copied.ljust((len(copied) + 3) // 4 * 4, b"\x00")
