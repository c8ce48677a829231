# SPDX-License-Identifier: Apache-2.0
"""Reads the documents in a site's database and in its etcd, past its API and its daemon."""

from __future__ import annotations

import json
from base64 import b64decode
from collections import defaultdict

from isthmus.interconnect.keys import DOCUMENTS_PREFIX
from isthmus.model.vtn import encoding
from isthmus.model.vtn.documents import Kind, VtnDocument
from lab import database, interconnect
from lab.machine import Machine
from lab.topology import Site
from tests.scenario.vtn.kept import Documents, Kept

_READ = "SELECT site, kind, name, HEX(body) FROM isthmus_documents ORDER BY site, kind, name;"


def read(site: Site) -> Kept:
    """Read everything but heartbeats."""
    by_site: dict[str, dict[str, str]] = defaultdict(dict)
    for row in database.of_site(site).execute(f"USE neutron; {_READ}").splitlines():
        writer, kind, name, body = row.split("\t")
        if kind != Kind.SITE:
            by_site[writer][f"{kind}/{name}"] = bytes.fromhex(body).decode()
    own = by_site.pop(site.name, {})
    return Kept(site.name, own, _read_published(site), by_site)


def _read_published(site: Site) -> Documents:
    words = ("get", DOCUMENTS_PREFIX, "--prefix", "-w", "json")
    done = Machine(site.interconnect_machine).run(interconnect.etcdctl(site, *words))
    pairs = json.loads(done.stdout).get("kvs", [])
    found = {
        b64decode(pair["key"]).decode().removeprefix(DOCUMENTS_PREFIX): b64decode(
            pair.get("value", "")
        ).decode()
        for pair in pairs
    }
    return {key: text for key, text in found.items() if not key.startswith(f"{Kind.SITE}/")}


def owners_word(kept: Kept, vtn: str) -> VtnDocument | None:
    """What an owner's own database says of a network; None if it has no document."""
    body = kept.own.get(f"{Kind.VTN}/{vtn}")
    document = None if body is None else encoding.decode(str(Kind.VTN), vtn, body)
    return document if isinstance(document, VtnDocument) else None
