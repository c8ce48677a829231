# SPDX-License-Identifier: Apache-2.0
"""Addresses and prefixes of either IP version, and an order for them."""

from __future__ import annotations

from enum import IntEnum
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network

IpAddress = IPv4Address | IPv6Address
IpPrefix = IPv4Network | IPv6Network


class AddressFamily(IntEnum):
    """An address family, by its number in BGP (RFC 4760 §3)."""

    IPV4 = 1
    IPV6 = 2

    def __str__(self) -> str:
        """The name a person uses."""
        return "IPv4" if self is AddressFamily.IPV4 else "IPv6"


def family_of(value: IpAddress | IpPrefix) -> AddressFamily:
    """Return the family of an address or a prefix."""
    return AddressFamily.IPV4 if value.version == 4 else AddressFamily.IPV6


def ip_order(value: IpAddress | IpPrefix) -> tuple[int, int, int]:
    """Return a key that sorts IPv4 before IPv6, and numbers before longer prefixes within.

    Python compares an IPv4 value with an IPv6 value by raising TypeError.
    """
    if isinstance(value, IPv4Network | IPv6Network):
        return value.version, int(value.network_address), value.prefixlen
    return value.version, int(value), value.max_prefixlen
