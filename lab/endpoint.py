# SPDX-License-Identifier: Apache-2.0
"""A network endpoint without a VM: a namespace on a veth pair in a host's integration bridge.

OVN binds it by ``iface-id`` as it binds a VM, so that programs can send and receive as a Neutron
port would, at the price of a namespace.
"""

from __future__ import annotations

import subprocess
from collections.abc import Sequence
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv4Interface

from lab.machine import Machine, enter


@dataclass(frozen=True, slots=True)
class Endpoint:
    """One Neutron port, plugged as a namespace of a compute host.

    Attributes:
        machine: the compute host, the one in the port's ``binding:host_id``.
        port_id: the Neutron port.
        address: its fixed address with the prefix length of its subnet.
        gateway: of its default route; None leaves it without one.
        mtu: of the Neutron network.
    """

    machine: Machine
    port_id: str
    mac: str
    address: IPv4Interface
    gateway: IPv4Address | None
    mtu: int

    @property
    def name(self) -> str:
        """The namespace's name inside the machine, also of the veth's end in the bridge."""
        return _name(self.port_id)

    def plug(self) -> None:
        """Make the namespace and plug it, anew if it was there."""
        self.unplug()
        run, name = self.machine.run, self.name
        run(["ip", "netns", "add", name])
        self.machine.ip(
            f"link add {name} mtu {self.mtu} type veth"
            f" peer name eth0 address {self.mac} mtu {self.mtu} netns {name}",
            f"link set {name} up",
        )
        self.run(["ip", "-batch", "-"], text="\n".join(self._inside()) + "\n")
        # Open vSwitch's userspace datapath passes on unfinished checksums as they are.
        run(["ethtool", "-K", name, "tx", "off"])
        self.run(["ethtool", "-K", "eth0", "tx", "off"])
        plug = ["ovs-vsctl", "--timeout=20", "--may-exist", "add-port", "br-int", name]
        plug += ["--", "set", "interface", name, f"external_ids:iface-id={self.port_id}"]
        run([*plug, f"external_ids:attached-mac={self.mac}"])

    def _inside(self) -> list[str]:
        lines = ["link set lo up", f"addr add {self.address} dev eth0", "link set eth0 up"]
        if self.gateway is not None:
            lines.append(f"route add default via {self.gateway} dev eth0")
        return lines

    def unplug(self) -> None:
        """Take the namespace away; nothing happens when there is none. Ends what runs in it."""
        unplug(self.machine, self.port_id)

    def enter(self) -> list[str]:
        """The command prefix that runs the rest in the namespace."""
        return [*enter(self.machine.name), "ip", "netns", "exec", self.name]

    def run(
        self, argv: Sequence[str], *, check: bool = True, timeout_s: float = 60, text: str = ""
    ) -> subprocess.CompletedProcess[str]:
        """Run a command in the namespace to its end; the arguments are those of `Machine.run`."""
        command = ["ip", "netns", "exec", self.name, *argv]
        return self.machine.run(command, check=check, timeout_s=timeout_s, text=text)


def unplug(machine: Machine, port_id: str) -> None:
    """Take away the endpoint that was plugged as a Neutron port; see `Endpoint.unplug`."""
    run, name = machine.run, _name(port_id)
    run(["ovs-vsctl", "--timeout=20", "--if-exists", "del-port", "br-int", name])
    if name in run(["ip", "netns", "list"]).stdout.split():
        pids = run(["ip", "netns", "pids", name]).stdout.split()
        if pids:
            run(["kill", "-9", *pids], check=False)
        run(["ip", "netns", "delete", name])


def _name(port_id: str) -> str:
    return f"ep-{port_id[:8]}"
