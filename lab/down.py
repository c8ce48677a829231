# SPDX-License-Identifier: Apache-2.0
"""End the lab: everything it recorded or marked as its own, and nothing else."""

from __future__ import annotations

import shutil
import signal
import subprocess
import time
from collections.abc import Sequence

from lab import clouds, machine, outage, places, present, process
from lab.pid import all_gone, descendants
from lab.topology import Site, Topology
from lab.up import owner


def down(topology: Topology, names: Sequence[str] = ()) -> bool:
    """End every process, machine and link of this checkout's lab, or of sites; delete its data.

    Logs, the cache and installed programs stay.

    Args:
        topology: the lab.
        names: of further sites; none: everything.

    Returns:
        Whether nothing is left.
    """
    if names:
        return _take_down(topology, names)
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


def _take_down(topology: Topology, names: Sequence[str]) -> bool:
    """End further sites alone, as if they had never been."""
    there = {site.name: site for site in present.further(topology)}
    for name in names:
        start = time.monotonic()
        site = there.get(name)
        if site is None:
            print(f"  ✗ {name} is no further site that is there")
            continue
        outage.kill(site)
        _forget(site)
        print(f"  ✓ {name} is down ({time.monotonic() - start:.1f} s)")
    clouds.write(topology, present.sites(topology))
    return set(names) <= there.keys()


def _forget(site: Site) -> None:
    """Delete the data of a dead site, and what is recorded of it: machines last, by which it is."""
    for process_name in process.names():
        if process.recorded(process_name).machine in outage.machines(site):
            process.forget(process_name)
    for folder in (places.STATE, places.ETC):
        for left in (folder / site.name, *folder.glob(f"{site.name}-*")):
            if left.is_dir():
                shutil.rmtree(left)
            else:
                left.unlink(missing_ok=True)
    for machine_name in reversed(outage.machines(site)):
        machine.forget(machine_name)
