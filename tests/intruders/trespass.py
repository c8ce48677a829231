# SPDX-License-Identifier: Apache-2.0
"""What a peer's certificate is not to open, one attempt after the other."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from isthmus.interconnect.store.access import EtcdAccess
from isthmus.interconnect.store.etcd import EtcdStore
from isthmus.interconnect.store.etcd_client import Credentials, EtcdClient
from isthmus.model.errors import StoreRefused

SHARED, ELSEWHERE = "/isthmus/", "/isthmus-local/"
DONE = "done"


def attempts(client: EtcdClient, target: str) -> Mapping[str, Callable[[], object]]:
    """Return what must be refused, by what it is.

    Args:
        client: of the other's etcd, with the certificate that it issued.
        target: a key there under the shared prefix.
    """
    store, access = EtcdStore(client), EtcdAccess(client)
    now = store.read(target).position
    return {
        "read what is the site's own": lambda: store.read(ELSEWHERE),
        "read everything": lambda: store.read("/"),
        "read from before what is shared": lambda: store.read("/isthmus"),
        "watch everything": lambda: list(store.watch("/", now)),
        "write over a document": lambda: store.write({target: b"forged"}),
        "write a document of its own": lambda: store.write({f"{SHARED}v1/vtn/forged": b"forged"}),
        "write elsewhere": lambda: store.write({"/elsewhere": b"forged"}),
        "delete a document": lambda: store.write({}, [target]),
        "lead": lambda: store.campaign(f"{SHARED}leader", "forged", 60),
        "let itself in": lambda: access.admit("peer.forged"),
        "be an administrator": access.secure,
    }


def trespass(endpoint: str, credentials: Credentials, target: str) -> dict[str, str]:
    """Try it all; return what became of each attempt: etcd's words, or `DONE`."""
    client = EtcdClient([endpoint], credentials)
    try:
        return {what: _told(attempt) for what, attempt in attempts(client, target).items()}
    finally:
        client.close()


def _told(attempt: Callable[[], object]) -> str:
    try:
        attempt()
    except StoreRefused as error:
        return error.for_operator
    return DONE
