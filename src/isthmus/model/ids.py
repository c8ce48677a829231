# SPDX-License-Identifier: Apache-2.0
"""Numbers of the field: labels, route targets, route distinguishers, MAC addresses."""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import IntEnum
from ipaddress import AddressValueError, IPv4Address
from typing import ClassVar, Self

from isthmus.model.errors import InvalidValue

MAX_LABEL = 2**20 - 1
_DECIMAL = re.compile(r"[0-9]{1,10}")
_MAC = re.compile(r"[0-9a-f]{2}(:[0-9a-f]{2}){5}")


@dataclass(frozen=True, slots=True, order=True)
class Label:
    """An MPLS label (RFC 3032 §2.1).

    Attributes:
        value: 20-bit number. 0-15 are reserved and never given to a VPN.

    Raises:
        InvalidValue: ``value`` is reserved or wider than 20 bits.
    """

    value: int

    def __post_init__(self) -> None:
        if not 16 <= self.value <= MAX_LABEL:
            raise InvalidValue(f"{self.value} is not an MPLS label between 16 and {MAX_LABEL}.")

    def __str__(self) -> str:
        return str(self.value)


class NullLabel(IntEnum):
    """Labels that stand for none, as an egress of an LSP may ask for (RFC 3032 §2.1).

    Attributes:
        EXPLICIT: pushed and popped like others, and leads nowhere else; anywhere in the stack
            (RFC 4182).
        IMPLICIT: never on the wire: the label above is popped, or none pushed, instead.
    """

    EXPLICIT = 0
    IMPLICIT = 3


@dataclass(frozen=True, slots=True, order=True)
class AdministeredNumber:
    """The eight octets that route targets and distinguishers share: type, administrator, number.

    Attributes:
        words: what it is called in a sentence.
        kind: 0 = 2-octet AS, 32-bit number; 1 = IPv4 address, 16-bit number; 2 = 4-octet AS,
            16-bit number (RFC 4364 §4.2, RFC 4360 §3, RFC 5668 §2).
        administrator: the AS number, or the IPv4 address as an integer.
        number: what the administrator assigned.
    """

    words: ClassVar[str] = ""

    kind: int
    administrator: int
    number: int

    def __post_init__(self) -> None:
        widths = {0: (16, 32), 1: (32, 16), 2: (32, 16)}
        if self.kind not in widths:
            raise InvalidValue(f"Type {self.kind} is none of 0, 1 and 2.")
        administrator_bits, number_bits = widths[self.kind]
        if not 0 <= self.administrator < 2**administrator_bits:
            raise InvalidValue(f"{self.administrator} does not fit in {administrator_bits} bits.")
        if not 0 <= self.number < 2**number_bits:
            raise InvalidValue(f"{self.number} does not fit in {number_bits} bits.")

    @classmethod
    def parse(cls, text: str) -> Self:
        """Read ``ASN:number`` or ``IPv4:number``; an AS above 65535 makes it type 2.

        Raises:
            InvalidValue: not of that form, or a part is out of range.
        """
        administrator, _, number = text.partition(":")
        if not _DECIMAL.fullmatch(number):
            raise InvalidValue(f"'{text}' is not of the form ASN:number or IPv4-address:number.")
        if "." in administrator:
            try:
                return cls(1, int(IPv4Address(administrator)), int(number))
            except AddressValueError:
                raise InvalidValue(
                    f"'{administrator}' in '{text}' is not an IPv4 address."
                ) from None
        if not _DECIMAL.fullmatch(administrator):
            raise InvalidValue(f"'{text}' is not of the form ASN:number or IPv4-address:number.")
        return cls(0 if int(administrator) < 2**16 else 2, int(administrator), int(number))

    @property
    def octets(self) -> int:
        """All eight octets as one number; no other of its class has the same."""
        width = 32 if self.kind == 0 else 16
        return self.kind << 48 | self.administrator << width | self.number

    def __str__(self) -> str:
        left = IPv4Address(self.administrator) if self.kind == 1 else self.administrator
        return f"{left}:{self.number}"


class RouteTarget(AdministeredNumber):
    """Decides which VRFs import a route (RFC 4364 §4.3.1).

    >>> str(RouteTarget.parse("64500:100"))
    '64500:100'
    """

    __slots__ = ()
    words = "route target"


class RouteDistinguisher(AdministeredNumber):
    """Makes a prefix unique across VPNs; decides nothing (RFC 4364 §4.2).

    >>> RouteDistinguisher.parse("192.0.2.1:7").kind
    1
    """

    __slots__ = ()
    words = "route distinguisher"


def check_mac(text: str) -> str:
    """Return ``text`` if it is a unicast MAC address in lower case with colons.

    Raises:
        InvalidValue: it is not.
    """
    if not _MAC.fullmatch(text) or int(text[:2], 16) & 1:
        raise InvalidValue(f"'{text}' is not a unicast MAC address such as 02:00:5e:00:00:01.")
    return text
