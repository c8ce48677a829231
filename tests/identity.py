# SPDX-License-Identifier: Apache-2.0
"""A little of Keystone: who has a token is what it says, and services may have users made.

Of the project ``red`` the id is ``red-project``, and who is named by a UUID has that;
nobody is called ``nobody``.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any
from uuid import uuid4

OPERATOR = "operator"
NO_PROJECT = "nobody"
# Where compute and images are said to be.
NOBODY = "http://127.0.0.1:9"
_LENGTH_OF_ID = len("00000000-0000-4000-8000-000000000000")
_ROLE = {"id": "heat_stack_user", "name": "heat_stack_user"}
Answer = tuple[str, dict[str, Any] | None]


@dataclass
class Identity:
    """Projects, and users made by services.

    Attributes:
        projects: ids by the names of projects; else an id is ``<name>-project``.
        made: users and credentials, by kind and id.
    """

    projects: Mapping[str, str] = field(default_factory=dict)
    made: dict[str, dict[str, dict[str, Any]]] = field(
        default_factory=lambda: {"users": {}, "credentials": {}}
    )

    def answer(self, method: str, path: str, body: Mapping[str, Any]) -> Answer | None:
        """Answer a request for ``/v3`` and on: the status and body; None if it is for others."""
        kind, _, rest = path.lstrip("/").partition("/")
        if (kind, rest, method) == ("projects", "", "GET"):
            return "200 OK", {"projects": [], "links": {}}
        if (kind, rest) == ("projects", NO_PROJECT):
            return "404 Not Found", {}
        if kind == "projects" and rest.count("/") == 0:
            return "200 OK", {"project": self._project(rest)}
        if kind == "projects":
            # A role is given.
            return "204 No Content", None
        if kind == "roles":
            return "200 OK", {"roles": [_ROLE], "links": {}}
        return self._of_made(method, kind, rest, body) if kind in self.made else None

    def _project(self, asked: str) -> dict[str, Any]:
        name = asked.removesuffix("-project")
        found = name if len(name) == _LENGTH_OF_ID else f"{name}-project"
        return {"id": self.projects.get(name, found), "name": name}

    def _of_made(self, method: str, kind: str, which: str, body: Mapping[str, Any]) -> Answer:
        known, word = self.made[kind], kind.removesuffix("s")
        if method == "POST":
            which = uuid4().hex
            known[which] = {"id": which, **body[word]}
            return "201 Created", {word: known[which]}
        if which not in known:
            return "404 Not Found", {"error": {"code": 404, "message": f"No {word} {which}."}}
        if method == "DELETE":
            del known[which]
            return "204 No Content", None
        return "200 OK", {word: known[which]}


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
                        {"id": kind, "interface": interface, "region": region}
                        | {"region_id": region, "url": where.replace("<project>", project)}
                        for interface in ("public", "internal", "admin")
                    ],
                }
                for (kind, region), where in places.items()
            ],
        }
    }
