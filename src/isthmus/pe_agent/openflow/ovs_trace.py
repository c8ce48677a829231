# SPDX-License-Identifier: Apache-2.0
"""What Open vSwitch would do with a packet: ``ofproto/trace`` on ovs-vswitchd's control socket."""

from __future__ import annotations

import re
import subprocess
from collections.abc import Iterator, Mapping
from pathlib import Path

from isthmus.model.errors import SwitchUnreachable

_TIMEOUT_S = 10
# A field comes after those it depends on.
_FIRST = {"in_port": 0, "eth_type": 1, "ip_proto": 2}
_BRIDGE = re.compile(r'bridge\("(.*)"\)')
_MET = re.compile(r"\s*(\d+)\. (?:No match\.|(?:.*, )?priority (\d+)(?:, cookie (0x[0-9a-f]+))?)")


class OvsPacketTracer:
    """Traces in one bridge.

    Args:
        run_dir: with ovs-vswitchd's sockets.
        bridge: the PE bridge.
    """

    def __init__(self, run_dir: Path, bridge: str) -> None:
        self._run_dir = run_dir
        self._bridge = bridge

    def trace(self, fields: Mapping[str, str]) -> tuple[tuple[int, int, int], ...]:
        """Return the flows a packet meets; see ``PacketTracer``."""
        order = sorted(fields, key=lambda name: (_FIRST.get(name, len(_FIRST)), name))
        packet = ",".join(f"{name}={fields[name]}" for name in order)
        argv = ["ovs-appctl", "-t", str(self._control_socket()), "ofproto/trace"]
        try:
            done = subprocess.run(
                [*argv, self._bridge, packet], capture_output=True, text=True, timeout=_TIMEOUT_S
            )
        except (OSError, subprocess.TimeoutExpired) as error:
            raise SwitchUnreachable(f"ovs-appctl did not finish: {error}.") from error
        if done.returncode != 0:
            words = " ".join(done.stderr.split())
            raise SwitchUnreachable(f"Open vSwitch does not trace: {words}.")
        return tuple(read_trace(done.stdout, self._bridge))

    def _control_socket(self) -> Path:
        """The newest one: a vswitchd that was killed leaves its own behind."""
        found = [path for path in self._run_dir.glob("*vswitchd*.ctl") if path.is_socket()]
        if not found:
            raise SwitchUnreachable(f"ovs-vswitchd has no control socket in {self._run_dir}.")
        return max(found, key=lambda path: path.stat().st_mtime)


def read_trace(text: str, bridge: str) -> Iterator[tuple[int, int, int]]:
    """Read the flows of one bridge from what ``ofproto/trace`` printed."""
    current = ""
    for line in text.splitlines():
        if begins := _BRIDGE.match(line.strip()):
            current = begins[1]
        elif current == bridge and (met := _MET.fullmatch(line.rstrip())):
            priority = -1 if met[2] is None else int(met[2])
            yield int(met[1]), priority, int(met[3] or "0", 0)
