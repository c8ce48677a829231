# SPDX-License-Identifier: Apache-2.0
"""Networks, routers, VPNs and hosts without VMs, of a test's own, in both regions.

Everything bears the rig's name, by which what a test that died left is found and removed first.
"""

from __future__ import annotations

import contextlib
import subprocess
import tempfile
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from ipaddress import IPv4Address, IPv4Interface, IPv6Address, ip_address
from typing import Any

from lab import endpoint
from lab.demo.cloud import Cloud, RequestRefused
from lab.demo.evidence import ATTACHMENT_OWNER
from lab.demo.guest import Pinged
from lab.demo.stage import Stage, side_by_side
from lab.endpoint import Endpoint
from lab.machine import Machine
from lab.topology import Site
from lab.waiting import wait_until

CONVERGENCE_S, SILENCE_S = 60, 30
#: How long a busy machine may take to answer a packet that ping is ended before.
ON_THE_WAY_S = 0.05
OWNER = "compute:rig"
Target = IPv4Address | IPv6Address | str


@dataclass(frozen=True, slots=True)
class Host:
    """A host without a VM, with an address of each family its network has."""

    endpoint: Endpoint
    addresses: Mapping[Any, IPv4Address | IPv6Address]

    @property
    def address(self) -> IPv4Address | IPv6Address:
        """Its IPv4 address."""
        return self.addresses[4]

    @property
    def port_id(self) -> str:
        """Its Neutron port."""
        return self.endpoint.port_id

    def own(self, address: str) -> None:
        """Have an address more, as a router has what is behind it."""
        self.endpoint.run(["ip", "addr", "replace", address, "dev", "lo"])

    def ping(self, target: Target, count: int, every_s: float = 0.1) -> Pinged:
        """Ping to the end."""
        words = ["ping", "-n", "-q", "-c", str(count), "-i", str(every_s), "-W", "1", str(target)]
        return Pinged.read(self.endpoint.run(words, check=False, timeout_s=300).stdout)

    def reaches(self, target: Target) -> bool:
        """Whether one ping is answered."""
        words = ["ping", "-n", "-c", "1", "-W", "1", str(target)]
        return self.endpoint.run(words, check=False).returncode == 0

    def must_reach(self, target: Target) -> None:
        """Wait until a ping is answered."""
        wait_until(partial(self.reaches, target), CONVERGENCE_S, f"an answer of {target}")

    def must_miss(self, target: Target) -> None:
        """Wait until no ping is answered."""
        wait_until(lambda: not self.reaches(target), SILENCE_S, f"silence of {target}")

    @contextmanager
    def pinging(self, target: Target, every_s: float = 0.01) -> Iterator[list[Pinged]]:
        """Ping meanwhile; the result is in the list at the end."""
        words = ["ping", "-n", "-i", str(every_s), "-W", "1", str(target)]
        command = [*self.endpoint.enter(), "timeout", "-s", "INT", "300", *words]
        results: list[Pinged] = []
        # A pipe that nobody reads would hold ping up.
        with tempfile.TemporaryFile("w+") as output:
            process = subprocess.Popen(command, stdout=output)
            try:
                yield results
            finally:
                self.endpoint.run(["pkill", "-INT", "-x", "ping"], check=False)
                process.wait(timeout=20)
            output.seek(0)
            shown = output.read()
        most = max(1, round(ON_THE_WAY_S / every_s))
        results.append(Pinged.read_ended(shown, most))


