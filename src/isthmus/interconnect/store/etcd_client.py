# SPDX-License-Identifier: Apache-2.0
"""A connection to one etcd cluster over gRPC, with a client certificate, and nothing decided.

gRPC and not the JSON gateway: only here does etcd take a certificate's Common Name for the user.
Every failure leaves as StoreUnreachable (try again) or StoreRefused (it would not).
"""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlsplit

import grpc

from isthmus.interconnect.store.etcd_api import rpc_pb2_grpc
from isthmus.model.errors import InvalidValue, StoreRefused, StoreUnreachable

CALL_TIMEOUT_S = 5.0
_AWAY = {
    grpc.StatusCode.UNAVAILABLE,
    grpc.StatusCode.DEADLINE_EXCEEDED,
    grpc.StatusCode.CANCELLED,
}
_CHANNEL_OPTIONS = (
    ("grpc.max_receive_message_length", -1),
    ("grpc.max_send_message_length", -1),
    # A partition ends no connection; an unanswered ping does. etcd by default ends connections
    # that ping more often than every 5 s.
    ("grpc.keepalive_time_ms", 5500),
    ("grpc.keepalive_timeout_ms", 2500),
    ("grpc.http2.ping_timeout_ms", 2500),
    ("grpc.keepalive_permit_without_calls", 0),
    ("grpc.http2.max_pings_without_data", 0),
    # Back within seconds after an outage, however long that was.
    ("grpc.initial_reconnect_backoff_ms", 250),
    ("grpc.min_reconnect_backoff_ms", 2000),
    ("grpc.max_reconnect_backoff_ms", 2000),
    ("grpc.use_local_subchannel_pool", 1),
)


@dataclass(frozen=True, slots=True)
class Credentials:
    """Who we are to an etcd, and who vouches for it; all PEM.

    Attributes:
        ca: signed the server's certificate.
        certificate: ours; its Common Name is the user.
        key: the certificate's.
    """

    ca: bytes
    certificate: bytes
    key: bytes = field(repr=False)


def parse_endpoint(url: str) -> tuple[str, bool]:
    """Return an endpoint's ``host:port``, and whether it speaks TLS.

    Raises:
        InvalidValue: not of the form https://HOST:PORT.

    >>> parse_endpoint("https://192.0.2.1:2379")
    ('192.0.2.1:2379', True)
    """
    try:
        parts = urlsplit(url)
        is_whole = parts.scheme in ("http", "https") and parts.hostname and parts.port
    except ValueError:
        is_whole = None
    if not is_whole or parts.path not in ("", "/") or parts.query or parts.username:
        raise InvalidValue(f"'{url}' is not of the form https://HOST:PORT.")
    return parts.netloc, parts.scheme == "https"


class EtcdClient:
    """Stubs of one cluster; another member is asked after each that did not answer.

    Args:
        endpoints: URLs of the cluster's members.
        credentials: needed where endpoints speak TLS.
    """

    def __init__(self, endpoints: Sequence[str], credentials: Credentials | None = None) -> None:
        if not endpoints:
            raise InvalidValue("An etcd needs at least one endpoint.")
        self._targets = [parse_endpoint(endpoint) for endpoint in endpoints]
        self._credentials = credentials
        self._lock = threading.Lock()
        self._turn = 0
        self._is_closed = False
        self._channel: Any = None

    def close(self) -> None:
        """End the connection; every call under way ends with StoreUnreachable."""
        with self._lock:
            self._is_closed = True
            self._drop()

    def call(self, stub: str, method: str, request: object, timeout_s: float | None = None) -> Any:
        """Make one call and return its answer.

        Args:
            stub: ``KV``, ``Lease``, ``Auth`` or ``Watch``.
            method: of it.
            request: its message, or an iterator of messages.
            timeout_s: default: CALL_TIMEOUT_S.
        """
        with self.calling() as channel:
            return self._method(channel, stub, method)(
                request, timeout=CALL_TIMEOUT_S if timeout_s is None else timeout_s
            )

    def stream(self, stub: str, method: str, requests: Iterator[Any]) -> Any:
        """Start a call that has no end; errors come while it is iterated, under ``calling``."""
        with self.calling() as channel:
            return self._method(channel, stub, method)(requests)

    @contextlib.contextmanager
    def calling(self) -> Iterator[Any]:
        """Turn what gRPC raises into what callers know."""
        channel = self._connected()
        try:
            yield channel
        except grpc.RpcError as error:
            code, details = error.code(), error.details()
            if code in _AWAY:
                self._try_another(channel)
                raise StoreUnreachable(f"{self._name()} does not answer: {details}.") from None
            raise StoreRefused(f"{self._name()} refused: {details}.") from None
        except ValueError as error:
            # What grpc raises for a call on a channel that another thread closed.
            raise StoreUnreachable(f"The connection to {self._name()} is closed.") from error

    def _method(self, channel: Any, stub: str, method: str) -> Callable[..., Any]:
        return getattr(getattr(rpc_pb2_grpc, f"{stub}Stub")(channel), method)  # type: ignore[no-any-return]

    def _name(self) -> str:
        return f"etcd at {', '.join(target for target, _ in self._targets)}"

    def _connected(self) -> Any:
        with self._lock:
            if self._is_closed:
                raise StoreUnreachable(f"The connection to {self._name()} is closed.")
            if self._channel is None:
                self._channel = self._connect(*self._targets[self._turn % len(self._targets)])
            return self._channel

    def _connect(self, target: str, is_tls: bool) -> Any:  # noqa: FBT001
        if not is_tls:
            return grpc.insecure_channel(target, options=_CHANNEL_OPTIONS)
        ours = self._credentials
        if ours is None:
            raise StoreRefused(f"{self._name()} asks for a certificate, and there is none.")
        return grpc.secure_channel(
            target,
            grpc.ssl_channel_credentials(ours.ca, ours.key, ours.certificate),
            options=_CHANNEL_OPTIONS,
        )

    def _try_another(self, channel: Any) -> None:
        """Take the next member's turn; the only one's channel reconnects by itself."""
        with self._lock:
            if len(self._targets) > 1 and channel is self._channel:
                self._turn += 1
                self._drop()

    def _drop(self) -> None:
        if self._channel is not None:
            self._channel.close()
            self._channel = None
