# SPDX-License-Identifier: Apache-2.0
"""A site that is killed is dead: what was started, what that left, what would start it again.

What its database acknowledged is there when it returns.
"""

from __future__ import annotations

import subprocess
from collections.abc import Iterator
from dataclasses import replace
from ipaddress import IPv4Address
from pathlib import Path

import pytest

from lab import database, machine, outage, places, process, topology
from lab.machine import Machine
from lab.process import Process
from lab.topology import Site
from lab.waiting import wait_until

pytestmark = pytest.mark.functional

PATIENCE_S = 30
HOSTS, PASSWORD = "127.0.0.1 localhost\n", "lab"
ENOUGH = 2_000
INSERTS = (
    "CREATE DATABASE test;",
    "CREATE TABLE test.numbers (number INT PRIMARY KEY) ENGINE=InnoDB;",
    *(f"INSERT INTO test.numbers VALUES ({n}); SELECT {n};" for n in range(1, 50_000)),  # noqa: S608  numbers
)
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
            Machine(name).ensure(HOSTS)
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


def test_what_mariadb_acknowledged_survives_the_death_of_its_machine(
    sites: tuple[Site, Site], tmp_path: Path
) -> None:
    """Killed in the middle of one transaction after the other."""
    name = sites[1].control_machine
    server = replace(database.of_site(sites[1]), address=IPv4Address("127.0.0.1"))
    server.ensure(PASSWORD)
    asked, answered = tmp_path / "asked.sql", tmp_path / "answered"
    asked.write_text("\n".join(INSERTS))
    command = [*machine.enter(name), *database.client("mariadb"), "-N", "--unbuffered"]
    with (
        asked.open() as statements,
        answered.open("w") as answers,
        subprocess.Popen(command, stdin=statements, stdout=answers, stderr=subprocess.DEVNULL),
    ):
        wait_until(lambda: len(acknowledged(answered)) > ENOUGH, PATIENCE_S, "rows acknowledged")
        assert machine.end([name])
    told = acknowledged(answered)
    assert len(told) < len(INSERTS) - 2
    Machine(name).ensure(HOSTS)
    server.ensure(PASSWORD)
    assert set(told) <= set(server.execute("SELECT number FROM test.numbers").split())


def acknowledged(answers: Path) -> list[str]:
    """The numbers of rows whose insertion was acknowledged."""
    return answers.read_text().split("\n")[:-1]
