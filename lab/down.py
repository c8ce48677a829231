# SPDX-License-Identifier: Apache-2.0
"""End the lab: everything it recorded or marked as its own, and nothing else."""

from __future__ import annotations

import shutil
import signal
import subprocess
import time

from lab import machine, places, process
from lab.pid import all_gone, descendants
from lab.topology import Topology
from lab.up import owner


def down(topology: Topology) -> bool:
    """End every process, machine and link of this checkout's lab; delete its data.

    Logs, the cache and installed programs stay.

    Returns:
        Whether nothing is left.
    """
    start = time.monotonic()
    outside = process.stray_supervisors()
    outside += [pid for name in process.names() if (pid := process.recorded_pid(name))]
    outside += [pid for parent in outside for pid in descendants(parent.number)]
    # Supervisors first, or they would start again what is ended next.
    for pid in outside:
        pid.send(signal.SIGKILL)
    gone = machine.end_all() and all_gone(outside, 10)
    interface = topology.management.client_interface
    if owner(interface) == str(places.ROOT):
        subprocess.run(["ip", "link", "delete", interface], check=False, capture_output=True)
    if not gone:
        left = [pid.number for pid in outside if pid.is_alive()]
        print(f"  ✗ processes left: {left or [p.number for p in machine.strays()]}")
        return False
    for folder in places.RUNNING:
        shutil.rmtree(folder, ignore_errors=True)
    places.CLOUDS_YAML.unlink(missing_ok=True)
    print(f"  ✓ the lab is down ({time.monotonic() - start:.1f} s)")
    return True
