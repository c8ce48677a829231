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
from lab.topology import SHIPPED, Keystone, Service, Site

_DATABASES = {
    Service.PLACEMENT: ("placement",),
    Service.GLANCE: ("glance",),
    Service.NEUTRON: ("neutron",),
    Service.NOVA: ("nova_api", "nova", "nova_cell0"),
    Service.HEAT: ("heat",),
}
_ALL = tuple(name for names in _DATABASES.values() for name in names)
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
    half, whole = _DUMPS / f"site-{base}.sql", _DUMPS / f"site-{base}-{full}.sql"
    names = _names(site)
    came = "from the dump"
    with _MIGRATING:
        is_new = not whole.exists()
        if is_new:
            came = _bring_up_to_date(site, names, half)
            # What not every service is in would be too little for the next site.
            if names == _ALL:
                _save(server, names, whole)
    if not is_new:
        _load(server, whole, names)
    done.write_text(full)
    return came


def _bring_up_to_date(site: Site, names: tuple[str, ...], half: Path) -> str:
    server, came = database.of_site(site), "from the dump"
    if not _load(server, half, names):
        came = "migrated"
        _migrate(site, names)
        if names == _ALL:
            _save(server, names, half)
    _run_all(site.control_machine, [_isthmus_command(site)])
    return came


def _names(site: Site) -> tuple[str, ...]:
    return tuple(
        name for service, names in _DATABASES.items() if service in site.services for name in names
    )


def ensure_identity(keystone: Keystone, password: str) -> str:
    """The database and keys of a Keystone; says what `ensure_site` says."""
    server = database.of_keystone(keystone)
    done = server.data / "keystone-migrated"
    if done.exists():
        return "kept"
    digest = _digest(_LOCKED, Path(__file__), _template("keystone.conf"), SHIPPED)
    dump, folder = _DUMPS / f"{keystone.named('identity')}-{digest}.sql", _folder(keystone)
    came = "from the dump"
    if not _load(server, dump, ["keystone"]):
        came = "migrated"
        server.execute("CREATE DATABASE IF NOT EXISTS keystone")
        _run_all(keystone.machine, _keystone_commands(keystone, password))
        for keys in _KEYS:
            shutil.copytree(folder / keys, _keys(dump, keys), dirs_exist_ok=True)
        _save(server, ["keystone"], dump)
    for keys in _KEYS:
        shutil.copytree(_keys(dump, keys), folder / keys, dirs_exist_ok=True)
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


def _load(server: Server, dump: Path, names: Sequence[str]) -> bool:
    """Load databases of a dump, which may have more; tell whether there is one."""
    if not dump.exists():
        return False
    command = [*machine.enter(server.machine), *client("mariadb")]
    for words in [["--one-database", name] for name in names] if len(names) < len(_ALL) else [[]]:
        server.execute("".join(f"CREATE DATABASE IF NOT EXISTS {name};" for name in words[1:]))
        with dump.open("rb") as text:
            subprocess.run([*command, *words], stdin=text, check=True, timeout=180)
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


def _migrate(site: Site, names: Iterable[str]) -> None:
    server = database.of_site(site)
    server.execute("".join(f"CREATE DATABASE IF NOT EXISTS {name};" for name in names))
    # Side by side: Neutron's is one long chain, the others' together another.
    commands = _site_commands(site)
    others = [c for service, cs in commands.items() if service is not Service.NEUTRON for c in cs]
    with ThreadPoolExecutor(2) as pool:
        chains = [
            pool.submit(_run_all, server.machine, chain)
            for chain in (commands[Service.NEUTRON], others)
        ]
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


def _folder(keystone: Keystone) -> Path:
    return places.ETC / keystone.named("keystone")


def _keystone_commands(keystone: Keystone, password: str) -> list[list[str]]:
    folder = _folder(keystone)
    for keys in _KEYS:
        (folder / keys).mkdir(parents=True, exist_ok=True, mode=0o700)
    manage = ["keystone-manage", f"--config-file={folder}/keystone.conf"]
    owner = ["--keystone-user", "root", "--keystone-group", "root"]
    url = f"{settings.keystone_url(keystone)}/v3"
    bootstrap = ["--bootstrap-password", password]
    bootstrap += ["--bootstrap-region-id", keystone.sites[0].name]
    for interface in ("public", "internal", "admin"):
        bootstrap += [f"--bootstrap-{interface}-url", url]
    return [
        [*manage, "db_sync"],
        [*manage, "fernet_setup", *owner],
        [*manage, "credential_setup", *owner],
        [*manage, "bootstrap", *bootstrap],
    ]


def _site_commands(site: Site) -> dict[Service, list[list[str]]]:
    folder = places.ETC / site.name
    nova = ["nova-manage", f"--config-file={folder}/nova/nova.conf"]
    cell = [*nova, "cell_v2", "create_cell", "--name", "cell1"]
    cell += ["--database_connection", _CELL_DATABASE % "nova"]
    neutron = ["neutron-db-manage", *neutron_files(site), "--subproject", "neutron"]
    # placement-manage, unlike the service, does not know OS_PLACEMENT_CONFIG_DIR
    placement = ["placement-manage", f"--config-file={folder}/placement/placement.conf"]
    commands = {
        Service.NEUTRON: [[*neutron, "upgrade", "heads"]],
        Service.PLACEMENT: [[*placement, "db", "sync"]],
        Service.GLANCE: [
            ["glance-manage", f"--config-file={folder}/glance/glance-api.conf", "db_sync"]
        ],
        Service.HEAT: [["heat-manage", f"--config-file={folder}/heat/heat.conf", "db_sync"]],
        Service.NOVA: [
            [*nova, "api_db", "sync"],
            [*nova, "cell_v2", "map_cell0", "--database_connection", _CELL_DATABASE % "nova_cell0"],
            [*nova, "db", "sync"],
            [*cell, "--transport-url", _CELL_MESSAGES],
        ],
    }
    return {service: told for service, told in commands.items() if service in site.services}


def _isthmus_command(site: Site) -> list[str]:
    command = ["neutron-db-manage", *neutron_files(site), "--subproject", "isthmus"]
    return [*command, "upgrade", "heads"]
