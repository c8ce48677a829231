# SPDX-License-Identifier: Apache-2.0
"""One project in one region: its networks, servers and VPNs. Making what is there does nothing."""

from __future__ import annotations

import os
import time
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property
from ipaddress import IPv4Network
from typing import Any

import openstack
from openstack.config import OpenStackConfig

from lab import places
from lab.demo.tenants import Server
from lab.waiting import wait_until

ADMIN = "admin"
_SECURITY_GROUP = "vpn"
_BOOT_S = 240
#: Anything but these is on its way to one of them.
_SETTLED = {"ACTIVE", "ERROR"}


class RequestRefused(RuntimeError):
    """An API answered with an error.

    Attributes:
        status: the HTTP status code.
        message: what the API says about it.
    """

    def __init__(self, status: int, message: str) -> None:
        super().__init__(f"HTTP {status}: {message}")
        self.status = status
        self.message = message


@dataclass(frozen=True)
class Cloud:
    """What one project sees of one region, with the credentials of ``clouds.yaml``.

    Attributes:
        site: the region.
        project: a tenant's name, or `ADMIN`.
    """

    site: str
    project: str

    @property
    def name(self) -> str:
        """Its name in ``clouds.yaml``."""
        return f"{self.site}-{self.project}"

    @cached_property
    def connection(self) -> Any:
        """An openstacksdk connection, made at first use."""
        # The lab's addresses are on this machine, whatever proxy its owner uses for others.
        os.environ["NO_PROXY"] = os.environ["no_proxy"] = "*"
        config = OpenStackConfig(config_files=[str(places.CLOUDS_YAML)])
        return openstack.connection.Connection(config=config.get_one(cloud=self.name))

    @property
    def network(self) -> Any:
        """The network API of openstacksdk."""
        return self.connection.network

    # -- what is asked and answered as it is on the wire ----------------------------------------

    def call(self, method: str, path: str, body: object = None) -> dict[str, Any]:
        """One request to Neutron.

        Raises:
            RequestRefused: the answer is not a 2xx.
        """
        response = self.network.request(
            path, method, json=body, raise_exc=False, headers={"Accept": "application/json"}
        )
        try:
            answer = response.json() if response.content else {}
        except ValueError:
            answer = {"NeutronError": response.text}
        if not response.ok:
            error = answer.get("NeutronError", answer)
            message = error.get("message", str(error)) if isinstance(error, dict) else str(error)
            raise RequestRefused(response.status_code, message)
        return dict(answer)

    # -- networks -------------------------------------------------------------------------------

    def ensure_network(self, name: str, prefix: IPv4Network) -> str:
        """A network with one subnet of that prefix; the network's id."""
        network = self.network.find_network(name, project_id=self.project_id)
        if network is None:
            network = self.network.create_network(name=name)
        if not list(self.network.subnets(network_id=network.id)):
            self.network.create_subnet(
                network_id=network.id, name=name, ip_version=4, cidr=str(prefix)
            )
        return str(network.id)

    def network_id(self, name: str) -> str:
        """The id of this project's network of that name."""
        return str(self.network.find_network(name, ignore_missing=False).id)

    def ensure_security_group(
        self, prefixes: Iterable[IPv4Network], name: str = _SECURITY_GROUP
    ) -> str:
        """A group that admits ICMP and TCP from those prefixes, at home and far away; its id."""
        group = next(iter(self.network.security_groups(name=name)), None)
        if group is None:
            group = self.network.create_security_group(name=name)
            for prefix in prefixes:
                for protocol in ("icmp", "tcp"):
                    self.network.create_security_group_rule(
                        security_group_id=group.id,
                        direction="ingress",
                        ether_type="IPv4",
                        protocol=protocol,
                        remote_ip_prefix=str(prefix),
                    )
        return str(group.id)

    # -- servers --------------------------------------------------------------------------------

    def ensure_zones(self, hosts: Iterable[str]) -> None:
        """An availability zone per compute host, so that a tenant may say where. Operator's."""
        compute = self.connection.compute
        zones = {zone.name: zone for zone in compute.aggregates()}
        for host in hosts:
            zone = zones.get(host) or compute.create_aggregate(name=host, availability_zone=host)
            if host not in (zone.hosts or ()):
                compute.add_host_to_aggregate(zone.id, host)

    def start_server(self, server: Server, network: str, group: str, size: tuple[str, str]) -> bool:
        """Ask for a server unless it is there or on its way; one that failed is made anew.

        Args:
            server: its name, place and address.
            network: id of the network.
            group: id of the security group.
            size: names of flavor and image.

        Returns:
            Whether it had to be asked for.
        """
        compute = self.connection.compute
        present = self._server(server)
        if present is not None and present.status == "ERROR":
            self.delete_server(server)
            present = None
        if present is not None:
            return False
        port = self._ensure_port(server, network, group)
        compute.create_server(
            name=server.name,
            flavor_id=compute.find_flavor(size[0], ignore_missing=False).id,
            image_id=self.connection.image.find_image(size[1], ignore_missing=False).id,
            availability_zone=server.host,
            networks=[{"port": port}],
            config_drive=True,
        )
        return True

    def delete_server(self, server: Server) -> None:
        """Delete a server and wait until it is gone."""
        compute = self.connection.compute
        present = self._server(server)
        if present is not None:
            compute.delete_server(present.id)
            wait_until(lambda: self._server(server) is None, 60, f"end of {server.name}")

    def wait_for_server(self, server: Server) -> None:
        """Return once nova says the server runs.

        Raises:
            RequestRefused: nova gave up on it; the message is nova's.
        """
        end = time.monotonic() + _BOOT_S
        present = self._server(server)
        while present is None or present.status not in _SETTLED:
            if time.monotonic() > end:
                raise TimeoutError(f"{server.name} is not ACTIVE after {_BOOT_S} s")
            time.sleep(0.5)
            present = self._server(server)
        if present.status == "ERROR":
            fault = self.connection.compute.get_server(present.id).fault or {}
            raise RequestRefused(fault.get("code", 500), fault.get("message", "no reason given"))

    def port_of(self, server: Server) -> Any:
        """The Neutron port of a server."""
        return self.network.find_port(server.name, ignore_missing=False)

    def _server(self, server: Server) -> Any:
        found = self.connection.compute.servers(name=f"^{server.name}$")
        return next(iter(found), None)

    def _ensure_port(self, server: Server, network: str, group: str) -> str:
        port = next(iter(self.network.ports(name=server.name, network_id=network)), None)
        if port is None:
            port = self.network.create_port(
                network_id=network,
                name=server.name,
                fixed_ips=[{"ip_address": str(server.address)}],
                security_group_ids=[group],
            )
        return str(port.id)

    # -- VPNs -----------------------------------------------------------------------------------

    def vpns(self, name: str = "") -> list[dict[str, Any]]:
        """The VPNs this project sees, of that name if one is given."""
        query = f"?name={name}" if name else ""
        return list(self.call("GET", f"/bgpvpn/bgpvpns{query}")["bgpvpns"])

    def vpn(self, name: str) -> dict[str, Any]:
        """The one VPN of that name."""
        found = self.vpns(name)
        if len(found) != 1:
            raise LookupError(f"{self.name} sees {len(found)} VPNs named {name}")
        return found[0]

    def associations(self, vpn_id: str) -> list[dict[str, Any]]:
        """A VPN's network associations."""
        path = f"/bgpvpn/bgpvpns/{vpn_id}/network_associations"
        return list(self.call("GET", path)["network_associations"])

    def create_vpn(self, name: str, project_id: str, **attributes: object) -> str:
        """Make a VPN for a project. Operator's. Returns its id."""
        body = {"bgpvpn": {"name": name, "project_id": project_id, **attributes}}
        return str(self.call("POST", "/bgpvpn/bgpvpns", body)["bgpvpn"]["id"])

    def delete_vpn(self, vpn_id: str) -> None:
        """Delete a VPN with its associations."""
        for association in self.associations(vpn_id):
            self.dissociate(vpn_id, str(association["id"]))
        self.call("DELETE", f"/bgpvpn/bgpvpns/{vpn_id}")

    def associate(self, vpn_id: str, network_id: str) -> str:
        """Associate a network with a VPN. Returns the association's id."""
        path = f"/bgpvpn/bgpvpns/{vpn_id}/network_associations"
        body = {"network_association": {"network_id": network_id}}
        return str(self.call("POST", path, body)["network_association"]["id"])

    def dissociate(self, vpn_id: str, association_id: str) -> None:
        """Undo an association."""
        self.call("DELETE", f"/bgpvpn/bgpvpns/{vpn_id}/network_associations/{association_id}")

    def wait_for_vpn(self, name: str, status: str = "ACTIVE", seconds: float = 60) -> None:
        """Return once a VPN has that status.

        Raises:
            TimeoutError: it does not get there; the text says what it is and why.
        """
        end = time.monotonic() + seconds
        vpn = self.vpn(name)
        while vpn["status"] != status:
            if time.monotonic() > end:
                reason = vpn.get("status_reason") or "no reason given"
                raise TimeoutError(
                    f"VPN {name} of {self.name} is {vpn['status']} after {seconds:g} s: {reason}"
                )
            time.sleep(0.2)
            vpn = self.vpn(name)

    @cached_property
    def project_id(self) -> str:
        """The id of the project the credentials are for."""
        return str(self.connection.current_project_id)

    def project_id_of(self, name: str) -> str:
        """The id of a project. Operator's."""
        return str(self.connection.identity.find_project(name, ignore_missing=False).id)
