# SPDX-License-Identifier: Apache-2.0
"""Speaks to another site's peering service, over TLS, known by that site's own authority."""

from __future__ import annotations

import contextlib
import http.client
import ssl
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

from isthmus.interconnect.peering import messages
from isthmus.interconnect.store.etcd_client import Credentials
from isthmus.model.errors import EdgeError, InvalidValue, NotPermitted

_PATIENCE_S = 10.0
_Answer = TypeVar("_Answer")


class PeeringUnreachable(EdgeError):
    """The other site's peering service did not answer; try again."""

    retryable = True


@dataclass(frozen=True, slots=True)
class PeeringClient:
    """One site's peering service.

    Attributes:
        endpoint: ``host:port``.
        ca: that site's authority (PEM).
    """

    endpoint: str
    ca: str

    def join(self, asked: messages.Join) -> messages.Joined:
        """Accept an invitation, or ask how far that is.

        Raises:
            NotPermitted: refused, with the other's sentence.
            PeeringUnreachable: no answer.
        """
        answer = self._post(messages.JOIN, messages.encode(asked), None)
        return self._read(lambda: messages.decode_joined(answer))

    def renew(self, credentials: Credentials, said: messages.Introduction) -> messages.Introduction:
        """Return what the other says of itself, with a new certificate for the request in ``said``.

        Raises:
            NotPermitted: refused, with the other's sentence.
            PeeringUnreachable: no answer.
        """
        answer = self._post(messages.RENEW, messages.encode(messages.Join("", said)), credentials)
        return self._read(lambda: messages.decode_joined(answer)).introduction

    def settle(self, credentials: Credentials) -> None:
        """Say that the certificate of ``credentials`` is the only one in use.

        Raises:
            NotPermitted: refused, with the other's sentence.
            PeeringUnreachable: no answer.
        """
        self._post(messages.SETTLE, b"{}", credentials)

    def _post(self, path: str, body: bytes, credentials: Credentials | None) -> bytes:
        host, _, port = self.endpoint.rpartition(":")
        try:
            with _context(self.ca, credentials) as context:
                connection = http.client.HTTPSConnection(
                    host.strip("[]"), int(port), timeout=_PATIENCE_S, context=context
                )
                with contextlib.closing(connection):
                    connection.request("POST", path, body, {"Content-Type": "application/json"})
                    answer = connection.getresponse()
                    text = answer.read(messages.LONGEST + 1)
        except (OSError, ValueError, http.client.HTTPException) as error:
            raise PeeringUnreachable(
                f"The peering service at {self.endpoint} does not answer: {error}."
            ) from error
        if answer.status == http.client.OK:
            return text
        if answer.status >= http.client.INTERNAL_SERVER_ERROR:
            raise PeeringUnreachable(f"The peering service at {self.endpoint} can't answer now.")
        said = self._read(lambda: messages.read_text(messages.read_object(text), "sentence"))
        raise NotPermitted(f"The other site refuses: {said}")

    def _read(self, read: Callable[[], _Answer]) -> _Answer:
        try:
            return read()
        except InvalidValue as error:
            raise PeeringUnreachable(
                f"What answers at {self.endpoint} is no peering service: {error}"
            ) from error


@contextlib.contextmanager
def _context(ca: str, credentials: Credentials | None) -> Iterator[ssl.SSLContext]:
    """Trust one authority alone; show a certificate if there is one."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.minimum_version = ssl.TLSVersion.TLSv1_3
    context.load_verify_locations(cadata=ca)
    if credentials is not None:
        # OpenSSL reads these from files alone.
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder, "pair.pem")
            path.touch(mode=0o600)
            path.write_bytes(credentials.certificate + credentials.key)
            context.load_cert_chain(path)
    yield context
