# SPDX-License-Identifier: Apache-2.0
"""One server of `tests.fakes.compute`, and what its API may be asked of it.

What takes a real one a while takes this one until it was looked at twice.
"""

from __future__ import annotations

import base64
from collections.abc import Mapping
from dataclasses import dataclass, field
from itertools import count
from typing import Any

from tests.fakes.compute_ports import Ports

IMAGES = [
    {"id": "11111111-0000-4000-8000-000000000000", "name": "guest", "status": "active"},
    {"id": "11111111-0000-4000-8000-000000000001", "name": "other", "status": "active"},
]
FLAVORS = [
    {"id": "22222222-0000-4000-8000-000000000000", "name": "tiny"},
    {"id": "33333333-0000-4000-8000-000000000000", "name": "big"},
]
Answer = tuple[int, dict[str, Any] | None]
_REFUSED = {"conflictingRequest": {"code": 409, "message": "Not while it is so."}}


@dataclass
class FakeServer:
    """One server.

    Attributes:
        shown: as the API shows it.
        ports: what it is plugged in.
        interfaces: its own.
        told: the user data it was told, one after the other.
        coming: what it is to be at the next looks.
        number: the how many of all it is.
    """

    shown: dict[str, Any]
    ports: Ports
    interfaces: list[dict[str, Any]] = field(default_factory=list)
    told: list[str] = field(default_factory=list)
    coming: list[dict[str, Any]] = field(default_factory=list)
    number: int = field(default_factory=count(1).__next__)

    @classmethod
    def make(cls, server_id: str, body: Mapping[str, Any], ports: Ports) -> FakeServer:
        """Return a new one that runs."""
        shown = {
            "id": server_id,
            "name": body["name"],
            "metadata": dict(body.get("metadata") or {}),
            "status": "ACTIVE",
            "flavor": _flavor(body["flavorRef"]),
            "image": {"id": body["imageRef"]},
            "tags": [],
            "accessIPv4": "",
            "accessIPv6": "2001:db8::9",
            "OS-EXT-SRV-ATTR:instance_name": "instance-1",
            "OS-EXT-STS:task_state": None,
        }
        made = cls(shown, ports)
        made.told.append(_plain(body.get("user_data")))
        groups = [each["name"] for each in body.get("security_groups") or ()]
        for wanted in body["networks"]:
            made._plug({**wanted, "groups": groups})
        made.look()
        return made

    def look(self) -> dict[str, Any]:
        """Return it as it is now."""
        self.shown["addresses"] = self._addresses()
        seen = dict(self.shown)
        if self.coming:
            self.shown |= self.coming.pop(0)
        return seen

    def _addresses(self) -> dict[str, list[dict[str, Any]]]:
        addresses: dict[str, list[dict[str, Any]]] = {}
        for each in self.interfaces:
            for fixed in each["fixed_ips"]:
                entry = {"addr": fixed["ip_address"], "version": 4, "OS-EXT-IPS:type": "fixed"}
                entry["OS-EXT-IPS-MAC:mac_addr"] = each["mac_addr"]
                addresses.setdefault(each["label"], []).append(entry)
        return addresses

    def end(self) -> None:
        """Give up what it is plugged in."""
        for each in self.interfaces:
            self.ports.unplug(each["port_id"])

    def asked(self, method: str, words: list[str], body: Mapping[str, Any]) -> Answer:
        """Answer a request about it."""
        match words:
            case ["action"]:
                return self._act(body)
            case ["metadata"]:
                given = dict(body["metadata"])
                self.shown["metadata"] = (
                    given if method == "PUT" else self.shown["metadata"] | given
                )
                return 200, {"metadata": self.shown["metadata"]}
            case ["tags"]:
                self.shown["tags"] = list(body["tags"])
                return 200, {"tags": self.shown["tags"]}
            case ["remote-consoles"]:
                return self._console(body["remote_console"])
            case ["os-interface", *port_ids]:
                return self._interface(method, port_ids, body)
        if method == "PUT":
            self.shown |= body["server"]
        return 200, {"server": self.look()}

    def _act(self, body: Mapping[str, Any]) -> Answer:
        ((action, given),) = body.items()
        is_at_rest = self.shown["status"] in ("ACTIVE", "SUSPENDED")
        if action == "confirmResize" and self.shown["status"] == "VERIFY_RESIZE":
            # Nova hears of it once, and shows what it was for a while yet.
            if self.coming:
                return 400, _REFUSED
            self.coming += [{}, {"status": "ACTIVE"}]
        elif action in ("suspend", "resume") and is_at_rest:
            self.shown["status"] = {"suspend": "SUSPENDED", "resume": "ACTIVE"}[action]
        elif action == "resize" and self.shown["status"] == "ACTIVE":
            self.shown |= {"status": "RESIZE", "OS-EXT-STS:task_state": "resize_prep"}
            flavor = _flavor(given["flavorRef"])
            came = {"status": "VERIFY_RESIZE", "flavor": flavor, "OS-EXT-STS:task_state": None}
            self.coming += [{}, came]
        elif action == "rebuild" and is_at_rest:
            self.shown |= {"status": "REBUILD", "OS-EXT-STS:task_state": "rebuilding"}
            image = {"id": given["imageRef"]}
            self.coming.append({"status": "ACTIVE", "image": image, "OS-EXT-STS:task_state": None})
            if "user_data" in given:
                self.told.append(_plain(given["user_data"]))
        else:
            return 409, _REFUSED
        return 202, None

    def _console(self, wanted: Mapping[str, Any]) -> Answer:
        if wanted["type"] != "novnc":
            return 400, {"badRequest": {"code": 400, "message": "No such console."}}
        return 200, {"remote_console": {**wanted, "url": "http://192.0.2.80/novnc"}}

    def _interface(self, method: str, port_ids: list[str], body: Mapping[str, Any]) -> Answer:
        if method == "POST":
            given = body["interfaceAttachment"]
            wanted = {"port": given["port_id"]} if given.get("port_id") else {}
            wanted |= {"uuid": given["net_id"]} if given.get("net_id") else {}
            for fixed in given.get("fixed_ips") or ():
                wanted["fixed_ip"] = fixed["ip_address"]
            return 200, {"interfaceAttachment": self._plug(wanted)}
        if method == "DELETE":
            (gone,) = (each for each in self.interfaces if each["port_id"] == port_ids[0])
            self.interfaces.remove(gone)
            self.ports.unplug(gone["port_id"])
            return 202, None
        return 200, {"interfaceAttachments": self.interfaces}

    def _plug(self, wanted: Mapping[str, Any]) -> dict[str, Any]:
        made = self.ports.plug(self.shown["id"], wanted)
        self.interfaces.append(made)
        return made


def _flavor(flavor_id: str) -> dict[str, str]:
    (name,) = (each["name"] for each in FLAVORS if each["id"] == flavor_id)
    return {"id": flavor_id, "original_name": name}


def _plain(user_data: str | None) -> str:
    return base64.b64decode(user_data or "").decode()
