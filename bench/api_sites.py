# SPDX-License-Identifier: Apache-2.0
"""Isthmus and networking-bgpvpn side by side: two Neutrons, two databases of one MariaDB server.

Both run the locked Neutron in-process (``bench.neutron_site``); only the service plug-in differs.
Networks, subnets and bound ports are there before the two databases part ways.
"""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from bench.command import NotMeasured
from tests.functional.db.mariadb import MariaDb, running

OURS, PEER = "isthmus", "networking-bgpvpn"
_CHECKOUT = Path(__file__).resolve().parent.parent
PEER_PYTHON = _CHECKOUT / ".lab" / "peers" / "venv" / "bin" / "python"
_MIGRATE = "import sys; from neutron.db.migration.cli import main; sys.exit(main())"


@dataclass(frozen=True, slots=True)
class Answer:
    """What a request cost and gave."""

    status: int
    body: Any
    ms: float
    statements: int


class Site:
    """One of the two, asked over its standard input."""

    def __init__(self, name: str, process: subprocess.Popen[str]) -> None:
        self.name = name
        self._process = process
        self._read()

    def _read(self) -> Any:
        assert self._process.stdout is not None
        line = self._process.stdout.readline()
        if not line:
            raise NotMeasured(f"the Neutron with {self.name} ended; see its lines above")
        return json.loads(line)

    def ask(self, method: str, path: str, body: Any = None, project: str | None = None) -> Answer:
        """Send a request and wait for what it cost."""
        asked = {"method": method, "path": path, "project": project}
        if body is not None:
            asked["body"] = body
        assert self._process.stdin is not None
        self._process.stdin.write(json.dumps(asked) + "\n")
        self._process.stdin.flush()
        return Answer(**self._read())

    def must(self, method: str, path: str, body: Any = None, project: str | None = None) -> Answer:
        """Send a request that has to succeed."""
        answer = self.ask(method, path, body, project)
        if answer.status >= 300:
            raise NotMeasured(f"{self.name}: {method} {path} {answer.status} {answer.body}")
        return answer


@contextmanager
def both(seed: str) -> Iterator[dict[str, Site]]:
    """Run both on a fresh server.

    Args:
        seed: SQL that is run on Neutron's migrated database before it is copied.
    """
    install_peer()
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="isthmus-bench-")))
        server = stack.enter_context(running(folder))
        urls = _databases(server, seed, folder)
        pythons = {OURS: Path(sys.executable), PEER: PEER_PYTHON}
        # By entry point: networking-bgpvpn's is called after the extension.
        plugins = {OURS: ["isthmus"], PEER: ["bgpvpn"]}
        yield {
            name: stack.enter_context(
                site(name, pythons[name], folder / name, urls[name], plugins[name])
            )
            for name in (OURS, PEER)
        }


def install_peer() -> None:
    """Install networking-bgpvpn beside .venv, unless it is.

    Raises:
        NotMeasured: it can't be had.
    """
    if subprocess.run([_CHECKOUT / "tools" / "peers"], cwd=_CHECKOUT, check=False).returncode:
        raise NotMeasured("networking-bgpvpn can't be installed beside .venv")


def _databases(server: MariaDb, seed: str, folder: Path) -> dict[str, str]:
    names = {OURS: "ours", PEER: "peer"}
    urls = {site: server.create(name) for site, name in names.items()}
    migrate(Path(sys.executable), folder, urls[OURS], "neutron")
    _pipe(server, names[OURS], seed.encode())
    client = ("--no-defaults", "-u", "root", "-S", str(server.socket))
    dump = subprocess.run(
        ["mariadb-dump", *client, "--single-transaction", names[OURS]],
        check=True,
        capture_output=True,
        timeout=120,
    )
    _pipe(server, names[PEER], dump.stdout)
    migrate(Path(sys.executable), folder, urls[OURS], "isthmus")
    migrate(PEER_PYTHON, folder, urls[PEER], "networking-bgpvpn")
    for name in names.values():
        tables = server.run(
            f"SELECT table_name FROM information_schema.tables WHERE table_schema='{name}'"  # noqa: S608
        )
        # Else the optimizer's choice depends on what InnoDB has found time to count.
        server.run("ANALYZE TABLE " + ", ".join(f"{name}.{t}" for t in tables.split()))
    return urls


def _pipe(server: MariaDb, database: str, statements: bytes) -> None:
    command = ["mariadb", "--no-defaults", "-u", "root", "-S", str(server.socket), database]
    subprocess.run(command, input=statements, check=True, timeout=120)


def migrate(python: Path, folder: Path, url: str, subproject: str) -> None:
    """Bring a subproject's tables up, as ``neutron-db-manage`` of one of the two Pythons does.

    Raises:
        NotMeasured: it failed.
    """
    configuration = folder / "migrate.conf"
    configuration.write_text(f"[database]\nconnection = {url}\n")
    command = [str(python), "-W", "ignore", "-c", _MIGRATE, "--config-file", str(configuration)]
    done = subprocess.run(
        [*command, "--subproject", subproject, "upgrade", "heads"],
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    if done.returncode:
        raise NotMeasured(f"{subproject}'s database: {done.stderr[-500:]}")


@contextmanager
def site(name: str, python: Path, folder: Path, url: str, plugin: Sequence[str]) -> Iterator[Site]:
    """Start a Neutron and end it.

    Args:
        name: for messages.
        python: which of the two.
        folder: new, for its configuration and log.
        url: of its database.
        plugin: as ``bench.neutron_site`` takes it.
    """
    folder.mkdir()
    with (folder / "log").open("w") as log:
        process = subprocess.Popen(
            [python, "-W", "ignore", "-m", "bench.neutron_site", folder, url, *plugin],
            cwd=_CHECKOUT,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=log,
            text=True,
        )
    try:
        yield Site(name, process)
    except NotMeasured as reason:
        raise NotMeasured(f"{reason}\n{(folder / 'log').read_text()[-2000:]}") from None
    finally:
        # Its input ends, and so does it.
        process.communicate(timeout=30)
