# SPDX-License-Identifier: Apache-2.0
"""Each part of the agent's state as rows. Pure: a view in, rows out.

Every function takes the VPN to show, or None for all of them.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

from isthmus.model.flow import Flow
from isthmus.model.intent import AttachmentCircuit, VrfIntent
from isthmus.model.ip import AddressFamily, ip_order
from isthmus.model.route import VpnRoute
from isthmus.pe_agent.look.view import Row, Tables, View
from isthmus.pe_agent.openflow.writer import InstalledFlow


def describe_agent(view: View) -> dict[str, Any]:
    """Describe the agent itself."""
    done = view.done
    return {
        "host": view.report.pe,
        "address": str(view.report.address),
        "waits_for": list(view.waits_for),
        "rib_is_complete": view.rib.is_complete,
        "failures": [] if done is None else list(done.failures),
        "may_write_flows": done is not None and done.may_write_flows,
        "last_pass_s": None if done is None else round(done.seconds, 4),
    }


def overview(view: View, vpn_id: str | None) -> Tables:
    """One row per VPN, the BGP neighbors, and what was said to packets that went no further."""
    neighbors: list[Row] = [
        {"address": str(each.address), "established": each.is_established}
        for each in view.report.neighbors
    ]
    rows: list[Row] = []
    for vrf in view.report.vrfs:
        intent = view.intents.get(vrf.vpn_id)
        if (vpn_id is not None and vrf.vpn_id != vpn_id) or intent is None:
            continue
        hosts = [host for circuit in intent.circuits for host in circuit.hosts]
        rows.append(
            {
                "vpn": vrf.vpn_id,
                "generation": vrf.generation,
                "in_force": vrf.is_in_force,
                "vrfs": sorted(view.vrf_numbers(vrf.vpn_id)),
                "labels": sorted(view.vpn_labels(vrf.vpn_id)),
                "hosts": len(hosts),
                "plugged": sum(_is_plugged(view, host.port_id) for host in hosts),
                "reason": vrf.reason,
            }
        )
    return {"vpns": rows, "neighbors": neighbors, "responses": _responses(view, vpn_id)}


def _responses(view: View, vpn_id: str | None) -> list[Row]:
    keys = {number: key for key, number in view.numbers.by_vrf.items()}
    return [
        {"vrf": number, "vpns": list(keys[number])}
        | {what: counts.get(what, 0) for what in ("answered", "fragmented", "limited")}
        for number, counts in sorted(view.responses.items())
        if number in keys and (vpn_id is None or vpn_id in keys[number])
    ]


def intent(view: View, vpn_id: str | None) -> Tables:
    """What is wanted, and whether what it names is plugged."""
    tables: Tables = {"vpns": [], "networks": [], "hosts": [], "prefixes": []}
    for each in _chosen(view, vpn_id):
        tables["vpns"].append(
            {
                "vpn": each.vpn_id,
                "generation": each.generation,
                "import": sorted(map(str, each.import_rts)),
                "export": sorted(map(str, each.export_rts)),
                "rd": None if each.rd is None else str(each.rd),
                "local_pref": each.local_pref,
            }
        )
        for circuit in each.circuits:
            tables["networks"].append(_network(view, each, circuit))
            tables["hosts"] += _hosts(view, each, circuit)
            tables["prefixes"] += [
                {
                    "vpn": each.vpn_id,
                    "prefix": str(behind.prefix),
                    "mac": behind.mac,
                    "port": behind.port_id,
                    "local_pref": behind.local_pref,
                    "network": circuit.network_id,
                }
                for behind in circuit.prefixes
            ]
    return tables


def rib(view: View, vpn_id: str | None) -> Tables:
    """What neighbors have told, and which VPNs here import it."""
    intents = _chosen(view, vpn_id)
    rows: list[Row] = []
    for route in in_order(view.rib.routes):
        importers = [each.vpn_id for each in intents if each.import_rts & route.route_targets]
        if importers or vpn_id is None:
            rows.append({**describe_route(route), "imported_by": importers})
    return {"routes": rows}


def compiled(view: View, vpn_id: str | None) -> Tables:
    """What should be: VRFs, routes to advertise, flows."""
    done = view.compiled
    if done is None:
        return {"vrfs": [], "routes": [], "flows": []}
    chosen = None if vpn_id is None else view.vrf_numbers(vpn_id)
    return {
        "vrfs": [
            {
                "vrf": number,
                "vpns": list(key),
                "label": done.numbers.labels.get((key, AddressFamily.IPV4)),
                "label_ipv6": done.numbers.labels.get((key, AddressFamily.IPV6)),
            }
            for key, number in sorted(done.numbers.by_vrf.items(), key=lambda item: item[1])
            if vpn_id is None or vpn_id in key
        ],
        "routes": describe_routes(done.routes, view, vpn_id),
        "flows": [
            _flow(flow)
            for flow in sorted(done.flows, key=lambda f: (f.table, -f.priority, f.match))
            if chosen is None or flow.cookie in chosen
        ],
    }


def ports(view: View) -> Tables:
    """What is plugged."""
    if view.ports is None:
        return {"attachments": []}
    rows: list[Row] = [] if view.ports.core is None else [{"port": "core", "of": view.ports.core}]
    rows += [{"port": port, "of": of} for port, of in sorted(view.ports.circuits.items())]
    return {"attachments": rows}


def describe_routes(routes: Iterable[VpnRoute], view: View, vpn_id: str | None) -> list[Row]:
    """Describe this PE's own routes, or those of one VPN, which its labels tell."""
    labels = None if vpn_id is None else view.vpn_labels(vpn_id)
    return [
        describe_route(route)
        for route in in_order(routes)
        if labels is None or route.label.value in labels
    ]


