# SPDX-License-Identifier: Apache-2.0
"""Which routes a router that is in a VPN has to have, beside its tenant's. Pure."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import dataclass
from ipaddress import ip_network

from isthmus.model.ip import IpAddress, IpPrefix

DEFAULTS = (ip_network("0.0.0.0/0"), ip_network("::/0"))
Route = tuple[IpPrefix, IpAddress]


@dataclass(frozen=True, slots=True)
class RoutesPlan:
    """Routes to add to a router and to remove from it."""

    add: tuple[Route, ...]
    remove: tuple[Route, ...]


def list_destinations(
    aggregates: Iterable[IpPrefix], gateway_families: Collection[int], *, has_ipv6: bool
) -> list[IpPrefix]:
    """Return what a router sends to its PE.

    Args:
        aggregates: as configured.
        gateway_families: IP versions its external gateway has; of the others it sends everything.
        has_ipv6: it has IPv6 subnets; it sends no IPv6 otherwise.
    """
    versions = {4, 6} if has_ipv6 else {4}
    defaults = [prefix for prefix in DEFAULTS if prefix.version not in gateway_families]
    wanted = dict.fromkeys([*aggregates, *defaults])
    return [prefix for prefix in wanted if prefix.version in versions]


def plan_routes(
    current: Collection[Route], destinations: Iterable[IpPrefix], next_hops: Collection[IpAddress]
) -> RoutesPlan:
    """Compare a router's routes with what they have to be.

    Args:
        current: all it has.
        destinations: what it is to send to its PE. Where its tenant has a route to the very same
            destination, the tenant's stays alone.
        next_hops: the PE's addresses on the transit network, one per family.
    """
    ours = {via.version: via for via in next_hops}
    others = {to for to, via in current if via not in next_hops}
    wanted = {
        (to, ours[to.version]) for to in destinations if to.version in ours and to not in others
    }
    former = {(to, via) for to, via in current if via in next_hops}
    return RoutesPlan(_ordered(wanted - former), _ordered(former - wanted))


def _ordered(routes: Iterable[Route]) -> tuple[Route, ...]:
    return tuple(sorted(routes, key=lambda route: (route[0].version, str(route[0]))))
