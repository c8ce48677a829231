# SPDX-License-Identifier: Apache-2.0
"""A core network of namespaces on one bridge, and BGP daemons in them.

Namespaces have no names: each is held by a process, and that process, like every daemon, ends with
the test process, even if that one is killed.
"""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import time
from collections.abc import Callable, Sequence
from ipaddress import IPv4Address
from pathlib import Path
from typing import Any, TypeVar

import grpc

from isthmus.model.errors import EdgeError
from isthmus.model.ids import RouteTarget
from isthmus.model.route import LabelledRoute, VpnRoute
from isthmus.pe_agent.bgp import mapping
from isthmus.pe_agent.bgp.gobgp_api import common_pb2, gobgp_pb2, gobgp_pb2_grpc
from isthmus.pe_agent.bgp.gobgp_client import GoBgpClient
from isthmus.pe_agent.bgp.labelled import decode_labelled
from isthmus.pe_agent.bgp.memberships import decode_membership
from tests.fakes.gobgpd import labelled_path

AS_NUMBER = 64500
GOBGPD = Path(__file__).parents[3] / ".lab" / "bin" / "gobgpd"
FRR = Path("/usr/lib/frr/bgpd")
_DIE_WITH_US = ("setpriv", "--pdeathsig", "KILL")
_T = TypeVar("_T")


def missing_for_bgp() -> str:
    """What this machine lacks to run the tests here; empty: nothing."""
    if os.geteuid() != 0:
        return "root (network namespaces)"
    for command in ("ip", "nsenter", "setpriv", "unshare", "vtysh", str(FRR), str(GOBGPD)):
        if shutil.which(command) is None:
            return f"{command} (tools/bootstrap brings it)"
    return ""


def eventually(
    look: Callable[[], _T], is_it: Callable[[_T], bool] = bool, *, within_s: float = 15.0
) -> _T:
    """Return the first value that passes; fail with the last one seen."""
    deadline = time.monotonic() + within_s
    while True:
        value = look()
        if is_it(value):
            return value
        assert time.monotonic() < deadline, f"after {within_s} s still {value!r}"
        time.sleep(0.02)


