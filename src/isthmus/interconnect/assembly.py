# SPDX-License-Identifier: Apache-2.0
"""One daemon put together of the real things: Neutron's database, etcd, oslo.messaging."""

from __future__ import annotations

import functools
import logging
import os
import threading
import uuid
from collections.abc import Callable
from typing import Any

import oslo_messaging

# Neutron's models refer to each other by name: all have to be known.
from neutron.db.migration.models import head as neutron_models  # noqa: F401
from oslo_config import cfg

from isthmus.config.interconnect import InterconnectOptions
from isthmus.db.vtn import views
from isthmus.db.vtn.sites import SiteRecord, State
from isthmus.interconnect.certificates.folder import Folder
from isthmus.interconnect.daemon import Edges, Interconnect, Pace
from isthmus.interconnect.database import DatabaseAway, Peer
from isthmus.interconnect.neutron_database import NeutronDatabase
from isthmus.interconnect.neutron_estate import NeutronEstate
from isthmus.interconnect.neutron_ledger import NeutronLedger
from isthmus.interconnect.peering.client import PeeringClient
from isthmus.interconnect.peering.envoy import Envoy, Ways
from isthmus.interconnect.peering.gate import Gatekeeper
from isthmus.interconnect.peering.ledger import Ledger
from isthmus.interconnect.peering.office import Office, OwnSite
from isthmus.interconnect.peering.service import PeeringService
from isthmus.interconnect.publisher import SiteFacts
from isthmus.interconnect.store.access import EtcdAccess
from isthmus.interconnect.store.etcd import EtcdStore
from isthmus.interconnect.store.etcd_client import EtcdClient
from isthmus.interconnect.succession import Succession
from isthmus.model.vtn.status import Liveness
from isthmus.rpc.senders import Waker

LOG = logging.getLogger(__name__)

_RETRY_S = 2.0


def assemble(conf: cfg.ConfigOpts, options: InterconnectOptions) -> Interconnect:
    """Wire a daemon; nothing is started, nothing outside is asked.

    Raises:
        InvalidValue: a certificate or key is missing or damaged.
    """
    folder = Folder(options.certificates_path)
    edges = Edges(
        NeutronDatabase(options.site, folder.reveal, views.refresh),
        EtcdStore(EtcdClient(options.etcd, folder.credentials())),
        _store_of,
        Waker(functools.cache(lambda: _transport(conf))).wake,
    )
    pace = Pace(
        poll_s=options.outbox_interval_s,
        beat_s=options.heartbeat_interval_s,
        silent_after_s=options.silent_after_s,
        lease_s=options.lease_s,
    )
    holder = f"{options.host}/{os.getpid()}"
    daemon = Interconnect(SiteFacts(options.site, options.as_number), holder, edges, pace)
    _add_peering(daemon, options, folder, NeutronLedger())
    if options.take_over_after_s:
        _add_succession(daemon, options, edges.wake)
    return daemon


def _add_succession(
    daemon: Interconnect, options: InterconnectOptions, wake: Callable[[], None]
) -> None:
    estate = NeutronEstate(options.site, options.take_over_after_s, wake)
    succession = Succession(estate, daemon.peers.sightings)
    leader = daemon.leader
    daemon.also(
        "succession", lambda is_stopping: succession.run(is_stopping, lambda: leader.may_listen)
    )


def _add_peering(
    daemon: Interconnect, options: InterconnectOptions, folder: Folder, ledger: Ledger
) -> None:
    own = OwnSite(
        options.site,
        options.as_number,
        options.public_etcd,
        options.peering_endpoint,
        folder.authority(),
        options.certificate_days,
        folder,
    )
    access = EtcdAccess(EtcdClient(options.etcd, folder.credentials()))
    office = Office(own, ledger, access.admit)
    service = PeeringService(office, folder.path, options.peering_address, options.peering_port)
    envoy = Envoy(own, ledger, Ways(PeeringClient, _store_of))
    gate = Gatekeeper(ledger, access)
    leader = daemon.leader
    daemon.also("introduction", lambda is_stopping: _introduce(own, ledger, is_stopping))
    daemon.also("peering", service.run)
    daemon.also("envoy", lambda is_stopping: envoy.run(is_stopping, lambda: leader.may_listen))
    daemon.also("gate", lambda is_stopping: gate.run(is_stopping, lambda: leader.may_listen))


def _introduce(own: OwnSite, ledger: Ledger, is_stopping: threading.Event) -> None:
    """Keep in the database what the API puts into invitations."""
    record = SiteRecord(
        own.name,
        str(uuid.uuid4()),
        State.OWN,
        endpoints=" ".join(own.etcd),
        peering_endpoint=own.peering_endpoint,
        as_number=own.as_number,
        ca=own.authority.certificate.decode(),
        liveness=Liveness.UP,
    )
    while not is_stopping.is_set():
        try:
            ledger.introduce(record)
        except DatabaseAway as error:
            LOG.warning("introduction.failed error=%s", error)
            is_stopping.wait(_RETRY_S)
        else:
            is_stopping.wait()


def _store_of(peer: Peer) -> EtcdStore:
    return EtcdStore(EtcdClient(peer.endpoints, peer.credentials))


def _transport(conf: cfg.ConfigOpts) -> Any:
    return oslo_messaging.get_rpc_transport(conf)
