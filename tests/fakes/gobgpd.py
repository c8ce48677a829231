# SPDX-License-Identifier: Apache-2.0
"""gobgpd's API with a memory, in this process: two neighbors, sessions that open at once.

It forgets everything when it crashes and refuses what the real one refuses: to start BGP twice, to
take a path before it is started, to add a neighbor it has.
"""

from __future__ import annotations

import queue
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from ipaddress import IPv4Address
from pathlib import Path
from typing import Any

import grpc

from isthmus.model.ids import RouteTarget
from isthmus.model.route import LabelledRoute, VpnRoute
from isthmus.pe_agent.bgp import mapping
from isthmus.pe_agent.bgp.gobgp_api import gobgp_pb2, gobgp_pb2_grpc
from isthmus.pe_agent.bgp.labelled import decode_labelled
from isthmus.pe_agent.bgp.mapping import RouteKey
from isthmus.pe_agent.bgp.memberships import decode_membership

_EVENT = gobgp_pb2.WatchEventResponse
_ESTABLISHED = gobgp_pb2.PeerState.SESSION_STATE_ESTABLISHED
_Paths = dict[Any, gobgp_pb2.Path]


class FakeGobgpd(gobgp_pb2_grpc.GoBgpServiceServicer):
    """A gobgpd and its neighbors: one for VPN routes, and the router P for labels.

    Attributes:
        api: where it listens.
        heard: what the neighbor has; survives a crash, for the neighbor waits (RFC 4724).
        asked: the route targets the neighbor is asked for; likewise.
        labels_heard: what P has; likewise.
        calls: the name of every call that changed something, in order.
        messages: how many paths each AddPathStream brought.
        refuse_after: None, or after how many paths of a stream the next one is refused, once.
    """

    def __init__(self, folder: Path, neighbor: IPv4Address, p_router: IPv4Address) -> None:
        self._socket = folder / "gobgpd.sock"
        self.api = f"unix://{self._socket}"
        self._neighbor = str(neighbor)
        self._p = str(p_router)
        self.asked: frozenset[RouteTarget] = frozenset()
        self.labels_heard: frozenset[LabelledRoute] = frozenset()
        self._told_by_p: list[gobgp_pb2.Path] = []
        self._lock = threading.RLock()
        self.heard: frozenset[VpnRoute] = frozenset()
        self.calls: list[str] = []
        self.messages: list[int] = []
        self.refuse_after: int | None = None
        self._sent_by_neighbor: dict[RouteKey, gobgp_pb2.Path] = {}
        self._forget()

    def _forget(self) -> None:
        self.settings = gobgp_pb2.Global()
        self.peers: dict[str, gobgp_pb2.Peer] = {}
        self._own: _Paths = {}
        self._watchers: list[queue.SimpleQueue[_EVENT | None]] = []

    def start(self) -> None:
        """Listen, knowing nothing."""
        self._socket.unlink(missing_ok=True)
        self._server = grpc.server(ThreadPoolExecutor(max_workers=8))
        # The generated function has no annotations.
        gobgp_pb2_grpc.add_GoBgpServiceServicer_to_server(  # type: ignore[no-untyped-call]
            self, self._server
        )
        self._server.add_insecure_port(self.api)
        self._server.start()

    def crash(self) -> None:
        """End and forget everything; the neighbor keeps what it heard."""
        with self._lock:
            for watcher in self._watchers:
                watcher.put(None)
            self._forget()
        self._server.stop(None).wait()

    def neighbor_sends(self, *routes: VpnRoute) -> None:
        """The neighbor advertises."""
        self.neighbor_sends_paths(*map(mapping.encode_route, routes))

    def neighbor_sends_paths(self, *paths: gobgp_pb2.Path) -> None:
        """The neighbor advertises, whatever it is."""
        with self._lock:
            for path in paths:
                path.neighbor_ip = self._neighbor
                self._sent_by_neighbor[mapping.decode_key(path)] = path
            if self._neighbor in self.peers:
                self._publish(list(paths))

    def p_tells(self, *routes: LabelledRoute) -> None:
        """P tells these labels and no others; only one is best and makes an event."""
        with self._lock:
            self._told_by_p = [labelled_path(route, self._p) for route in routes]
            if self._p in self.peers:
                event = gobgp_pb2.Path(family=mapping.LABELLED_IPV4, neighbor_ip=self._p)
                event.nlri.labeled_prefix.prefix = "203.0.113.1"
                self._publish([event])

    def neighbor_withdraws(self, *routes: VpnRoute) -> None:
        """The neighbor withdraws."""
        with self._lock:
            gone = [self._sent_by_neighbor.pop(mapping.key_of(route)) for route in routes]
            for path in gone:
                path.is_withdraw = True
            if self._neighbor in self.peers:
                self._publish(gone)

    # ── the API ──

    def GetBgp(self, _request: Any, _context: Any) -> Any:  # noqa: N802 -- the API's name
        """Answer AS 0 before the start."""
        return gobgp_pb2.GetBgpResponse(**{"global": self.settings})

    def StartBgp(self, request: Any, context: Any) -> Any:  # noqa: N802
        """Start once."""
        self.calls.append("StartBgp")
        if self.settings.asn:
            context.abort(grpc.StatusCode.UNKNOWN, "address already in use")
        self.settings = getattr(request, "global")
        return gobgp_pb2.StartBgpResponse()

    def ListPeer(self, _request: Any, _context: Any) -> Iterator[Any]:  # noqa: N802
        """Answer one message per neighbor."""
        for peer in tuple(self.peers.values()):
            yield gobgp_pb2.ListPeerResponse(peer=peer)

    def AddPeer(self, request: Any, context: Any) -> Any:  # noqa: N802
        """Add a neighbor; its session is up at once."""
        self.calls.append("AddPeer")
        address = request.peer.conf.neighbor_address
        with self._lock:
            if address in self.peers:
                context.abort(grpc.StatusCode.UNKNOWN, "can't overwrite the existing peer")
            self.peers[address] = request.peer
            self._publish_peer(address)
            if address == self._neighbor:
                self._publish(list(self._sent_by_neighbor.values()))
            self._publish(self._ends_of_rib(address))
            self._let_neighbor_hear()
        return gobgp_pb2.AddPeerResponse()

    def UpdatePeer(self, request: Any, _context: Any) -> Any:  # noqa: N802
        """Change a neighbor's settings."""
        self.calls.append("UpdatePeer")
        self.peers[request.peer.conf.neighbor_address] = request.peer
        return gobgp_pb2.UpdatePeerResponse()

    def DeletePeer(self, request: Any, _context: Any) -> Any:  # noqa: N802
        """Delete a neighbor."""
        self.calls.append("DeletePeer")
        del self.peers[request.address]
        return gobgp_pb2.DeletePeerResponse()

    def AddPathStream(self, messages: Any, context: Any) -> Any:  # noqa: N802
        """Add and withdraw; what came before a refused path stays."""
        paths = [path for message in messages for path in message.paths]
        self.calls.append("AddPathStream")
        self.messages.append(len(paths))
        with self._lock:
            if not self.settings.asn:
                context.abort(grpc.StatusCode.UNKNOWN, "bgp server hasn't started yet")
            for position, path in enumerate(paths):
                if position == self.refuse_after:
                    self.refuse_after = None
                    context.abort(grpc.StatusCode.UNKNOWN, "invalid path")
                key = _key_of(path)
                if path.is_withdraw:
                    self._own.pop(key, None)
                else:
                    self._own[key] = path
                self._publish([path])
            self._let_neighbor_hear()
        return gobgp_pb2.AddPathStreamResponse()

    def ListPath(self, request: Any, _context: Any) -> Iterator[Any]:  # noqa: N802
        """Every path of a family, one destination each."""
        with self._lock:
            told = self._told_by_p if self._p in self.peers else []
            paths = [*self._own.values(), *self._sent_by_neighbor.values(), *told]
        for path in paths:
            if path.family == request.family:
                yield gobgp_pb2.ListPathResponse(destination=gobgp_pb2.Destination(paths=[path]))

    def WatchEvent(self, _request: Any, context: Any) -> Iterator[Any]:  # noqa: N802
        """Send the state, with a marker only after the neighbors, then every change."""
        events: queue.SimpleQueue[_EVENT | None] = queue.SimpleQueue()
        context.add_callback(lambda: events.put(None))
        with self._lock:
            self._watchers.append(events)
            for address in self.peers:
                self._publish_peer(address)
            end = _EVENT.PeerEvent(type=_EVENT.PeerEvent.TYPE_END_OF_INIT)
            end.peer.state.neighbor_address = "invalid IP"
            events.put(_EVENT(peer=end))
            is_up = self._neighbor in self.peers
            learnt = list(self._sent_by_neighbor.values()) if is_up else []
            self._publish(list(self._own.values()) + learnt)
            for address in self.peers:
                self._publish(self._ends_of_rib(address))
        while (event := events.get()) is not None:
            yield event
        with self._lock:
            if events in self._watchers:
                self._watchers.remove(events)

    def _publish(self, paths: list[gobgp_pb2.Path]) -> None:
        for watcher in self._watchers:
            watcher.put(_EVENT(table=_EVENT.TableEvent(paths=paths)))

    def _publish_peer(self, address: str) -> None:
        event = _EVENT.PeerEvent(type=_EVENT.PeerEvent.TYPE_STATE)
        event.peer.state.neighbor_address = address
        event.peer.state.session_state = _ESTABLISHED
        for family in self._families(address):
            event.peer.state.remote_cap.add().multi_protocol.family.CopyFrom(family)
        for watcher in self._watchers:
            watcher.put(_EVENT(peer=event))

    def _ends_of_rib(self, address: str) -> list[gobgp_pb2.Path]:
        families = self._families(address)
        return [gobgp_pb2.Path(family=family, neighbor_ip=address) for family in families]

    def _families(self, address: str) -> list[Any]:
        return [one.config.family for one in self.peers[address].afi_safis]

    def _let_neighbor_hear(self) -> None:
        own = self._own.values()
        if self._neighbor in self.peers:
            vpn = [path for path in own if mapping.vpn_family(path) is not None]
            self.heard = frozenset(mapping.decode_route(path) for path in vpn)
            asked = [path for path in own if path.family == mapping.MEMBERSHIPS]
            self.asked = frozenset(map(decode_membership, asked))
        if self._p in self.peers:
            labels = [path for path in own if path.family == mapping.LABELLED_IPV4]
            self.labels_heard = frozenset(map(decode_labelled, labels))


def labelled_path(route: LabelledRoute, neighbor: str = "") -> gobgp_pb2.Path:
    """Encode a label as a neighbor tells it."""
    path = gobgp_pb2.Path(family=mapping.LABELLED_IPV4, neighbor_ip=neighbor)
    nlri = path.nlri.labeled_prefix
    nlri.prefix, nlri.prefix_len = str(route.pe), 32
    nlri.labels.append(route.label if isinstance(route.label, int) else route.label.value)
    path.pattrs.add().origin.origin = 0
    path.pattrs.add().local_pref.local_pref = 100
    reach = path.pattrs.add().mp_reach
    reach.family.CopyFrom(path.family)
    reach.next_hops.append(str(route.next_hop))
    reach.nlris.append(path.nlri)
    return path


def _key_of(path: gobgp_pb2.Path) -> object:
    if mapping.vpn_family(path) is not None:
        return mapping.decode_key(path)
    if path.family == mapping.MEMBERSHIPS:
        return decode_membership(path)
    return path.family.safi
