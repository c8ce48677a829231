# SPDX-License-Identifier: Apache-2.0
"""What no two parts of the lab may have in common, and what has to be inside what."""

from __future__ import annotations

from collections.abc import Iterable

from lab.topology.parts import CONTROL, Topology, TopologyInvalid


def refuse_repeats(topology: Topology) -> None:
    """Refuse names, addresses and labels that two have."""
    hosts, reflectors, sites = topology.hosts, topology.route_reflectors, topology.all_sites
    management = topology.management
    named: list[tuple[str, Iterable[object]]] = [
        ("site name", [s.name for s in sites]),
        (
            "machine name",
            [h.name for h in hosts]
            + [r.name for r in reflectors]
            + [s.control_machine for s in sites]
            + [s.interconnect_machine for s in sites]
            + [topology.core.p_router, topology.interconnect.exchange, CONTROL],
        ),
        (
            "management address",
            [management.control, management.client]
            + [s.api for s in sites]
            + [s.interconnect.management for s in sites]
            + [h.management for h in hosts],
        ),
        ("interconnect address", [s.interconnect.address for s in sites]),
        ("encapsulation address", [h.encapsulation for h in hosts]),
        (
            "core address",
            [h.provider_edge for h in hosts] + [r.address for r in reflectors],
        ),
        ("MAC address", [m for h in hosts for m in (h.core_mac, h.p_mac)]),
        ("transport label", [h.transport_label for h in hosts]),
        ("project", list(topology.projects)),
        *((f"project of {s.name}", list(s.own_projects)) for s in sites),
    ]
    for what, values in named:
        _refuse_repeated(what, values)


def _refuse_repeated(what: str, values: Iterable[object]) -> None:
    seen: set[object] = set()
    for value in values:
        if value in seen:
            raise TopologyInvalid(f"{what} {value} is used twice")
        seen.add(value)


def refuse_strangers(topology: Topology) -> None:
    """Refuse addresses outside the network they are on."""
    management, sites = topology.management, topology.all_sites
    for network, addresses in (
        (
            management.network,
            [management.control, management.client]
            + [s.api for s in sites]
            + [s.interconnect.management for s in sites]
            + [h.management for h in topology.hosts],
        ),
        (topology.interconnect.network, [s.interconnect.address for s in sites]),
        (topology.encapsulation.network, [h.encapsulation for h in topology.hosts]),
        (
            topology.core.network,
            [h.provider_edge for h in topology.hosts]
            + [r.address for r in topology.route_reflectors],
        ),
    ):
        for address in addresses:
            if address not in network:
                raise TopologyInvalid(f"{address} is outside {network}")
