# SPDX-License-Identifier: Apache-2.0
"""The small TLS service that answers other sites: three requests, each a few KiB of JSON."""

from __future__ import annotations

import http.server
import json
import logging
import socket
import ssl
import threading
from collections.abc import Callable
from http import HTTPStatus
from pathlib import Path
from typing import Any

from isthmus.interconnect.database import DatabaseAway
from isthmus.interconnect.peering import messages
from isthmus.interconnect.peering.office import Office
from isthmus.model.errors import InvalidValue, NotPermitted

LOG = logging.getLogger(__name__)

_PATIENCE_S = 10.0
_MOST_AT_ONCE = 32


class PeeringService:
    """Listens, and hands what it is asked to an ``Office``.

    Args:
        office: answers.
        folder: with ca.crt, server.crt and server.key.
        address: to listen on.
        port: to listen on; 0 for any.
    """

    def __init__(self, office: Office, folder: Path, address: str, port: int) -> None:
        self._office = office
        self._folder = folder
        self._address, self._port = address, port
        self._server: _Server | None = None
        self._is_listening = threading.Event()

    @property
    def port(self) -> int:
        """Return the port, once it listens."""
        self._is_listening.wait(_PATIENCE_S)
        return 0 if self._server is None else int(self._server.server_address[1])

    def run(self, is_stopping: threading.Event) -> None:
        """Listen until the end."""
        server = _Server((self._address, self._port), self._office, self._context)
        self._server = server
        self._is_listening.set()
        thread = threading.Thread(target=server.serve_forever, name="peering", daemon=True)
        thread.start()
        LOG.info("peering.listening address=%s port=%s", self._address, self.port)
        is_stopping.wait()
        server.shutdown()
        server.server_close()

    def _context(self) -> ssl.SSLContext:
        """Read the files anew for each connection, so that replaced ones count at once."""
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.minimum_version = ssl.TLSVersion.TLSv1_3
        context.load_cert_chain(self._folder / "server.crt", self._folder / "server.key")
        # Who joins has no certificate of ours yet; who has one shows it.
        context.verify_mode = ssl.CERT_OPTIONAL
        context.load_verify_locations(self._folder / "ca.crt")
        return context


class _Server(http.server.ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 64

    def __init__(
        self, address: tuple[str, int], office: Office, make_context: Callable[[], ssl.SSLContext]
    ) -> None:
        self.office = office
        self._make_context = make_context
        self._places = threading.BoundedSemaphore(_MOST_AT_ONCE)
        self.address_family = socket.AF_INET6 if ":" in address[0] else socket.AF_INET
        super().__init__(address, _Handler)

    def process_request_thread(self, request: Any, client_address: Any) -> None:
        """Speak TLS in the connection's own thread: who is slow keeps nobody else waiting."""
        if not self._places.acquire(timeout=_PATIENCE_S):
            self.shutdown_request(request)
            return
        try:
            request.settimeout(_PATIENCE_S)
            secured = self._make_context().wrap_socket(request, server_side=True)
        except (OSError, ValueError) as error:
            LOG.info("peering.no_tls remote=%s error=%s", client_address[0], error)
            self.shutdown_request(request)
        else:
            super().process_request_thread(secured, client_address)
        finally:
            self._places.release()

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Log in one line what ended a connection."""
        del request
        LOG.info("peering.connection_ended remote=%s", client_address[0])


class _Handler(http.server.BaseHTTPRequestHandler):
    server: _Server
    timeout = _PATIENCE_S
    server_version = "isthmus"
    sys_version = ""

    def do_POST(self) -> None:
        """Answer one request."""
        try:
            answer = self._answer()
        except NotPermitted as error:
            self._refuse(HTTPStatus.FORBIDDEN, error.for_tenant)
        except InvalidValue as error:
            self._refuse(HTTPStatus.BAD_REQUEST, error.for_tenant)
        except DatabaseAway as error:
            LOG.warning("peering.not_answered error=%s", error)
            self._refuse(HTTPStatus.SERVICE_UNAVAILABLE, "Try again later.")
        except Exception:
            LOG.exception("peering.failed")
            self._refuse(HTTPStatus.SERVICE_UNAVAILABLE, "Try again later.")
        else:
            self._send(HTTPStatus.OK, answer)

    def log_message(self, format: str, *arguments: Any) -> None:  # noqa: A002
        """Log in our own words."""
        LOG.debug("peering.asked %s", format % arguments)

    def _answer(self) -> bytes:
        remote, office = self.client_address[0], self.server.office
        body = self._body()
        match self.path:
            case messages.JOIN:
                return messages.encode(office.join(messages.decode_join(body), remote))
            case messages.RENEW:
                said = messages.decode_join(body).introduction
                return messages.encode(office.renew(self._user(), said))
            case messages.SETTLE:
                office.settle(self._user())
                return b"{}"
        raise InvalidValue("There is nothing of that name here.")

    def _body(self) -> bytes:
        length = self.headers.get("Content-Length", "")
        if not length.isascii() or not length.isdigit() or int(length) > messages.LONGEST:
            raise InvalidValue("The message is too long, or of no length.")
        return self.rfile.read(int(length))

    def _user(self) -> str:
        """Return whom the connection's certificate, which this site's authority signed, names."""
        shown: Any = self.connection.getpeercert()
        for part in (shown or {}).get("subject", ()):
            for kind, value in part:
                if kind == "commonName":
                    return str(value)
        raise NotPermitted("That needs a certificate of this site's.")

    def _refuse(self, status: HTTPStatus, sentence: str) -> None:
        self._send(status, json.dumps({"sentence": sentence}).encode())

    def _send(self, status: HTTPStatus, body: bytes) -> None:
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.send_header("Connection", "close")
        self.end_headers()
        self.wfile.write(body)
