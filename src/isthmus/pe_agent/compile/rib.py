# SPDX-License-Identifier: Apache-2.0
"""Import routes into a VRF by route target and choose the best paths to each prefix."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from ipaddress import IPv4Address

from isthmus.model.ids import Label, RouteDistinguisher, RouteTarget
from isthmus.model.ip import IpPrefix, ip_order
from isthmus.model.route import VpnRoute
from isthmus.pe_agent.compile.routes import LocalPath, OwnPrefix
from isthmus.pe_agent.compile.vrfs import Vrf

MOST_PATHS = 8
"""How many paths one prefix is spread over."""

_NO_ROUTE_HAS_MORE = 2**32


@dataclass(frozen=True, slots=True, order=True)
class RemotePath:
    """The way to a prefix behind another PE.

    Attributes:
        next_hop: that PE.
        label: the VPN label it expects.
    """

    next_hop: IPv4Address
    label: Label


Path = LocalPath | RemotePath


@dataclass(frozen=True, slots=True)
class Candidate:
    """A route that some VRF may import, and where it leads."""

    route: VpnRoute
    path: Path


@dataclass(frozen=True, slots=True)
class Fib:
    """What a VRF forwards by.

    Attributes:
        paths: prefix → the paths chosen, in order: all through attachments of this PE, or all
            through the core.
        unresolved: imported routes left out because nothing leads to their next hop, in order.
        from_core: prefix to which others have as good or better paths → this VRF's own, in order.
            What the core delivers goes there: its sender has not heard of the others yet, or
            imports none of them, and a packet never returns to the core.
    """

    paths: Mapping[IpPrefix, tuple[Path, ...]]
    unresolved: tuple[VpnRoute, ...]
    from_core: Mapping[IpPrefix, tuple[LocalPath, ...]] = field(default_factory=dict)


class RoutesByTarget:
    """Every candidate route of this PE, found by route target."""

    def __init__(self, candidates: Iterable[Candidate]) -> None:
        self._by_target: dict[RouteTarget, list[Candidate]] = {}
        for candidate in candidates:
            for target in candidate.route.route_targets:
                self._by_target.setdefault(target, []).append(candidate)

    def imported(self, targets: frozenset[RouteTarget]) -> list[Candidate]:
        """Return the routes that carry at least one of ``targets``, each once, in any order."""
        found: dict[int, Candidate] = {}
        for target in targets:
            # By identity, as a candidate's hash costs more than all the rest.
            found |= {id(each): each for each in self._by_target.get(target, ())}
        return list(found.values())


def compile_fib(
    vrf: Vrf,
    own: Mapping[IpPrefix, OwnPrefix],
    routes: RoutesByTarget,
    is_reachable: Callable[[IPv4Address], bool],
) -> Fib:
    """Choose the best paths to each prefix that a VRF knows.

    Its own hosts come first: what is plugged here is here. Then the highest local preference wins,
    then what is attached to this PE; among all that is equal packets are spread.

    Args:
        vrf: imports by its import RTs, for the address families it serves.
        own: what it delivers to itself.
        routes: all candidates, from neighbors and from the other VRFs of this PE.
        is_reachable: whether a tunnel leads to a remote PE.
    """
    best: dict[IpPrefix, tuple[tuple[int, bool], list[Path]]] = {
        prefix: ((_NO_ROUTE_HAS_MORE if each.is_host else each.local_pref, True), [*each.paths])
        for prefix, each in own.items()
    }
    unresolved: list[VpnRoute] = []
    for candidate in routes.imported(vrf.import_rts):
        route, path = candidate.route, candidate.path
        if route.family not in vrf.labels:
            continue
        is_local = isinstance(path, LocalPath)
        if isinstance(path, RemotePath) and not is_reachable(path.next_hop):
            unresolved.append(route)
            continue
        merit = (route.local_pref, is_local)
        known = best.get(route.prefix)
        if known is None or known[0] < merit:
            best[route.prefix] = merit, [path]
        elif known[0] == merit:
            known[1].append(path)
    paths = {prefix: _in_order(found) for prefix, (_, found) in best.items()}
    return Fib(paths, tuple(sorted(unresolved, key=_rank)), _own_alone(own, paths))


def _in_order(paths: list[Path]) -> tuple[Path, ...]:
    if len(paths) == 1:
        return (paths[0],)
    local: list[Path] = [*sorted({path for path in paths if isinstance(path, LocalPath)})]
    remote: list[Path] = [*sorted({path for path in paths if isinstance(path, RemotePath)})]
    return tuple((local + remote)[:MOST_PATHS])


def _own_alone(
    own: Mapping[IpPrefix, OwnPrefix], paths: Mapping[IpPrefix, tuple[Path, ...]]
) -> dict[IpPrefix, tuple[LocalPath, ...]]:
    return {
        prefix: first
        for prefix, each in own.items()
        if not each.is_host and (first := each.paths[:MOST_PATHS]) != paths[prefix]
    }


_Rank = tuple[
    int, IPv4Address, RouteDistinguisher, tuple[int, int, int], Label, tuple[RouteTarget, ...]
]


def _rank(route: VpnRoute) -> _Rank:
    """An order of routes; every field takes part, so no two are equal."""
    targets = tuple(sorted(route.route_targets))
    prefix = ip_order(route.prefix)
    return (-route.local_pref, route.next_hop, route.rd, prefix, route.label, targets)
