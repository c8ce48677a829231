# SPDX-License-Identifier: Apache-2.0
"""Golden cases of the compiler: what a network engineer writes down, and what comes of it.

A case is a folder: ``intent.yaml`` (the PE, its networks, the VPNs), ``rib.yaml`` (what neighbors
advertise), ``ports.yaml`` (what is plugged), ``expected.yaml`` (what the PE advertises and its
flow table). ``python -m tests.cases.case`` writes every ``expected.yaml`` anew; read the
difference before committing it, it is the review.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from ipaddress import IPv4Address, ip_address, ip_network
from pathlib import Path
from typing import Any

import yaml

from isthmus.model.ids import Label, RouteDistinguisher, RouteTarget
from isthmus.model.intent import (
    AttachedHost,
    AttachedPrefix,
    AttachedSubnet,
    AttachmentCircuit,
    RouterAdvertisement,
    VrfIntent,
)
from isthmus.model.ip import AddressFamily
from isthmus.model.provider_edge import Encapsulation, ProviderEdge, TransportNextHop
from isthmus.model.route import VpnRoute
from isthmus.pe_agent.compile.compiler import compile_pe
from isthmus.pe_agent.compile.inputs import Compiled, Inputs, Numbers
from isthmus.pe_agent.compile.numbers import VrfKey
from isthmus.pe_agent.compile.pipeline import PIPELINE
from tests.actors import LABELS, core_mac_of

FOLDER = Path(__file__).parent


@dataclass(frozen=True)
class Case:
    """One folder, read."""

    folder: Path
    pe: ProviderEdge
    inputs: Inputs

    def compile(self) -> Compiled:
        """Compile it, as a PE that starts for the first time."""
        return compile_pe(self.pe, LABELS, self.inputs)

    def expected(self) -> dict[str, Any]:
        """Return what ``expected.yaml`` says."""
        return dict(_read(self.folder / "expected.yaml"))

    def update(self) -> None:
        """Write ``expected.yaml`` from what is compiled now."""
        text = yaml.safe_dump(
            render(self.compile()), sort_keys=False, width=1000, default_flow_style=False
        )
        (self.folder / "expected.yaml").write_text(text)


def all_cases() -> list[Case]:
    """Return every case, in order of name."""
    return [read_case(path.parent) for path in sorted(FOLDER.glob("*/intent.yaml"))]


def read_case(folder: Path) -> Case:
    """Read the case in ``folder``."""
    wanted = _read(folder / "intent.yaml")
    ports = _read(folder / "ports.yaml")
    circuits = {name: _circuit(name, plain) for name, plain in wanted["networks"].items()}
    intents = {name: _intent(name, plain, circuits) for name, plain in wanted["vpns"].items()}
    inputs = Inputs(
        intents=intents,
        routes=frozenset(_route(plain) for plain in _read(folder / "rib.yaml") or []),
        core_port=int(ports["core"]),
        circuit_ports={name: int(port) for name, port in ports["attachments"].items()},
        plugged_hosts=frozenset(ports["hosts"]),
        numbers=Numbers(),
    )
    return Case(folder, _provider_edge(wanted["pe"]), inputs)


def render(compiled: Compiled) -> dict[str, Any]:
    """Write down an outcome in the words of ``expected.yaml``."""
    return {
        "vrfs": {
            "+".join(key): f"number {number}{_render_labels(compiled.numbers, key)}"
            for key, number in sorted(compiled.numbers.by_vrf.items())
        },
        "advertises": sorted(_render_route(route) for route in compiled.routes),
        "problems": dict(compiled.problems),
        "flows": {
            f"{table.number} {table.name}": _render_flows(compiled, table.number)
            for table in PIPELINE
        },
    }


def _render_labels(numbers: Numbers, key: VrfKey) -> str:
    names = {AddressFamily.IPV4: "label", AddressFamily.IPV6: "IPv6 label"}
    return "".join(
        f", {name} {numbers.labels[key, family]}"
        for family, name in names.items()
        if (key, family) in numbers.labels
    )


def _render_route(route: VpnRoute) -> str:
    targets = " ".join(str(target) for target in sorted(route.route_targets))
    told = f"{route.prefix} rd {route.rd} label {route.label} via {route.next_hop} rt {targets}"
    return told if route.local_pref == 100 else f"{told} local_pref {route.local_pref}"


def _render_flows(compiled: Compiled, table: int) -> list[str]:
    found = sorted(
        (flow for flow in compiled.flows if flow.table == table),
        key=lambda flow: (-flow.priority, flow.match),
    )
    return [str(flow).replace(f"table={table},", "") for flow in found]


def _read(path: Path) -> Any:
    # Every scalar a string: YAML would otherwise take a route target for a number of base 60.
    return yaml.load(path.read_text(), Loader=yaml.BaseLoader)  # noqa: S506


def _provider_edge(plain: dict[str, Any]) -> ProviderEdge:
    address = IPv4Address(plain["address"])
    return ProviderEdge(
        address=address,
        core_mac=core_mac_of(address),
        core_mtu=int(plain["core_mtu"]),
        encapsulation=Encapsulation(plain["encapsulation"]),
        transport_label=_label(plain.get("transport_label")),
        remote_pes={
            IPv4Address(remote): TransportNextHop(_label(hop.get("label")), hop["via"])
            for remote, hop in plain.get("remote_pes", {}).items()
        },
    )


def _label(text: str | None) -> Label | None:
    return None if text is None else Label(int(text))


def _circuit(name: str, plain: dict[str, Any]) -> AttachmentCircuit:
    return AttachmentCircuit(
        network_id=name,
        port_id=plain["attachment"],
        mac=plain["mac"],
        mtu=int(plain["mtu"]),
        subnets=tuple(
            _subnet(prefix, *gateway.split()) for prefix, gateway in plain["subnets"].items()
        ),
        hosts=tuple(_host(port, host) for port, host in plain["hosts"].items()),
        prefixes=tuple(sorted(_behind(each) for each in plain.get("behind", []))),
    )


def _host(port: str, plain: dict[str, Any]) -> AttachedHost:
    return AttachedHost(
        port_id=port,
        mac=plain["mac"],
        addresses=tuple(map(ip_address, plain["address"].split())),
        is_advertised=plain.get("advertised") != "no",
    )


def _behind(plain: dict[str, Any]) -> AttachedPrefix:
    preference = plain.get("local_pref")
    return AttachedPrefix(
        prefix=ip_network(plain["prefix"]),
        mac=plain["mac"],
        port_id=plain.get("port"),
        local_pref=None if preference is None else int(preference),
    )


def _whole(network: AttachmentCircuit) -> AttachmentCircuit:
    """A network in a VPN: what is behind one of its ports is that port's business."""
    routers = tuple(each for each in network.prefixes if each.port_id is None)
    return replace(network, prefixes=routers)


