# SPDX-License-Identifier: Apache-2.0
"""``isthmus-interconnect`` as it is installed, two sites of it, on real databases and etcds."""

from __future__ import annotations

import shutil
import socket
import subprocess
import sys
from collections.abc import Callable, Iterator
from ipaddress import ip_network
from pathlib import Path

import pytest

from isthmus.model.ids import RouteTarget
from isthmus.model.vtn import ownership
from isthmus.model.vtn.documents import VtnDocument
from tests.fakes.vtn_documents import VTN_RED
from tests.functional.db.mariadb import MariaDb, manage, running
from tests.functional.interconnect.conftest import eventually
from tests.functional.interconnect.daemon_site import DaemonSite

pytestmark = [pytest.mark.functional, pytest.mark.timeout(300)]

#: A program of ours has ended by then, on a machine that does many other things.
ENDS_S = 140.0
RED = "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"


@pytest.fixture(scope="module")
def tables(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Callable[[], str]]:
    """Make databases with all of Neutron's tables and ours."""
    if shutil.which("mariadbd") is None:
        pytest.skip("missing: mariadbd")
    with running(tmp_path_factory.mktemp("mariadb")) as server:
        made = _migrated(server, tmp_path_factory.mktemp("migrations"))
        numbers = iter(range(100))

        def copy() -> str:
            name = f"site{next(numbers)}"
            url = server.create(name)
            socket_of = ["--no-defaults", "-u", "root", "-S", str(server.socket)]
            dumped = subprocess.run(
                ["mariadb-dump", *socket_of, made], check=True, capture_output=True, timeout=60
            ).stdout
            subprocess.run(["mariadb", *socket_of, name], input=dumped, check=True, timeout=60)
            return url

        yield copy


def _migrated(server: MariaDb, folder: Path) -> str:
    configuration = folder / "neutron.conf"
    configuration.write_text(f"[database]\nconnection = {server.create('empty')}\n")
    manage(configuration, "--subproject", "neutron", "upgrade", "heads")
    manage(configuration, "--subproject", "isthmus", "upgrade", "heads")
    return "empty"


@pytest.fixture
def pair(tables: Callable[[], str], tmp_path: Path) -> Iterator[tuple[DaemonSite, DaemonSite]]:
    """West and east, a daemon each, that know nothing of each other."""
    made = []
    try:
        for name in ("west", "east"):
            (tmp_path / name).mkdir()
            made.append(DaemonSite(name, tmp_path / name, tables()))
            made[-1].start()
        west, east = made
        yield west, east
    finally:
        for site in made:
            site.remove()
            sys.stdout.write(f"--- {site.name}\n{site.log.read_text()[-6000:]}\n")


def join(west: DaemonSite, east: DaemonSite) -> None:
    """Have two become peers."""
    for site in (west, east):
        eventually(lambda site=site: bool(site.site(site.name).get("ca")))  # type: ignore[misc]
    east.accept(west.invite("east"))
    eventually(lambda: west.site("east")["state"] == "PENDING")
    west.ask("east", "confirm")
    eventually(lambda: west.site("east")["state"] == east.site("west")["state"] == "CONFIRMED")


def red(*members: str) -> VtnDocument:
    """Return a VTN of west's."""
    return ownership.create(
        VTN_RED,
        "west",
        RED,
        name="red",
        members=dict.fromkeys(members, RED),
        prefixes=[ip_network("10.0.0.0/16")],
        route_targets=[RouteTarget.parse("64500:100000")],
    )


def test_a_network_asked_for_in_one_site_is_heard_of_in_the_other(
    pair: tuple[DaemonSite, DaemonSite],
) -> None:
    """From no acquaintance to views on both sides; through kills, a lost etcd, and an end."""
    west, east = pair
    join(west, east)
    both_up = lambda: west.site("east")["liveness"] == east.site("west")["liveness"] == "UP"  # noqa: E731
    eventually(both_up, "They did not hear each other's heartbeats.")

    west.write(red("west", "east"))
    eventually(lambda: f"vtn/{VTN_RED}" in east.documents("west"), "East did not hear it.")
    eventually(lambda: bool(east.rows("SELECT * FROM isthmus_vtns")), "East made no view.")
    eventually(
        lambda: f"member/{VTN_RED}/east" in west.documents("east"), "East's answer is not heard."
    )
    assert east.rows("SELECT vtn_id FROM isthmus_vtn_journal")

    # West's etcd says nothing any more, its connections as they are; then it goes on.
    west.etcd.silence()
    eventually(lambda: east.site("west")["liveness"] == "UNREACHABLE")
    west.etcd.speak()
    eventually(both_up, "They did not find each other again.")

    # Every process of west's ends at once; east sees it, and goes on.
    west.kill()
    west.etcd.kill()
    eventually(lambda: east.site("west")["liveness"] == "DOWN")
    assert f"vtn/{VTN_RED}" in east.documents("west")

    # West returns without its etcd's data; a second daemon of it does the work of the first.
    west.etcd.lose_everything()
    west.start()
    eventually(both_up, "They did not find each other again.")
    eventually(lambda: west.documents("west") == east.documents("west"))
    first = west.start()
    west.write(red("west"))
    eventually(lambda: west.documents("west") == east.documents("west"))
    first.kill()
    assert any("it was DOWN for" in text for text in east.events())
    assert any("have been published again" in text for text in west.events())
    first.wait()

    assert set(east.end()) == {0}