class CoreNetwork:
    """One bridge and the nodes on it; `close` ends all that was started.

    Args:
        folder: for sockets, configurations and logs.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._processes: list[subprocess.Popen[bytes]] = []
        self._holders: dict[str, int] = {}
        self._hold("core")
        self.run("core", "ip", "link", "add", "br0", "type", "bridge")
        self.run("core", "ip", "link", "set", "br0", "up")

    def add_node(self, name: str, address: IPv4Address) -> None:
        """Make a node with one address, linked to all others."""
        pid = self._hold(name)
        self.run(
            "core", "ip", "link", "add", name, "type", "veth", "peer", "core", "netns", str(pid)
        )
        self.run("core", "ip", "link", "set", name, "master", "br0", "up")
        self.run(name, "ip", "address", "add", f"{address}/24", "dev", "core")
        self.run(name, "ip", "link", "set", "core", "up")
        self.run(name, "ip", "link", "set", "lo", "up")

    def run(self, node: str, *argv: str) -> str:
        """Run a command in a node to its end; return what it printed."""
        done = subprocess.run(
            [*self._enter(node), *argv], capture_output=True, text=True, timeout=20
        )
        assert done.returncode == 0, f"{argv}: {done.stdout}{done.stderr}"
        return done.stdout

    def start(self, node: str, argv: Sequence[str], log: Path) -> subprocess.Popen[bytes]:
        """Start a daemon in a node."""
        with log.open("ab") as output:
            process = subprocess.Popen(
                [*_DIE_WITH_US, *self._enter(node), *argv],
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=output,
            )
        self._processes.append(process)
        return process

    def close(self) -> None:
        """End every daemon and every namespace."""
        for process in reversed(self._processes):
            process.kill()
            process.wait()

    def _hold(self, name: str) -> int:
        command = [*_DIE_WITH_US, "unshare", "--net", "sleep", "infinity"]
        process = subprocess.Popen(command, stdin=subprocess.DEVNULL)
        self._processes.append(process)
        ours = Path("/proc/self/ns/net").readlink()
        eventually(lambda: Path(f"/proc/{process.pid}/ns/net").readlink() != ours)
        self._holders[name] = process.pid
        return process.pid

    def _enter(self, node: str) -> list[str]:
        return ["nsenter", f"--net=/proc/{self._holders[node]}/ns/net"]


class GoBgpd:
    """A gobgpd without a configuration, or with the one given."""

    def __init__(self, network: CoreNetwork, name: str, configuration: str = "") -> None:
        self._network = network
        self._name = name
        self._socket = network.folder / f"{name}.sock"
        self.api = f"unix://{self._socket}"
        self._options: list[str] = []
        if configuration:
            file = network.folder / f"{name}.toml"
            file.write_text(configuration)
            self._options = ["-f", str(file)]
        self.start()

    def start(self) -> None:
        """Start it, knowing nothing of a former life."""
        self._socket.unlink(missing_ok=True)
        argv = [str(GOBGPD), "--api-hosts", self.api, "--pprof-disable", "--metrics-path", ""]
        log = self._network.folder / f"{self._name}.log"
        self._process = self._network.start(self._name, [*argv, *self._options], log)
        self.ask(lambda client: client.neighbors())

    def kill(self) -> None:
        """End it without a word to anybody, like a crash."""
        self._process.send_signal(signal.SIGKILL)
        self._process.wait()

    def restart(self) -> None:
        """Crash and start again."""
        self.kill()
        self.start()

    def ask(self, question: Callable[[GoBgpClient], _T]) -> _T:
        """Ask over a connection of one's own, waiting for a daemon that just started."""
        deadline = time.monotonic() + 5
        while True:
            client = GoBgpClient(self.api)
            try:
                return question(client)
            except EdgeError:
                assert time.monotonic() < deadline
                time.sleep(0.02)
            finally:
                client.close()

    def advertise(self, *routes: VpnRoute) -> None:
        """Put routes into the table, as any PE might."""
        self.ask(lambda client: client.send([mapping.encode_route(route) for route in routes]))

    def withdraw(self, *routes: VpnRoute) -> None:
        """Take routes out of the table."""
        self.ask(lambda client: client.send([mapping.encode_withdrawal(one) for one in routes]))

    def tell(self, *routes: LabelledRoute) -> None:
        """Put labels into the table."""
        self.ask(lambda client: client.send([labelled_path(route) for route in routes]))

    def tell_no_more(self, *routes: LabelledRoute) -> None:
        """Take labels out of the table."""
        paths = [labelled_path(route) for route in routes]
        for path in paths:
            path.is_withdraw = True
        self.ask(lambda client: client.send(paths))

    def learnt_from(self, neighbor: IPv4Address) -> frozenset[VpnRoute]:
        """The VPN routes in the tables that a neighbor sent, stale ones too."""
        return frozenset(map(mapping.decode_route, self._paths_of(neighbor)))

    def labels_from(self, neighbor: IPv4Address) -> frozenset[LabelledRoute]:
        """The labels a neighbor told."""
        paths = self._paths_of(neighbor, mapping.LABELLED_IPV4)
        return frozenset(map(decode_labelled, paths))

    def asked_by(self, neighbor: IPv4Address) -> frozenset[RouteTarget]:
        """The route targets a neighbor wants."""
        return frozenset(map(decode_membership, self._paths_of(neighbor, mapping.MEMBERSHIPS)))

    def has_stale_routes(self) -> bool:
        """Whether a neighbor that went away has not repeated all of its routes yet."""
        return any(path.stale for path in self._paths())

    def updates_received_from(self, neighbor: IPv4Address) -> int:
        """How many UPDATE messages a neighbor has sent."""
        return self._session(neighbor).messages.received.update

    def sessions_opened_with(self, neighbor: IPv4Address) -> int:
        """How many OPEN messages a neighbor has sent."""
        return self._session(neighbor).messages.received.open

    def _session(self, neighbor: IPv4Address) -> gobgp_pb2.PeerState:
        peers = self.ask(lambda client: client.neighbors())
        return next(one.state for one in peers if one.conf.neighbor_address == str(neighbor))

    def _paths_of(
        self, neighbor: IPv4Address, *families: common_pb2.Family
    ) -> list[gobgp_pb2.Path]:
        return [path for path in self._paths(*families) if path.neighbor_ip == str(neighbor)]

    def _paths(self, *families: common_pb2.Family) -> list[gobgp_pb2.Path]:
        with grpc.insecure_channel(self.api) as channel:
            # The generated class has no annotations.
            stub = gobgp_pb2_grpc.GoBgpServiceStub(channel)  # type: ignore[no-untyped-call]
            return [
                path
                for family in families or mapping.FAMILIES.values()
                for answer in stub.ListPath(
                    gobgp_pb2.ListPathRequest(
                        table_type=gobgp_pb2.TABLE_TYPE_GLOBAL, family=family
                    ),
                    timeout=10,
                )
                for path in answer.destination.paths
            ]


