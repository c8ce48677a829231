# SPDX-License-Identifier: Apache-2.0
"""What a VPN carries, in octets of an IP packet, and what that means for its networks. Pure."""

from __future__ import annotations

from collections.abc import Iterable

from isthmus.db.records import NetworkRecord, ProviderEdgeRecord

_LEAST_IPV6_MTU = 1280
"""RFC 8200 §5."""


def vpn_mtu(edges: Iterable[ProviderEdgeRecord]) -> int | None:
    """Return the largest IP packet that all these PEs carry, whichever of them it leaves by.

    It is what the core link of the least of them takes, less labels and tunnel headers. None while
    there is no PE, or one of them does not say.
    """
    payloads = [edge.core_payload for edge in edges]
    known = [payload for payload in payloads if payload is not None]
    return min(known) if known and len(known) == len(payloads) else None


def remark_on_mtu(network: NetworkRecord, mtu: int | None) -> str:
    """Say what a network has to expect of a VPN that carries packets of ``mtu`` octets."""
    if mtu is None:
        return ""
    if mtu < _LEAST_IPV6_MTU and any(
        subnet.prefix.version == 6 and subnet.is_carried for subnet in network.subnets
    ):
        return (
            f"Network {network.id} has IPv6, which needs packets of {_LEAST_IPV6_MTU} octets, but "
            f"the VPN carries {mtu}."
        )
    if network.mtu > mtu:
        return (
            f"Network {network.id} has an MTU of {network.mtu}, but the VPN carries packets of "
            f"{mtu} octets: larger ones are fragmented, or their senders told."
        )
    return ""
