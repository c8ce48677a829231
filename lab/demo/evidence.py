# SPDX-License-Identifier: Apache-2.0
"""What shows that it is so: packets on the wire, routes at the reflector, traces at the PEs."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import ExitStack
from dataclasses import dataclass

from lab import places
from lab.demo import guest, provider_edge, reflector
from lab.demo.capture import Capture, Labelled
from lab.demo.provider_edge import VpnRoute
from lab.demo.stage import Stage
from lab.demo.tenants import Plan, Server, Tenant
from lab.demo.terminal import Failed
from lab.topology import Host, Site, Topology
from lab.waiting import NeverCame, wait_until

#: How Neutron knows a port that exists on every host of a region, OVN's localport.
ATTACHMENT_OWNER = "ovn-lb-hm:distributed"


# -- packets ------------------------------------------------------------------------------------


def labelled_packets(topology: Topology, near: Server, far: Server) -> list[str]:
    """Ping and watch P's links to both hosts.

    Returns:
        The request as it came to P and as it left, and the reply likewise.

    Raises:
        Failed: a packet is missing or bears other labels than the topology says.
    """
    hosts = {host.name: host for host in topology.hosts}
    p_router = topology.core.p_router
    with ExitStack() as stack:
        captures = {
            name: stack.enter_context(Capture(p_router, f"to-{name}", "mpls"))
            for name in (near.host, far.host)
        }
        guest.ping(near, far.address, 3)
        seen = {name: _read(capture.stop()) for name, capture in captures.items()}
    shown = []
    for source, target in ((near, far), (far, near)):
        came = _find(seen[source.host], source, target, f"from {source.host} to P")
        left = _find(seen[target.host], source, target, f"from P to {target.host}")
        _check_labels(hosts[target.host], came, left)
        shown += [
            f"{source.host} → P: {_brief(came)}",
            f"P → {target.host}: {_brief(left)}",
        ]
    return shown


def _read(lines: list[str]) -> list[Labelled]:
    return [packet for line in lines if (packet := Labelled.read(line))]


def _find(packets: list[Labelled], source: Server, target: Server, where: str) -> Labelled:
    ends = (str(source.address), str(target.address))
    for packet in packets:
        if (packet.source, packet.destination) == ends:
            return packet
    raise Failed(f"no labelled packet {ends[0]} > {ends[1]} was captured {where}")


def _check_labels(target: Host, came: Labelled, left: Labelled) -> None:
    vpn_label = came.labels[-1]
    swapped = () if target.swapped_label is None else (target.swapped_label,)
    wanted = {came: (target.transport_label, vpn_label), left: (*swapped, vpn_label)}
    for packet, labels in wanted.items():
        if packet.labels != labels:
            raise Failed(f"labels are {packet.labels}, not {labels}: {packet.line}")


def _brief(packet: Labelled) -> str:
    return packet.line.partition(": MPLS ")[2].removesuffix(", length 64")


# -- routes -------------------------------------------------------------------------------------


def routes_at_reflector(topology: Topology, plan: Plan, seconds: float = 20) -> list[str]:
    """The reflector's table, once every server's route is in it.

    Raises:
        Failed: a server's route is missing; the text names it.
    """
    machine = reflector.frr_name(topology)
    missing: list[str] = []

    def is_complete() -> bool:
        found = reflector.routes(machine)
        missing[:] = [s.name for t in plan.tenants for s in t.servers if not _route(found, t, s)]
        return not missing

    try:
        wait_until(is_complete, seconds, "all routes at the reflector")
    except NeverCame as reason:
        raise Failed(f"no route for {', '.join(missing)}") from reason
    rows = [("RD", "prefix", "RT", "label", "next hop")]
    rows += [
        (r.rd, str(r.prefix), " ".join(r.route_targets), str(r.label), r.next_hop)
        for r in reflector.routes(machine)
    ]
    return table(rows)


def _route(found: list[VpnRoute], tenant: Tenant, server: Server) -> VpnRoute | None:
    for route in found:
        is_host = route.prefix.prefixlen == 32 and route.prefix[0] == server.address
        if is_host and tenant.route_target in route.route_targets and route.label:
            return route
    return None


def table(rows: Sequence[tuple[str, ...]]) -> list[str]:
    """Rows as lines with aligned columns."""
    widths = [max(len(row[n]) for row in rows) for n in range(len(rows[0]))]
    return [
        "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip()
        for row in rows
    ]


# -- traces -------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Traces:
    """What one tenant's association left at the provider edges.

    Attributes:
        routes: at the reflector, of the tenant's hosts in that site.
        port: the attachment's Neutron port.
    """

    stage: Stage
    site: Site
    tenant: Tenant
    routes: tuple[VpnRoute, ...]
    port: str

    @classmethod
    def find(cls, stage: Stage, site: Site, tenant: Tenant) -> Traces:
        """Look for them while the association is in force."""
        found = reflector.routes(reflector.frr_name(stage.topology))
        own = [_route(found, tenant, server) for server in tenant.at(site.name)]
        ports = attachment_ports(stage, site, tenant)
        if None in own or len(ports) != 1:
            raise Failed(f"before: routes {own}, attachment ports {ports}")
        return cls(stage, site, tenant, tuple(route for route in own if route), ports[0])

    def checks(self) -> list[tuple[str, Callable[[], bool]]]:
        """What must be gone, and how to tell that it is."""
        count, site = len(self.routes), self.site.name
        labels = sorted({route.label for route in self.routes})
        ports = f"ipe{self.port[:9]} and ppe{self.port[:9]}"
        return [
            (f"its {count} routes at the FRR reflector", self._no_routes),
            (f"the labels {labels} on the hosts of {site}", self._no_labels),
            (f"the flows towards its VMs on every provider edge of {site}", self._no_local_flows),
            ("the flows towards its VMs in the other region", self._no_remote_flows),
            (f"the ports {ports} on the hosts of {site}", self._no_circuits),
            ("the attachment's Neutron port", self._no_port),
        ]

    def _no_routes(self) -> bool:
        left = reflector.routes(reflector.frr_name(self.stage.topology))
        return not set(self.routes) & set(left)

    def _no_labels(self) -> bool:
        by_host = {str(h.provider_edge): h.name for h in self.site.hosts}
        return not any(
            route.label in provider_edge.vpn_labels(by_host[route.next_hop])
            for route in self.routes
        )

    def _no_local_flows(self) -> bool:
        return not any(self._flows(host) for host in self.site.hosts)

    def _no_remote_flows(self) -> bool:
        others = [h for s in self.stage.topology.sites if s is not self.site for h in s.hosts]
        return not any(self._flows(host) for host in others)

    def _flows(self, host: Host) -> int:
        """Flows to addresses of the tenant's servers here that no other tenant's server has."""
        foreign = {
            s.address for t in self.stage.plan.tenants if t != self.tenant for s in t.servers
        }
        return sum(
            len(provider_edge.flows_towards(host.name, route.prefix))
            for route in self.routes
            if route.prefix[0] not in foreign
        )

    def _no_circuits(self) -> bool:
        names = {f"{end}{self.port[:9]}" for end in ("ipe", "ppe")}
        return not any(names & provider_edge.circuits(host.name) for host in self.site.hosts)

    def _no_port(self) -> bool:
        return self.port not in attachment_ports(self.stage, self.site, self.tenant)


def attachment_ports(stage: Stage, site: Site, tenant: Tenant) -> list[str]:
    """Ids of the Neutron ports by which a tenant's network meets the provider edges."""
    operator = stage.cloud(site.name)
    network = stage.cloud(site.name, tenant.name).network_id(tenant.name)
    found = operator.network.ports(network_id=network, device_owner=ATTACHMENT_OWNER)
    return [str(port.id) for port in found]


# -- what to do next ----------------------------------------------------------------------------


def how_to_look_around(stage: Stage) -> list[str]:
    """Commands for who wants to see for themselves."""
    site = stage.topology.sites[0]
    tenant = stage.plan.tenants[0].name
    python = places.PYTHON.relative_to(places.CHECKOUT)
    binary = places.tool("openstack").removeprefix(f"{places.CHECKOUT}/")
    return [
        "Look around:",
        f"  export OS_CLIENT_CONFIG_FILE={places.CLOUDS_YAML}",
        f"  {binary} --os-cloud {site.name}-{tenant} server list",
        f"  {binary} --os-cloud {site.name}-admin bgpvpn list --long",
        f"  {binary} --os-cloud {site.name}-admin network agent list",
        f"  {python} -m lab status              what runs, and where its logs are",
        "Stop:",
        "  make lab-down",
    ]
