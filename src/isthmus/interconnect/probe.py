# SPDX-License-Identifier: Apache-2.0
"""Reaches out to a peer that has fallen silent, to tell a cut link from a stopped process."""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Sequence

from isthmus.interconnect.keys import heartbeat_of
from isthmus.interconnect.liveness import Echo, Probe
from isthmus.interconnect.reading import beat_of
from isthmus.interconnect.store.etcd_client import parse_endpoint
from isthmus.interconnect.store.store import Store
from isthmus.model.errors import EdgeError

_PATIENCE_S = 1.5


def probe(site: str, endpoints: Sequence[str], store: Store) -> Probe:
    """Reach out once.

    Args:
        site: the peer.
        endpoints: of its etcd.
        store: a client of it, for this alone.
    """
    reasons = []
    for endpoint in endpoints:
        refusal = _knock(endpoint)
        if refusal is None:
            break
        reasons.append(refusal)
    else:
        echo = Echo.REFUSES if Echo.REFUSES in (echo for echo, _ in reasons) else Echo.NOTHING
        return Probe(echo, time.monotonic(), " ".join(reason for _, reason in reasons))
    # A call's own patience is for etcds that are busy; this is to be known soon.
    hurry = threading.Timer(_PATIENCE_S, store.close)
    hurry.start()
    heartbeat = heartbeat_of(site).key
    try:
        entries = store.read(heartbeat).entries
    except EdgeError as error:
        # A process that is stopped, or cut off behind what takes connections for it.
        has_hurried = hurry.finished.is_set()
        reason = "It takes connections and says nothing." if has_hurried else error.for_operator
        return Probe(Echo.NOTHING, time.monotonic(), reason)
    finally:
        hurry.cancel()
    beat = beat_of(site, entries.get(heartbeat))
    return Probe(Echo.ANSWERS, time.monotonic(), beat=beat)


def _knock(endpoint: str) -> tuple[Echo, str] | None:
    """Open a TCP connection; return None if that is taken."""
    host, _, port = parse_endpoint(endpoint)[0].rpartition(":")
    try:
        socket.create_connection((host.strip("[]"), int(port)), timeout=_PATIENCE_S).close()
    except ConnectionRefusedError:
        return Echo.REFUSES, f"{endpoint} refuses connections."
    except OSError as error:
        return Echo.NOTHING, f"{endpoint} can't be reached: {error}."
    return None
