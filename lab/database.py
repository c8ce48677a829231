# SPDX-License-Identifier: Apache-2.0
"""MariaDB and every service's migrated database, from a cached dump when there is one.

A dump is kept under the ignored folder, named after a digest of what decides its content: the
locked versions, the topology and the templates; a second one also after Isthmus's own migrations.
"""

from __future__ import annotations

import hashlib
import shutil
import subprocess
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from lab import machine, places, process, settings
from lab.machine import CommandFailed, Machine
from lab.topology import CONTROL, SHIPPED, Site, Topology
from lab.waiting import wait_until

NAME = "mariadb"
ACCOUNT = "openstack"
_SERVICES = ("placement", "glance", "neutron", "nova_api", "nova", "nova_cell0", "heat")
_DATA = places.STATE / "mariadb"
_SOCKET = "/run/mariadb.sock"
_KEYS = ("fernet-keys", "credential-keys")
_DIGEST_LENGTH = 16
_DUMPS = places.CACHE / "databases"
_MIGRATIONS = places.CHECKOUT / "src" / "isthmus" / "db" / "migrations"


def ensure_server(topology: Topology) -> None:
    """MariaDB, with durability traded for speed: the lab's data die with the lab."""
    control = Machine(CONTROL)
    if not (_DATA / "mysql").is_dir():
        _DATA.mkdir(parents=True, exist_ok=True)
        control.run(
            [
                *("mariadb-install-db", "--no-defaults", "--user=root", f"--datadir={_DATA}"),
                *("--auth-root-authentication-method=normal", "--skip-test-db"),
            ]
        )
    argv = (
        *("mariadbd", "--no-defaults", "--user=root", f"--datadir={_DATA}"),
        *(f"--socket={_SOCKET}", "--pid-file=/run/mariadb.pid"),
        *(f"--bind-address={topology.management.control}", "--port=3306"),
        *("--max-connections=1500", "--innodb-buffer-pool-size=256M"),
        *("--innodb-log-file-size=32M", "--innodb-flush-log-at-trx-commit=0"),
        *("--skip-innodb-doublewrite", "--innodb-flush-method=nosync"),
        *("--character-set-server=utf8mb4", "--collation-server=utf8mb4_general_ci"),
        *("--skip-name-resolve", "--skip-log-bin", "--performance-schema=OFF"),
    )
    server = process.Process(NAME, CONTROL, argv)
    process.start(server)
    ping = ["mariadb-admin", "--no-defaults", "-uroot", f"--socket={_SOCKET}", "ping"]
    wait_until(lambda: control.run(ping, check=False).returncode == 0, 60, "MariaDB", server.log)
    password = topology.management.password
    execute(
        f"CREATE USER IF NOT EXISTS '{ACCOUNT}'@'%' IDENTIFIED BY '{password}';"
        f"GRANT ALL ON *.* TO '{ACCOUNT}'@'%';"
    )


def execute(statements: str) -> str:
    """Run SQL as root; the result rows, tab-separated, without headings."""
    argv = ["mariadb", "--no-defaults", "-uroot", f"--socket={_SOCKET}", "-N"]
    return Machine(CONTROL).run(argv, text=statements).stdout


def ensure_migrated(topology: Topology) -> str:
    """Databases of every service, at the version of the installed code.

    Returns:
        How they came to be: "kept", "from the dump" or "migrated".
    """
    done = places.STATE / "migrated"
    base, full = _digests()
    if done.exists() and done.read_text() == full:
        return "kept"
    if done.exists():
        # A lab in use: its data stay, and are nothing to start another lab from.
        _migrate_isthmus(topology)
        done.write_text(full)
        return "kept"
    came = "from the dump"
    if not _load(f"{base}-{full}"):
        if not _load(base):
            came = "migrated"
            _migrate(topology)
            _save(topology, base)
        _migrate_isthmus(topology)
        _save(topology, f"{base}-{full}")
    done.write_text(full)
    return came


def _names(topology: Topology) -> list[str]:
    return ["keystone"] + [f"{s.name}_{service}" for s in topology.sites for service in _SERVICES]


def _digests() -> tuple[str, str]:
    def digest(files: Iterable[Path]) -> str:
        sha = hashlib.sha256()
        for file in files:
            sha.update(file.read_bytes())
        return sha.hexdigest()[:_DIGEST_LENGTH]

    locked = places.CHECKOUT / "requirements" / "locked.txt"
    templates = Path(__file__).with_name("templates")
    contents = [templates / name for name in ("keystone.conf", "nova.conf")]
    base = digest([locked, SHIPPED, Path(__file__), *contents])
    return base, digest(sorted(_MIGRATIONS.rglob("*.py")))


