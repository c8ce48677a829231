# SPDX-License-Identifier: Apache-2.0
"""The end of a whole site, as when its power goes: every process of it at once, by SIGKILL.

Its machines go with their processes, and their links with them, so that nothing is left to refuse
a connection. What is on disks stays. The Keystone that sites share and the backbone are no site's
own, and go on.
"""

from __future__ import annotations

import signal

from lab import interconnect, machine, process
from lab.pid import all_gone
from lab.topology import Site

_PATIENCE_S = 15


class NotDead(RuntimeError):
    """Something of a site still runs that should not."""


def machines(site: Site) -> list[str]:
    """The machines that are the site's own."""
    return [site.control_machine, site.interconnect_machine, *(host.name for host in site.hosts)]


def kill(site: Site) -> int:
    """End everything the site runs: its control plane, its databases, its hosts and their guests.

    Returns:
        How many processes ran in its machines.

    Raises:
        NotDead: something survived.
    """
    places_of_it = machines(site)
    inside = [pid for name in places_of_it for pid in machine.inhabitants(name)]
    mine = [name for name in process.names() if process.recorded(name).machine in places_of_it]
    # Supervisors first, or they would start again what is ended next.
    outside = [pid for name in mine if (pid := process.recorded_pid(name))]
    for pid in outside:
        pid.send(signal.SIGKILL)
    if not machine.end(places_of_it) or not all_gone(outside, _PATIENCE_S):
        raise NotDead(f"{site.name}: something survived SIGKILL")
    return len(inside)


def lose_etcd(site: Site) -> None:
    """Delete what a dead site's etcd had on its disk.

    Raises:
        NotDead: it runs.
    """
    if process.is_alive(interconnect.process_name(site)):
        raise NotDead(f"{site.name}: its etcd runs")
    interconnect.lose_data(site)
