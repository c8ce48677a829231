# SPDX-License-Identifier: Apache-2.0
"""What benchmarks need in the lab: in two regions a network, an endpoint on it, and a VPN.

    near: first host of the first site          far: first host of the second site
    endpoint ── br-int … core ── P ── core … br-int ── endpoint

Everything is called ``isthmus-bench…``, belongs to the admin project, and is removed afterwards;
what an interrupted run left behind is removed at the start of the next.
"""

from __future__ import annotations

import contextlib
import os
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv4Interface, IPv4Network
from typing import Any

from bench.command import NotMeasured
from lab.endpoint import Endpoint, unplug
from lab.machine import CommandFailed, Machine, MachineDead, keeper
from lab.topology import Host, Site, Topology, load
from lab.waiting import NeverCame, wait_until

PREFIX = "isthmus-bench"
_NOT_FOUND = 404
MTU = 1442  # of a Geneve network over a 1500-octet underlay


def insist(
    condition: Callable[[], object], seconds: float, what: str, every_s: float = 0.1
) -> None:
    """Return as soon as ``condition`` holds.

    Raises:
        NotMeasured: it did not within ``seconds``.
    """
    try:
        wait_until(condition, seconds, what, every_s=every_s)
    except NeverCame as reason:
        raise NotMeasured(f"{reason}; `make lab-status` tells more") from reason


@dataclass(frozen=True, slots=True)
class Region:
    """One site with a connection to its API as administrator, and the host benchmarks use."""

    site: Site
    host: Host
    cloud: Any

    @property
    def machine(self) -> Machine:
        """The machine of the host."""
        return Machine(self.host.name)

    def network(self, name: str, **attributes: object) -> str:
        """Create a network and return its id."""
        network = self.cloud.network.create_network(name=f"{PREFIX}-{name}", mtu=MTU, **attributes)
        return str(network.id)

    def subnet(self, network_id: str, prefix: IPv4Network, gateway: IPv4Address | None) -> None:
        """Create the network's subnet; without DHCP, endpoints have static addresses."""
        self.cloud.network.create_subnet(
            name=PREFIX,
            network_id=network_id,
            ip_version=4,
            cidr=str(prefix),
            gateway_ip=None if gateway is None else str(gateway),
            enable_dhcp=False,
        )

    def endpoint(
        self, network_id: str, address: IPv4Interface, gateway: IPv4Address | None
    ) -> Endpoint:
        """Create a port with what a VM's port has, and plug an endpoint as that port."""
        port = self.cloud.network.create_port(
            name=PREFIX,
            network_id=network_id,
            device_owner="compute:bench",
            device_id=PREFIX,
            fixed_ips=[{"ip_address": str(address.ip)}],
            security_groups=[self._security_group()],
            **{"binding:host_id": self.host.name},
        )
        endpoint = Endpoint(self.machine, port.id, port.mac_address, address, gateway, MTU)
        endpoint.plug()
        return endpoint

    def open_port(self, network_id: str) -> str:
        """Create a port that takes every frame for addresses Neutron does not know."""
        port = self.cloud.network.create_port(
            name=PREFIX,
            network_id=network_id,
            device_owner="compute:bench",
            device_id=PREFIX,
            fixed_ips=[],
            security_groups=[],
            is_port_security_enabled=False,
            **{"binding:host_id": self.host.name},
        )
        return str(port.id)

    def _security_group(self) -> str:
        found = list(self.cloud.network.security_groups(name=PREFIX))
        if found:
            return str(found[0].id)
        group = self.cloud.network.create_security_group(name=PREFIX)
        self.cloud.network.create_security_group_rule(
            security_group_id=group.id, direction="ingress", ether_type="IPv4"
        )
        return str(group.id)

    def vpn(self, name: str, *route_targets: str) -> str:
        """Create a VPN that imports and exports ``route_targets`` and return its id."""
        body = {"name": f"{PREFIX}-{name}", "type": "l3", "route_targets": list(route_targets)}
        return str(self.call("post", "/bgpvpn/bgpvpns", {"bgpvpn": body})["bgpvpn"]["id"])

    def set_route_targets(self, vpn_id: str, *route_targets: str) -> None:
        """Replace the route targets of a VPN."""
        body = {"bgpvpn": {"route_targets": list(route_targets)}}
        self.call("put", f"/bgpvpn/bgpvpns/{vpn_id}", body)

    def associate(self, vpn_id: str, network_id: str) -> str:
        """Associate a network with a VPN and return the association's path."""
        path = f"/bgpvpn/bgpvpns/{vpn_id}/network_associations"
        made = self.call("post", path, {"network_association": {"network_id": network_id}})
        return f"{path}/{made['network_association']['id']}"

    def call(self, verb: str, path: str, body: Mapping[str, object] | None = None) -> Any:
        """Make one request to Neutron's API and return the decoded answer.

        Raises:
            NotMeasured: the answer was a refusal.
        """
        answer = getattr(self.cloud.network, verb)(path, json=body)
        if not answer.ok:
            raise NotMeasured(f"{verb.upper()} {path}: {answer.status_code} {answer.text}")
        return answer.json() if answer.content else None

    def clean(self) -> None:
        """Remove what an earlier run or this one left in Neutron and in the host."""
        network = self.cloud.network
        for vpn in self.call("get", "/bgpvpn/bgpvpns")["bgpvpns"]:
            if vpn["name"].startswith(PREFIX):
                self.remove_vpn(vpn["id"])
        for port in network.ports(device_owner="compute:bench"):
            unplug(self.machine, port.id)
            network.delete_port(port.id)
        for found in network.networks():
            if found.name.startswith(PREFIX):
                self._remove_network(found.id)
        for group in network.security_groups(name=PREFIX):
            network.delete_security_group(group.id)

    def _remove_network(self, network_id: str) -> None:
        """Remove a network as soon as its attachment, which goes a moment later, is gone."""

        def is_removed() -> bool:
            answer = self.cloud.network.delete(f"/networks/{network_id}")
            return bool(answer.ok or answer.status_code == _NOT_FOUND)

        insist(is_removed, 20, f"removal of network {network_id}", every_s=0.3)

    def remove_vpn(self, vpn_id: str) -> None:
        """Remove a VPN with its associations."""
        path = f"/bgpvpn/bgpvpns/{vpn_id}"
        listed = self.call("get", f"{path}/network_associations")["network_associations"]
        for association in listed:
            self.call("delete", f"{path}/network_associations/{association['id']}")
        self.call("delete", path)


