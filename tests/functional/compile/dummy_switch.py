# SPDX-License-Identifier: Apache-2.0
"""Open vSwitch with its own dummy ports: real pipeline, no network, no root."""

from __future__ import annotations

import os
import socket
import struct
import subprocess
import time
from collections import Counter
from collections.abc import Iterable
from pathlib import Path

from isthmus.model.flow import Flow
from isthmus.pe_agent.openflow.ovs_meters import OvsMeters, meters_of

SCHEMA = Path("/usr/share/openvswitch/vswitch.ovsschema")
UNDERLAY_MAC, REMOTE_MAC = "aa:55:aa:55:00:00", "02:00:00:00:00:21"
_PCAP_HEADER, _PCAP_RECORD = 24, 16


class DummySwitch:
    """ovsdb-server and ovs-vswitchd in a folder; packets in and out as octets."""

    def __init__(self, folder: Path, ports: Iterable[int]) -> None:
        self._folder = folder
        self._ports = tuple(ports)
        self._environment = os.environ | dict.fromkeys(
            ("OVS_RUNDIR", "OVS_LOGDIR", "OVS_DBDIR"), str(folder)
        )
        self._processes: list[subprocess.Popen[bytes]] = []

    def start(self) -> None:
        """Start with one bridge and its ports."""
        database = f"unix:{self._folder}/db.sock"
        self._run("ovsdb-tool", "create", f"{self._folder}/conf.db", str(SCHEMA))
        self._spawn(
            "ovsdb-server", f"{self._folder}/conf.db", f"--remote=p{database}",
            f"--unixctl={self._folder}/ovsdb.ctl",
        )  # fmt: skip
        self._wait_for("db.sock")
        self._run("ovs-vsctl", f"--db={database}", "--no-wait", "init")
        self._spawn(
            "ovs-vswitchd", database, f"--unixctl={self._folder}/vswitchd.ctl",
            "--enable-dummy", "--disable-system", "-vvlog:off",
        )  # fmt: skip
        self._wait_for("vswitchd.ctl")
        ports = [word for port in self._ports for word in self._dummy_port("br-pe", port)]
        self._run(
            "ovs-vsctl", f"--db={database}", "--timeout=10", "add-br", "br-pe", "--", "set",
            "bridge", "br-pe", "datapath_type=dummy", "fail_mode=secure",
            "protocols=OpenFlow10,OpenFlow13,OpenFlow15", *ports,
        )  # fmt: skip

    def add_gre(self, port: int, nic: int, here: str, there: str) -> None:
        """Add a port for MPLS-in-GRE, whose packets cross a bridge of their own to ``nic``.

        ``here`` is that bridge's address, ``there`` the far end, whose MAC is 02:00:00:00:00:21.
        """
        self._ports += (nic,)
        self._run(
            "ovs-vsctl", f"--db=unix:{self._folder}/db.sock", "--timeout=10", "add-br", "br-phy",
            "--", "set", "bridge", "br-phy", "datapath_type=dummy",
            f"other-config:hwaddr={UNDERLAY_MAC}",
            *self._dummy_port("br-phy", nic), "--", "add-port", "br-pe", "gre", "--", "set",
            "interface", "gre", "type=gre", f"ofport_request={port}", "options:remote_ip=flow",
            "options:packet_type=legacy_l3",
        )  # fmt: skip
        self._run("ovs-ofctl", "add-flow", "br-phy", "actions=normal")
        self._appctl("netdev-dummy/ip4addr", "br-phy", f"{here}/24")
        self._appctl("ovs/route/add", f"{there}/32", "br-phy")
        self._appctl("tnl/neigh/set", "br-phy", there, REMOTE_MAC)

    def stop(self) -> None:
        """End what was started."""
        for process in self._processes:
            process.kill()
            process.wait()

    def replace_flows(self, flows: Iterable[Flow]) -> None:
        """Make ``flows`` the whole table."""
        flows = frozenset(flows)
        OvsMeters(self._folder / "br-pe.mgmt").add(meters_of(flows))
        lines = "\n".join(sorted(str(flow) for flow in flows))
        self._run("ovs-ofctl", "-OOpenFlow15", "--bundle", "replace-flows", "br-pe", "-",
                  text=lines)  # fmt: skip

    def receive(self, port: int, frame: bytes) -> None:
        """Let a frame come in by a port."""
        self._appctl("netdev-dummy/receive", f"p{port}", frame.hex())

    def sent(self) -> dict[int, list[bytes]]:
        """Return every frame that has left so far, by port."""
        return {port: _frames(self._folder / f"p{port}.pcap") for port in self._ports}

    def counters(self) -> Counter[tuple[int, int]]:
        """Return how many packets have matched, by table and cookie."""
        self._appctl("revalidator/purge")
        counted: Counter[tuple[int, int]] = Counter()
        for line in self._run("ovs-ofctl", "-OOpenFlow15", "dump-flows", "br-pe").splitlines():
            words = dict(
                word.strip().split("=", 1) for word in line.split(",") if word.count("=") == 1
            )
            if "cookie" in words:
                counted[int(words["table"]), int(words["cookie"], 16)] += int(words["n_packets"])
        return counted

    def _dummy_port(self, bridge: str, port: int) -> list[str]:
        return (
            f"-- add-port {bridge} p{port} -- set interface p{port} type=dummy "
            f"ofport_request={port} options:tx_pcap={self._folder}/p{port}.pcap"
        ).split()

    def _appctl(self, *argv: str) -> None:
        self._run("ovs-appctl", f"--target={self._folder}/vswitchd.ctl", *argv)

    def _run(self, *argv: str, text: str = "") -> str:
        done = subprocess.run(
            argv, input=text, capture_output=True, text=True, env=self._environment
        )
        assert done.returncode == 0, done.stderr
        return done.stdout

    def _spawn(self, *argv: str) -> None:
        with (self._folder / f"{argv[0]}.log").open("ab") as log:
            self._processes.append(
                subprocess.Popen(argv, env=self._environment, stdout=log, stderr=log)
            )

    def _wait_for(self, name: str) -> None:
        """Wait until somebody listens on a socket; it is there a little earlier."""
        until = time.monotonic() + 10
        while True:
            try:
                with socket.socket(socket.AF_UNIX) as connection:
                    connection.connect(str(self._folder / name))
                return
            except OSError:
                assert time.monotonic() < until, f"{name} did not appear"
                time.sleep(0.01)


def _frames(path: Path) -> list[bytes]:
    octets = path.read_bytes() if path.exists() else b""
    found = []
    at = _PCAP_HEADER
    while at + _PCAP_RECORD <= len(octets):
        (length,) = struct.unpack("=I", octets[at + 8 : at + 12])
        found.append(octets[at + _PCAP_RECORD : at + _PCAP_RECORD + length])
        at += _PCAP_RECORD + length
    return found