def _named(network: AttachmentCircuit, ports: list[str]) -> AttachmentCircuit:
    """Some ports of a network in a VPN, and what is behind them."""
    return replace(
        network,
        hosts=tuple(each for each in network.hosts if each.port_id in ports),
        prefixes=tuple(each for each in network.prefixes if each.port_id in ports),
        is_whole=False,
    )


def _subnet(prefix: str, gateway: str, advertisement: str = "none") -> AttachedSubnet:
    return AttachedSubnet(
        ip_network(prefix), ip_address(gateway), RouterAdvertisement(advertisement)
    )


def _intent(name: str, plain: dict[str, Any], circuits: dict[str, AttachmentCircuit]) -> VrfIntent:
    rd, preference = plain.get("rd"), plain.get("local_pref")
    named = plain.get("ports", {})
    return VrfIntent(
        vpn_id=name,
        generation=1,
        import_rts=_targets(plain["import"]),
        export_rts=_targets(plain["export"]),
        rd=None if rd is None else RouteDistinguisher.parse(rd),
        circuits=(
            *(_whole(circuits[network]) for network in plain["networks"]),
            *(_named(circuits[network], ports) for network, ports in named.items()),
        ),
        local_pref=None if preference is None else int(preference),
    )


def _route(plain: dict[str, Any]) -> VpnRoute:
    return VpnRoute(
        rd=RouteDistinguisher.parse(plain["rd"]),
        prefix=ip_network(plain["prefix"]),
        next_hop=IPv4Address(plain["via"]),
        label=Label(int(plain["label"])),
        route_targets=_targets(plain["rt"]),
        local_pref=int(plain.get("local_pref", 100)),
    )


def _targets(plain: list[str]) -> frozenset[RouteTarget]:
    return frozenset(RouteTarget.parse(text) for text in plain)


if __name__ == "__main__":
    for each in all_cases():
        each.update()
