# SPDX-License-Identifier: Apache-2.0
"""Tags of a VPN, below its own path, spoken as Neutron speaks of tags elsewhere.

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
    """The tags of one VPN; each call is allowed by a rule ``<verb>_bgpvpn:tags``."""

    # Neutron's wrapper asks for it.
    _collection = TAGS

    @db_api.retry_db_errors
    def index(self, request: Any, bgpvpn_id: str, **_: Any) -> Mapping[str, list[str]]:
        """Return all tags."""
        return {TAGS: self._read(request, "get", bgpvpn_id)}

    @db_api.retry_db_errors
    def show(self, request: Any, id: str, bgpvpn_id: str, **_: Any) -> None:  # noqa: A002
        """Tell whether there is a tag."""
        if id not in self._read(request, "get", bgpvpn_id):
            raise TagNotFound(tag=id)

    @db_api.retry_db_errors
    def create(self, request: Any, bgpvpn_id: str, body: Any = None, **_: Any) -> Any:
        """Add tags."""
        wanted = _read_body(body)
        known = self._read(request, "create", bgpvpn_id)
        return self._write(request, bgpvpn_id, [*known, *wanted])

    @db_api.retry_db_errors
    def update(self, request: Any, id: str, bgpvpn_id: str, **_: Any) -> None:  # noqa: A002
        """Add one tag."""
        known = self._read(request, "update", bgpvpn_id)
        self._write(request, bgpvpn_id, [*known, *_read_body({TAGS: [id]})])

    @db_api.retry_db_errors
    def update_all(self, request: Any, bgpvpn_id: str, body: Any = None, **_: Any) -> Any:
        """Replace all tags."""
        wanted = _read_body(body)
        self._read(request, "update", bgpvpn_id)
        return self._write(request, bgpvpn_id, wanted)

    @db_api.retry_db_errors
    def delete(self, request: Any, id: str, bgpvpn_id: str, **_: Any) -> None:  # noqa: A002
        """Remove one tag."""
        known = self._read(request, "delete", bgpvpn_id)
        if id not in known:
            raise TagNotFound(tag=id)
        self._write(request, bgpvpn_id, [tag for tag in known if tag != id])

    @db_api.retry_db_errors
    def delete_all(self, request: Any, bgpvpn_id: str, **_: Any) -> None:
        """Remove all tags."""
        self._read(request, "delete", bgpvpn_id)
        self._write(request, bgpvpn_id, [])

    def _read(self, request: Any, verb: str, vpn_id: str) -> list[str]:
        request.context.clear_transaction_constraint()
        fields = ["id", "project_id", "tenant_id", "shared", TAGS]
        vpn = directory.get_plugin(bgpvpn.ALIAS).get_bgpvpn(request.context, vpn_id, fields)
        policy.enforce(request.context, f"{verb}_bgpvpn:{TAGS}", vpn, pluralized="bgpvpns")
        return list(vpn[TAGS])

    def _write(self, request: Any, vpn_id: str, wanted: list[str]) -> Mapping[str, list[str]]:
        tags = list(dict.fromkeys(wanted))
        if len(tags) > MAX_TAGS:
            raise exceptions.BadRequest(
                resource=TAGS, msg=f"A BGP VPN can't have more than {MAX_TAGS} tags."
            )
        directory.get_plugin(bgpvpn.ALIAS).set_bgpvpn_tags(request.context, vpn_id, tags)
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


def create_extension() -> Any:
    """Return the resource for Neutron's router."""
    application = wsgi_resource.Resource(TagController(), faults.FAULT_MAP, action_status=_STATUSES)
    parent = {"member_name": bgpvpn.RESOURCE_NAME, "collection_name": bgpvpn.COLLECTION_NAME}
    return extensions.ResourceExtension(
        TAGS,
        serve(application),
        parent,
        path_prefix=bgpvpn.API_PREFIX,
        collection_methods={"delete_all": "DELETE", "update_all": "PUT"},
    )