@dataclass(frozen=True, slots=True)
class Workbench:
    """Two regions of a lab that is up."""

    topology: Topology
    near: Region
    far: Region

    @property
    def regions(self) -> tuple[Region, Region]:
        """Both, the near one first."""
        return self.near, self.far


@contextlib.contextmanager
def open_workbench() -> Iterator[Workbench]:
    """Connect to the lab; afterwards nothing of the benchmark is left in it.

    Raises:
        NotMeasured: the lab is not up.
    """
    topology = load()
    if len(topology.sites) < 2:
        raise NotMeasured("benchmarks need a topology with two sites")
    try:
        are_running = all(keeper(host.name) for host in topology.hosts)
    except MachineDead:
        are_running = False
    if not are_running:
        raise NotMeasured("the lab is not up; `make lab-up` starts it")
    near, far = (_connect(topology, site) for site in topology.sites[:2])
    bench = Workbench(topology, near, far)
    with _telling():
        _clean(bench)
    try:
        with _telling():
            yield bench
    finally:
        with _telling():
            _clean(bench)


@contextlib.contextmanager
def _telling() -> Iterator[None]:
    """Tell a failure of the lab as one."""
    from keystoneauth1.exceptions import ClientException
    from openstack.exceptions import SDKException

    try:
        yield
    except (ClientException, SDKException, CommandFailed, MachineDead) as error:
        raise NotMeasured(
            f"the lab does not work: {error}; `make lab-status` tells more"
        ) from error


def _connect(topology: Topology, site: Site) -> Region:
    # openstacksdk takes a second to import, which the pure parts of benchmarks need not wait for.
    from lab import clouds

    # The lab's addresses are on this machine, whatever proxy its owner uses for others.
    os.environ["NO_PROXY"] = os.environ["no_proxy"] = "*"
    cloud = clouds.connect(topology, site.name)
    try:
        cloud.network.get("/extensions/bgpvpn").raise_for_status()
    except Exception as error:
        raise NotMeasured(
            f"Neutron of {site.name} does not serve VPNs ({error}); `make lab-status` tells more"
        ) from error
    return Region(site, site.hosts[0], cloud)


def _clean(bench: Workbench) -> None:
    for region in bench.regions:
        region.clean()
