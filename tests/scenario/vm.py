# SPDX-License-Identifier: Apache-2.0
"""A VM of a test's own that nova moves from host to host, or makes anew."""

from __future__ import annotations

from dataclasses import dataclass
from ipaddress import IPv4Address, ip_address
from typing import Any

from lab import control
from lab.console import NoConsole
from lab.demo.stage import Stage
from lab.waiting import wait_until
from tests.scenario.rig import Rig

_BOOT_S, _MOVE_S = 240, 120
#: The first that knows all that is asked for here.
_MICROVERSION = "2.74"


class NovaRefused(RuntimeError):
    """Nova did not do what it was asked for; the text says why."""


@dataclass(frozen=True, slots=True)
class Vm:
    """A server with one port.

    Attributes:
        rig: in whose region it is, and whose name it bears.
        server_id: nova's name for it.
    """

    rig: Rig
    server_id: str
    port_id: str
    address: IPv4Address

    def run(self, command: str) -> str:
        """Run a line of shell in the guest."""
        return str(control.guest_run(self.rig.name, command, timeout_s=60).stdout)

    def wait_for_guest(self) -> None:
        """Return once it has booted and has its address."""
        wait_until(self._has_address, _BOOT_S, f"the address of {self.rig.name}", every_s=0.5)

    def _has_address(self) -> bool:
        try:
            return f"inet {self.address}/" in self.run("ip -4 addr show dev eth0")
        except (TimeoutError, NoConsole):
            return False

    @property
    def host(self) -> str:
        """Where it runs."""
        return str(self._show()["OS-EXT-SRV-ATTR:host"])

    def move_live(self, host: str) -> None:
        """Move it while it runs."""
        self._act({"os-migrateLive": {"host": host, "block_migration": "auto"}})
        self._wait_for("ACTIVE", host)

    def move_cold(self, host: str) -> None:
        """Stop it, move it and start it there."""
        self._act({"migrate": {"host": host}})
        self._wait_for("VERIFY_RESIZE", host)
        self._act({"confirmResize": None})
        self._wait_for("ACTIVE", host)

    def rebuild(self) -> None:
        """Make it anew where it is, of the same image."""
        host, image = self.host, self._show()["image"]["id"]
        self._act({"rebuild": {"imageRef": image}})
        self._wait_for("ACTIVE", host)

    def _act(self, body: dict[str, Any]) -> None:
        path = f"/servers/{self.server_id}/action"
        compute = self.rig.cloud.connection.compute
        _checked(compute.post(path, json=body, microversion=_MICROVERSION))

    def _wait_for(self, status: str, host: str) -> None:
        """Wait until it is there, in that state, and nothing is being done to it."""

        def is_there() -> bool:
            shown = self._show()
            if shown["status"] == "ERROR":
                raise NovaRefused(str(shown.get("fault")))
            is_idle = shown["OS-EXT-STS:task_state"] is None
            if is_idle and shown["status"] == "ACTIVE" and status != "ACTIVE":
                raise NovaRefused(f"nova gave up; see the log of nova-compute of {self.host}")
            arrived = shown["OS-EXT-SRV-ATTR:host"] == host
            # One that nova has just been asked for is idle and nowhere for a moment.
            if is_idle and not arrived and shown["status"] != "BUILD":
                raise NovaRefused(f"nova left it; see the log of nova-compute of {self.host}")
            return is_idle and shown["status"] == status

        wait_until(is_there, _MOVE_S, f"{self.rig.name} {status} on {host}", every_s=0.3)

    def _show(self) -> dict[str, Any]:
        compute = self.rig.cloud.connection.compute
        shown = compute.get(f"/servers/{self.server_id}", microversion=_MICROVERSION)
        return dict(_checked(shown)["server"])


def start(stage: Stage, rig: Rig, host: str, port: Any) -> Vm:
    """Start a VM with a port on a host; not in its zone, so that it may leave."""
    connection = rig.cloud.connection
    body = {
        "name": rig.name,
        "imageRef": connection.image.find_image(stage.topology.image, ignore_missing=False).id,
        "flavorRef": connection.compute.find_flavor(stage.topology.flavor.name).id,
        "networks": [{"port": port.id}],
        "host": host,
    }
    answer = connection.compute.post("/servers", json={"server": body}, microversion=_MICROVERSION)
    server_id = _checked(answer)["server"]["id"]
    address = IPv4Address(ip_address(port.fixed_ips[0]["ip_address"]))
    vm = Vm(rig, server_id, port.id, address)
    vm._wait_for("ACTIVE", host)
    vm.wait_for_guest()
    return vm


def remove(rig: Rig) -> None:
    """Delete every VM of the rig's name and wait until it is gone."""
    compute = rig.cloud.connection.compute

    def left() -> list[Any]:
        return list(compute.servers(name=f"^{rig.name}$"))

    for server in left():
        compute.delete_server(server.id)
    wait_until(lambda: not left(), _MOVE_S, f"the end of {rig.name}")


def _checked(answer: Any) -> dict[str, Any]:
    if not answer.ok:
        raise NovaRefused(answer.text)
    return dict(answer.json()) if answer.content else {}
