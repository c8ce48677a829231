# SPDX-License-Identifier: Apache-2.0
"""``Store`` on etcd, 3.4 or newer."""

from __future__ import annotations

import queue
from collections.abc import Collection, Iterator, Mapping
from typing import Any

from isthmus.interconnect.store.etcd_api import kv_pb2, rpc_pb2
from isthmus.interconnect.store.etcd_client import EtcdClient
from isthmus.interconnect.store.store import (
    Batch,
    Change,
    HistoryLost,
    Leadership,
    LeadershipLost,
    Position,
    Snapshot,
)
from isthmus.model.errors import StoreRefused, StoreUnreachable

_PAGE = 1000
_READ_TIMEOUT_S = 10.0


class EtcdStore:
    """One etcd cluster."""

    def __init__(self, client: EtcdClient) -> None:
        self._client = client

    def read(self, prefix: str) -> Snapshot:
        """Return everything under a prefix, in pages that are all of one revision."""
        entries: dict[str, bytes] = {}
        start, end = prefix.encode(), range_end(prefix.encode())
        position: Position | None = None
        while True:
            request = rpc_pb2.RangeRequest(
                key=start,
                range_end=end,
                limit=_PAGE,
                revision=0 if position is None else position.revision,
            )
            try:
                answer = self._client.call("KV", "Range", request, _READ_TIMEOUT_S)
            except StoreRefused as error:
                if position is None:
                    raise
                raise StoreUnreachable(f"It was compacted between two pages: {error}") from error
            position = position or _position(answer)
            entries.update((_text(one.key), bytes(one.value)) for one in answer.kvs)
            if not answer.more:
                return Snapshot(entries, position)
            start = answer.kvs[-1].key + b"\0"

    def write(
        self,
        puts: Mapping[str, bytes],
        deletions: Collection[str] = (),
        under: Leadership | None = None,
    ) -> Position:
        """Put and delete in one transaction."""
        operations = [
            *(
                rpc_pb2.RequestOp(request_put=rpc_pb2.PutRequest(key=key.encode(), value=value))
                for key, value in puts.items()
            ),
            *(
                rpc_pb2.RequestOp(request_delete_range=rpc_pb2.DeleteRangeRequest(key=key.encode()))
                for key in deletions
            ),
        ]
        conditions = [] if under is None else [_made_at(under.key, under.revision)]
        answer = self._client.call(
            "KV", "Txn", rpc_pb2.TxnRequest(compare=conditions, success=operations)
        )
        if not answer.succeeded:
            raise LeadershipLost
        return _position(answer)

    def watch(self, prefix: str, after: Position) -> EtcdWatch:
        """Follow a prefix; connects when it is iterated."""
        return EtcdWatch(self._client, prefix, after)

    def campaign(self, key: str, holder: str, ttl_s: int) -> Leadership | None:
        """Try to lead; leaves no lease behind where somebody else does."""
        if self._client.call("KV", "Range", rpc_pb2.RangeRequest(key=key.encode())).count:
            return None
        lease = self._client.call("Lease", "LeaseGrant", rpc_pb2.LeaseGrantRequest(TTL=ttl_s)).ID
        put = rpc_pb2.PutRequest(key=key.encode(), value=holder.encode(), lease=lease)
        answer = self._client.call(
            "KV",
            "Txn",
            rpc_pb2.TxnRequest(
                compare=[_made_at(key, 0)], success=[rpc_pb2.RequestOp(request_put=put)]
            ),
        )
        if not answer.succeeded:
            self._client.call("Lease", "LeaseRevoke", rpc_pb2.LeaseRevokeRequest(ID=lease))
            return None
        return Leadership(key, holder, lease, answer.header.revision)

    def keep(self, leadership: Leadership) -> None:
        """Prolong the lease by its own time to live."""
        request = rpc_pb2.LeaseKeepAliveRequest(ID=leadership.lease)
        call = self._client.call("Lease", "LeaseKeepAlive", iter([request]))
        with self._client.calling():
            is_kept = any(answer.TTL > 0 for answer in call)
        if not is_kept:
            raise LeadershipLost

    def resign(self, leadership: Leadership) -> None:
        """Revoke the lease, and with it the key."""
        request = rpc_pb2.LeaseRevokeRequest(ID=leadership.lease)
        try:
            self._client.call("Lease", "LeaseRevoke", request)
        except StoreRefused:
            # It has ended by itself.
            return

    def close(self) -> None:
        """End the connection."""
        self._client.close()


