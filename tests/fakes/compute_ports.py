# SPDX-License-Identifier: Apache-2.0
"""Where the servers of `tests.fakes.compute` are plugged: on ports of nobody's, or of Neutron's.

An interface is as the compute API shows it, with ``label``, the name of its network.
"""

from __future__ import annotations

from collections.abc import Mapping
from itertools import count
from typing import Any, Protocol
from uuid import NAMESPACE_URL, uuid5

import requests


class Ports(Protocol):
    """Ports that servers are plugged in."""

    def plug(self, server_id: str, wanted: Mapping[str, Any]) -> dict[str, Any]:
        """Return a server's new interface, in ``port``, or on ``uuid`` with ``fixed_ip``.

        Of a port that is made for it, ``groups`` are the security groups, by their names.
        """

    def unplug(self, port_id: str) -> None:
        """Take a server off a port; one that was made for it goes."""


class MadeUp:
    """Ports that are written down nowhere."""

    def __init__(self) -> None:
        self._numbers = count(10)

    def plug(self, server_id: str, wanted: Mapping[str, Any]) -> dict[str, Any]:
        """Return a server's new interface."""
        del server_id
        number = next(self._numbers)
        network = str(wanted.get("uuid") or "of-the-port")
        address = str(wanted.get("fixed_ip") or f"192.0.2.{number}")
        return {
            "port_id": str(wanted.get("port") or uuid5(NAMESPACE_URL, f"port-{number}")),
            "net_id": network,
            "mac_addr": f"fa:16:3e:00:00:{number:02x}",
            "fixed_ips": [{"subnet_id": f"of-{network}", "ip_address": address}],
            "port_state": "ACTIVE",
            "label": network,
        }

    def unplug(self, port_id: str) -> None:
        """Forget nothing: nothing was remembered."""


class OfNeutron:
    """Ports of a region's Neutron, asked for as nova does: made for who has the server.

    To take a server off is the operator's right, as nova's own.
    """

    def __init__(self, url: str, who: str, operator: str) -> None:
        self._url, self._who, self._operator = f"{url}/v2.0", who, operator
        self._made: set[str] = set()

    def plug(self, server_id: str, wanted: Mapping[str, Any]) -> dict[str, Any]:
        """Return a server's new interface."""
        body: dict[str, Any] = {"device_id": server_id, "device_owner": "compute:nova"}
        if "port" in wanted:
            path = f"/ports/{wanted['port']}"
            port = self._ask("PUT", path, {"port": body}, self._operator)["port"]
        else:
            body["network_id"] = wanted["uuid"]
            if "fixed_ip" in wanted:
                body["fixed_ips"] = [{"ip_address": wanted["fixed_ip"]}]
            if wanted.get("groups"):
                body["security_groups"] = [self._group(name) for name in wanted["groups"]]
            port = self._ask("POST", "/ports", {"port": body})["port"]
            self._made.add(port["id"])
        network = self._ask("GET", f"/networks/{port['network_id']}")["network"]
        return {
            "port_id": port["id"],
            "net_id": port["network_id"],
            "mac_addr": port["mac_address"],
            "fixed_ips": port["fixed_ips"],
            "port_state": port["status"],
            "label": network["name"],
        }

    def unplug(self, port_id: str) -> None:
        """Take a server off a port; one that was made for it goes."""
        if port_id in self._made:
            self._ask("DELETE", f"/ports/{port_id}", who=self._operator)
        else:
            free = {"device_id": "", "device_owner": ""}
            self._ask("PUT", f"/ports/{port_id}", {"port": free}, self._operator)

    def _group(self, name: str) -> str:
        (found,) = self._ask("GET", f"/security-groups?name={name}")["security_groups"]
        return str(found["id"])

    def _ask(self, method: str, path: str, body: Any = None, who: str = "") -> dict[str, Any]:
        headers = {"X-Auth-Token": who or self._who}
        answer = requests.request(
            method, f"{self._url}{path}", json=body, headers=headers, timeout=60
        )
        assert answer.ok, answer.text
        found: dict[str, Any] = answer.json() if answer.content else {}
        return found
