# SPDX-License-Identifier: Apache-2.0
"""A cloud's Neutron on loopback, for clients that speak HTTP.

    openstack --os-auth-type admin_token --os-token <project or "operator"> --os-endpoint <url>

Who has a token is what it says: a little of Keystone (tests.identity) stands beside.
"""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any
from wsgiref.simple_server import WSGIRequestHandler, WSGIServer, make_server

from tests.cloud import Cloud
from tests.identity import OPERATOR, Identity, token_of


class _Quiet(WSGIRequestHandler):
    """Writes no line for each request; a failing test shows what the client says."""

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002  the library's name
        """Write nothing."""


@dataclass
class Served:
    """A cloud that is served.

    Attributes:
        url: where.
        meanwhile: what happens in it, one after each request that a client sends.
        always: what happens in it after every request that may change something.
        idly: what happens in it between requests.
        identity: projects, and users that services have made.
        is_out: whether its requests are answered with 503.
        elsewhere: URLs in the catalog of what others serve, by type and region.
    """

    url: str = ""
    meanwhile: list[Callable[[], object]] = field(default_factory=list)
    always: Callable[[], object] = lambda: None
    idly: Callable[[], object] = lambda: None
    identity: Identity = field(default_factory=Identity)
    is_out: bool = False
    elsewhere: dict[tuple[str, str], str] = field(default_factory=dict)
    _busy: threading.RLock = field(default_factory=threading.RLock)

    def work(self) -> None:
        """Do in it what always happens, and nothing else meanwhile."""
        with self._busy:
            self.always()

    def go_out(self) -> None:
        """Be out."""
        self.is_out = True

    def come_back(self) -> None:
        """Be out no more."""
        self.is_out = False


@contextmanager
def serve(cloud: Cloud) -> Iterator[Served]:
    """Serve a cloud while the context lasts."""
    served = Served()

    def answer(environ: dict[str, Any], start: Callable[..., Any]) -> Iterable[bytes]:
        method = environ["REQUEST_METHOD"]
        with served._busy:
            content = list(reply(environ, start))
            if served.meanwhile:
                served.meanwhile.pop(0)()
            if method != "GET":
                served.work()
        return content

    def reply(environ: dict[str, Any], start: Callable[..., Any]) -> Iterable[bytes]:
        path, token = environ["PATH_INFO"], environ.get("HTTP_X_AUTH_TOKEN", "")
        if path.endswith("/auth/tokens"):
            return _tell_token(environ, start, served)
        if served.is_out:
            start("503 Service Unavailable", [])
            return []
        if not path.startswith("/v2.0/"):
            told = served.identity.answer(
                environ["REQUEST_METHOD"], path.removeprefix("/v3"), _body(environ)
            )
            if told is not None:
                return _json(start, told[1], told[0])
            return _json(start, _versions(server.server_port, path))
        environ["PATH_INFO"] = path.removeprefix("/v2.0")
        environ["neutron.context"] = cloud.context(None if token == OPERATOR else token)
        response: Iterable[bytes] = cloud.application(environ, start)
        return response

    class Server(WSGIServer):
        def service_actions(self) -> None:
            served.idly()

    with make_server("127.0.0.1", 0, answer, Server, _Quiet) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
        thread.start()
        try:
            served.url = f"http://127.0.0.1:{server.server_port}"
            yield served
        finally:
            server.shutdown()
            thread.join()


def _tell_token(environ: dict[str, Any], start: Callable[..., Any], served: Served) -> list[bytes]:
    """Give a user the token that is called as it is, whatever the password; or tell of one."""
    if environ["REQUEST_METHOD"] == "POST":
        identity = _body(environ)["auth"]["identity"]
        name = identity.get("password", {}).get("user", {}).get("name") or identity["token"]["id"]
        status = "201 Created"
    else:
        name, status = environ["HTTP_X_SUBJECT_TOKEN"], "200 OK"
    start(status, [("Content-Type", "application/json"), ("X-Subject-Token", name)])
    return [json.dumps(token_of(name, served.url, served.elsewhere)).encode()]


def _body(environ: Mapping[str, Any]) -> dict[str, Any]:
    said: dict[str, Any] = json.loads(
        environ["wsgi.input"].read(int(environ.get("CONTENT_LENGTH") or 0)) or b"{}"
    )
    return said


def _json(
    start: Callable[..., Any], body: Mapping[str, Any] | None, status: str = "200 OK"
) -> list[bytes]:
    start(status, [("Content-Type", "application/json")])
    return [b"" if body is None else json.dumps(body).encode()]


def _versions(port: int, path: str) -> Mapping[str, Any]:
    """Return what Neutron and Keystone say at their root, and Keystone at its own."""
    root = f"http://127.0.0.1:{port}"
    versions = [
        {"id": name, "status": "CURRENT", "links": [{"rel": "self", "href": f"{root}/{path}/"}]}
        for name, path in (("v2.0", "v2.0"), ("v3.14", "v3"))
    ]
    return {"version": versions[1]} if path.rstrip("/") == "/v3" else {"versions": versions}
