# SPDX-License-Identifier: Apache-2.0
"""The Internet checksum."""

from __future__ import annotations

import struct

_ICMPV6 = 58


def checksum(octets: bytes) -> bytes:
    """Compute the checksum of ``octets``, whose own checksum is zero (RFC 1071)."""
    padded = octets + b"\x00" * (len(octets) % 2)
    total: int = sum(struct.unpack(f"!{len(padded) // 2}H", padded))
    while total >> 16:
        total = (total & 0xFFFF) + (total >> 16)
    return (~total & 0xFFFF).to_bytes(2, "big")


def icmpv6_checksum(addresses: bytes, message: bytes) -> bytes:
    """Compute the checksum of an ICMPv6 message, whose own is zero (RFC 4443 §2.3).

    Args:
        addresses: source and destination, 32 octets.
        message: from the type on.
    """
    return checksum(addresses + struct.pack("!II", len(message), _ICMPV6) + message)
