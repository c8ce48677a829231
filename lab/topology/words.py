# SPDX-License-Identifier: Apache-2.0
"""Read single values of the topology file, refusing what is none of the kind."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

from lab.topology.parts import TopologyInvalid

_MAC = re.compile(r"(?:[0-9a-f]{2}:){5}[0-9a-f]{2}")
_NAME = re.compile(r"[a-z][a-z0-9-]{0,14}")
_LABELS = range(16, 2**20)


def sequence(value: object) -> list[Any]:
    """A list with something in it."""
    if not isinstance(value, list) or not value:
        raise TopologyInvalid(f"expected a list with something in it, found {value!r}")
    return value


def name(value: object) -> str:
    """The name of a part of the lab."""
    # Names become interface, host and file names; interfaces hold 15 octets.
    if not isinstance(value, str) or not _NAME.fullmatch(value):
        raise TopologyInvalid(f"{value!r} is no name (small letters, digits, dashes; 15 at most)")
    return value


def names(value: object) -> tuple[str, ...]:
    """Names of several parts."""
    return tuple(name(each) for each in sequence(value))


def unicast_mac(value: object) -> str:
    """The MAC address of one interface."""
    if not isinstance(value, str) or not _MAC.fullmatch(value):
        raise TopologyInvalid(f"{value!r} is no MAC address (six pairs of small hex digits)")
    if int(value[:2], 16) & 1:
        raise TopologyInvalid(f"{value} is a group address")
    return value


def within(numbers: range) -> Callable[[object], int]:
    """Make the reader of a number in a range."""

    def read(value: object) -> int:
        if not isinstance(value, int) or value not in numbers:
            raise TopologyInvalid(f"{value!r} is not within {numbers.start}..{numbers.stop - 1}")
        return value

    return read


#: Octets of a link that carries IPv6 and is no larger than jumbo frames go.
mtu = within(range(1280, 9217))
#: A label that is not reserved (RFC 3032 §2.1).
label = within(_LABELS)


def pop_or_swap(value: object) -> int | None:
    """What P does with a label: the one it swaps it to, None to pop it."""
    if value == "pop":
        return None
    words = str(value).split()
    if words[:2] != ["swap", "to"] or len(words) != 3 or not words[2].isdecimal():
        raise TopologyInvalid(f'{value!r} is neither "pop" nor "swap to LABEL"')
    return label(int(words[2]))
