# SPDX-License-Identifier: Apache-2.0
"""The sites' etcds in machines of their own: who reads them, and what a cut does."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from lab import interconnect, machine, places, process, topology
from lab.machine import Machine
from lab.topology import CONTROL, Site, Topology
from lab.waiting import wait_until

pytestmark = pytest.mark.functional

PATIENCE_S = 30


@pytest.fixture
def lab(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Topology]:
    """What is between two sites of the shipped topology, beside any lab there may be."""
    for name in ("ETC", "LOGS", "MACHINES", "PIDS", "PROCESSES", "STATE"):
        folder = tmp_path / name.lower()
        folder.mkdir()
        monkeypatch.setattr(places, name, folder)
    shipped = topology.load()
    names = [CONTROL, shipped.interconnect.exchange]
    try:
        for name in (*names, *(site.interconnect_machine for site in shipped.sites)):
            Machine(name).ensure("127.0.0.1 localhost\n")
        Machine(CONTROL).ip("link add management type bridge", "link set management up")
        interconnect.ensure_links(shipped, shipped.sites)
        for site in shipped.sites:
            interconnect.configure(shipped, site)
            interconnect.start_etcd(site)
        for site in shipped.sites:
            interconnect.ensure_ready(site)
        yield shipped
    finally:
        assert machine.end_all()


def _ask(of: Site, by: Site, *words: str) -> int:
    """Ask one site's etcd from another site's machine, with the certificates of the first."""
    command = interconnect.etcdctl(of, "--command-timeout=2s", "--dial-timeout=2s", *words)
    command[command.index("--endpoints") + 1] = interconnect.endpoint(of)
    return Machine(by.interconnect_machine).run(command, check=False).returncode


def test_sites_reach_each_others_etcd_until_they_are_cut(lab: Topology) -> None:
    """And again once healed; a site's own etcd never notices."""
    west, east = lab.sites
    assert _ask(west, west, "put", "/isthmus/v1/site/west", "{}") == 0
    wait_until(lambda: _ask(west, east, "get", "/isthmus/") == 0, PATIENCE_S, "the way there")
    interconnect.cut(lab, "west")
    assert _ask(west, east, "get", "/isthmus/") != 0
    assert _ask(west, west, "get", "/isthmus/") == 0
    interconnect.heal(lab, "west")
    wait_until(lambda: _ask(west, east, "get", "/isthmus/") == 0, PATIENCE_S, "the way there")


def test_nobody_reads_without_a_certificate_of_the_site(lab: Topology) -> None:
    """One of the other site's authority is none."""
    west, east = lab.sites
    command = interconnect.etcdctl(east, "--command-timeout=2s", "--dial-timeout=2s", "get", "a")
    command[command.index("--endpoints") + 1] = interconnect.endpoint(west)
    command[command.index("--cacert") + 1] = str(interconnect.folder(west).path / "ca.crt")
    asked = Machine(east.interconnect_machine).run(command, check=False)
    assert asked.returncode != 0


def test_what_was_put_survives_a_kill(lab: Topology) -> None:
    """The process is found by its record, killed, and started again as it was."""
    west, _ = lab.sites
    assert _ask(west, west, "put", "/isthmus/v1/vtn/one", "{}") == 0
    name = interconnect.process_name(west)
    process.kill(name)
    wait_until(lambda: not process.is_alive(name), PATIENCE_S, "its end")
    process.start_again(name)
    interconnect.ensure_ready(west)
    command = interconnect.etcdctl(west, "get", "--print-value-only", "/isthmus/v1/vtn/one")
    assert Machine(west.interconnect_machine).run(command).stdout == "{}\n"
    interconnect.configure(lab, west)
    assert not process.start(process.recorded(name))
