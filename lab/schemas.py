# SPDX-License-Identifier: Apache-2.0
"""Every service's migrated databases, from a cached dump when there is one.

A site's databases are called the same and hold the same in every site before it is used: they are
migrated for one and loaded by the others. A dump is kept under the ignored folder, named after a
digest of what decides its content: the locked versions and templates; a second one of a site's also
after Isthmus's own migrations.
"""

from __future__ import annotations

import hashlib
import shutil
import subprocess
import threading
from collections.abc import Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from lab import database, machine, places, settings
from lab.database import Server, client
from lab.machine import CommandFailed, Machine
from lab.topology import CONTROL, SHIPPED, Site, Topology

_SERVICES = ("placement", "glance", "neutron", "nova_api", "nova", "nova_cell0", "heat")
_KEYS = ("fernet-keys", "credential-keys")
_DIGEST_LENGTH = 16
_DUMPS = places.CACHE / "databases"
#: Of dumps, the latest used: other versions of this checkout have theirs.
_KEPT = 12
_MIGRATIONS = places.CHECKOUT / "src" / "isthmus" / "db" / "migrations"
#: Nova fills in what its own configuration says, so that the rows are the same in every site.
_CELL_DATABASE = "{scheme}://{username}:{password}@{hostname}/%s?{query}"
_CELL_MESSAGES = "{scheme}://{username}:{password}@{hostname}:{port}/"
#: Two sites that find no dump: one of them migrates, the other loads what that one made.
_MIGRATING = threading.Lock()


def ensure_site(site: Site) -> str:
    """Databases of every service of a site, at the version of the installed code.

    Returns:
        How they came to be: "kept", "from the dump" or "migrated".
    """
    server = database.of_site(site)
    done = server.data / "migrated"
    base = _digest(_LOCKED, Path(__file__), _template("nova.conf"))
    full = _digest(*sorted(_MIGRATIONS.rglob("*.py")))
    if done.exists():
        # A lab in use: its data stay, and are nothing to start another lab from.
        if done.read_text() != full:
            _run_all(site.control_machine, [_isthmus_command(site)])
            done.write_text(full)
        return "kept"
    dump = _DUMPS / f"site-{base}-{full}.sql"
    came = "from the dump"
    with _MIGRATING:
        if not dump.exists():
            if not _load(server, _DUMPS / f"site-{base}.sql"):
                came = "migrated"
                _migrate(site)
                _save(server, _SERVICES, _DUMPS / f"site-{base}.sql")
            _run_all(site.control_machine, [_isthmus_command(site)])
            _save(server, _SERVICES, dump)
            done.write_text(full)
            return came
    _load(server, dump)
    done.write_text(full)
    return came


def ensure_identity(topology: Topology) -> str:
    """The database and keys of the Keystone that sites share; says what `ensure_site` says."""
    server = database.of_identity(topology)
    done = server.data / "migrated"
    if done.exists():
        return "kept"
    digest = _digest(_LOCKED, Path(__file__), _template("keystone.conf"), SHIPPED)
    dump = _DUMPS / f"identity-{digest}.sql"
    came = "from the dump"
    if not _load(server, dump):
        came = "migrated"
        server.execute("CREATE DATABASE IF NOT EXISTS keystone")
        _run_all(CONTROL, _keystone_commands(topology))
        for keys in _KEYS:
            shutil.copytree(places.ETC / "keystone" / keys, _keys(dump, keys), dirs_exist_ok=True)
        _save(server, ["keystone"], dump)
    for keys in _KEYS:
        shutil.copytree(_keys(dump, keys), places.ETC / "keystone" / keys, dirs_exist_ok=True)
    done.touch()
    return came


_LOCKED = places.CHECKOUT / "requirements" / "locked.txt"


def _template(name: str) -> Path:
    return Path(__file__).with_name("templates") / name


def _digest(*files: Path) -> str:
    sha = hashlib.sha256()
    for file in files:
        sha.update(file.read_bytes())
    return sha.hexdigest()[:_DIGEST_LENGTH]


def _keys(dump: Path, name: str) -> Path:
    return dump.with_name(f"{dump.stem}-{name}")


def _load(server: Server, dump: Path) -> bool:
    if not dump.exists():
        return False
    with dump.open("rb") as text:
        command = [*machine.enter(server.machine), *client("mariadb")]
        subprocess.run(command, stdin=text, check=True, timeout=180)
    dump.touch()
    return True


def _save(server: Server, names: Iterable[str], dump: Path) -> None:
    _DUMPS.mkdir(parents=True, exist_ok=True)
    command = [*machine.enter(server.machine), *client("mariadb-dump")]
    command += ["--single-transaction", "--databases", *names]
    unfinished = dump.with_suffix(".new")
    with unfinished.open("wb") as text:
        text.write(b"SET foreign_key_checks=0, unique_checks=0;\n")
        text.flush()
        subprocess.run(command, stdout=text, check=True, timeout=180)
    unfinished.rename(dump)
    latest = sorted(_DUMPS.glob("*.sql"), key=lambda file: file.stat().st_mtime, reverse=True)
    for old in latest[_KEPT:]:
        old.unlink()
        for keys in _KEYS:
            shutil.rmtree(_keys(old, keys), ignore_errors=True)


def _migrate(site: Site) -> None:
    server = database.of_site(site)
    server.execute("".join(f"CREATE DATABASE IF NOT EXISTS {name};" for name in _SERVICES))
    # Side by side: Neutron's is one long chain, the others' together another.
    neutron, *others = _site_commands(site)
    with ThreadPoolExecutor(2) as pool:
        chains = [pool.submit(_run_all, server.machine, c) for c in ([neutron], others)]
        for outcome in chains:
            outcome.result()


def _run_all(machine_name: str, commands: Sequence[Sequence[str]]) -> None:
    log_file = places.LOGS / "migrations.log"
    for program, *words in commands:
        command = [places.tool(program), *words]
        done = Machine(machine_name).run(command, check=False, timeout_s=300)
        with log_file.open("a", encoding="utf-8") as log:
            log.write(f"$ {' '.join(command)}\n{done.stdout}{done.stderr}")
        if done.returncode:
            raise CommandFailed(machine_name, command, done, log_file)


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


def _site_commands(site: Site) -> list[list[str]]:
    folder = places.ETC / site.name
    nova = ["nova-manage", f"--config-file={folder}/nova/nova.conf"]
    cell = [*nova, "cell_v2", "create_cell", "--name", "cell1"]
    cell += ["--database_connection", _CELL_DATABASE % "nova"]
    return [
        ["neutron-db-manage", *neutron_files(site), "--subproject", "neutron", "upgrade", "heads"],
        # placement-manage, unlike the service, does not know OS_PLACEMENT_CONFIG_DIR
        ["placement-manage", f"--config-file={folder}/placement/placement.conf", "db", "sync"],
        ["glance-manage", f"--config-file={folder}/glance/glance-api.conf", "db_sync"],
        ["heat-manage", f"--config-file={folder}/heat/heat.conf", "db_sync"],
        [*nova, "api_db", "sync"],
        [*nova, "cell_v2", "map_cell0", "--database_connection", _CELL_DATABASE % "nova_cell0"],
        [*nova, "db", "sync"],
        [*cell, "--transport-url", _CELL_MESSAGES],
    ]


def _isthmus_command(site: Site) -> list[str]:
    command = ["neutron-db-manage", *neutron_files(site), "--subproject", "isthmus"]
    return [*command, "upgrade", "heads"]
