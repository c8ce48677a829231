# SPDX-License-Identifier: Apache-2.0
"""Why a VRF does not forward to an address: what is known of it elsewhere. Pure."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from isthmus.model.ids import RouteTarget
from isthmus.model.intent import Migration
from isthmus.model.ip import IpAddress
from isthmus.pe_agent.compile.inputs import Inputs
from isthmus.pe_agent.compile.numbers import VrfKey
from isthmus.pe_agent.compile.pipeline import DropCookie
from isthmus.pe_agent.trace.origin import owners_of


@dataclass(frozen=True, slots=True)
class Missing:
    """An address that a VRF does not forward to.

    Attributes:
        inputs: all that is known.
        key: the VRF's VPNs.
        destination: the address.
        imports: route targets the VRF imports.
    """

    inputs: Inputs
    key: VrfKey
    destination: IpAddress
    imports: frozenset[RouteTarget]


def why_no_route(missing: Missing, cookie: int) -> tuple[str, str]:
    """Return the step that fails and why.

    Args:
        missing: what is not forwarded to.
        cookie: of the flow that drops it.
    """
    destination, inputs = missing.destination, missing.inputs
    if cookie not in (0, DropCookie.NO_ROUTE):
        kind = DropCookie(cookie).name.replace("_", " ").lower()
        return "route", f"No router forwards to {destination}: dropped as {kind}."
    for owner in owners_of(inputs.intents, missing.key, destination):
        is_arriving = owner.host.migration is Migration.ARRIVING
        if is_arriving and owner.host.port_id not in inputs.arrived:
            return (
                "delivery",
                f"{destination} is {owner}, whose VM is only on its way to this host.",
            )
        if owner.host.port_id not in inputs.plugged_hosts:
            return "delivery", f"{destination} is {owner} of this host, which is not plugged."
        network = owner.circuit.network_id
        return "delivery", f"{destination} is {owner}, but network {network} is not plugged."
    covering = sorted(
        (route for route in inputs.routes if destination in route.prefix),
        key=lambda route: (-route.prefix.prefixlen, route.next_hop, route.rd),
    )
    for route in covering:
        if route.route_targets & missing.imports:
            return "transport", (
                f"No LSP leads to the PE {route.next_hop}, which has the route to {route.prefix} "
                f"(RD {route.rd})."
            )
    nothing = f"No route to {destination} in this VRF"
    if not covering:
        return "route", f"{nothing}: no neighbor has told one."
    nearest = covering[0]
    return "route", (
        f"{nothing}: {nearest.next_hop} has one to {nearest.prefix} with the route targets "
        f"{_in_order(nearest.route_targets)}, but the VPN imports {_in_order(missing.imports)}."
    )


def _in_order(targets: Iterable[RouteTarget]) -> str:
    return " ".join(map(str, sorted(targets))) or "none"
