# SPDX-License-Identifier: Apache-2.0
"""A region's compute and image APIs on loopback, as far as servers need them.

Servers run at once. It fails on purpose: answers nobody, loses the answer to a creation that it
carried out or carries out later, takes its time to answer, has no host for a server.
"""

from __future__ import annotations

import json
import re
import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from uuid import uuid4

from tests.fakes.compute_ports import MadeUp, Ports
from tests.fakes.compute_servers import FLAVORS, IMAGES, FakeServer

IMAGE = IMAGES[0]
NO_HOST = "No valid host was found."


class _NotFoundError(Exception):
    """There is no such thing."""


@dataclass
class Compute:
    """One region's.

    Attributes:
        region: as the catalog names it.
        servers: by id, as the API shows them.
        made: the same, with what it does not show.
        bodies: of the creations asked for, in order, hints beside.
        ports: what servers are plugged in.
        is_out: whether requests are answered with 503.
        loses_answers: how many creations are carried out and answered with 503.
        late_s: so long after its answer, 503, the next creation is carried out.
        slow_s: so long a creation takes to be answered.
        loses_views: how many looks at a server, after the first that showed it run, get 503.
        has_hosts: whether a server finds a host.
        is_busy_in_vain: whether what is asked of a server's host is taken, and not done.
    """

    region: str
    url: str = ""
    servers: dict[str, dict[str, Any]] = field(default_factory=dict)
    made: dict[str, FakeServer] = field(default_factory=dict)
    bodies: list[dict[str, Any]] = field(default_factory=list)
    ports: Ports = field(default_factory=MadeUp)
    is_out: bool = False
    loses_answers: int = 0
    late_s: float = 0
    slow_s: float = 0
    loses_views: int = 0
    has_hosts: bool = True
    is_busy_in_vain: bool = False
    _seen_running: set[str] = field(default_factory=set)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    @property
    def endpoints(self) -> dict[tuple[str, str], str]:
        """What the catalog has of it: URLs by type and region."""
        return {
            ("compute", self.region): f"{self.url}/compute/v2.1",
            ("image", self.region): f"{self.url}/image/v2",
        }

    def forget(self) -> None:
        """Have no servers any more."""
        self.servers.clear()
        self.made.clear()

    def called(self, name: str) -> dict[str, Any]:
        """Return the only server of a name."""
        (found,) = (each for each in self.servers.values() if each["name"] == name)
        return found

    def answer(
        self, method: str, path: str, query: str, body: Mapping[str, Any]
    ) -> tuple[int, dict[str, Any] | None]:
        """Answer a request: its status and body."""
        with self._lock:
            if self.is_out:
                return 503, {}
            try:
                if path.startswith("/image"):
                    return 200, self._image(path.removeprefix("/image"))
                return self._compute(method, path.removeprefix("/compute"), query, body)
            except (_NotFoundError, KeyError):
                return 404, {
                    "itemNotFound": {"message": f"{path} could not be found.", "code": 404}
                }

    def _image(self, path: str) -> dict[str, Any]:
        if path == "/v2/images":
            return {"images": IMAGES}
        for image in IMAGES:
            if path == f"/v2/images/{image['id']}":
                return dict(image)
        if path in ("", "/", "/v2", "/v2/"):
            links = [{"rel": "self", "href": f"{self.url}/image/v2/"}]
            return {"versions": [{"id": "v2.16", "status": "CURRENT", "links": links}]}
        raise _NotFoundError

    def _compute(
        self, method: str, path: str, query: str, body: Mapping[str, Any]
    ) -> tuple[int, dict[str, Any] | None]:
        if path in ("", "/", "/v2.1", "/v2.1/"):
            links = [{"rel": "self", "href": f"{self.url}/compute/v2.1/"}]
            version = {"id": "v2.1", "status": "CURRENT", "version": "2.96", "min_version": "2.1"}
            return 200, {"version": version | {"links": links}}
        words = path.removeprefix("/v2.1/").split("/")
        if words[0] == "flavors":
            return 200, self._flavors(words[1:])
        if words[0] != "servers":
            raise _NotFoundError
        if method == "POST" and len(words) == 1:
            return self._asked_for(body)
        if words[1:] in ([], ["detail"]):
            name = re.search(r"name=([^&]+)", query)
            listed = [
                each.look()
                for each in self.made.values()
                if name is None or re.search(name[1], each.shown["name"])
            ]
            return 200, {"servers": listed}
        return self._server(method, words[1], words[2:], body)

    def _flavors(self, words: list[str]) -> dict[str, Any]:
        if words in ([], ["detail"]):
            return {"flavors": FLAVORS}
        for flavor in FLAVORS:
            if words[0] == flavor["id"]:
                return {"flavor": flavor}
        raise _NotFoundError

    def _asked_for(self, body: Mapping[str, Any]) -> tuple[int, dict[str, Any]]:
        if self.late_s:
            threading.Timer(self.late_s, self._create, [body]).start()
            self.late_s = 0
            return 503, {}
        return self._create(body)

    def _create(self, body: Mapping[str, Any]) -> tuple[int, dict[str, Any]]:
        server_id = str(uuid4())
        self.bodies.append({**body, **body["server"]})
        made = FakeServer.make(server_id, body["server"], self.ports)
        if not self.has_hosts:
            made.shown |= {"status": "ERROR", "fault": {"code": 500, "message": NO_HOST}}
        self.made[server_id], self.servers[server_id] = made, made.shown
        if self.loses_answers:
            self.loses_answers -= 1
            return 503, {}
        return 202, {"server": {"id": server_id}}

    def _server(
        self, method: str, server_id: str, words: list[str], body: Mapping[str, Any]
    ) -> tuple[int, dict[str, Any] | None]:
        server = self.made[server_id]
        if method == "DELETE" and not words:
            server.end()
            del self.made[server_id], self.servers[server_id]
            return 204, None
        if words == ["action"] and self.is_busy_in_vain:
            return 202, None
        is_looked_at = method == "GET" and not words
        if is_looked_at and server_id in self._seen_running and self.loses_views:
            self.loses_views -= 1
            return 503, {}
        status, said = server.asked(method, words, body)
        if is_looked_at and said is not None and said["server"]["status"] == "ACTIVE":
            self._seen_running.add(server_id)
        return status, said


@contextmanager
def serve(region: str) -> Iterator[Compute]:
    """Serve a region's while the context lasts."""
    compute = Compute(region)

    class Handler(BaseHTTPRequestHandler):
        def log_message(self, format: str, *args: Any) -> None:  # noqa: A002  the library's name
            """Write nothing."""

        def _answer(self) -> None:
            length = int(self.headers.get("Content-Length") or 0)
            body = json.loads(self.rfile.read(length) or b"{}")
            path, _, query = self.path.partition("?")
            status, said = compute.answer(self.command, path.rstrip("/") or "/", query, body)
            if "server" in body and self.command == "POST":
                time.sleep(compute.slow_s)
            text = b"" if said is None else json.dumps(said).encode()
            self.send_response(status)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(text)))
            self.end_headers()
            self.wfile.write(text)

        do_GET = do_POST = do_PUT = do_DELETE = _answer  # noqa: N815  the library's names

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        server.daemon_threads = True
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
        thread.start()
        compute.url = f"http://127.0.0.1:{server.server_port}"
        try:
            yield compute
        finally:
            server.shutdown()
            thread.join()
