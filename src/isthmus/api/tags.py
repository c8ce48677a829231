# SPDX-License-Identifier: Apache-2.0
"""Tags of a resource, below its own path, spoken as Neutron speaks of tags elsewhere.

    GET, POST, PUT, DELETE   /v2.0/bgpvpn/bgpvpns/{id}/tags           {"tags": ["a", "b"]}
    GET, PUT, DELETE         /v2.0/bgpvpn/bgpvpns/{id}/tags/{tag}

Neutron's own tag service knows a fixed list of resources only.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from neutron import policy
from neutron.api import extensions
from neutron.api.v2 import resource as wsgi_resource
from neutron_lib import exceptions
from neutron_lib.api import faults, validators
from neutron_lib.api.definitions import bgpvpn
from neutron_lib.db import api as db_api
from neutron_lib.plugins import directory

from isthmus.api.controller import serve
from isthmus.api.definitions.standard_attributes import MAX_TAG_LENGTH, MAX_TAGS, TAGS

_STATUSES = {"show": 204, "create": 200, "update": 201, "delete": 204, "delete_all": 204}


class TagController:
    """The tags of one resource of a kind; a rule ``<verb>_<resource>:tags`` allows each call."""

    # Neutron's wrapper asks for it.
    _collection = TAGS

    def __init__(self, resource: str) -> None:
        self._resource = resource
        self._id_name = f"{resource}_id"

    @db_api.retry_db_errors
    def index(self, request: Any, **path: Any) -> Mapping[str, list[str]]:
        """Return all tags."""
        return {TAGS: self._read(request, "get", path)}

    @db_api.retry_db_errors
    def show(self, request: Any, id: str, **path: Any) -> None:  # noqa: A002
        """Tell whether there is a tag."""
        if id not in self._read(request, "get", path):
            raise TagNotFound(tag=id)

    @db_api.retry_db_errors
    def create(self, request: Any, body: Any = None, **path: Any) -> Any:
        """Add tags."""
        wanted = _read_body(body)
        known = self._read(request, "create", path)
        return self._write(request, path, [*known, *wanted])

    @db_api.retry_db_errors
    def update(self, request: Any, id: str, **path: Any) -> None:  # noqa: A002
        """Add one tag."""
        known = self._read(request, "update", path)
        self._write(request, path, [*known, *_read_body({TAGS: [id]})])

    @db_api.retry_db_errors
    def update_all(self, request: Any, body: Any = None, **path: Any) -> Any:
        """Replace all tags."""
        wanted = _read_body(body)
        self._read(request, "update", path)
        return self._write(request, path, wanted)

    @db_api.retry_db_errors
    def delete(self, request: Any, id: str, **path: Any) -> None:  # noqa: A002
        """Remove one tag."""
        known = self._read(request, "delete", path)
        if id not in known:
            raise TagNotFound(tag=id)
        self._write(request, path, [tag for tag in known if tag != id])

    @db_api.retry_db_errors
    def delete_all(self, request: Any, **path: Any) -> None:
        """Remove all tags."""
        self._read(request, "delete", path)
        self._write(request, path, [])

    def _read(self, request: Any, verb: str, path: Mapping[str, str]) -> list[str]:
        request.context.clear_transaction_constraint()
        fields = ["id", "project_id", "tenant_id", "shared", TAGS]
        get = getattr(directory.get_plugin(bgpvpn.ALIAS), f"get_{self._resource}")
        found = get(request.context, path[self._id_name], fields)
        rule = f"{verb}_{self._resource}:{TAGS}"
        policy.enforce(request.context, rule, found, pluralized=f"{self._resource}s")
        return list(found[TAGS])

    def _write(
        self, request: Any, path: Mapping[str, str], wanted: list[str]
    ) -> Mapping[str, list[str]]:
        tags = list(dict.fromkeys(wanted))
        if len(tags) > MAX_TAGS:
            raise exceptions.BadRequest(
                resource=TAGS, msg=f"Nothing can have more than {MAX_TAGS} tags."
            )
        set_tags = getattr(directory.get_plugin(bgpvpn.ALIAS), f"set_{self._resource}_{TAGS}")
        set_tags(request.context, path[self._id_name], tags)
        return {TAGS: tags}


class TagNotFound(exceptions.NotFound):
    """404: no such tag."""

    message = "Tag %(tag)s could not be found."


def _read_body(body: Any) -> list[str]:
    """Return the tags of a request.

    Raises:
        InvalidInput: it holds none, or no list of different texts.
    """
    if not isinstance(body, dict) or TAGS not in body:
        raise exceptions.InvalidInput(error_message="The body is not an object that holds 'tags'.")
    refusal = validators.validate_list_of_unique_strings(body[TAGS], MAX_TAG_LENGTH)
    if refusal:
        raise exceptions.InvalidInput(error_message=refusal)
    return list(body[TAGS])


def create_extension(resource: str, path_prefix: str) -> Any:
    """Return the tags of a kind of resource for Neutron's router."""
    application = wsgi_resource.Resource(
        TagController(resource), faults.FAULT_MAP, action_status=_STATUSES
    )
    return extensions.ResourceExtension(
        TAGS,
        serve(application),
        {"member_name": resource, "collection_name": f"{resource}s"},
        path_prefix=path_prefix,
        collection_methods={"delete_all": "DELETE", "update_all": "PUT"},
    )