class Rig:
    """Makes things in a region under one name, and removes them.

    Args:
        stage: the lab.
        site: the region.
        name: of everything.
    """

    def __init__(self, stage: Stage, site: Site, name: str) -> None:
        self.site = site
        self.name = name
        self.cloud: Cloud = stage.cloud(site.name)
        self.network: Any = self.cloud.network

    def make_network(self, *prefixes: str) -> str:
        """A network with subnets, their second address the gateway; its id."""
        network = self.network.create_network(name=self.name)
        for prefix in prefixes:
            options: dict[str, Any] = {"ip_version": 4}
            if ":" in prefix:
                mode = "dhcpv6-stateful"
                options = {"ip_version": 6, "gateway_ip": prefix.partition("/")[0] + "1"}
                options |= {"ipv6_ra_mode": mode, "ipv6_address_mode": mode}
            self.network.create_subnet(
                network_id=network.id, name=self.name, cidr=prefix, **options
            )
        return str(network.id)

    def make_router(self, *network_ids: str, **attributes: Any) -> str:
        """A router with networks behind it; its id."""
        router = self.network.create_router(name=self.name, **attributes)
        for network_id in network_ids:
            for subnet in self.network.subnets(network_id=network_id):
                self.network.add_interface_to_router(router, subnet_id=subnet.id)
        return str(router.id)

    def make_host(self, network_id: str, number: int, **attributes: Any) -> Host:
        """A host on the region's compute host of a number, plugged; ping is let in."""
        machine = self.site.hosts[number % len(self.site.hosts)].name
        port = self.make_port(network_id, device_owner=OWNER, binding_host_id=machine, **attributes)
        addresses = {a.version: a for a in (ip_address(i["ip_address"]) for i in port.fixed_ips)}
        subnets = {s.ip_version: s for s in self.network.subnets(network_id=network_id)}
        plugged = Endpoint(
            machine=Machine(machine),
            port_id=port.id,
            mac=port.mac_address,
            address=IPv4Interface(f"{addresses[4]}/24"),
            gateway=IPv4Address(subnets[4].gateway_ip),
            mtu=self.network.get_network(network_id).mtu,
        )
        plugged.plug()
        if 6 in addresses:
            ipv6, gateway = ["ip", "-6"], subnets[6].gateway_ip
            address = f"{addresses[6]}/64"
            plugged.run([*ipv6, "addr", "add", address, "dev", "eth0", "nodad"])
            plugged.run([*ipv6, "route", "replace", "default", "via", gateway, "dev", "eth0"])
        return Host(plugged, addresses)

    def make_port(self, network_id: str, **attributes: Any) -> Any:
        """A port that lets ping in."""
        return self.network.create_port(
            network_id=network_id,
            name=self.name,
            security_group_ids=[self._group()],
            **attributes,
        )

    def _group(self) -> str:
        group = next(iter(self.network.security_groups(name=self.name)), None)
        if group is None:
            group = self.network.create_security_group(name=self.name)
            for ether_type, protocol in (("IPv4", "icmp"), ("IPv6", "ipv6-icmp")):
                self.network.create_security_group_rule(
                    security_group_id=group.id,
                    direction="ingress",
                    ether_type=ether_type,
                    protocol=protocol,
                )
        return str(group.id)

    def make_vpn(self, route_target: str, **attributes: Any) -> str:
        """A VPN; its id."""
        project_id = self.cloud.project_id
        return self.cloud.create_vpn(
            self.name, project_id, route_targets=[route_target], **attributes
        )

    def associate(self, vpn_id: str, kind: str, target_id: str, **attributes: Any) -> str:
        """Put a network, router or port into a VPN; the association's id."""
        body = {f"{kind}_association": {f"{kind}_id": target_id, **attributes}}
        path = f"/bgpvpn/bgpvpns/{vpn_id}/{kind}_associations"
        return str(self.cloud.call("POST", path, body)[f"{kind}_association"]["id"])

    def change(self, vpn_id: str, kind: str, association_id: str, **attributes: Any) -> None:
        """Change an association."""
        path = f"/bgpvpn/bgpvpns/{vpn_id}/{kind}_associations/{association_id}"
        self.cloud.call("PUT", path, {f"{kind}_association": attributes})

    def dissociate(self, vpn_id: str, kind: str, association_id: str) -> None:
        """Take it out of the VPN."""
        path = f"/bgpvpn/bgpvpns/{vpn_id}/{kind}_associations/{association_id}"
        self.cloud.call("DELETE", path)

    def settle(self) -> None:
        """Wait until the VPN is ACTIVE."""
        self.cloud.wait_for_vpn(self.name, seconds=CONVERGENCE_S)

    def remove(self) -> None:
        """Remove everything of the name."""
        for vpn in self.cloud.vpns(self.name):
            self.cloud.call("DELETE", f"/bgpvpn/bgpvpns/{vpn['id']}")
        for ip in list(self.network.ips(project_id=self.cloud.project_id)):
            if ip.description == self.name:
                self.network.delete_ip(ip.id)
        for router in list(self.network.routers(name=self.name)):
            self._remove_router(router)
        for network in list(self.network.networks(name=self.name)):
            for port in list(self.network.ports(network_id=network.id)):
                if port.device_owner == OWNER:
                    endpoint.unplug(Machine(port.binding_host_id), port.id)
                if not port.device_owner.startswith((ATTACHMENT_OWNER, "isthmus:")):
                    self.network.delete_port(port.id)
            self.network.delete_network(network.id)
        for group in list(self.network.security_groups(name=self.name)):
            self.network.delete_security_group(group.id)

    def remove_hosts(self) -> None:
        """Remove the hosts, from whomever's networks they are in."""
        for port in list(self.network.ports(name=self.name, device_owner=OWNER)):
            endpoint.unplug(Machine(port.binding_host_id), port.id)
            self.network.delete_port(port.id)
        for group in list(self.network.security_groups(name=self.name)):
            self.network.delete_security_group(group.id)

    def _remove_router(self, router: Any) -> None:
        self.cloud.call("PUT", f"/routers/{router.id}", {"router": {"routes": []}})
        for port in list(self.network.ports(device_id=router.id)):
            if port.device_owner == "network:router_interface":
                self.network.remove_interface_from_router(router, port_id=port.id)
        self.network.delete_router(router.id)


