# SPDX-License-Identifier: Apache-2.0
"""The BGP speaker that is a gobgpd of this PE's own, driven over gRPC.

gobgpd keeps nothing on disk, so its whole content is repeated after each of its restarts:

    daemon knows nothing      start BGP ─▶ watch ─▶ all routes ─▶ neighbors (told of the restart)
                              other gateways once this PE is ready to serve
    daemon runs already       watch ─▶ what it has of ours ─▶ the difference ─▶ neighbors it lacks

Routes go in before neighbors: an end-of-RIB after an empty table would withdraw everything (RFC
4724 §4.1). Before routes go in what asks for others' (RFC 4684 §6). Threads: one holds the
connection and reads its events, one calls ``on_change``, one reads labels if there are any.
"""

from __future__ import annotations

import contextlib
import logging
import secrets
import threading
import time
from collections.abc import Callable, Collection, Iterable
from ipaddress import IPv4Address

from isthmus.config.bgp import BgpConfig
from isthmus.model.errors import EdgeError, InvalidValue, SpeakerRefused, SpeakerUnreachable
from isthmus.model.ids import RouteTarget
from isthmus.model.ip import AddressFamily
from isthmus.model.route import VpnRoute
from isthmus.pe_agent.bgp import mapping, memberships
from isthmus.pe_agent.bgp.bookmark import encode_bookmark, is_bookmark
from isthmus.pe_agent.bgp.gobgp_api import gobgp_pb2
from isthmus.pe_agent.bgp.gobgp_client import GoBgpClient
from isthmus.pe_agent.bgp.label_reader import Ends, LabelReader
from isthmus.pe_agent.bgp.labelled import Labels, encode_own
from isthmus.pe_agent.bgp.mapping import Labelled, RouteKey, SpokenFamily
from isthmus.pe_agent.bgp.memberships import Memberships
from isthmus.pe_agent.bgp.neighbors import Neighbors
from isthmus.pe_agent.bgp.own_routes import OwnRoutes
from isthmus.pe_agent.bgp.rib import Rib
from isthmus.pe_agent.bgp.shared_rib import SharedRib
from isthmus.pe_agent.bgp.speaker import RibIn
from isthmus.pe_agent.bgp.validate import check_path

_LOG = logging.getLogger(__name__)

_FIRST_RETRY_S = 0.05
_LAST_RETRY_S = 1.0
_REPLAY_TIMEOUT_S = 10.0
_JUNK_REMEMBERED = 10_000
_END_OF_INIT = gobgp_pb2.WatchEventResponse.PeerEvent.TYPE_END_OF_INIT
_ESTABLISHED = gobgp_pb2.PeerState.SESSION_STATE_ESTABLISHED


