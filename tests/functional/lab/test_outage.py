# SPDX-License-Identifier: Apache-2.0
"""A site that is killed is dead: what was started, what that left, what would start it again."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from lab import machine, outage, places, process, topology
from lab.machine import Machine
from lab.process import Process
from lab.topology import Site
from lab.waiting import wait_until

pytestmark = pytest.mark.functional

PATIENCE_S = 30
FORGETS_ITS_CHILD = "setsid sleep 1000 & exec sleep 2000"


@pytest.fixture
def sites(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[tuple[Site, Site]]:
    """The machines of both sites of the shipped topology, beside any lab there may be."""
    for name in ("ETC", "LOGS", "MACHINES", "PIDS", "PROCESSES", "STATE"):
        folder = tmp_path / name.lower()
        folder.mkdir()
        monkeypatch.setattr(places, name, folder)
    west, east = topology.load().sites
    try:
        for name in (*outage.machines(west), *outage.machines(east)):
            Machine(name).ensure("127.0.0.1 localhost\n")
        yield west, east
    finally:
        for name in process.names():
            process.stop(name, patience_s=0)
        assert machine.end_all()


def test_nothing_of_a_killed_site_runs_and_all_of_the_other_does(sites: tuple[Site, Site]) -> None:
    """A daemon whose parent is gone belongs to nobody's record; it is found in its machine."""
    west, east = sites
    for site in sites:
        for name in outage.machines(site):
            argv = ("sh", "-c", FORGETS_ITS_CHILD)
            process.start(Process(f"{name}-plain", name, argv))
            process.start(Process(f"{name}-again", name, ("sleep", "3000"), supervised=True))
    for name in (*outage.machines(west), *outage.machines(east)):
        wait_until(lambda n=name: len(machine.inhabitants(n)) >= 5, PATIENCE_S, name)  # type: ignore[misc]
    theirs = {pid for name in outage.machines(west) for pid in machine.inhabitants(name)}
    doomed = [pid for name in outage.machines(east) for pid in machine.inhabitants(name)]
    assert outage.kill(east) >= 3 * len(outage.machines(east))
    for name in outage.machines(east):
        assert machine.keeper(name) is None
        assert not process.is_alive(f"{name}-plain")
        assert not process.is_alive(f"{name}-again")
    assert not any(pid.is_alive() for pid in doomed)
    assert theirs <= {pid for name in outage.machines(west) for pid in machine.inhabitants(name)}
