# SPDX-License-Identifier: Apache-2.0
"""The lab's sites know and trust each other from the beginning, as after an invitation.

Each has a certificate of each other's, by which it reads that one's etcd, and shares its Keystone.
"""

from __future__ import annotations

from itertools import permutations
from uuid import NAMESPACE_URL, uuid5

from isthmus.interconnect.certificates.authority import make_request, peer_user_prefix
from isthmus.interconnect.peering.exchange import Exchange, encode
from isthmus.interconnect.store.access import PEER_ROLE
from lab import database, interconnect
from lab.machine import Machine
from lab.topology import Site, Topology

_DAYS = 365


def ensure_introduced(topology: Topology) -> None:
    """Have every site know every other; both etcds have to be secured."""
    for here, there in permutations(topology.sites, 2):
        if not _knows(here, there):
            _introduce(topology, here, there)


def _knows(here: Site, there: Site) -> bool:
    table = f"{here.name}_neutron.isthmus_sites"
    query = f"SELECT state FROM {table} WHERE name = '{there.name}'"  # noqa: S608  names are names
    rows = database.execute(query)
    return bool(rows.strip())


def _introduce(topology: Topology, here: Site, there: Site) -> None:
    """Have ``there`` let ``here`` read its etcd, and ``here`` know so."""
    user, request = _user(here), make_request(here.name)
    authority = interconnect.folder(there).authority()
    certificate = authority.issue_to_peer(request.request, user, _DAYS)
    machine = Machine(there.interconnect_machine)
    machine.run(interconnect.etcdctl(there, "user", "add", user, "--no-password"))
    machine.run(interconnect.etcdctl(there, "user", "grant-role", user, PEER_ROLE))
    values = {
        "name": there.name,
        "id": str(uuid5(NAMESPACE_URL, f"{here.name}/{there.name}")),
        "state": "CONFIRMED",
        "endpoints": interconnect.endpoint(there),
        "peering_endpoint": f"{there.interconnect.address}:2382",
        "as_number": str(topology.as_number),
        "ca": authority.certificate.decode(),
        "certificate": certificate.decode(),
        "private_key": interconnect.folder(here).conceal(request.key),
        # Whom the daemon here is to let in: it throws out who is not noted.
        "exchange": encode(Exchange(users=(_user(there),), is_confirmed=True)),
    }
    columns = ", ".join(values)
    texts = ", ".join(f"'{value}'" for value in values.values())
    table = f"{here.name}_neutron.isthmus_sites"
    database.execute(f"INSERT INTO {table} ({columns}) VALUES ({texts})")  # noqa: S608  likewise


def _user(site: Site) -> str:
    """Return what a site is to each other's etcd."""
    return f"{peer_user_prefix(site.name)}lab"
