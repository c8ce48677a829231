# SPDX-License-Identifier: Apache-2.0
"""Sites that peer: a real etcd with TLS and a real peering service each, tables in memory."""

from __future__ import annotations

import shutil
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from isthmus.db.vtn.sites import Asked, SiteRecord, State
from isthmus.interconnect.certificates.folder import Folder
from isthmus.interconnect.database import Peer
from isthmus.interconnect.peering.client import PeeringClient
from isthmus.interconnect.peering.envoy import Envoy, Ways
from isthmus.interconnect.peering.gate import Gatekeeper
from isthmus.interconnect.peering.office import Office, OwnSite
from isthmus.interconnect.peering.service import PeeringService
from isthmus.interconnect.store.access import EtcdAccess
from isthmus.interconnect.store.etcd import EtcdStore
from isthmus.interconnect.store.etcd_client import Credentials, EtcdClient
from isthmus.model.errors import StoreRefused, StoreUnreachable
from tests.fakes.etcd import Etcd
from tests.fakes.ledger import FakeLedger

PATIENCE_S = 60.0


def eventually(is_true: Callable[[], bool], what: str = "") -> None:
    """Wait until it is."""
    deadline = time.monotonic() + PATIENCE_S
    while not is_true():
        assert time.monotonic() < deadline, what or "It did not come true."
        time.sleep(0.05)


class Site:
    """One site.

    Attributes:
        ledger: its tables, and what its operator does.
        own_store: its etcd, as its daemon.
    """

    def __init__(self, name: str) -> None:
        self.name = name
        self.ledger = FakeLedger()
        self._path = Path(tempfile.mkdtemp(prefix="isthmus-site-"))
        self.folder = Folder(self._path)
        self.folder.prepare(name, ["127.0.0.1"])
        self.etcd = Etcd(self._path)
        self._clients = [EtcdClient([self.etcd.endpoint], self.folder.credentials())]
        self.own_store = EtcdStore(self._clients[0])
        self._is_stopping = threading.Event()
        self._threads: list[threading.Thread] = []
        self._start()

    def _start(self) -> None:
        authority = self.folder.authority()
        self.access = EtcdAccess(self._clients[0])
        office_of = OwnSite(
            self.name, 64500, (self.etcd.endpoint,), "127.0.0.1:1", authority, 30, self.folder
        )
        # The port is known once it listens; what is said of it is corrected then.
        self.service = PeeringService(
            Office(office_of, self.ledger, self.access.admit), self._path, "127.0.0.1", 0
        )
        self._run(lambda: self.service.run(self._is_stopping))
        endpoint = f"127.0.0.1:{self.service.port}"
        self.own = OwnSite(
            self.name, 64500, (self.etcd.endpoint,), endpoint, authority, 30, self.folder
        )
        self.service._office = self.service._server.office = Office(  # type: ignore[union-attr]
            self.own, self.ledger, self.access.admit
        )
        self.ledger.introduce(
            SiteRecord(
                self.name,
                self.name,
                State.OWN,
                endpoints=self.etcd.endpoint,
                peering_endpoint=endpoint,
                as_number=64500,
                ca=authority.certificate.decode(),
            )
        )
        envoy = Envoy(self.own, self.ledger, Ways(PeeringClient, self.store_of), every_s=0.1)
        gate = Gatekeeper(self.ledger, self.access, every_s=0.1)
        self._run(lambda: envoy.run(self._is_stopping, lambda: True))
        self._run(lambda: gate.run(self._is_stopping, lambda: True))

    def _run(self, work: Callable[[], None]) -> None:
        thread = threading.Thread(target=work, daemon=True)
        thread.start()
        self._threads.append(thread)

    def store_of(self, peer: Peer) -> EtcdStore:
        """Connect to a peer's etcd."""
        client = EtcdClient(peer.endpoints, peer.credentials)
        self._clients.append(client)
        return EtcdStore(client)

    def state_of(self, other: str) -> State | None:
        """Return how far peering with another is."""
        record = self.ledger.sites.get(other)
        return None if record is None else record.state

    def credentials_of(self, other: str) -> Credentials:
        """Return what another has issued to this site."""
        record = self.ledger.sites[other]
        return Credentials(
            record.ca.encode(), record.certificate.encode(), self.folder.reveal(record.private_key)
        )

    def at(self, other: Site, credentials: Credentials | None = None) -> EtcdStore:
        """Return another's etcd as this site is let in there."""
        shown = credentials or self.credentials_of(other.name)
        return self.store_of(Peer(other.name, (other.etcd.endpoint,), shown))

    def stop(self) -> None:
        """End it and leave nothing behind."""
        self._is_stopping.set()
        for thread in self._threads:
            thread.join(PATIENCE_S)
        for client in self._clients:
            client.close()
        self.etcd.remove()
        shutil.rmtree(self._path)


@pytest.fixture
def sites() -> Iterator[Callable[[str], Site]]:
    """Make sites that end with the test."""
    made: list[Site] = []

    def make(name: str) -> Site:
        made.append(Site(name))
        return made[-1]

    yield make
    for site in made:
        site.stop()


def join(west: Site, east: Site) -> None:
    """Have two become peers, by all steps of both operators."""
    east.ledger.accept(west.ledger.invite(west.name, east.name))
    eventually(lambda: west.state_of(east.name) is State.PENDING)
    west.ledger.ask(east.name, Asked.CONFIRM)
    eventually(
        lambda: west.state_of(east.name) is east.state_of(west.name) is State.CONFIRMED,
        "They did not become peers.",
    )


@pytest.fixture
def pair(sites: Callable[[str], Site]) -> tuple[Site, Site]:
    """West and east, peers."""
    west, east = sites("west"), sites("east")
    join(west, east)
    return west, east


def reads(store: EtcdStore) -> bool:
    """Tell whether a peer is let in."""
    try:
        store.read("/isthmus/")
    except (StoreRefused, StoreUnreachable):
        return False
    return True
