# SPDX-License-Identifier: Apache-2.0
"""Decide what to change in Open vSwitch's database: rows and wishes in, operations out.

    br-int ipe<9> ══ ppe<9> br-pe pe-core ══ core-pe br-core        one patch pair per circuit
    br-int ipe<9> ══ ppe<9> br-pe pe-core (gre)                     MPLS-in-GRE

Pure. What is right is never touched: replugging an attachment costs its traffic.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from ipaddress import IPv4Address

from isthmus.model.provider_edge import Encapsulation

PROTOCOLS = frozenset({"OpenFlow10", "OpenFlow13", "OpenFlow14", "OpenFlow15"})
PE_CORE = "pe-core"
CORE_PE = "core-pe"
OWNER = "isthmus"
CIRCUIT = "isthmus-circuit"
CORE_OFPORT = 1
FIRST_CIRCUIT_OFPORT = 100
LAST_CIRCUIT_OFPORT = 60000


@dataclass(frozen=True, slots=True)
class BridgeRow:
    """A bridge as it is in the database."""

    datapath_type: str
    fail_mode: str = ""
    protocols: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class PortRow:
    """A port with its one interface.

    Attributes:
        ofport: the number ovs-vswitchd gave it; None until it did, or if it can't.
        ofport_request: the number that was asked for.
    """

    bridge: str
    type: str = ""
    options: Mapping[str, str] = field(default_factory=dict)
    external_ids: Mapping[str, str] = field(default_factory=dict)
    ofport: int | None = None
    ofport_request: int | None = None


@dataclass(frozen=True, slots=True)
class SwitchRows:
    """The part of the database that matters here, bridges and ports by name.

    Attributes:
        bridges: all of them.
        ports: those with one interface.
        links: bridge → what is known of the links of its NICs, those of bonds too: ``up``,
            ``down`` or nothing.
    """

    bridges: Mapping[str, BridgeRow]
    ports: Mapping[str, PortRow]
    links: Mapping[str, tuple[str, ...]] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class SwitchLayout:
    """How the bridges are called and how the PE meets the core."""

    bridge: str
    integration_bridge: str
    core_bridge: str
    encapsulation: Encapsulation
    address: IPv4Address


@dataclass(frozen=True, slots=True)
class PutBridge:
    """Make a bridge, or make it so."""

    name: str
    row: BridgeRow


@dataclass(frozen=True, slots=True)
class AddPort:
    """Add a port."""

    name: str
    row: PortRow


@dataclass(frozen=True, slots=True)
class DeletePort:
    """Remove a port."""

    name: str
    bridge: str


Operation = PutBridge | AddPort | DeletePort


def plan(
    rows: SwitchRows,
    layout: SwitchLayout,
    circuits: frozenset[str] | None,
    *,
    highest_ofport: int = 0,
) -> tuple[Operation, ...]:
    """Return what makes the PE bridge, its core port and ``circuits`` what they should be.

    Args:
        rows: what is there.
        layout: how it should be called.
        circuits: Neutron ports to be plugged, no others; None leaves circuits as they are.
        highest_ofport: the highest number ever given to a circuit. A number is not given again
            soon: flows of its last owner may still be installed.

    Returns:
        Operations for one transaction; empty if all is right, or while there is no integration
        bridge. The core port waits for the core bridge.
    """
    if layout.integration_bridge not in rows.bridges:
        return ()
    operations = list(_plan_bridge(rows, layout))
    operations += _plan_ports(rows, wanted_core_ports(rows, layout))
    if circuits is None:
        return tuple(operations)
    numbers = _ofports(rows, layout, circuits, highest_ofport)
    wanted = {
        name: row
        for port_id in sorted(circuits)
        for name, row in _circuit_ports(layout, port_id, numbers[port_id])
    }
    for name, row in rows.ports.items():
        if CIRCUIT in row.external_ids and name not in wanted:
            operations.append(DeletePort(name, row.bridge))
    operations += _plan_ports(rows, wanted)
    return tuple(operations)


def wanted_core_ports(rows: SwitchRows, layout: SwitchLayout) -> dict[str, PortRow]:
    """Return the ports that join the PE bridge to the core, by name."""
    ours = {OWNER: "core"}
    if layout.encapsulation is Encapsulation.MPLS_IN_GRE:
        options = {
            "local_ip": str(layout.address),
            "remote_ip": "flow",
            "packet_type": "legacy_l3",
        }
        row = PortRow(layout.bridge, "gre", options, ours, ofport_request=CORE_OFPORT)
        return {PE_CORE: row}
    if layout.core_bridge not in rows.bridges:
        return {}
    near = PortRow(layout.bridge, "patch", {"peer": CORE_PE}, ours, ofport_request=CORE_OFPORT)
    return {
        PE_CORE: near,
        CORE_PE: PortRow(layout.core_bridge, "patch", {"peer": PE_CORE}, ours),
    }


def circuit_names(port_id: str) -> tuple[str, str]:
    """Return the names of a circuit's two ends: on the PE bridge, on the integration bridge."""
    return f"ppe{port_id[:9]}", f"ipe{port_id[:9]}"


