# SPDX-License-Identifier: Apache-2.0
"""Open vSwitch with the userspace datapath in a machine: one ovsdb-server, one ovs-vswitchd."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial

from lab import process
from lab.machine import Machine, connect
from lab.waiting import START_S, wait_until

#: Directories Open vSwitch keeps its files in; a machine with a switch has them for itself.
PRIVATE = ("/etc/openvswitch", "/var/log/openvswitch", "/var/lib/openvswitch")
_DATABASE = "/etc/openvswitch/conf.db"
_QUIET = ("-vsyslog:off", "-vfile:off")


def join(near: str, near_interface: str, far: str, far_interface: str, mtu: int) -> None:
    """Join two machines; the arguments are those of `lab.machine.connect`.

    When the pair had to be made, a switch that had the former interface of that name still holds
    the vanished device. It lets go only if the port is deleted in a transaction of its own; whoever
    owns the bridge adds it again.
    """
    if connect(near, near_interface, far, far_interface, mtu):
        for name, interface in ((near, near_interface), (far, far_interface)):
            command = f"ovs-vsctl --timeout=10 --if-exists del-port {interface}"
            Machine(name).run(["sh", "-c", f"test ! -S /run/openvswitch/db.sock || {command}"])


@dataclass(frozen=True, slots=True)
class Switch:
    """The Open vSwitch of one machine."""

    machine: Machine

    def ensure(self) -> None:
        """Start the daemons unless they run; ready for `vsctl` when it returns."""
        name = self.machine.name
        if not self.machine.path(_DATABASE).exists():
            schema = "/usr/share/openvswitch/vswitch.ovsschema"
            self.machine.run(["ovsdb-tool", "create", _DATABASE, schema])
        # the daemons refuse to start where /run/openvswitch does not exist
        self.machine.run(["mkdir", "-p", "/run/openvswitch"])
        database = process.Process(
            f"{name}-ovsdb",
            name,
            (
                "ovsdb-server",
                _DATABASE,
                "--remote=punix:/run/openvswitch/db.sock",
                "--pidfile",
                *_QUIET,
                "-vconsole:warn",
            ),
        )
        daemon = process.Process(
            f"{name}-vswitchd", name, ("ovs-vswitchd", "--pidfile", *_QUIET, "-vconsole:info")
        )
        if process.start(database):
            ready = ["ovs-vsctl", "--no-wait", "--timeout=1", "init"]
            wait_until(
                partial(self.machine.succeeds, ready),
                START_S,
                f"ovsdb-server of {name}",
                database.log,
            )
        if process.start(daemon):
            wait_until(
                partial(self.machine.succeeds, ["ovs-appctl", "version"]),
                START_S,
                f"ovs-vswitchd of {name}",
                daemon.log,
            )

    def vsctl(self, *words: str) -> str:
        """Change or read the switch's configuration in one transaction."""
        return self.machine.run(["ovs-vsctl", "--timeout=20", *words]).stdout

    def bridge(self, name: str, *settings: str) -> list[str]:
        """Words for `vsctl` that make a bridge with the userspace datapath."""
        words = ["--", "--may-exist", "add-br", name]
        return [*words, "--", "set", "bridge", name, "datapath_type=netdev", *settings]

    def port(self, bridge: str, interface: str, *settings: str) -> list[str]:
        """Words for `vsctl` that add an interface to a bridge."""
        words = ["--", "--may-exist", "add-port", bridge, interface]
        return [*words, "--", "set", "interface", interface, *settings] if settings else words

    def replace_flows(self, bridge: str, flows: str) -> None:
        """Make these the bridge's only flows, in one bundle."""
        command = ["ovs-ofctl", "-O", "OpenFlow15", "--bundle", "replace-flows", bridge, "-"]
        self.machine.run(command, text=flows)