def _load(name: str) -> bool:
    dump = _DUMPS / f"{name}.sql"
    if not dump.exists():
        return False
    for keys in _KEYS:
        shutil.copytree(_DUMPS / keys, places.ETC / "keystone" / keys, dirs_exist_ok=True)
    command = [*machine.enter(CONTROL), "mariadb", "--no-defaults", "-uroot"]
    with dump.open("rb") as text:
        subprocess.run([*command, f"--socket={_SOCKET}"], stdin=text, check=True, timeout=120)
    return True


def _save(topology: Topology, name: str) -> None:
    _DUMPS.mkdir(parents=True, exist_ok=True)
    command = [*machine.enter(CONTROL), "mariadb-dump", "--no-defaults", "-uroot"]
    command += [f"--socket={_SOCKET}", "--single-transaction", "--databases", *_names(topology)]
    unfinished = _DUMPS / f"{name}.new"
    with unfinished.open("wb") as text:
        text.write(b"SET foreign_key_checks=0, unique_checks=0;\n")
        text.flush()
        subprocess.run(command, stdout=text, check=True, timeout=120)
    for keys in _KEYS:
        shutil.copytree(places.ETC / "keystone" / keys, _DUMPS / keys, dirs_exist_ok=True)
    unfinished.rename(_DUMPS / f"{name}.sql")
    for old in _DUMPS.glob("*.sql"):
        if not old.name.startswith(name[:_DIGEST_LENGTH]):
            old.unlink()


def _migrate(topology: Topology) -> None:
    """Keystone first, as one more chain beside the regions'."""
    execute("".join(f"CREATE DATABASE IF NOT EXISTS {name};" for name in _names(topology)))
    chains = [
        _keystone_commands(topology),
        *(_region_commands(s, topology) for s in topology.sites),
    ]
    with ThreadPoolExecutor(len(chains)) as pool:
        for outcome in [pool.submit(_run_all, chain) for chain in chains]:
            outcome.result()


def _migrate_isthmus(topology: Topology) -> None:
    if not any(_MIGRATIONS.rglob("versions/*.py")):
        return
    chains = [
        [["neutron-db-manage", *neutron_files(s), "--subproject", "isthmus", "upgrade", "heads"]]
        for s in topology.sites
    ]
    with ThreadPoolExecutor(len(chains)) as pool:
        for outcome in [pool.submit(_run_all, chain) for chain in chains]:
            outcome.result()


def _run_all(commands: list[list[str]]) -> None:
    control = Machine(CONTROL)
    for command in commands:
        done = control.run([places.tool(command[0]), *command[1:]], check=False, timeout_s=300)
        with (places.LOGS / "migrations.log").open("a", encoding="utf-8") as log:
            log.write(f"$ {' '.join(command)}\n{done.stdout}{done.stderr}")
        if done.returncode:
            raise CommandFailed(CONTROL, command, done, places.LOGS / "migrations.log")


def neutron_files(site: Site) -> list[str]:
    """Options that name a region's Neutron configuration."""
    folder = places.ETC / site.name / "neutron"
    return [f"--config-file={folder}/neutron.conf", f"--config-file={folder}/ml2_conf.ini"]


def _keystone_commands(topology: Topology) -> list[list[str]]:
    folder = places.ETC / "keystone"
    for keys in _KEYS:
        (folder / keys).mkdir(parents=True, exist_ok=True, mode=0o700)
    manage = ["keystone-manage", f"--config-file={folder}/keystone.conf"]
    owner = ["--keystone-user", "root", "--keystone-group", "root"]
    url = f"{settings.keystone_url(topology)}/v3"
    bootstrap = ["--bootstrap-password", topology.management.password]
    bootstrap += ["--bootstrap-region-id", topology.sites[0].name]
    for interface in ("public", "internal", "admin"):
        bootstrap += [f"--bootstrap-{interface}-url", url]
    return [
        [*manage, "db_sync"],
        [*manage, "fernet_setup", *owner],
        [*manage, "credential_setup", *owner],
        [*manage, "bootstrap", *bootstrap],
    ]


def _region_commands(site: Site, topology: Topology) -> list[list[str]]:
    folder = places.ETC / site.name
    nova = ["nova-manage", f"--config-file={folder}/nova/nova.conf"]
    cell0 = settings.database_url(topology, f"{site.name}_nova_cell0")
    return [
        ["neutron-db-manage", *neutron_files(site), "--subproject", "neutron", "upgrade", "heads"],
        # placement-manage, unlike the service, does not know OS_PLACEMENT_CONFIG_DIR
        ["placement-manage", f"--config-file={folder}/placement/placement.conf", "db", "sync"],
        ["glance-manage", f"--config-file={folder}/glance/glance-api.conf", "db_sync"],
        ["heat-manage", f"--config-file={folder}/heat/heat.conf", "db_sync"],
        [*nova, "api_db", "sync"],
        [*nova, "cell_v2", "map_cell0", "--database_connection", cell0],
        [*nova, "db", "sync"],
        [*nova, "cell_v2", "create_cell", "--name", "cell1"],
    ]