def describe_route(route: VpnRoute) -> dict[str, Any]:
    """Describe a route."""
    return {
        "prefix": str(route.prefix),
        "rd": str(route.rd),
        "next_hop": str(route.next_hop),
        "label": route.label.value,
        "local_pref": route.local_pref,
        "route_targets": sorted(str(target) for target in route.route_targets),
    }


def describe_installed(flow: InstalledFlow) -> dict[str, Any]:
    """Describe a flow as the switch has it."""
    return {
        "table": flow.table,
        "priority": flow.priority,
        "cookie": hex(flow.cookie),
        "packets": flow.packets,
        "match": flow.match,
        "actions": flow.actions,
    }


def in_order(routes: Iterable[VpnRoute]) -> list[VpnRoute]:
    """Sort routes by prefix, then RD."""
    return sorted(routes, key=lambda route: (ip_order(route.prefix), route.rd))


def _chosen(view: View, vpn_id: str | None) -> list[VrfIntent]:
    return [each for key, each in sorted(view.intents.items()) if vpn_id is None or key == vpn_id]


def _network(view: View, intent_: VrfIntent, circuit: AttachmentCircuit) -> Row:
    circuits = {} if view.ports is None else view.ports.circuits
    return {
        "vpn": intent_.vpn_id,
        "network": circuit.network_id,
        "attachment": circuit.port_id,
        "of": circuits.get(circuit.port_id),
        "mtu": circuit.mtu,
        "whole": circuit.is_whole,
        "subnets": [str(subnet.prefix) for subnet in circuit.subnets],
        "gateways": [str(subnet.gateway) for subnet in circuit.subnets],
    }


def _hosts(view: View, intent_: VrfIntent, circuit: AttachmentCircuit) -> Iterator[Row]:
    for host in circuit.hosts:
        yield {
            "vpn": intent_.vpn_id,
            "port": host.port_id,
            "mac": host.mac,
            "addresses": [str(address) for address in host.addresses],
            "plugged": _is_plugged(view, host.port_id),
            "network": circuit.network_id,
        }


def _is_plugged(view: View, port_id: str) -> bool:
    return view.ports is not None and port_id in view.ports.hosts


def _flow(flow: Flow) -> Row:
    return {
        "table": flow.table,
        "priority": flow.priority,
        "cookie": hex(flow.cookie),
        "match": ",".join(f"{name}={value}" for name, value in flow.match),
        "actions": ",".join(str(action) for action in flow.actions),
    }
