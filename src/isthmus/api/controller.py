# SPDX-License-Identifier: Apache-2.0
"""Neutron's controller of extension resources, refusing what it would answer with 500."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NoReturn

import webob.exc
from neutron.api import extensions
from neutron.api.v2 import base
from neutron.api.v2 import resource as wsgi_resource
from neutron_lib.api import faults
from neutron_lib.api.definitions import bgpvpn
from neutron_lib.plugins import directory


class Controller(base.Controller):
    """One collection and its items."""

    def update(
        self,
        request: Any,
        id: str,  # noqa: A002  Neutron's name
        body: Any = None,
        **kwargs: Any,
    ) -> Any:
        """Change an item; a body that is not one item is refused."""
        if not isinstance(body, dict) or self.resource not in body:
            raise webob.exc.HTTPBadRequest(
                f"The request body is not a JSON object that holds '{self.resource}'."
            )
        if f"{self.resource}s" in body:
            raise webob.exc.HTTPBadRequest("Only one item can be changed at a time.")
        return super().update(request, id, body, **kwargs)

    def new(self, request: Any, **kwargs: Any) -> NoReturn:
        """Refuse a form for a new item, for which the router has a path."""
        del request, kwargs
        raise webob.exc.HTTPNotFound("The resource could not be found.")

    def edit(self, request: Any, **kwargs: Any) -> NoReturn:
        """Refuse a form for an item, for which the router has a path."""
        del request, kwargs
        raise webob.exc.HTTPNotFound("The resource could not be found.")


def create_resource(
    collection: str,
    plugin: Any,
    attributes: dict[str, Any],
    parent: dict[str, str] | None = None,
) -> Any:
    """Return the WSGI application of a collection; bulk creation, sorting and paging included."""
    controller = Controller(
        plugin,
        collection,
        collection.removesuffix("s"),
        attributes,
        allow_bulk=True,
        parent=parent,
        allow_pagination=True,
        allow_sorting=True,
    )
    return wsgi_resource.Resource(controller, faults.FAULT_MAP)


def list_resources(collections: Mapping[str, Any], below: Mapping[str, Any]) -> list[Any]:
    """Return one resource for each collection, and for each one below an item of another."""
    plugin = directory.get_plugin(bgpvpn.ALIAS)
    tables = [(collection, None, attributes) for collection, attributes in collections.items()]
    tables += [
        (collection, definition["parent"], definition["parameters"])
        for collection, definition in below.items()
    ]
    return [
        extensions.ResourceExtension(
            collection,
            create_resource(collection, plugin, attributes, parent),
            parent,
            path_prefix=bgpvpn.API_PREFIX,
            attr_map=attributes,
        )
        for collection, parent, attributes in tables
    ]
