# SPDX-License-Identifier: Apache-2.0
"""Flows into Open vSwitch by ``ovs-ofctl``, as one bundle on the bridge's management socket.

Never a controller: the first ``set-controller`` and the last ``del-controller`` flush all flows.
"""

from __future__ import annotations

import re
import subprocess
from collections.abc import Iterable
from pathlib import Path

from isthmus.model.difference import difference
from isthmus.model.errors import SwitchRefused, SwitchUnreachable
from isthmus.model.flow import Flow
from isthmus.pe_agent.openflow.ovs_meters import OvsMeters, meters_of
from isthmus.pe_agent.openflow.writer import FlowDifference, InstalledFlow

_TIMEOUT_S = 20
# A switch that takes in a thousand ports at the same time is slow; giving up would start it over.
_FLOWS_PER_S = 200
_UNREACHABLE = (
    "failed to connect",
    "is not a bridge or a socket",
    "Connection refused",
    "Connection reset",
    "Broken pipe",
    "End of file",
    "talking to",
)
_DIFFERS = 2
_NUMBERS = re.compile(r"\b(cookie|table|n_packets|n_bytes)=(0x[0-9a-f]+|[0-9]+)")
_MATCH = re.compile(r"priority=([0-9]+),?(\S*)")


class OvsFlowWriter:
    """The flow table of one bridge, by ``ovs-ofctl``.

    The first ``apply``, and the first after ``forget``, has ovs-ofctl read the table back and
    change what differs; later ones send only the difference from what was written last. One
    process of some 20 ms either way. Meters are there before the flows that name them.
    """

    def __init__(self, management_socket: Path) -> None:
        self._socket = management_socket
        self._meters = OvsMeters(management_socket)
        self._installed: frozenset[Flow] | None = None
        self._wanted_meters: frozenset[int] = frozenset()

    def apply(self, flows: frozenset[Flow]) -> None:
        """Make ``flows`` the whole table, atomically; see ``FlowWriter``."""
        meters = self._meters_for(flows)
        self._meters.add(meters)
        if self._installed is None:
            self._run("replace-flows", sorted(str(flow) for flow in flows))
        elif lines := bundle(self._installed, flows):
            self._run("add-flows", lines)
        self._installed = flows
        self._wanted_meters = meters
        self._meters.remove_others(meters)

    def forget(self) -> None:
        """Assume nothing about what is installed."""
        self._installed = None
        self._meters.forget()

    def read(self) -> tuple[InstalledFlow, ...]:
        """Read the whole table back; see ``FlowWriter``."""
        done = self._ask("dump-flows", f"unix:{self._socket}")
        return _read(line for line in done.stdout.splitlines() if " actions=" in line)

    def difference(self, flows: frozenset[Flow]) -> FlowDifference:
        """Compare the table with ``flows``; see ``FlowWriter``."""
        text = "".join(f"{flow}\n" for flow in flows)
        done = self._ask("diff-flows", f"unix:{self._socket}", "/dev/stdin", text=text)
        lines = done.stdout.splitlines()
        return FlowDifference(
            missing=_read(line[1:] for line in lines if line.startswith("+")),
            unexpected=_read(line[1:] for line in lines if line.startswith("-")),
        )

    def _meters_for(self, flows: frozenset[Flow]) -> frozenset[int]:
        """Return the meters that ``flows`` name, looking at no more than what changed."""
        if self._installed is not None and not meters_of(flows ^ self._installed):
            return self._wanted_meters
        return meters_of(flows)

    def _ask(self, *command: str, text: str = "") -> subprocess.CompletedProcess[str]:
        """Have something read; knows nothing of what was written, so any thread may."""
        argv = ["ovs-ofctl", "-O", "OpenFlow15", "--no-names", *command]
        try:
            done = subprocess.run(
                argv, input=text, capture_output=True, text=True, timeout=_TIMEOUT_S
            )
        except (OSError, subprocess.TimeoutExpired) as error:
            raise SwitchUnreachable(f"ovs-ofctl did not finish: {error}.") from error
        if done.returncode not in (0, _DIFFERS):
            words = " ".join(done.stderr.split())
            raise SwitchUnreachable(f"Open vSwitch's flows can't be read: {words}.")
        return done

    def _run(self, command: str, lines: list[str]) -> None:
        self._installed, before = None, self._installed
        argv = ["ovs-ofctl", "-O", "OpenFlow15", "--bundle", command, f"unix:{self._socket}", "-"]
        try:
            done = subprocess.run(
                argv,
                input="\n".join(lines) + "\n",
                capture_output=True,
                text=True,
                timeout=_TIMEOUT_S + len(lines) / _FLOWS_PER_S,
            )
        except (OSError, subprocess.TimeoutExpired) as error:
            raise SwitchUnreachable(f"ovs-ofctl did not finish: {error}.") from error
        if done.returncode == 0:
            return
        words = " ".join(done.stderr.split()) or f"ovs-ofctl ended with {done.returncode}"
        if done.returncode < 0 or any(mark in words for mark in _UNREACHABLE):
            raise SwitchUnreachable(f"Open vSwitch did not take the flows: {words}.")
        self._installed = before
        self._meters.forget()
        raise SwitchRefused(f"Open vSwitch refused a flow: {words}.")


def bundle(installed: frozenset[Flow], wanted: frozenset[Flow]) -> list[str]:
    """Return the lines of a bundle that turns ``installed`` into ``wanted``.

    A flow whose actions changed is added over the old one, so that traffic never misses it.
    """
    change = difference(installed, wanted, key=lambda flow: flow.key)
    deleted = [f"delete_strict {_head(flow)}" for flow in change.gone]
    added = [f"add {flow}" for flow in change.new]
    return sorted(deleted, reverse=True) + sorted(added)


def _head(flow: Flow) -> str:
    match = "".join(f",{name}={value}" for name, value in flow.match)
    return f"table={flow.table},priority={flow.priority}{match}"


def _read(lines: Iterable[str]) -> tuple[InstalledFlow, ...]:
    flows = [_read_flow(line.strip()) for line in lines]
    return tuple(sorted(flows, key=lambda flow: (flow.table, -flow.priority, flow.match)))


def _read_flow(line: str) -> InstalledFlow:
    """Read a line of ``dump-flows`` or ``diff-flows``, which leave out what is 0."""
    head, _, actions = line.partition(" actions=")
    found = _MATCH.search(head)
    priority, match = (int(found[1]), found[2]) if found else (0, "")
    numbers = {name: int(value, 0) for name, value in _NUMBERS.findall(head)}
    return InstalledFlow(
        table=numbers.get("table", 0),
        priority=priority,
        match=match,
        actions=actions,
        cookie=numbers.get("cookie", 0),
        packets=numbers.get("n_packets", 0),
        octets=numbers.get("n_bytes", 0),
    )