def plugged_circuits(rows: SwitchRows, layout: SwitchLayout) -> dict[str, int]:
    """Return each circuit that is plugged at both ends, and its OpenFlow port."""
    circuits = {}
    for name, row in rows.ports.items():
        port_id = row.external_ids.get(CIRCUIT)
        if port_id is None or row.bridge != layout.bridge or row.ofport is None:
            continue
        near, far = circuit_names(port_id)
        if name == near and far in rows.ports and rows.ports[far].ofport is not None:
            circuits[port_id] = row.ofport
    return circuits


def plugged_hosts(rows: SwitchRows, layout: SwitchLayout) -> frozenset[str]:
    """Return the ``iface-id`` of every VM that is plugged into the integration bridge."""
    return frozenset(
        row.external_ids["iface-id"]
        for row in rows.ports.values()
        if row.bridge == layout.integration_bridge
        and row.ofport is not None
        and "iface-id" in row.external_ids
        and OWNER not in row.external_ids
    )


def installed_hosts(rows: SwitchRows, layout: SwitchLayout) -> frozenset[str]:
    """Return those of ``plugged_hosts`` that OVN says it has installed flows for."""
    return plugged_hosts(rows, layout) & {
        row.external_ids.get("iface-id")
        for row in rows.ports.values()
        if row.external_ids.get("ovn-installed") == "true"
    }


def has_core_link(rows: SwitchRows, layout: SwitchLayout) -> bool:
    """Whether any NIC of the core bridge has a link, as far as is known."""
    links = rows.links.get(layout.core_bridge, ())
    return not links or any(link != "down" for link in links)


def _plan_bridge(rows: SwitchRows, layout: SwitchLayout) -> Iterator[Operation]:
    datapath_type = rows.bridges[layout.integration_bridge].datapath_type
    wanted = BridgeRow(datapath_type, "secure", PROTOCOLS)
    if rows.bridges.get(layout.bridge) != wanted:
        yield PutBridge(layout.bridge, wanted)


def _plan_ports(rows: SwitchRows, wanted: Mapping[str, PortRow]) -> Iterator[Operation]:
    for name, row in wanted.items():
        found = rows.ports.get(name)
        if found is not None and _is_right(found, row):
            continue
        if found is not None:
            yield DeletePort(name, found.bridge)
        yield AddPort(name, row)


def _is_right(found: PortRow, wanted: PortRow) -> bool:
    return (
        found.bridge == wanted.bridge
        and found.type == wanted.type
        and dict(found.options) == dict(wanted.options)
        and wanted.external_ids.items() <= found.external_ids.items()
    )


def _circuit_ports(
    layout: SwitchLayout, port_id: str, ofport: int
) -> Iterator[tuple[str, PortRow]]:
    near, far = circuit_names(port_id)
    ours = {OWNER: "circuit", CIRCUIT: port_id}
    yield near, PortRow(layout.bridge, "patch", {"peer": far}, ours, ofport_request=ofport)
    plug = ours | {"iface-id": port_id}
    yield far, PortRow(layout.integration_bridge, "patch", {"peer": near}, plug)


def _ofports(
    rows: SwitchRows, layout: SwitchLayout, circuits: frozenset[str], highest: int
) -> dict[str, int]:
    taken = {
        number
        for row in rows.ports.values()
        if row.bridge == layout.bridge
        for number in (row.ofport, row.ofport_request)
        if number is not None
    }
    used = [n for n in taken if FIRST_CIRCUIT_OFPORT <= n <= LAST_CIRCUIT_OFPORT]
    following = max([highest, FIRST_CIRCUIT_OFPORT - 1, *used]) + 1
    fresh = iter(
        [n for n in range(following, LAST_CIRCUIT_OFPORT + 1) if n not in taken][: len(circuits)]
        + [n for n in range(FIRST_CIRCUIT_OFPORT, following) if n not in taken]
    )
    present = plugged_requests(rows)
    return {port_id: present.get(port_id) or next(fresh) for port_id in sorted(circuits)}


def plugged_requests(rows: SwitchRows) -> dict[str, int]:
    """Return the OpenFlow port asked for each circuit that has one."""
    return {
        row.external_ids[CIRCUIT]: row.ofport_request
        for row in rows.ports.values()
        if CIRCUIT in row.external_ids and row.ofport_request is not None
    }
