# SPDX-License-Identifier: Apache-2.0
"""Figures of each VPN on this PE, for whoever looks. Pure; one pass over routes and labels."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from isthmus.model.ids import RouteTarget
from isthmus.model.route import VpnRoute
from isthmus.pe_agent.compile.inputs import Compiled, Inputs


@dataclass(frozen=True, slots=True)
class Figures:
    """Figures of one VPN.

    Attributes:
        labels: VPN labels of the VRFs its hosts are in, in order.
        routes_sent: routes advertised with a route target it exports.
        routes_received: routes of neighbors with a route target it imports.
    """

    labels: tuple[int, ...] = ()
    routes_sent: int = 0
    routes_received: int = 0


def count(inputs: Inputs, compiled: Compiled) -> dict[str, Figures]:
    """Count for every VPN; routes that several VPNs share count for each of them."""
    labels: dict[str, set[int]] = defaultdict(set)
    for (vrf, _), label in compiled.numbers.labels.items():
        for vpn_id in vrf:
            labels[vpn_id].add(label)
    exporters = {vpn_id: intent.export_rts for vpn_id, intent in inputs.intents.items()}
    importers = {vpn_id: intent.import_rts for vpn_id, intent in inputs.intents.items()}
    sent = _count_routes(compiled.routes, exporters)
    received = _count_routes(inputs.routes, importers)
    return {
        vpn_id: Figures(tuple(sorted(labels[vpn_id])), sent[vpn_id], received[vpn_id])
        for vpn_id in inputs.intents
    }


def _count_routes(
    routes: Iterable[VpnRoute], targets_of: Mapping[str, frozenset[RouteTarget]]
) -> Counter[str]:
    vpns_of: dict[RouteTarget, set[str]] = defaultdict(set)
    for vpn_id, targets in targets_of.items():
        for target in targets:
            vpns_of[target].add(vpn_id)
    counts: Counter[str] = Counter()
    for targets, number in Counter(route.route_targets for route in routes).items():
        for vpn_id in set[str]().union(*(vpns_of.get(target, ()) for target in targets)):
            counts[vpn_id] += number
    return counts
