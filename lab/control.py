# SPDX-License-Identifier: Apache-2.0
"""What tests and the demo may do to a running lab.

Processes go by the names ``python -m lab status`` shows, machines by those of the topology (the
control plane of a site has ``<site>-ctl``), servers by their Nova name or id.
"""

from __future__ import annotations

import subprocess
from collections.abc import Sequence

from lab import backbone, console, interconnect, machine, outage, process, topology, up
from lab.machine import Machine

__all__ = [
    "cut_core",
    "cut_interconnect",
    "guest_run",
    "heal_core",
    "heal_interconnect",
    "is_alive",
    "kill",
    "kill_site",
    "lose_etcd",
    "machines",
    "pid",
    "processes",
    "restarts",
    "run_in",
    "start",
    "start_site",
    "stop",
]


def machines() -> list[str]:
    """Every machine of the lab, sorted."""
    return machine.names()


def processes() -> list[str]:
    """Every process of the lab, running or not, sorted."""
    return process.names()


def is_alive(name: str) -> bool:
    """Whether the process runs or is about to be started again by its supervisor."""
    return process.is_alive(name)


def pid(name: str) -> int | None:
    """The process itself, as this namespace numbers it; None when it does not run.

    Raises:
        KeyError: the lab has no process of that name.
    """
    found = process.main_pid(name)
    return found.number if found else None


def restarts(name: str) -> int:
    """How often the process was started again after dying."""
    return process.restarts(name)


def kill(name: str) -> None:
    """Send SIGKILL to the process. If it is supervised it comes back half a second later.

    Raises:
        ProcessLookupError: it does not run.
    """
    process.kill(name)


def stop(name: str, *, patience_s: float = 10) -> None:
    """End the process for good: SIGTERM, after ``patience_s`` SIGKILL. Returns when it is gone.

    Supervised processes stay down too. Stopping one that is not running does nothing.
    """
    process.stop(name, patience_s)


def start(name: str) -> None:
    """Start a stopped process as it was started before. Returns at once, not when it is ready.

    Starting one that runs does nothing.

    Raises:
        KeyError: the lab has no process of that name.
    """
    process.start_again(name)


def run_in(
    machine_name: str,
    argv: Sequence[str],
    *,
    check: bool = True,
    timeout_s: float = 60,
    text: str = "",
) -> subprocess.CompletedProcess[str]:
    """Run a command in a machine to its end.

    Args:
        machine_name: which one.
        argv: the command; the lab's own programs are on its PATH.
        check: raise `lab.machine.CommandFailed` when it exits with anything but 0.
        timeout_s: how long it may take.
        text: its standard input.

    Raises:
        lab.machine.MachineDead: there is no such machine.
    """
    return Machine(machine_name).run(argv, check=check, timeout_s=timeout_s, text=text)


def kill_site(site_name: str) -> int:
    """End a site as a power failure does: its machines, and every process in them, by SIGKILL.

    Its databases, messages, OVN, etcd and VMs are among them. Disks stay. The Keystone that sites
    share is no site's own and goes on.

    Returns:
        How many processes there were.

    Raises:
        KeyError: the lab has no such site.
        lab.outage.NotDead: something survived.
    """
    return outage.kill(topology.load().site(site_name))


def lose_etcd(site_name: str) -> None:
    """Have a dead site's etcd return with nothing in it.

    Raises:
        KeyError: the lab has no such site.
        lab.outage.NotDead: its etcd runs.
    """
    outage.lose_etcd(topology.load().site(site_name))


def start_site(site_name: str) -> None:
    """Start a dead site again, as an operator does; its VMs stay off. Returns when it answers.

    The others are not touched.

    Raises:
        KeyError: the lab has no such site.
        RuntimeError: it did not come up; names what did not. All steps are on the terminal.
    """
    layout = topology.load()
    if failed := up.start_site(layout, layout.site(site_name)):
        raise RuntimeError(f"{site_name} did not come up again: {'; '.join(failed)}")


def cut_interconnect(site_name: str) -> None:
    """Have nothing pass between a site's control plane and the others'. Nobody is told.

    Its API, its own database, messages and etcd, and all forwarding go on.

    Raises:
        KeyError: the lab has no such site.
    """
    interconnect.cut(topology.load(), site_name)


def heal_interconnect(site_name: str) -> None:
    """Have things pass again; does nothing where nothing was cut.

    Raises:
        KeyError: the lab has no such site.
    """
    interconnect.heal(topology.load(), site_name)


def cut_core(site_name: str) -> None:
    """Have the backbone carry nothing to or from a site's hosts, BGP included. Nobody is told.

    Raises:
        KeyError: the lab has no such site.
    """
    backbone.cut(topology.load(), site_name)


def heal_core(site_name: str) -> None:
    """Have the backbone carry it again; does nothing where nothing was cut.

    Raises:
        KeyError: the lab has no such site.
    """
    backbone.heal(topology.load(), site_name)


def guest_run(
    server: str, command: str, *, timeout_s: float = 60
) -> subprocess.CompletedProcess[str]:
    """Run one line of shell in a guest, typed at its serial console.

    Waits for a guest that is still booting. A command that goes on in the background must have its
    output redirected. One console has one user at a time; others wait.

    Returns:
        What it printed (standard output and error together, as on a screen) and its exit status.

    Raises:
        lab.console.NoConsole: no host runs such a server.
        TimeoutError: it did not end in time; it was interrupted.
    """
    return console.run(server, command, timeout_s)