class GoBgpSpeaker:
    """BgpSpeaker over gobgpd 4.8.

    Args:
        config: of this PE.
        is_forwarding_kept: flows of a former life of the agent are in the switch; a daemon that
            knows nothing then tells its neighbors that it restarted (RFC 4724 §4.1).
    """

    def __init__(self, config: BgpConfig, *, is_forwarding_kept: bool = False) -> None:
        self._config = config
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._keep_connected, name="bgp-events", daemon=True)
        # Held so that no connection is made behind the back of who stops.
        self._connecting = threading.Lock()
        self._connection: GoBgpClient | None = None
        self._rib = SharedRib(config)
        self._labels = LabelReader(config, self._hear_labels)

        # Held while the daemon is told something; guards the next seven.
        self._telling = threading.Condition()
        self._own = OwnRoutes()
        self._memberships = Memberships()
        self._ready: GoBgpClient | None = None
        self._reason = "The BGP speaker has not been started."
        self._is_connecting = False
        self._is_released = False
        self._neighbors = Neighbors(config, is_restart=is_forwarding_kept)

        # Only the thread that reads events touches these.
        self._found: dict[RouteKey, gobgp_pb2.Path] = {}
        self._found_memberships: set[RouteTarget] = set()
        self._bookmark: int | None = None
        self._junk: set[tuple[str, str]] = set()

    def start(self, on_change: Callable[[], None]) -> None:
        """Connect and keep connected."""
        self._is_connecting = True
        self._rib.start(on_change)
        if self._config.labelled_neighbors:
            self._labels.start()
        self._thread.start()

    def stop(self) -> None:
        """Disconnect; the daemon and its sessions go on."""
        with self._connecting:
            self._stopping.set()
            connection = self._connection
        if connection is not None:
            connection.close()
        if self._thread.is_alive():
            self._thread.join()
        self._labels.stop()
        self._rib.stop()

    def rib(self) -> RibIn:
        """Return the last known RIB-in."""
        return self._rib.snapshot()

    def read_advertised(self) -> frozenset[VpnRoute]:
        """Ask the daemon, over a connection of its own, what it has of this PE."""
        client = GoBgpClient(self._config.api)
        try:
            return frozenset(
                mapping.decode_route(path)
                for family in mapping.FAMILIES.values()
                for path in client.paths(family)
                if not mapping.is_learnt(path)
            )
        except InvalidValue as error:
            raise SpeakerUnreachable(f"What gobgpd has can't be read: {error}") from error
        finally:
            client.close()

    def advertise(
        self, routes: frozenset[VpnRoute], imports: frozenset[RouteTarget] = frozenset()
    ) -> None:
        """Make ``routes`` all that neighbors hear from this PE; ask for those of ``imports``."""
        with self._telling:
            before = self._own.wanted
            self._own.want(routes)
            if self._config.constrains_routes:
                self._memberships.want(imports, routes, self._rib.snapshot().routes)
            self._telling.wait_for(lambda: not self._is_connecting, _REPLAY_TIMEOUT_S)
            if self._ready is None:
                raise SpeakerUnreachable(self._reason)
            try:
                self._tell(self._ready)
            except SpeakerRefused:
                # What went in before the refused one is unknown: it is read back and undone.
                self._own.want_again(before)
                self._start_over()
                raise
            except SpeakerUnreachable:
                self._start_over()
                raise

    def meet_gateways(self) -> None:
        """Open the sessions with other gateways, now or once the daemon is back."""
        with self._telling:
            if self._neighbors.is_meeting_gateways:
                return
            self._neighbors.is_meeting_gateways = True
            if self._ready is None or not self._is_released:
                return
            try:
                self._release_neighbors(self._ready)
            except EdgeError:
                self._start_over()
                raise

    def core_link(self, *, is_up: bool) -> None:
        """Note whether the link to the core is up."""
        if self._rib.update(lambda rib: rib.core_link(is_up=is_up, now=time.monotonic())):
            _LOG.info("core_link.changed is_up=%s", is_up)

    # ── what the daemon is told, with _telling held ──

    def _tell(self, client: GoBgpClient) -> None:
        """Send what the daemon lacks; the first time, let the neighbors' sessions open."""
        if self._own.wanted is None:
            return
        difference = self._own.difference()
        targets = self._memberships.difference()
        config = self._config
        paths = [memberships.encode_membership(config, target) for target in targets.new]
        paths += [mapping.encode_route(route) for route in difference.new]
        if config.labelled_neighbors and not self._is_released:
            paths.append(encode_own(config))
        try:
            for path in paths:
                check_path(path)
        except InvalidValue as error:
            raise SpeakerRefused(f"A route may not be sent: {error.for_operator}") from None
        paths += [mapping.encode_withdrawal(route) for route in difference.gone]
        paths += [memberships.encode_leaving(config, target) for target in targets.gone]
        client.send(paths)
        self._own.is_told()
        self._memberships.is_told()
        if _LOG.isEnabledFor(logging.DEBUG):
            for event, routes in (("advertised", difference.new), ("withdrawn", difference.gone)):
                for route in routes:
                    _LOG.debug("route.%s %s", event, _in_words(route))
        if not self._is_released:
            self._release_neighbors(client)

    def _release_neighbors(self, client: GoBgpClient) -> None:
        self._neighbors.put(client)
        self._is_released = True
        self._rib.update(lambda rib: rib.neighbors_are_released(time.monotonic()))
        if self._neighbors.is_meeting_gateways:
            self._rib.update(lambda rib: rib.gateways_are_released(time.monotonic()))

    def _start_over(self) -> None:
        """Make the reading thread connect anew."""
        if self._ready is not None:
            self._ready.close()
        self._ready = None

    # ── the thread that holds the connection and reads ──

    def _keep_connected(self) -> None:
        retry_s = _FIRST_RETRY_S
        while (client := self._connect()) is not None:
            self._bookmark = secrets.randbits(32)
            try:
                self._attend(client)
                reason = "gobgpd ended the connection."
            except EdgeError as error:
                reason = error.for_operator
            except Exception as error:
                # Whatever it is, a PE that tries again is better than one without routes.
                _LOG.exception("bgp.events_unreadable api=%s", self._config.api)
                reason = f"What gobgpd said could not be read: {error}."
            client.close()
            self._labels.detach()
            if not self._stopping.is_set() and reason != self._reason:
                _LOG.warning("bgp.daemon_away reason=%s", reason)
            with self._telling:
                self._ready = None
                self._reason = reason
                self._is_connecting = False
                self._telling.notify_all()
            self._rib.update(lambda rib: rib.daemon_is_gone(time.monotonic()))
            was_ready = self._bookmark is None
            retry_s = _FIRST_RETRY_S if was_ready else min(2 * retry_s, _LAST_RETRY_S)
            self._stopping.wait(retry_s)

    def _connect(self) -> GoBgpClient | None:
        """Return a new connection; None to stop."""
        with self._connecting:
            if self._stopping.is_set():
                return None
            self._connection = GoBgpClient(self._config.api)
            return self._connection

    def _attend(self, client: GoBgpClient) -> None:
        """Bring the daemon up to date, then read its events until it is away."""
        is_fresh = self._start_daemon(client)
        with self._telling:
            self._is_connecting = True
            self._is_released = False
        self._found.clear()
        self._found_memberships.clear()
        self._rib.update(lambda rib: rib.daemon_is_up(is_fresh=is_fresh))
        for event in client.watch(map(str, self._config.labelled_neighbors)):
            if event.WhichOneof("event") == "peer":
                self._read_neighbor(client, event.peer)
            else:
                self._read_paths(client, event.table.paths)

    def _start_daemon(self, client: GoBgpClient) -> bool:
        """Return whether the daemon knew nothing and was started."""
        wanted = mapping.encode_global(self._config)
        running = client.running_global()
        if running is not None:
            if not mapping.is_same_global(running, wanted):
                # A 4.8 daemon that was told to stop BGP can't be told to start it again.
                raise SpeakerRefused(
                    f"gobgpd runs as AS {running.asn}, router {running.router_id}, port "
                    f"{running.listen_port}, not as configured; restart its process."
                )
            return False
        client.start_bgp(wanted)
        _LOG.info("bgp.started as_number=%s router_id=%s", wanted.asn, wanted.router_id)
        return True

    def _read_neighbor(
        self, client: GoBgpClient, event: gobgp_pb2.WatchEventResponse.PeerEvent
    ) -> None:
        if event.type == _END_OF_INIT:
            # Tables have no such marker: what comes before the bookmark is the replay.
            if self._bookmark is not None:
                client.send([encode_bookmark(self._bookmark)])
            return
        address = IPv4Address(event.peer.state.neighbor_address)
        is_up = event.peer.state.session_state == _ESTABLISHED
        families = mapping.decode_families(event.peer.state) if is_up else None
        constrains = is_up and self._constrains(event.peer.state)
        if address in self._config.labelled_neighbors:
            self._labels.look()
        if self._rib.update(
            lambda rib: rib.session(
                address,
                is_established=is_up,
                families=families,
                constrains=constrains,
                now=time.monotonic(),
            )
        ):
            _LOG.info(
                "neighbor.session address=%s established=%s families=%s",
                address, is_up, ",".join(sorted(map(str, families or ()))),
            )  # fmt: skip

    def _constrains(self, neighbor: gobgp_pb2.PeerState) -> bool:
        return self._config.constrains_routes and mapping.asks_for_memberships(neighbor)

    def _read_paths(self, client: GoBgpClient, paths: Iterable[gobgp_pb2.Path]) -> None:
        for path in paths:
            if not path.HasField("nlri"):
                family = mapping.spoken_family(path)
                if path.neighbor_ip and family is not None:
                    self._read_end_of_rib(IPv4Address(path.neighbor_ip), family)
            elif path.family == mapping.IPV4_UNICAST:
                if self._bookmark is not None and is_bookmark(path, self._bookmark):
                    self._finish_replay(client, path)
            elif path.family == mapping.LABELLED_IPV4:
                self._read_label(client, path)
            elif path.family == mapping.MEMBERSHIPS:
                self._read_membership(path)
            elif path.neighbor_ip:
                self._read_learnt(path)
            elif mapping.vpn_family(path) is not None:
                self._read_own(client, path)

    def _read_end_of_rib(self, address: IPv4Address, family: SpokenFamily) -> None:
        _LOG.info("neighbor.end_of_rib address=%s family=%s", address, family)
        if family is Labelled.IPV4:
            # It counts once the table it ends has been read.
            self._labels.look(end_of_rib=address)
            return
        self._rib.update(lambda rib: rib.end_of_rib(address, family, time.monotonic()))

    def _read_label(self, client: GoBgpClient, path: gobgp_pb2.Path) -> None:
        if self._config.labelled_neighbors:
            self._labels.look()
        elif not path.neighbor_ip and not path.is_withdraw:
            # A former agent told it, whose configuration had somebody to tell.
            path.is_withdraw = True
            client.send([path])

    def _hear_labels(self, labels: Labels, ends: Ends) -> None:
        now = time.monotonic()

        def change(rib: Rib) -> None:
            rib.hear_labelled(labels.routes)
            for neighbor in ends:
                rib.end_of_rib(neighbor, Labelled.IPV4, now)

        if self._rib.update(change):
            _LOG.info("labels.heard count=%d", len(labels.routes))

    def _read_membership(self, path: gobgp_pb2.Path) -> None:
        """Find which of ours a daemon that runs has; those of neighbors are its own business."""
        if self._bookmark is None or path.neighbor_ip or path.is_withdraw:
            return
        with contextlib.suppress(InvalidValue):
            self._found_memberships.add(memberships.decode_membership(path))

    def _read_learnt(self, path: gobgp_pb2.Path) -> None:
        key: RouteKey | None = None
        try:
            key = mapping.decode_key(path)
            route = None if path.is_withdraw else mapping.decode_route(path)
        except InvalidValue as error:
            self._log_junk(path, error)
            route = None
        if route is not None:
            if _LOG.isEnabledFor(logging.DEBUG):
                _LOG.debug("route.learnt neighbor=%s %s", path.neighbor_ip, _in_words(route))
            self._rib.update(lambda rib: rib.learn(route))
        elif key is not None:
            self._rib.update(lambda rib: rib.forget(key))

    def _log_junk(self, path: gobgp_pb2.Path, error: InvalidValue) -> None:
        junk = (path.neighbor_ip, " ".join(str(path.nlri).split()))
        if junk not in self._junk and len(self._junk) < _JUNK_REMEMBERED:
            self._junk.add(junk)
            _LOG.warning("route.skipped neighbor=%s nlri=%r reason=%s", *junk, error.for_operator)

    def _read_own(self, client: GoBgpClient, path: gobgp_pb2.Path) -> None:
        key = mapping.decode_key(path)
        # While a path of our own is best, no neighbor's is.
        self._rib.update(lambda rib: rib.forget(key))
        if self._bookmark is not None:
            if path.is_withdraw:
                self._found.pop(key, None)
            else:
                self._found[key] = path
        elif not path.is_withdraw:
            with self._telling:
                # What a former agent left appears once no neighbor has a better path.
                if not self._own.is_wanted(key):
                    path.is_withdraw = True
                    client.send([path])

    def _finish_replay(self, client: GoBgpClient, bookmark: gobgp_pb2.Path) -> None:
        """From here on the daemon can be told: what it has of ours is known."""
        bookmark.is_withdraw = True
        client.send([bookmark])
        neighbors = client.neighbors()
        if self._config.labelled_neighbors:
            self._labels.attach(client)
        with self._telling:
            self._own.is_known(self._read_found(client))
            self._memberships.is_known(frozenset(self._found_memberships))
            self._rib.update(lambda rib: self._resume(rib, neighbors))
            self._tell(client)
            self._ready = client
            self._reason = ""
            self._is_connecting = False
            self._telling.notify_all()
        self._bookmark = None

    def _read_found(self, client: GoBgpClient) -> frozenset[VpnRoute]:
        """Return the routes of ours the daemon has; withdraw those nobody could have wanted."""
        routes = set()
        for path in self._found.values():
            try:
                routes.add(mapping.decode_route(path))
            except InvalidValue:
                path.is_withdraw = True
                client.send([path])
        self._found.clear()
        return frozenset(routes)

    def _resume(self, rib: Rib, neighbors: Collection[gobgp_pb2.Peer]) -> None:
        now = time.monotonic()
        there = {peer.conf.neighbor_address for peer in neighbors}
        gateways = map(str, self._config.gateway_neighbors)
        rib.replay_is_over(has_met_gateways=there.issuperset(gateways))
        for peer in neighbors:
            rib.neighbors_are_released(now)
            if peer.graceful_restart.peer_restarting:
                # Its routes are kept; the daemon forgot that it once sent its end-of-RIB.
                for family in (*AddressFamily, *Labelled):
                    rib.end_of_rib(IPv4Address(peer.conf.neighbor_address), family, now)


def _in_words(route: VpnRoute) -> str:
    return (
        f"rd={route.rd} prefix={route.prefix} label={route.label} next_hop={route.next_hop} "
        f"route_targets={','.join(sorted(map(str, route.route_targets)))}"
    )