class EtcdWatch:
    """One stream of changes."""

    def __init__(self, client: EtcdClient, prefix: str, after: Position) -> None:
        self._client = client
        self._prefix = prefix.encode()
        self._after = after
        # A stream of requests stays open until None is put.
        self._requests: queue.SimpleQueue[rpc_pb2.WatchRequest | None] = queue.SimpleQueue()
        self._call: Any = None
        self._is_closed = False

    def __iter__(self) -> Iterator[Batch]:
        """Yield what changes."""
        create = rpc_pb2.WatchCreateRequest(
            key=self._prefix,
            range_end=range_end(self._prefix),
            start_revision=self._after.revision + 1,
            progress_notify=True,
        )
        self._requests.put(rpc_pb2.WatchRequest(create_request=create))
        self._call = self._client.stream("Watch", "Watch", iter(self._requests.get, None))
        try:
            yield from self._follow()
        except StoreUnreachable:
            if not self._is_closed:
                raise
        finally:
            self.close()

    def close(self) -> None:
        """Cancel the stream."""
        self._is_closed = True
        self._requests.put(None)
        if self._call is not None:
            self._call.cancel()

    def _follow(self) -> Iterator[Batch]:
        if self._is_closed:
            return
        with self._client.calling():
            for answer in self._call:
                self._check(answer)
                if answer.created:
                    continue
                changes = tuple(_change(event) for event in answer.events)
                # A header may be ahead of its events; without events it says: nothing until here.
                revision = max(
                    (event.kv.mod_revision for event in answer.events),
                    default=answer.header.revision,
                )
                yield Batch(changes, Position(str(answer.header.cluster_id), revision))
        if not self._is_closed:
            raise StoreUnreachable("etcd ended the stream of changes.")

    def _check(self, answer: Any) -> None:
        if answer.canceled and answer.compact_revision:
            raise HistoryLost(f"Compacted up to revision {answer.compact_revision}.")
        if answer.canceled:
            raise StoreRefused(f"etcd ended the watch: {answer.cancel_reason or 'no right to it'}.")
        if str(answer.header.cluster_id) != self._after.cluster:
            raise HistoryLost("It is another etcd than it was.")
        # A watch from a revision that is yet to come would be silent until then.
        if answer.created and answer.header.revision < self._after.revision:
            raise HistoryLost("It went back to an earlier revision.")


def range_end(prefix: bytes) -> bytes:
    r"""Return the first key after all that begin with ``prefix``.

    >>> range_end(b"/isthmus/")
    b'/isthmus0'
    """
    kept = prefix.rstrip(b"\xff")
    return kept[:-1] + bytes([kept[-1] + 1]) if kept else b"\0"


def _made_at(key: str, revision: int) -> rpc_pb2.Compare:
    return rpc_pb2.Compare(
        key=key.encode(),
        target=rpc_pb2.Compare.CREATE,
        result=rpc_pb2.Compare.EQUAL,
        create_revision=revision,
    )


def _position(answer: Any) -> Position:
    return Position(str(answer.header.cluster_id), answer.header.revision)


def _change(event: Any) -> Change:
    is_put = event.type == kv_pb2.Event.PUT
    return Change(_text(event.kv.key), bytes(event.kv.value) if is_put else None)


def _text(key: bytes) -> str:
    # Any octets may be a key; what is none of ours is refused by its name later.
    return key.decode(errors="backslashreplace")
