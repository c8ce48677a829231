# SPDX-License-Identifier: Apache-2.0
"""Read what the region's database asks and what its agents hold and have installed."""

from __future__ import annotations

import json
import time
from typing import Any

from lab import places
from lab.agreement.compare import Asked, Held, disagreements
from lab.machine import Machine
from lab.schemas import neutron_files
from lab.topology import Host, Site


def read_asked(site: Site) -> Asked:
    """Ask the database, in a process that has Neutron's configuration."""
    argv = [str(places.PYTHON), "-m", "lab.agreement.asked", *neutron_files(site)]
    told = json.loads(
        Machine(site.control_machine).run(argv, timeout_s=120).stdout.splitlines()[-1]
    )
    return Asked(
        journal=tuple(told["journal"]),
        intents=told["asked"],
        reported={(pe, vpn): (number, is_so) for pe, vpn, number, is_so in told["reported"]},
    )


def read_held(host: Host) -> Held:
    """Ask the agent of a host."""
    intents = _look(host, "intent")
    differences = _look(host, "difference")
    if intents is None or differences is None:
        return Held(None)
    return Held(intents["tables"], differences["tables"]["differences"], differences["unread"])


def _look(host: Host, part: str) -> dict[str, Any] | None:
    argv = [places.tool("isthmus-pe-agent"), "look", part, "--json"]
    argv += ["--config-file", f"{places.ETC}/{host.name}/pe-agent.conf"]
    done = Machine(host.name).run(argv, check=False, timeout_s=60)
    try:
        answer: dict[str, Any] = json.loads(done.stdout)
    except ValueError:
        return None
    return answer


def read_disagreements(site: Site, patience_s: float = 0) -> list[str]:
    """Compare until all agree, for at most ``patience_s``; return what is left."""
    end = time.monotonic() + patience_s
    while True:
        asked = read_asked(site)
        left = disagreements(asked, {host.name: read_held(host) for host in site.hosts})
        if not left or time.monotonic() >= end:
            return left
        time.sleep(1)
