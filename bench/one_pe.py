# SPDX-License-Identifier: Apache-2.0
"""One real provider edge, alone on this machine: agent, Open vSwitch, gobgpd, and a reflector.

     agent ── gobgpd ── reflector (gobgpd), which has the routes of all other PEs
       └──── ovs-vswitchd: br-int ══ br-pe ══ br-core

A VRF is one attached network with half of its routes behind it, as behind a router, and the other
half behind another PE. Intent is what the agent finds on its disk, as after any restart.
"""

from __future__ import annotations

import contextlib
import itertools
import os
import queue
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from ipaddress import IPv4Address, IPv4Network
from pathlib import Path
from typing import IO

from isthmus.model.ids import Label, RouteDistinguisher, RouteTarget
from isthmus.model.intent import AttachedPrefix, AttachedSubnet, AttachmentCircuit, VrfIntent
from isthmus.model.route import VpnRoute
from isthmus.pe_agent.compile.inputs import Numbers
from isthmus.pe_agent.look.listener import LookFailed, ask
from isthmus.pe_agent.state import Memory, StateFile
from tests.functional.bgp.network import CoreNetwork, GoBgpd, gobgp_reflector_configuration
from tests.functional.openflow.real_switch import RealSwitch

PE = IPv4Address("192.0.2.11")
OTHER_PE = IPv4Address("192.0.2.21")
REFLECTOR = IPv4Address("192.0.2.102")
_AGENT = "import sys; from isthmus.cmd.pe_agent import main; sys.exit(main())"
_CLOCK_TICKS = os.sysconf("SC_CLK_TCK")


class TookTooLong(RuntimeError):
    """Something did not come true in time."""


def intent(vrf: int, prefixes: int) -> VrfIntent:
    """One VPN with one network and ``prefixes`` prefixes behind its router."""
    target = frozenset({RouteTarget(0, 64500, vrf + 1)})
    gateway = IPv4Address("10.0.0.1")
    circuit = AttachmentCircuit(
        network_id=f"{vrf:08x}-0000-4000-8000-00000000000a",
        port_id=f"{vrf:08x}-0000-4000-8000-000000000001",
        mac=f"fa:16:3e:00:{vrf >> 8:02x}:{vrf & 0xFF:02x}",
        mtu=1442,
        subnets=(AttachedSubnet(IPv4Network("10.0.0.0/24"), gateway),),
        hosts=(),
        prefixes=tuple(
            AttachedPrefix(IPv4Network(f"10.1.{number}.0/24"), "fa:16:3e:01:00:01")
            for number in range(prefixes)
        ),
    )
    vpn_id = f"{vrf:08x}-0000-4000-8000-00000000000b"
    return VrfIntent(vpn_id, 1, target, target, None, (circuit,))


def route(vrf: int, number: int) -> VpnRoute:
    """A route of a VPN behind the other PE."""
    return VpnRoute(
        rd=RouteDistinguisher(1, int(OTHER_PE), vrf + 1),
        prefix=IPv4Network(f"10.2.{number}.0/24"),
        next_hop=OTHER_PE,
        label=Label(20_000 + vrf),
        route_targets=frozenset({RouteTarget(0, 64500, vrf + 1)}),
    )


