# SPDX-License-Identifier: Apache-2.0
"""A real Open vSwitch of a test's own: own network namespace, own database, own sockets.

Nothing has a name that could meet another's; what is ended is what was started.
"""

from __future__ import annotations

import ctypes
import os
import shutil
import signal
import subprocess
import time
from collections.abc import Callable, Sequence
from pathlib import Path

_CLONE_NEWNET = 0x40000000
SCHEMA = Path("/usr/share/openvswitch/vswitch.ovsschema")


def missing() -> str:
    """Return what is missing for a real switch; empty if nothing is."""
    if os.geteuid() != 0:
        return "needs root"
    for program in ("ovs-vswitchd", "ovsdb-server", "ovs-vsctl", "ovs-ofctl", "unshare", "ip"):
        if shutil.which(program) is None:
            return f"needs {program}"
    return "" if SCHEMA.exists() else f"needs {SCHEMA}"


def eventually(is_so: Callable[[], object], within_s: float = 5.0) -> float:
    """Wait until ``is_so`` and return how long that took, in seconds."""
    began = time.monotonic()
    while not is_so():
        assert time.monotonic() < began + within_s, "It did not come true in time."
        time.sleep(0.005)
    return time.monotonic() - began


class RealSwitch:
    """ovsdb-server and ovs-vswitchd with br-int and br-core, all userspace."""

    def __init__(self, run_dir: Path) -> None:
        self.run_dir = run_dir
        self.database = f"unix:{run_dir}/db.sock"
        self.management_socket = run_dir / "br-pe.mgmt"
        self._environment = os.environ | {
            "OVS_RUNDIR": str(run_dir),
            "OVS_LOGDIR": str(run_dir),
            "OVS_DBDIR": str(run_dir),
        }
        self._namespaces: dict[str, subprocess.Popen[bytes]] = {}
        self._ovsdb: subprocess.Popen[bytes] | None = None
        self._vswitchd: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        """Start from an empty database."""
        self.add_namespace("switch")
        self._run("ovsdb-tool", "create", str(self.run_dir / "conf.db"), str(SCHEMA))
        self.start_database()
        self.vsctl("--no-wait", "init")
        self.start_vswitchd()
        for bridge in ("br-int", "br-core"):
            self.vsctl("add-br", bridge, "--", "set", "bridge", bridge, "datapath_type=netdev")

    def stop(self) -> None:
        """End everything that was started."""
        for process in (self._vswitchd, self._ovsdb, *self._namespaces.values()):
            if process is not None:
                process.kill()
                process.wait()

    def start_database(self) -> None:
        """Start ovsdb-server."""
        self._ovsdb = self._spawn(
            "ovsdb-server", str(self.run_dir / "conf.db"), f"--remote=p{self.database}",
            f"--unixctl={self.run_dir}/ovsdb.ctl", name="ovsdb",
        )  # fmt: skip
        eventually((self.run_dir / "db.sock").exists)

    def kill_database(self) -> None:
        """Kill ovsdb-server with -9."""
        assert self._ovsdb is not None
        self._ovsdb.send_signal(signal.SIGKILL)
        self._ovsdb.wait()
        (self.run_dir / "db.sock").unlink()

    def start_vswitchd(self) -> None:
        """Start ovs-vswitchd."""
        self._vswitchd = self._spawn(
            *self.inside("switch", "ovs-vswitchd", self.database,
                         f"--unixctl={self.run_dir}/vswitchd.ctl"), name="vswitchd",
        )  # fmt: skip

    def kill_vswitchd(self) -> None:
        """Kill ovs-vswitchd with -9."""
        assert self._vswitchd is not None
        self._vswitchd.send_signal(signal.SIGKILL)
        self._vswitchd.wait()

    def add_namespace(self, name: str) -> None:
        """Make a network namespace, held by a process."""
        holder = subprocess.Popen(["unshare", "--net", "sleep", "infinity"])
        self._namespaces[name] = holder
        mine = Path("/proc/self/ns/net").readlink()
        eventually(lambda: Path(f"/proc/{holder.pid}/ns/net").readlink() != mine)
        self._run(*self.inside(name, "ip", "link", "set", "lo", "up"))

    def enter(self) -> None:
        """Make the calling thread one of the namespace that the switch runs in."""
        with Path(f"/proc/{self._namespaces['switch'].pid}/ns/net").open() as namespace:
            setns = ctypes.CDLL(None, use_errno=True).setns
            assert setns(namespace.fileno(), _CLONE_NEWNET) == 0, os.strerror(ctypes.get_errno())

    def inside(self, name: str, *argv: str) -> Sequence[str]:
        """Return ``argv`` as a command that runs in a namespace."""
        return ["nsenter", "--net", f"--target={self._namespaces[name].pid}", *argv]

    def add_vm(self, port_id: str, mac: str, address: str, gateway: str, tag: int) -> None:
        """Plug a namespace called like its port into br-int, as Nova and OVN would.

        br-int has no OVN here: it switches by MAC address within a VLAN, one per network.
        """
        self.add_namespace(port_id)
        device = f"tap{port_id}"[:15]
        switch = self._namespaces["switch"].pid
        vm = self._namespaces[port_id].pid
        self._run("nsenter", "--net", f"--target={switch}", "ip", "link", "add", device, "type",
                  "veth", "peer", "name", "eth0", "netns", str(vm))  # fmt: skip
        self._run(*self.inside("switch", "ip", "link", "set", device, "up"))
        self._run(*self.inside("switch", "ethtool", "-K", device, "tx", "off"))
        self._run(*self.inside(port_id, "ethtool", "-K", "eth0", "tx", "off"))
        for command in (
            f"link set eth0 address {mac} up",
            f"addr add {address}/24 dev eth0",
            f"route add default via {gateway}",
        ):
            self._run(*self.inside(port_id, "ip", *command.split()))
        self.vsctl("add-port", "br-int", device, f"tag={tag}", "--", "set", "interface", device,
                   f"external_ids:iface-id={port_id}")  # fmt: skip

    def tag_plug(self, port_id: str, tag: int) -> None:
        """Say which VLAN an attachment's plug belongs to, as OVN would know by its iface-id."""
        self.vsctl("set", "port", f"ipe{port_id[:9]}", f"tag={tag}")

    def join_core(self, other: RealSwitch, mine: str, theirs: str) -> None:
        """Join br-core to that of another switch by a cable, and give both an address on it."""
        pid, other_pid = (each._namespaces["switch"].pid for each in (self, other))
        ends = f"link add core mtu 1600 type veth peer name core mtu 1600 netns {other_pid}"
        self._run("nsenter", "--net", f"--target={pid}", "ip", *ends.split())
        for switch, address in ((self, mine), (other, theirs)):
            switch.vsctl("add-port", "br-core", "core")
            for command in (
                "ip link set core up",
                "ethtool -K core tx off",
                "ip link set br-core mtu 1600 up",
                f"ip addr add {address}/24 dev br-core",
                "ethtool -K br-core tx off",
            ):
                self._run(*switch.inside("switch", *command.split()))

    def vsctl(self, *argv: str) -> str:
        """Run ovs-vsctl."""
        return self._run("ovs-vsctl", f"--db={self.database}", "--retry", "--timeout=10", *argv)

    def flows(self) -> list[str]:
        """Return br-pe's flow table, without counters; empty while it does not answer."""
        argv = ["ovs-ofctl", "-OOpenFlow15", "--no-stats", "--no-names", "dump-flows",
                f"unix:{self.management_socket}"]  # fmt: skip
        done = subprocess.run(argv, capture_output=True, text=True)
        return sorted(line.strip() for line in done.stdout.splitlines() if "actions=" in line)

    def run_inside(self, *argv: str) -> str:
        """Run a command in the namespace that the switch runs in."""
        return self._run(*self.inside("switch", *argv))

    def _run(self, *argv: str) -> str:
        return subprocess.run(argv, check=True, capture_output=True, text=True).stdout

    def _spawn(self, *argv: str, name: str) -> subprocess.Popen[bytes]:
        with (self.run_dir / f"{name}.log").open("ab") as log:
            return subprocess.Popen(argv, env=self._environment, stdout=log, stderr=log)