@contextmanager
def rigs(stage: Stage, name: str) -> Iterator[tuple[Rig, Rig]]:
    """A rig in the west and one in the east, both emptied before and after."""
    west, east = (Rig(stage, site, name) for site in stage.topology.sites)
    both = (west, east)
    side_by_side(Rig.remove, both)
    try:
        yield both
    finally:
        side_by_side(Rig.remove, both)


def refused(work: Callable[[], object]) -> str:
    """Do what Neutron refuses; return its sentence."""
    try:
        work()
    except RequestRefused as error:
        return error.message
    raise AssertionError("It was not refused.")


class Outside:
    """A host on the provider's network outside, at the gateway of a region.

    Args:
        machine: the compute host whose OVN has the routers' gateway ports.
        address: with prefix length.
    """

    NAME = "outside"

    def __init__(self, machine: str, address: IPv4Interface) -> None:
        self._machine = Machine(machine)
        self.address = address

    def plug(self) -> None:
        """Make it, anew if it was there."""
        self.unplug()
        name = self.NAME
        self._machine.run(["ip", "netns", "add", name])
        self._machine.ip(
            f"link add {name} type veth peer name eth0 netns {name}", f"link set {name} up"
        )
        self._run("ip", "link", "set", "lo", "up")
        self._run("ip", "addr", "add", str(self.address), "dev", "eth0")
        self._run("ip", "link", "set", "eth0", "up")
        self._machine.run(["ethtool", "-K", name, "tx", "off"])
        self._run("ethtool", "-K", "eth0", "tx", "off")
        self._machine.run(["ovs-vsctl", "--timeout=20", "add-port", "br-ex", name])

    def unplug(self) -> None:
        """Take it away."""
        name = self.NAME
        self._machine.run(["ovs-vsctl", "--timeout=20", "--if-exists", "del-port", "br-ex", name])
        with contextlib.suppress(subprocess.CalledProcessError):
            if name in self._machine.run(["ip", "netns", "list"]).stdout.split():
                self._machine.run(["ip", "netns", "delete", name])

    def reaches(self, target: Target) -> bool:
        """Whether one ping is answered."""
        words = ["ping", "-n", "-c", "1", "-W", "1", str(target)]
        done = self._machine.run(["ip", "netns", "exec", self.NAME, *words], check=False)
        return done.returncode == 0

    def _run(self, *words: str) -> None:
        self._machine.run(["ip", "netns", "exec", self.NAME, *words])
