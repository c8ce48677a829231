# SPDX-License-Identifier: Apache-2.0
"""One daemon put together of the real things: Neutron's database, etcd, oslo.messaging."""

from __future__ import annotations

import functools
import os
from typing import Any

import oslo_messaging

# Neutron's models refer to each other by name: all have to be known.
from neutron.db.migration.models import head as neutron_models  # noqa: F401
from oslo_config import cfg

from isthmus.config.interconnect import InterconnectOptions
from isthmus.db.vtn import views
from isthmus.interconnect.certificates.folder import Folder
from isthmus.interconnect.daemon import Edges, Interconnect, Pace
from isthmus.interconnect.database import Peer
from isthmus.interconnect.neutron_database import NeutronDatabase
from isthmus.interconnect.publisher import SiteFacts
from isthmus.interconnect.store.etcd import EtcdStore
from isthmus.interconnect.store.etcd_client import EtcdClient
from isthmus.rpc.senders import Waker


def assemble(conf: cfg.ConfigOpts, options: InterconnectOptions) -> Interconnect:
    """Wire a daemon; nothing is started, nothing outside is asked.

    Raises:
        InvalidValue: a certificate or key is missing or damaged.
    """
    folder = Folder(options.certificates_path)
    folder.authority()
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
    return Interconnect(SiteFacts(options.site, options.as_number), holder, edges, pace)


def _store_of(peer: Peer) -> EtcdStore:
    return EtcdStore(EtcdClient(peer.endpoints, peer.credentials))


def _transport(conf: cfg.ConfigOpts) -> Any:
    return oslo_messaging.get_rpc_transport(conf)