def test_a_network_of_a_site_that_stays_down_is_taken_over_by_itself(
    pair: tuple[DaemonSite, DaemonSite],
) -> None:
    """Its machine answers, its daemon is gone; when it returns, it follows."""
    west, east = pair
    east.kill()
    east.configure("take_over_after_s = 6")
    east.start()
    join(west, east)
    west.write(red("west", "east"))
    eventually(
        lambda: f"member/{VTN_RED}/east" in west.documents("east"), "East's answer is not heard."
    )
    west.kill()
    eventually(lambda: east.site("west")["liveness"] == "DOWN")
    assert owner_at(east) == "west"
    eventually(lambda: owner_at(east) == "east", "East did not take it over.")
    assert sum("Taken over from west by itself" in text for text in east.events()) == 1
    west.start()
    eventually(lambda: owner_at(west) == "east", "West does not follow.")
    eventually(lambda: east.site("west")["liveness"] == "UP")
    assert sum("Taken over" in text for text in east.events()) == 1


def owner_at(site: DaemonSite) -> str:
    """Return the owner of the VTN, as a site sees it; empty while its daemon has not seen it."""
    rows = site.rows("SELECT owner_site FROM isthmus_vtns")
    return str(rows[0]["owner_site"]) if rows else ""


def test_a_configuration_that_can_t_be_used_is_told_in_sentences(tmp_path: Path) -> None:
    """Exit code 2, within a moment, whatever is missing."""
    program = str(Path(sys.executable).with_name("isthmus-interconnect"))
    own = tmp_path / "interconnect.conf"
    own.write_text("[interconnect]\netcd_endpoints = nowhere\n")
    done = subprocess.run(
        [program, "--config-file", str(own)],
        capture_output=True, text=True, timeout=ENDS_S, check=False,
    )  # fmt: skip
    assert done.returncode == 2
    assert "as_number is missing" in done.stderr
    assert "'nowhere' is not of the form" in done.stderr

    own.write_text(f"[interconnect]\nas_number = 64500\ncertificates_path = {tmp_path}\n")
    done = subprocess.run(
        [program, "--config-file", str(own)],
        capture_output=True, text=True, timeout=ENDS_S, check=False,
    )  # fmt: skip
    assert done.returncode == 2
    assert "'isthmus-interconnect prepare' makes it" in done.stderr


def test_prepare_makes_what_is_missing_and_leaves_what_is_there(tmp_path: Path) -> None:
    """It says whether etcd is secured; the daemon does it later if not."""
    program = str(Path(sys.executable).with_name("isthmus-interconnect"))
    own = tmp_path / "interconnect.conf"
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        nowhere = probe.getsockname()[1]
    own.write_text(
        f"[interconnect]\nas_number = 64500\ncertificates_path = {tmp_path / 'keys'}\n"
        f"etcd_endpoints = https://127.0.0.1:{nowhere}\n"
    )
    command = [program, "prepare", "--config-file", str(own)]
    first = subprocess.run(command, capture_output=True, text=True, timeout=ENDS_S, check=False)
    assert first.returncode == 1, first.stderr
    files = {path.name: path.read_bytes() for path in (tmp_path / "keys").iterdir()}
    assert files.keys() == {
        "ca.crt", "ca.key", "server.crt", "server.key", "own.crt", "own.key", "secret.key",
    }  # fmt: skip
    for name in files:
        mode = (tmp_path / "keys" / name).stat().st_mode & 0o777
        assert mode == (0o600 if name.endswith(".key") else 0o644)
    second = subprocess.run(command, capture_output=True, text=True, timeout=ENDS_S, check=False)
    assert "made" not in second.stdout
    assert files == {path.name: path.read_bytes() for path in (tmp_path / "keys").iterdir()}