class FrrReflector:
    """FRR's bgpd as a route reflector, without zebra."""

    def __init__(
        self,
        network: CoreNetwork,
        name: str,
        address: IPv4Address,
        clients: Sequence[IPv4Address],
        families: Sequence[str] = ("ipv4 vpn", "ipv6 vpn"),
    ) -> None:
        self._network = network
        self._name = name
        self._address = address
        self._vty = network.folder / f"{name}-vty"
        self._vty.mkdir(exist_ok=True)
        self._file = network.folder / f"{name}.conf"
        self._file.write_text(_frr_configuration(address, clients, families))
        for path in (network.folder, self._vty, self._file):
            shutil.chown(path, "frr", "frr")
        self.start()

    def start(self) -> None:
        """Start it from its configuration."""
        argv = [str(FRR), "-Z", "-n", "-S", "-f", str(self._file), "-P", "0"]
        argv += ["-l", str(self._address), "--vty_socket", str(self._vty)]
        argv += ["-i", str(self._network.folder / f"{self._name}.pid")]
        log = self._network.folder / f"{self._name}.log"
        self._process = self._network.start(self._name, argv, log)

    def kill(self) -> None:
        """End it without a word to anybody, like a crash."""
        self._process.send_signal(signal.SIGKILL)
        self._process.wait()

    def show(self, command: str) -> dict[str, Any]:
        """Return what a ``show … json`` command answers."""
        out = self._network.run(
            self._name, "vtysh", "--vty_socket", str(self._vty), "-c", f"show {command} json"
        )
        answer: dict[str, Any] = json.loads(out or "{}")
        return answer


VPN_FAMILIES = ("l3vpn-ipv4-unicast", "l3vpn-ipv6-unicast")
CONSTRAINED_FAMILIES = (*VPN_FAMILIES, "rtc")
LABELLED_FAMILIES = ("ipv4-labelled-unicast",)


def gobgp_reflector_configuration(
    address: IPv4Address,
    clients: Sequence[IPv4Address],
    password: str = "",
    *,
    families: Sequence[str] = VPN_FAMILIES,
) -> str:
    """A gobgpd configuration that reflects with graceful restart."""
    text = f"""
[global.config]
as = {AS_NUMBER}
router-id = "{address}"
local-address-list = ["{address}"]
"""
    for client in clients:
        text += f"""
[[neighbors]]
[neighbors.config]
neighbor-address = "{client}"
peer-as = {AS_NUMBER}
auth-password = "{password}"
[neighbors.transport.config]
passive-mode = true
[neighbors.timers.config]
hold-time = 9
keepalive-interval = 3
[neighbors.route-reflector.config]
route-reflector-client = true
route-reflector-cluster-id = "{address}"
[neighbors.graceful-restart.config]
enabled = true
restart-time = 60
deferral-time = 3
long-lived-enabled = true
notification-enabled = true
"""
        for family in families:
            text += f"""
[[neighbors.afi-safis]]
[neighbors.afi-safis.config]
afi-safi-name = "{family}"
[neighbors.afi-safis.mp-graceful-restart.config]
enabled = true
[neighbors.afi-safis.long-lived-graceful-restart.config]
enabled = true
restart-time = 60
"""
            if family == "rtc":
                text += """
[neighbors.afi-safis.route-target-membership.config]
deferral-time = 10
"""
    return text


def _frr_configuration(
    address: IPv4Address, clients: Sequence[IPv4Address], families: Sequence[str]
) -> str:
    neighbors = "\n".join(f" neighbor {client} peer-group PE" for client in clients)
    return f"""
bgp no-rib
router bgp {AS_NUMBER}
 bgp router-id {address}
 bgp cluster-id {address}
 bgp graceful-restart
 bgp graceful-restart restart-time 60
 bgp graceful-restart stalepath-time 60
 bgp long-lived-graceful-restart stale-time 60
 no bgp default ipv4-unicast
 neighbor PE peer-group
 neighbor PE remote-as {AS_NUMBER}
 neighbor PE timers 3 9
 neighbor PE passive
{neighbors}
""" + "".join(
        f"""
 address-family {family}
  neighbor PE activate
  neighbor PE route-reflector-client
 exit-address-family
"""
        for family in families
    )
