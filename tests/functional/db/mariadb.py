# SPDX-License-Identifier: Apache-2.0
"""A MariaDB of its own in a folder, reached over a UNIX socket alone."""

from __future__ import annotations

import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

START_S = 30


@dataclass(frozen=True)
class MariaDb:
    """A running server."""

    folder: Path

    @property
    def socket(self) -> Path:
        """Where it listens."""
        return self.folder / "socket"

    def run(self, statement: str) -> str:
        """Run a statement as root."""
        done = subprocess.run(
            ["mariadb", "--no-defaults", "-u", "root", "-S", self.socket, "-N", "-e", statement],
            check=True,
            capture_output=True,
            text=True,
            timeout=30,
        )
        return done.stdout

    def create(self, name: str) -> str:
        """Make an empty database in the narrow character set many have; return its URL."""
        self.run(f"CREATE DATABASE {name} CHARACTER SET utf8mb3")
        return f"mysql+pymysql://root@localhost/{name}?unix_socket={self.socket}&charset=utf8mb4"


@contextmanager
def running(folder: Path) -> Iterator[MariaDb]:
    """Start a server and end it."""
    data = folder / "data"
    install = ["mariadb-install-db", "--no-defaults", f"--datadir={data}", "--skip-test-db"]
    subprocess.run(
        [*install, "--auth-root-authentication-method=normal", "--user=root"],
        check=True,
        capture_output=True,
        timeout=60,
    )
    server = MariaDb(folder)
    command = [
        *("mariadbd", "--no-defaults", "--user=root", "--skip-networking", "--skip-log-bin"),
        *(f"--datadir={data}", f"--socket={server.socket}", f"--pid-file={folder / 'pid'}"),
        *("--innodb-flush-log-at-trx-commit=0", "--performance-schema=OFF"),
        *("--innodb-buffer-pool-size=128M", "--max-connections=200"),
    ]
    with (folder / "log").open("w") as log:
        process = subprocess.Popen(command, stdout=log, stderr=log)
    try:
        _wait(server, process)
        yield server
    finally:
        process.terminate()
        process.wait(30)


def _wait(server: MariaDb, process: subprocess.Popen[bytes]) -> None:
    end = time.monotonic() + START_S
    while True:
        try:
            server.run("SELECT 1")
        except subprocess.CalledProcessError:
            if process.poll() is not None or time.monotonic() > end:
                raise RuntimeError((server.folder / "log").read_text()) from None
            time.sleep(0.1)
        else:
            return


def manage(configuration: Path, *arguments: str) -> str:
    """Run neutron-db-manage as an operator does."""
    tool = Path(sys.executable).with_name("neutron-db-manage")
    done = subprocess.run(
        [tool, "--config-file", configuration, *arguments],
        capture_output=True,
        text=True,
        timeout=200,
        check=False,
    )
    assert done.returncode == 0, done.stderr[-2000:]
    return done.stdout
