# SPDX-License-Identifier: Apache-2.0
"""Routes as PEs exchange them, among each other and with P routers."""

from __future__ import annotations

from dataclasses import dataclass
from ipaddress import IPv4Address

from isthmus.model.errors import InvalidValue
from isthmus.model.ids import Label, NullLabel, RouteDistinguisher, RouteTarget
from isthmus.model.ip import AddressFamily, IpPrefix, family_of


@dataclass(frozen=True, slots=True)
class VpnRoute:
    """A VPN-IPv4 or VPN-IPv6 route: labelled, distinguished, with RTs that say who imports it.

    RFC 4364 §4.3 and RFC 4659 §3.2; the prefix decides which.

    Attributes:
        rd: of the VRF at the PE that advertised it.
        prefix: no host bits.
        next_hop: IPv4 address of that PE, for either family (RFC 4659 §3.2.1.2); where the
            transport label has to lead.
        label: VPN label that PE allocated; what it expects at the bottom of the stack.
        route_targets: at least one; a route without any would be imported by nobody.
        local_pref: higher wins (RFC 4271 §5.1.5); 32 bits.

    Raises:
        InvalidValue: no route target, or ``local_pref`` wider than 32 bits.
    """

    rd: RouteDistinguisher
    prefix: IpPrefix
    next_hop: IPv4Address
    label: Label
    route_targets: frozenset[RouteTarget]
    local_pref: int = 100

    def __post_init__(self) -> None:
        if not self.route_targets:
            raise InvalidValue(f"The route to {self.prefix} carries no route target.")
        if not 0 <= self.local_pref < 2**32:
            raise InvalidValue(f"Local preference {self.local_pref} does not fit in 32 bits.")

    @property
    def family(self) -> AddressFamily:
        """Return the family of its prefix."""
        return family_of(self.prefix)


@dataclass(frozen=True, slots=True)
class LabelledRoute:
    """The way into an LSP to a PE, as an adjacent router tells it (RFC 8277).

    Attributes:
        pe: address of the PE at its end; the route is to that address alone.
        next_hop: router on the core link that understands ``label``.
        label: what to push for it to deliver to ``pe``.
    """

    pe: IPv4Address
    next_hop: IPv4Address
    label: Label | NullLabel
