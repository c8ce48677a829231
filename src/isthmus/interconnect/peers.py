# SPDX-License-Identifier: Apache-2.0
"""All peers: who is to be heard, each in a thread of its own, and how each is."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, replace

from isthmus.interconnect.database import Database, Peer
from isthmus.interconnect.hearing import Ears, Hearing
from isthmus.interconnect.liveness import Probe, Sightings, Signs, State, explain, judge
from isthmus.interconnect.probe import probe
from isthmus.interconnect.store.store import Store
from isthmus.model.errors import IsthmusError
from isthmus.model.vtn.status import Liveness

LOG = logging.getLogger(__name__)

_PROBING_THREADS = 16
MakeStore = Callable[[Peer], Store]


@dataclass
class _Heard:
    """A peer that is being heard."""

    peer: Peer
    hearing: Hearing
    state: State
    probe: Probe | None = None
    probing: Future[Probe] | None = None
    #: The first that found the heartbeat that stands in its etcd.
    first: Probe | None = None


class Peers:
    """The peers of one daemon.

    Args:
        database: says who they are and keeps how they are.
        make_store: connects to a peer's etcd.
        ears: where what they say goes.
        silent_after_s: how long a heartbeat may fail to come.
    """

    def __init__(
        self, database: Database, make_store: MakeStore, ears: Ears, silent_after_s: float
    ) -> None:
        self._database = database
        self._make_store = make_store
        self._ears = ears
        self._silent_after_s = silent_after_s
        self._heard: dict[str, _Heard] = {}
        self._lock = threading.Lock()
        self._probes = ThreadPoolExecutor(_PROBING_THREADS, "isthmus-probe")

    def revisions(self) -> Mapping[str, int]:
        """Return up to which revision of its etcd each peer was heard."""
        with self._lock:
            return {name: one.hearing.revision for name, one in self._heard.items()}

    def sightings(self) -> Sightings:
        """Return how peers are, as this process itself has seen, not what another left behind."""
        with self._lock:
            heard = list(self._heard.items())
        return Sightings(
            frozenset(name for name, one in heard if one.state.liveness is Liveness.UP),
            frozenset(name for name, one in heard if _is_seen_down(one)),
        )

    def listen(self) -> None:
        """Begin to hear who is new, and no longer hear who is gone; asks the database."""
        wanted = {peer.name: peer for peer in self._database.read_peers()}
        for name, one in list(self._heard.items()):
            known = replace(one.peer, wish=None)
            peer = wanted.get(name)
            if peer is None or replace(peer, wish=None) != known:
                self._end(name)
        states = self._database.read_states() if wanted.keys() - self._heard.keys() else {}
        for name in sorted(wanted.keys() - self._heard.keys()):
            try:
                self._begin(wanted[name], states.get(name))
            except IsthmusError as error:
                # One that can't be heard keeps no other from being.
                LOG.error("peer.unusable site=%s error=%s", name, error.for_operator)
        for name, peer in wanted.items():
            if peer.wish is not None and name in self._heard:
                self._heard[name].hearing.read_anew(peer.wish)

    def hush(self) -> None:
        """Hear nobody."""
        for name in list(self._heard):
            self._end(name)

    def judge(self) -> None:
        """See how each peer is, and keep what has changed."""
        for name, one in list(self._heard.items()):
            self._reach_out(one)
            signs = Signs(one.hearing.since, one.hearing.heard_at, one.probe)
            state = judge(one.state, signs, time.monotonic(), self._silent_after_s)
            if state == one.state:
                continue
            before = one.state
            self._database.note_state(name, state, _sentence(name, before, state))
            one.state = state
            LOG.warning(
                "peer.state site=%s state=%s before=%s reason=%s",
                name, state.liveness, before.liveness, state.reason,
            )  # fmt: skip

    def close(self) -> None:
        """Hear nobody, and never again."""
        self.hush()
        self._probes.shutdown(wait=False, cancel_futures=True)

    def _begin(self, peer: Peer, state: State | None) -> None:
        hearing = Hearing(peer.name, self._make_store(peer), self._ears)
        known = state or State(Liveness.DOWN, hearing.since, "It has not been heard yet.")
        with self._lock:
            self._heard[peer.name] = _Heard(peer, hearing, known)
        name = f"hear-{peer.name}"
        threading.Thread(target=hearing.run, name=name, daemon=True).start()

    def _end(self, name: str) -> None:
        with self._lock:
            one = self._heard.pop(name)
        one.hearing.stop()
        LOG.info("peer.left site=%s", name)

    def _reach_out(self, one: _Heard) -> None:
        """Find out why a peer is silent, without waiting for it."""
        if one.probing is not None and one.probing.done():
            done, one.probing = one.probing, None
            if not done.cancelled() and done.exception() is None:
                found = done.result()
                if one.first is None or one.first.beat != found.beat:
                    one.first = found
                one.probe = explain(found, one.hearing.beat, one.first, self._silent_after_s)
        signs = Signs(one.hearing.since, one.hearing.heard_at)
        is_silent = time.monotonic() - signs.silent_since > self._silent_after_s * 0.8
        if is_silent and one.probing is None:
            one.probing = self._probes.submit(self._probe, one.peer)

    def _probe(self, peer: Peer) -> Probe:
        # Not the store that is watched: its connection may be the very thing that hangs.
        store = self._make_store(peer)
        try:
            return probe(peer.name, peer.endpoints, store)
        finally:
            store.close()


def _is_seen_down(one: _Heard) -> bool:
    signs = Signs(one.hearing.since, one.hearing.heard_at, one.probe)
    return one.state.liveness is Liveness.DOWN and signs.has_refused


def _sentence(name: str, before: State, state: State) -> str:
    if state.liveness is Liveness.UP:
        away_s = round(state.since - before.since)
        return f"Site '{name}' is UP; it was {before.liveness} for {away_s} seconds."
    return f"Site '{name}' is {state.liveness}: {state.reason}"
