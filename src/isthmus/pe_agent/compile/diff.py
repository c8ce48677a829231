# SPDX-License-Identifier: Apache-2.0
"""Ordered difference between what is installed and what is wanted: make before break.

``apply(diff(a, b), a) == b`` for any ``a`` and ``b``.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from isthmus.model.flow import Flow
from isthmus.model.ids import RouteDistinguisher
from isthmus.model.ip import IpPrefix, ip_order
from isthmus.model.route import VpnRoute

FlowKey = tuple[int, int, tuple[tuple[str, str], ...]]
RouteKey = tuple[RouteDistinguisher, IpPrefix]


@dataclass(frozen=True, slots=True)
class Installed:
    """What a PE advertises and forwards by; at most one flow and one route per key.

    Attributes:
        routes: what neighbors hear.
        flows: the flow table.
    """

    routes: frozenset[VpnRoute] = frozenset()
    flows: frozenset[Flow] = frozenset()


@dataclass(frozen=True, slots=True)
class Change:
    """What to do, in the order of the attributes.

    A PE can forward a label before it advertises it, and withdraws a route before it stops
    forwarding it; so at no step does anybody hold a label that leads nowhere.

    Attributes:
        add: flows to install; one with the table, priority and match of another replaces it.
        advertise: routes to send; one with the RD and prefix of another replaces it (RFC 4271
            §3.1, implicit withdrawal).
        withdraw: routes to take back.
        delete: flows to remove.
    """

    add: tuple[Flow, ...] = ()
    advertise: tuple[VpnRoute, ...] = ()
    withdraw: tuple[VpnRoute, ...] = ()
    delete: tuple[Flow, ...] = ()

    def __bool__(self) -> bool:
        """Whether there is anything to do."""
        return any((self.add, self.advertise, self.withdraw, self.delete))


def diff(installed: Installed, wanted: Installed) -> Change:
    """Compute what turns ``installed`` into ``wanted``.

    Flows of the FIB come before the flows that lead to them, which is later tables first; they go
    the other way round.
    """
    kept_flows = {flow.key for flow in wanted.flows}
    kept_routes = {_route_key(route) for route in wanted.routes}
    gone_flows = (flow for flow in installed.flows if flow.key not in kept_flows)
    gone_routes = (route for route in installed.routes if _route_key(route) not in kept_routes)
    return Change(
        add=_last_table_first(wanted.flows - installed.flows),
        advertise=_ordered(wanted.routes - installed.routes),
        withdraw=_ordered(gone_routes),
        delete=tuple(reversed(_last_table_first(gone_flows))),
    )


def apply(change: Change, installed: Installed) -> Installed:
    """Return what is installed once ``change`` has been carried out."""
    flows = {flow.key: flow for flow in installed.flows}
    flows |= {flow.key: flow for flow in change.add}
    routes = {_route_key(route): route for route in installed.routes}
    routes |= {_route_key(route): route for route in change.advertise}
    for route in change.withdraw:
        routes.pop(_route_key(route), None)
    for flow in change.delete:
        flows.pop(flow.key, None)
    return Installed(frozenset(routes.values()), frozenset(flows.values()))


def _route_key(route: VpnRoute) -> RouteKey:
    return route.rd, route.prefix


def _last_table_first(flows: Iterable[Flow]) -> tuple[Flow, ...]:
    return tuple(sorted(flows, key=lambda flow: flow.key, reverse=True))


def _ordered(routes: Iterable[VpnRoute]) -> tuple[VpnRoute, ...]:
    return tuple(sorted(routes, key=lambda route: (route.rd, ip_order(route.prefix))))
