# SPDX-License-Identifier: Apache-2.0
"""A site as it is installed: etcd with TLS, Neutron's tables in MariaDB, and daemons of its own.

Its API is played by the test, which writes the rows that the API writes.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import uuid
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import sqlalchemy as sa

from isthmus.interconnect.certificates.folder import Folder
from isthmus.model import invitation as inviting
from isthmus.model.vtn.documents import Document, kind_of, name_of, vtn_of
from isthmus.model.vtn.encoding import encode
from tests.fakes.etcd import Etcd, free_port

PATIENCE_S = 30.0


class DaemonSite:
    """One site.

    Args:
        name: its name.
        folder: for its files.
        url: of its database, which has all tables.
    """

    def __init__(self, name: str, folder: Path, url: str) -> None:
        self.name = name
        self._folder = folder
        self._engine = sa.create_engine(url)
        self._keys = Folder(folder / "keys")
        self._keys.prepare(name, ["127.0.0.1"])
        self.etcd = Etcd(folder / "keys")
        self._daemons: list[subprocess.Popen[bytes]] = []
        self._neutron, self._own = folder / "neutron.conf", folder / "interconnect.conf"
        self._neutron.write_text(
            f"[DEFAULT]\ntransport_url = fake:/\n[database]\nconnection = {url}\n"
            f"[isthmus]\nsite_name = {name}\n"
        )
        self._own.write_text(
            f"[interconnect]\nas_number = 64500\ncertificates_path = {folder / 'keys'}\n"
            f"etcd_endpoints = {self.etcd.endpoint}\npeering_address = 127.0.0.1\n"
            f"peering_port = {free_port()}\nheartbeat_interval_s = 0.5\nlease_s = 2\n"
        )

    @property
    def log(self) -> Path:
        """What its daemons log."""
        return self._folder / "log"

    def start(self) -> subprocess.Popen[bytes]:
        """Start a daemon."""
        program = str(Path(sys.executable).with_name("isthmus-interconnect"))
        command = [program, "--config-file", str(self._neutron), "--config-file", str(self._own)]
        with self.log.open("ab") as log:
            process = subprocess.Popen(command, stdout=log, stderr=log)
        self._daemons.append(process)
        return process

    def configure(self, line: str) -> None:
        """Add a line to the configuration of the daemons that are started from now on."""
        with self._own.open("a") as file:
            file.write(f"{line}\n")

    def kill(self) -> None:
        """End all daemons the hard way."""
        for process in self._daemons:
            process.kill()
            process.wait()
        self._daemons.clear()

    def end(self) -> list[int]:
        """Ask all daemons to end; return their exit codes."""
        for process in self._daemons:
            process.send_signal(signal.SIGTERM)
        codes = [process.wait(PATIENCE_S) for process in self._daemons]
        self._daemons.clear()
        return codes

    def remove(self) -> None:
        """Leave nothing behind."""
        self.kill()
        self.etcd.remove()
        self._engine.dispose()

    # What the API does

    def invite(self, other: str) -> str:
        """Invite a site; return the invitation."""
        own = self.site(self.name)
        token = os.urandom(32).hex()
        now = datetime.now(UTC).replace(tzinfo=None)
        self._add_site(other, state="INVITED")
        self._execute(
            "INSERT INTO isthmus_invitations (id, site, token_hash, created_at, expires_at, "
            "used_by) VALUES (:id, :site, :hash, :now, :then, '')",
            id=str(uuid.uuid4()),
            site=other,
            hash=inviting.token_hash(token),
            now=now,
            then=now + timedelta(hours=1),
        )
        until = datetime.now(UTC).timestamp() + 3600
        said = inviting.Invitation(
            self.name, other, own["peering_endpoint"], own["ca"], 64500, until, token
        )
        return inviting.encode(said)

    def accept(self, text: str) -> None:
        """Accept an invitation."""
        said = inviting.decode(text)
        self._add_site(
            said.site,
            state="PENDING",
            ca=said.ca,
            peering_endpoint=said.peering_endpoint,
            exchange=inviting.encode(said),
        )

    def ask(self, other: str, what: str) -> None:
        """Note what an operator asks for."""
        self._execute("UPDATE isthmus_sites SET asked = :w WHERE name = :n", w=what, n=other)

    def write(self, document: Document) -> None:
        """Write an own document with its row in the outbox, as an API call does."""
        kind, name = kind_of(document).value, name_of(document)
        with self._engine.begin() as connection:
            connection.execute(
                sa.text(
                    "REPLACE INTO isthmus_documents (site, kind, name, vtn_id, body, revision, "
                    "heard_at) VALUES (:site, :kind, :name, :vtn, :body, 0, UTC_TIMESTAMP())"
                ),
                {"site": self.name, "kind": kind, "name": name, "vtn": vtn_of(document),
                 "body": encode(document)},
            )  # fmt: skip
            connection.execute(
                sa.text("INSERT INTO isthmus_outbox (kind, name) VALUES (:kind, :name)"),
                {"kind": kind, "name": name},
            )

    # What is there

    def site(self, name: str) -> Mapping[str, Any]:
        """Return what is known of a site; empty if nothing is."""
        rows = self.rows("SELECT * FROM isthmus_sites WHERE name = :n", n=name)
        return rows[0] if rows else {}

    def documents(self, site: str) -> dict[str, str]:
        """Return a site's documents, as they are known here."""
        rows = self.rows("SELECT * FROM isthmus_documents WHERE site = :s", s=site)
        return {f"{row['kind']}/{row['name']}": row["body"] for row in rows}

    def events(self) -> list[str]:
        """Return what operators are told."""
        return [row["text"] for row in self.rows("SELECT text FROM isthmus_vtn_events")]

    def rows(self, query: str, **values: object) -> list[Mapping[str, Any]]:
        """Return what a query finds."""
        with self._engine.connect() as connection:
            return [dict(row) for row in connection.execute(sa.text(query), values).mappings()]

    def _add_site(self, name: str, **columns: str) -> None:
        with self._engine.begin() as connection:
            standard = connection.execute(
                sa.text(
                    "INSERT INTO standardattributes (resource_type, revision_number) "
                    "VALUES ('isthmus_sites', 0)"
                )
            ).lastrowid
            texts = dict.fromkeys(
                ("endpoints", "peering_endpoint", "ca", "certificate", "private_key",
                 "exchange", "reason"), "",
            )  # fmt: skip
            values: dict[str, object] = {**texts, **columns}
            values |= {"name": name, "id": str(uuid.uuid4()), "standard_attr_id": standard}
            connection.execute(
                sa.text(
                    f"INSERT INTO isthmus_sites ({', '.join(values)}) "  # noqa: S608  our names
                    f"VALUES ({', '.join(':' + name for name in values)})"
                ),
                values,
            )

    def _execute(self, statement: str, **values: object) -> None:
        with self._engine.begin() as connection:
            connection.execute(sa.text(statement), values)