class OnePe:
    """Everything of one provider edge; `close` ends all that was started.

    Args:
        folder: for sockets, state and logs; a short path.
        vrfs: how many.
        routes: of each; half are its own.
    """

    def __init__(self, folder: Path, vrfs: int, routes: int) -> None:
        self.vrfs = vrfs
        self.own = routes // 2
        self.remote = routes - self.own
        self._folder = folder
        self._agent: subprocess.Popen[bytes] | None = None
        self._network = CoreNetwork(folder)
        self.switch = RealSwitch(folder)
        try:
            self._begin()
        except BaseException:
            self.close()
            raise

    def _begin(self) -> None:
        for name, address in (("pe", PE), ("reflector", REFLECTOR)):
            self._network.add_node(name, address)
        configuration = gobgp_reflector_configuration(REFLECTOR, [PE])
        self.reflector = GoBgpd(self._network, "reflector", configuration)
        self.reflector.advertise(
            *(route(vrf, number) for vrf in range(self.vrfs) for number in range(self.remote))
        )
        self.daemon = GoBgpd(self._network, "pe")
        self.switch.start()
        # Networks do not hear each other's broadcasts; without OVN none hears anything.
        self.switch.vsctl("set-fail-mode", "br-int", "secure")
        intents = {each.vpn_id: each for each in (intent(n, self.own) for n in range(self.vrfs))}
        StateFile(self._folder / "pe-agent.json").save(Memory(intents, Numbers()))
        self._write_configuration()

    def _write_configuration(self) -> None:
        run = self._folder
        (run / "pe-agent.conf").write_text(f"""
[DEFAULT]
host = pe
transport_url = fake:/
state_path = {run}
look_socket = {run}/look.sock
log_file = {run}/agent.log
[provider_edge]
address = {PE}
core_mtu = 1600
remotes = address={OTHER_PE},label=1021,via=02:00:00:00:00:f1
ovsdb = {self.switch.database}
ovs_run_dir = {run}
[bgp]
as_number = 64500
neighbors = {REFLECTOR}
api = {self.daemon.api}
""")

    def start_agent(self, *wrapper: str) -> None:
        """Start the agent; ``wrapper`` is put before its command, such as a profiler's."""
        argv = [*(wrapper or (sys.executable,)), "-c", _AGENT]
        configuration = str(self._folder / "pe-agent.conf")
        with (self._folder / "agent.err").open("ab") as errors:
            self._agent = subprocess.Popen([*argv, "--config-file", configuration], stderr=errors)

    def kill_agent(self) -> None:
        """End the agent without a word."""
        if self._agent is not None:
            self._agent.send_signal(signal.SIGKILL)
            self._agent.wait()
            self._agent = None

    def crash(self) -> None:
        """End agent, gobgpd and ovs-vswitchd, as a host does that loses its power."""
        self.kill_agent()
        self.daemon.kill()
        self.switch.kill_vswitchd()

    def boot(self) -> None:
        """Start all three again, at once."""
        self.switch.start_vswitchd()
        self.start_agent()
        self.daemon.start()

    def close(self) -> None:
        """End everything."""
        self.kill_agent()
        self._network.close()
        self.switch.stop()

    def wait_until_settled(self, within_s: float) -> None:
        """Wait until the agent says that all is in force and every flow is there."""
        _wait(self._is_settled, within_s, "everything in force", every_s=0.2)

    def _is_settled(self) -> bool:
        try:
            answer = ask(self._folder / "look.sock", {"part": "overview"})
        except LookFailed:
            return False
        vpns = answer["tables"]["vpns"]
        return (
            len(vpns) == self.vrfs
            and all(vpn["in_force"] for vpn in vpns)
            and self.vrf_flows() >= self.vrfs * (self.own + self.remote)
        )

    def vrf_flows(self) -> int:
        """Count the routes' flows in the switch; 0 while it does not answer."""
        target = f"unix:{self.switch.management_socket}"
        argv = ["ovs-ofctl", "-OOpenFlow15", "dump-aggregate", target, "table=20,ip"]
        done = subprocess.run(argv, capture_output=True, text=True)
        count = done.stdout.rpartition("flow_count=")[2].strip()
        return max(int(count) - self._not_of_vrfs, 0) if count.isdigit() else 0

    @property
    def _not_of_vrfs(self) -> int:
        """Flows of the FIB that no route has: what is never forwarded, and each gateway's ping."""
        return 3 + self.vrfs

    def memory_kib(self) -> int:
        """The agent's resident memory."""
        assert self._agent is not None
        text = Path(f"/proc/{self._agent.pid}/status").read_text()
        return int(text.partition("VmRSS:")[2].split()[0])

    def cpu_ms(self) -> float:
        """CPU time of the agent and of the processes it waited for."""
        assert self._agent is not None
        return _cpu_ms(self._agent.pid)

    @contextlib.contextmanager
    def watching_flows(self) -> Iterator[Callable[[str], float]]:
        """Yield a function that waits for a word in the changes of flows and tells when it came."""
        target = f"unix:{self.switch.management_socket}"
        argv = ["ovs-ofctl", "monitor", target, "watch:!initial,table=20"]
        # It wants a control socket of its own.
        environment = os.environ | {"OVS_RUNDIR": str(self._folder)}
        process = subprocess.Popen(
            argv, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, env=environment
        )
        lines: queue.SimpleQueue[tuple[float, str]] = queue.SimpleQueue()
        assert process.stdout is not None
        threading.Thread(target=_stamp, args=(process.stdout, lines), daemon=True).start()
        time.sleep(0.3)

        def wait_for(word: str) -> float:
            while True:
                try:
                    at, line = lines.get(timeout=30)
                except queue.Empty:
                    raise TookTooLong(f"no flow with {word} came") from None
                if word in line:
                    return at

        try:
            yield wait_for
        finally:
            process.kill()
            process.wait()


def until_flows(pe: OnePe, within_s: float) -> tuple[float, float]:
    """Boot the PE; return after how many seconds the first and the last route's flow is there."""
    began = time.monotonic()
    pe.boot()
    _wait(pe.vrf_flows, within_s, "the first flow", every_s=0.02)
    first = time.monotonic() - began
    wanted = pe.vrfs * (pe.own + pe.remote)
    _wait(lambda: pe.vrf_flows() >= wanted, within_s, "the last flow", every_s=0.02)
    return first, time.monotonic() - began


def one_more_route(pe: OnePe, times: int) -> tuple[list[float], float]:
    """Let the other PE advertise routes, one at a time.

    Returns:
        Milliseconds from the reflector's having each to its flow's being there; CPU milliseconds
        of the agent for each.
    """
    samples: list[float] = []
    cpu_before = pe.cpu_ms()
    with pe.watching_flows() as wait_for:
        for vrf, number in itertools.islice(
            zip(itertools.cycle(range(pe.vrfs)), itertools.count(100)), times
        ):
            began = time.monotonic()
            pe.reflector.advertise(route(vrf, number))
            samples.append((wait_for(f"10.2.{number}.0/24") - began) * 1000)
            time.sleep(0.1)
    time.sleep(0.5)
    return samples, (pe.cpu_ms() - cpu_before) / times


def _cpu_ms(pid: int) -> float:
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(") ")[2].split()
    return sum(map(int, fields[11:15])) * 1000 / _CLOCK_TICKS


def _stamp(stream: IO[str], lines: queue.SimpleQueue[tuple[float, str]]) -> None:
    for line in stream:
        lines.put((time.monotonic(), line))


def _wait(is_so: Callable[[], object], within_s: float, what: str, every_s: float) -> None:
    deadline = time.monotonic() + within_s
    while not is_so():
        if time.monotonic() > deadline:
            raise TookTooLong(f"{what} did not come within {within_s:g} s")
        time.sleep(every_s)
