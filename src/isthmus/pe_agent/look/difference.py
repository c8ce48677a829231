# SPDX-License-Identifier: Apache-2.0
"""What should be against what is there, as rows. Pure: both are given.

``missing`` should be there and is not, ``unexpected`` is there and should not; what is there with
other contents is both.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from isthmus.model.route import VpnRoute
from isthmus.pe_agent.look.parts import describe_routes
from isthmus.pe_agent.look.view import Row, View
from isthmus.pe_agent.openflow.writer import FlowDifference, InstalledFlow


def difference(
    view: View,
    flows: FlowDifference | None,
    advertised: frozenset[VpnRoute] | None,
    vpn_id: str | None,
) -> list[Row]:
    """Compare what was compiled with what was read.

    Args:
        view: what the agent holds; nothing compiled makes no difference beside its intent.
        flows: of the switch; None if it could not be read.
        advertised: of the BGP daemon; None if it could not be read.
        vpn_id: whose differences to show; None for all, what belongs to no VPN among them.
    """
    rows = [*_intent(view, vpn_id), *_ports(view, vpn_id)]
    if flows is not None:
        rows += _flows(view, flows, vpn_id)
    if advertised is not None and view.compiled is not None:
        wanted = view.compiled.routes
        for what, routes in (
            ("missing", wanted - advertised),
            ("unexpected", advertised - wanted),
        ):
            rows += [
                _row("route", what, _words(route))
                for route in describe_routes(routes, view, vpn_id)
            ]
    return rows


def _row(where: str, what: str, value: str) -> Row:
    return {"where": where, "what": what, "value": value}


def _intent(view: View, vpn_id: str | None) -> Iterator[Row]:
    for vrf in view.report.vrfs:
        if not vrf.is_in_force and vpn_id in (None, vrf.vpn_id):
            reason = vrf.reason or "No pass has taken it in yet."
            yield _row("intent", "missing", f"{vrf.vpn_id} generation {vrf.generation}: {reason}")


def _ports(view: View, vpn_id: str | None) -> Iterator[Row]:
    if view.ports is None:
        return
    wanted = {
        circuit.port_id
        for each in view.intents.values()
        if vpn_id in (None, each.vpn_id)
        for circuit in each.circuits
    }
    if view.ports.core is None:
        yield _row("port", "missing", "core")
    for port_id in sorted(wanted - view.ports.circuits.keys()):
        yield _row("port", "missing", f"attachment {port_id}")
    if vpn_id is None:
        for port_id in sorted(view.ports.circuits.keys() - wanted):
            yield _row("port", "unexpected", f"attachment {port_id}")


def _flows(view: View, flows: FlowDifference, vpn_id: str | None) -> Iterator[Row]:
    chosen = None if vpn_id is None else view.vrf_numbers(vpn_id)
    for what, found in (("missing", flows.missing), ("unexpected", flows.unexpected)):
        for flow in found:
            if chosen is None or flow.cookie in chosen:
                yield _row("flow", what, _flow_words(flow))


def _flow_words(flow: InstalledFlow) -> str:
    match = f",{flow.match}" if flow.match else ""
    head = f"cookie={flow.cookie:#x},table={flow.table},priority={flow.priority}{match}"
    return f"{head} actions={flow.actions}"


def _words(route: Mapping[str, Any]) -> str:
    targets = ",".join(route["route_targets"])
    return (
        f"{route['prefix']} rd {route['rd']} label {route['label']} via {route['next_hop']} "
        f"local_pref {route['local_pref']} rt {targets}"
    )
