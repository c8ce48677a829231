# SPDX-License-Identifier: Apache-2.0
"""Import routes into a VRF by route target and choose the best path to each prefix."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from ipaddress import IPv4Address

from isthmus.model.ids import Label, RouteDistinguisher, RouteTarget
from isthmus.model.ip import IpPrefix, ip_order
from isthmus.model.route import VpnRoute
from isthmus.pe_agent.compile.routes import LocalHost
from isthmus.pe_agent.compile.vrfs import Vrf


@dataclass(frozen=True, slots=True)
class RemotePath:
    """The way to a prefix behind another PE.

    Attributes:
        next_hop: that PE.
        label: the VPN label it expects.
    """

    next_hop: IPv4Address
    label: Label


Path = LocalHost | RemotePath


@dataclass(frozen=True, slots=True)
class Candidate:
    """A route that some VRF may import, and where it leads."""

    route: VpnRoute
    path: Path


@dataclass(frozen=True, slots=True)
class Fib:
    """What a VRF forwards by.

    Attributes:
        paths: prefix → the one path chosen.
        unresolved: imported routes left out because nothing leads to their next hop, in order.
    """

    paths: Mapping[IpPrefix, Path]
    unresolved: tuple[VpnRoute, ...]


class RoutesByTarget:
    """Every candidate route of this PE, found by route target."""

    def __init__(self, candidates: Iterable[Candidate]) -> None:
        self._by_target: dict[RouteTarget, list[Candidate]] = {}
        for candidate in candidates:
            for target in candidate.route.route_targets:
                self._by_target.setdefault(target, []).append(candidate)

    def imported(self, targets: frozenset[RouteTarget]) -> list[Candidate]:
        """Return the routes that carry at least one of ``targets``, each once, in any order."""
        found: dict[Candidate, None] = {}
        for target in targets:
            found.update(dict.fromkeys(self._by_target.get(target, ())))
        return list(found)


def compile_fib(
    vrf: Vrf,
    own: Mapping[IpPrefix, LocalHost],
    routes: RoutesByTarget,
    is_reachable: Callable[[IPv4Address], bool],
) -> Fib:
    """Choose where a VRF sends each prefix it knows.

    A VRF's own hosts come before any route. Among routes, those without a way to their next hop
    do not take part (RFC 4271 §9.1.2); then the highest local preference wins, then the lowest
    next hop, then the lowest RD (an order of our own: it has to be the same at every start).

    Args:
        vrf: imports by its import RTs, for the address families it serves.
        own: the hosts it delivers to itself.
        routes: all candidates, from neighbors and from the other VRFs of this PE.
        is_reachable: whether a tunnel leads to a remote PE.
    """
    best: dict[IpPrefix, Candidate] = {}
    unresolved: list[VpnRoute] = []
    for candidate in routes.imported(vrf.import_rts):
        route, prefix = candidate.route, candidate.route.prefix
        if route.family not in vrf.labels:
            continue
        if isinstance(candidate.path, RemotePath) and not is_reachable(candidate.path.next_hop):
            unresolved.append(route)
        elif prefix not in best or _rank(route) < _rank(best[prefix].route):
            best[prefix] = candidate
    paths = {prefix: candidate.path for prefix, candidate in best.items()} | dict(own)
    return Fib(paths, tuple(sorted(unresolved, key=_rank)))


_Rank = tuple[
    int, IPv4Address, RouteDistinguisher, tuple[int, int, int], Label, tuple[RouteTarget, ...]
]


def _rank(route: VpnRoute) -> _Rank:
    """Order of preference, least first; every field takes part, so no two are equally good."""
    targets = tuple(sorted(route.route_targets))
    prefix = ip_order(route.prefix)
    return (-route.local_pref, route.next_hop, route.rd, prefix, route.label, targets)
