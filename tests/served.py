# SPDX-License-Identifier: Apache-2.0
"""A cloud's Neutron on loopback, for clients that speak HTTP.

    openstack --os-auth-type admin_token --os-token <project or "operator"> --os-endpoint <url>

Who has a token is what it says. A little of Keystone stands beside: of the project ``red`` the id
is ``red-project``, and who is named by a UUID has that.
"""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any
from wsgiref.simple_server import WSGIRequestHandler, WSGIServer, make_server

from tests.cloud import Cloud

OPERATOR = "operator"
# Where compute and images are said to be.
NOBODY = "http://127.0.0.1:9"
_PROJECTS = "/projects/"
_LENGTH_OF_ID = len("00000000-0000-4000-8000-000000000000")


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
        projects: ids by the names of projects; else an id is ``<name>-project``.
        is_out: whether its requests are answered with 503.
        elsewhere: URLs in the catalog of what others serve, by type and region.
    """

    url: str = ""
    meanwhile: list[Callable[[], object]] = field(default_factory=list)
    always: Callable[[], object] = lambda: None
    idly: Callable[[], object] = lambda: None
    projects: Mapping[str, str] = field(default_factory=dict)
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
        if path.endswith("/auth/tokens") and environ["REQUEST_METHOD"] == "POST":
            return _give_token(environ, start, served)
        if served.is_out:
            start("503 Service Unavailable", [])
            return []
        if not path.startswith("/v2.0/") and _PROJECTS in path:
            name = path.rpartition(_PROJECTS)[2]
            name = name.removesuffix("-project")
            found = name if len(name) == _LENGTH_OF_ID else f"{name}-project"
            found = served.projects.get(name, found)
            return _json(start, {"project": {"id": found, "name": name}})
        if not path.startswith("/v2.0/"):
            return _json(start, _versions(server.server_port))
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


def token_of(
    who: str, url: str, elsewhere: Mapping[tuple[str, str], str] = MappingProxyType({})
) -> dict[str, Any]:
    """Return what Keystone tells of a token: whose it is, and where the services are."""
    project = "operators" if who == OPERATOR else who
    roles = ["admin", "member", "reader"] if who == OPERATOR else ["member", "reader"]
    domain = {"id": "default", "name": "Default"}
    places = {("network", "west"): url, ("identity", "west"): f"{url}/v3"}
    places |= {("compute", "west"): NOBODY, ("image", "west"): NOBODY, **elsewhere}
    return {
        "token": {
            "methods": ["password"],
            "issued_at": "2026-01-01T00:00:00.000000Z",
            "expires_at": "2126-01-01T00:00:00.000000Z",
            "user": {"id": who, "name": who, "domain": domain},
            "project": {"id": project, "name": project.removesuffix("-project"), "domain": domain},
            "roles": [{"id": role, "name": role} for role in roles],
            "catalog": [
                {
                    "type": kind,
                    "name": kind,
                    "id": f"{kind}-{region}",
                    "endpoints": [
                        {"id": kind, "interface": interface, "region": region, "url": where}
                        | {"region_id": region}
                        for interface in ("public", "internal", "admin")
                    ],
                }
                for (kind, region), where in places.items()
            ],
        }
    }


def _give_token(environ: dict[str, Any], start: Callable[..., Any], served: Served) -> list[bytes]:
    """Give a user the token that is called as it is, whatever the password."""
    asked = json.loads(environ["wsgi.input"].read(int(environ["CONTENT_LENGTH"])))
    identity = asked["auth"]["identity"]
    name = identity.get("password", {}).get("user", {}).get("name") or identity["token"]["id"]
    start("201 Created", [("Content-Type", "application/json"), ("X-Subject-Token", name)])
    return [json.dumps(token_of(name, served.url, served.elsewhere)).encode()]


def _json(start: Callable[..., Any], body: Mapping[str, Any]) -> list[bytes]:
    start("200 OK", [("Content-Type", "application/json")])
    return [json.dumps(body).encode()]


def _versions(port: int) -> Mapping[str, Any]:
    """Return what Neutron and Keystone say at their roots."""
    root = f"http://127.0.0.1:{port}"
    versions = [
        {"id": name, "status": "CURRENT", "links": [{"rel": "self", "href": f"{root}/{path}/"}]}
        for name, path in (("v2.0", "v2.0"), ("v3.14", "v3"))
    ]
    return {"versions": versions}
