# SPDX-License-Identifier: Apache-2.0
"""The gRPC calls this PE makes to gobgpd 4.8, and nothing decided.

Every failure leaves here as SpeakerUnreachable (try again) or SpeakerRefused (it would not).
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterable, Iterator, Sequence

import grpc

from isthmus.model.errors import SpeakerRefused, SpeakerUnreachable
from isthmus.pe_agent.bgp.gobgp_api import common_pb2, gobgp_pb2, gobgp_pb2_grpc

_CALL_TIMEOUT_S = 5.0
_PATH_TIMEOUT_S = 0.005
_PATHS_PER_MESSAGE = 500
_TABLE_TIMEOUT_S = 20.0
_AWAY = {
    grpc.StatusCode.UNAVAILABLE,
    grpc.StatusCode.DEADLINE_EXCEEDED,
    grpc.StatusCode.CANCELLED,
}
_CHANNEL_OPTIONS = (
    # A table's replay may come in one message.
    ("grpc.max_receive_message_length", -1),
    ("grpc.max_send_message_length", -1),
    # Another channel's back-off must not delay a reconnect.
    ("grpc.use_local_subchannel_pool", 1),
)


class GoBgpClient:
    """One connection to one daemon; made anew after each failure."""

    def __init__(self, api: str) -> None:
        self._api = api
        self._channel = grpc.insecure_channel(api, options=_CHANNEL_OPTIONS)
        # The generated class has no annotations.
        self._stub = gobgp_pb2_grpc.GoBgpServiceStub(self._channel)  # type: ignore[no-untyped-call]

    def close(self) -> None:
        """End the connection; every call under way ends with SpeakerUnreachable."""
        self._channel.close()

    def running_global(self) -> gobgp_pb2.Global | None:
        """Return what the daemon was started with; None when it knows nothing yet."""
        try:
            with self._calling():
                answer = self._stub.GetBgp(gobgp_pb2.GetBgpRequest(), timeout=_CALL_TIMEOUT_S)
        except SpeakerRefused:
            return None
        running: gobgp_pb2.Global = getattr(answer, "global")
        return running if running.asn else None

    def start_bgp(self, settings: gobgp_pb2.Global) -> None:
        """Start BGP in a daemon that knows nothing."""
        request = gobgp_pb2.StartBgpRequest(**{"global": settings})
        with self._calling():
            self._stub.StartBgp(request, timeout=_CALL_TIMEOUT_S)

    def neighbors(self) -> list[gobgp_pb2.Peer]:
        """Return every neighbor the daemon has."""
        with self._calling():
            answers = self._stub.ListPeer(gobgp_pb2.ListPeerRequest(), timeout=_CALL_TIMEOUT_S)
            return [answer.peer for answer in answers]

    def add_neighbor(self, peer: gobgp_pb2.Peer) -> None:
        """Add a neighbor; its session is opened at once."""
        with self._calling():
            self._stub.AddPeer(gobgp_pb2.AddPeerRequest(peer=peer), timeout=_CALL_TIMEOUT_S)

    def change_neighbor(self, peer: gobgp_pb2.Peer) -> None:
        """Change a neighbor's settings; its session is reset."""
        with self._calling():
            self._stub.UpdatePeer(gobgp_pb2.UpdatePeerRequest(peer=peer), timeout=_CALL_TIMEOUT_S)

    def delete_neighbor(self, address: str) -> None:
        """Delete a neighbor; it drops our routes."""
        request = gobgp_pb2.DeletePeerRequest(address=address)
        with self._calling():
            self._stub.DeletePeer(request, timeout=_CALL_TIMEOUT_S)

    def send(self, paths: Sequence[gobgp_pb2.Path]) -> None:
        """Add and withdraw paths, in order.

        Raises:
            SpeakerRefused: those before the refused one may be in.
            SpeakerUnreachable: any of them may be in.
        """
        if not paths:
            return
        with self._calling():
            timeout_s = _CALL_TIMEOUT_S + len(paths) * _PATH_TIMEOUT_S
            self._stub.AddPathStream(_messages(paths), timeout=timeout_s)

    def paths(self, family: common_pb2.Family) -> Iterator[gobgp_pb2.Path]:
        """Read every path of one family in the daemon's table."""
        request = gobgp_pb2.ListPathRequest(table_type=gobgp_pb2.TABLE_TYPE_GLOBAL, family=family)
        with self._calling():
            for answer in self._stub.ListPath(request, timeout=_TABLE_TIMEOUT_S):
                yield from answer.destination.paths

    def watch(self, in_full: Iterable[str] = ()) -> Iterator[gobgp_pb2.WatchEventResponse]:
        """Follow neighbors, best paths and end-of-RIB markers: first as they are, then changes.

        Ends only by SpeakerUnreachable.

        Args:
            in_full: neighbors of which every path is followed, not the best ones alone.
        """
        filter_ = gobgp_pb2.WatchEventRequest.Table.Filter
        request = gobgp_pb2.WatchEventRequest(
            peer=gobgp_pb2.WatchEventRequest.Peer(),
            table=gobgp_pb2.WatchEventRequest.Table(
                filters=[
                    filter_(type=filter_.TYPE_BEST, init=True),
                    filter_(type=filter_.TYPE_EOR, init=True),
                    *(filter_(type=filter_.TYPE_ADJIN, peer_address=one) for one in in_full),
                ]
            ),
            batch_size=_PATHS_PER_MESSAGE,
        )
        with self._calling():
            yield from self._stub.WatchEvent(request)
        raise SpeakerUnreachable(f"gobgpd at {self._api} ended the stream of events.")

    @contextlib.contextmanager
    def _calling(self) -> Iterator[None]:
        try:
            yield
        except grpc.RpcError as error:
            if error.code() in _AWAY:
                raise SpeakerUnreachable(
                    f"gobgpd at {self._api} does not answer: {error.details()}."
                ) from None
            raise SpeakerRefused(f"gobgpd at {self._api} refused: {error.details()}.") from None
        except ValueError as error:
            # What grpc raises for a call on a channel that another thread closed.
            raise SpeakerUnreachable(f"The connection to {self._api} is closed.") from error


def _messages(paths: Sequence[gobgp_pb2.Path]) -> Iterable[gobgp_pb2.AddPathStreamRequest]:
    for start in range(0, len(paths), _PATHS_PER_MESSAGE):
        yield gobgp_pb2.AddPathStreamRequest(
            table_type=gobgp_pb2.TABLE_TYPE_GLOBAL, paths=paths[start : start + _PATHS_PER_MESSAGE]
        )
