# SPDX-License-Identifier: Apache-2.0
"""MariaDB: a server of its own for every site, and one for the Keystone that sites share."""

from __future__ import annotations

import shutil
from dataclasses import dataclass
from functools import partial
from ipaddress import IPv4Address
from pathlib import Path

from lab import places, process
from lab.machine import Machine
from lab.process import Process
from lab.topology import Keystone, Site
from lab.waiting import START_S, wait_until

#: As which services log in.
ACCOUNT = "openstack"
_SOCKET = "/run/mariadb.sock"


@dataclass(frozen=True, slots=True)
class Server:
    """One MariaDB.

    Attributes:
        name: of its process, and of its folder of data.
        machine: where it runs.
        address: where it listens.
    """

    name: str
    machine: str
    address: IPv4Address

    @property
    def data(self) -> Path:
        """Where it keeps everything."""
        return places.STATE / self.name

    def ensure(self, password: str) -> None:
        """Start it. It outlives its own death, not its disk's: the lab's data die with the lab.

        Args:
            password: of the account that services use.
        """
        here = Machine(self.machine)
        if not self.data.is_dir():
            self._install()
        server = Process(self.name, self.machine, self._command())
        process.start(server)
        ping = ["mariadb-admin", "--no-defaults", "-uroot", f"--socket={_SOCKET}", "ping"]
        wait_until(partial(here.succeeds, ping), START_S, self.name, server.log)
        self.execute(
            f"CREATE USER IF NOT EXISTS '{ACCOUNT}'@'%' IDENTIFIED BY '{password}';"
            f"GRANT ALL ON *.* TO '{ACCOUNT}'@'%';"
        )

    def _install(self) -> None:
        unfinished = self.data.with_suffix(".new")
        shutil.rmtree(unfinished, ignore_errors=True)
        unfinished.mkdir(parents=True)
        Machine(self.machine).run(
            [
                *("mariadb-install-db", "--no-defaults", "--user=root"),
                *(f"--datadir={unfinished}", "--innodb-log-file-size=32M"),
                *("--auth-root-authentication-method=normal", "--skip-test-db"),
            ]
        )
        unfinished.rename(self.data)

    def _command(self) -> tuple[str, ...]:
        return (
            *("mariadbd", "--no-defaults", "--user=root", f"--datadir={self.data}"),
            *(f"--socket={_SOCKET}", "--pid-file=/run/mariadb.pid"),
            *(f"--bind-address={self.address}", "--port=3306"),
            *("--max-connections=1500", "--innodb-buffer-pool-size=256M"),
            # What was acknowledged survives SIGKILL, and so does a page that was being written:
            # the kernel has both. Nothing waits for a disk.
            *("--innodb-log-file-size=32M", "--innodb-flush-log-at-trx-commit=2"),
            "--innodb-flush-method=nosync",
            *("--character-set-server=utf8mb4", "--collation-server=utf8mb4_general_ci"),
            *("--skip-name-resolve", "--skip-log-bin", "--performance-schema=OFF"),
        )

    def execute(self, statements: str) -> str:
        """Run SQL as root; the result rows, tab-separated, without headings."""
        return Machine(self.machine).run([*client("mariadb"), "-N"], text=statements).stdout


def client(program: str) -> list[str]:
    """Begin the command of one of MariaDB's programs, in the machine of a server."""
    return [program, "--no-defaults", "-uroot", f"--socket={_SOCKET}"]


def of_site(site: Site) -> Server:
    """Return the server of a site's databases, which are called as their services are."""
    return Server(f"{site.name}-mariadb", site.control_machine, site.api)


def of_keystone(keystone: Keystone) -> Server:
    """Return the server of a Keystone's database: its site's, or one for what sites share."""
    if keystone.owner is not None:
        return of_site(keystone.owner)
    return Server("mariadb", keystone.machine, keystone.address)
