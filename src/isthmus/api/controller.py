# SPDX-License-Identifier: Apache-2.0
"""Neutron's controller of extension resources, refusing what it would answer with 500.

Of resources below an item of another, Neutron lets policies decide who reads an attribute, but
not who sets it; here they do, by rules of the same names as elsewhere, ``create_<resource>:<name>``
and ``update_<resource>:<name>``.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from functools import partial
from typing import Any, NoReturn

import webob.dec
import webob.exc
from neutron import policy
from neutron.api import extensions
from neutron.api.v2 import base
from neutron.api.v2 import resource as wsgi_resource
from neutron_lib import exceptions
from neutron_lib.api import faults
from neutron_lib.api.definitions import bgpvpn
from neutron_lib.db import api as db_api
from neutron_lib.plugins import directory
from oslo_policy import policy as policy_errors


class AttributeForbidden(exceptions.NotAuthorized):
    """403: policy lets the caller do this, but not say that."""

    message = "Policy %(rule)s does not let you set '%(name)s'."


class Controller(base.Controller):
    """One collection and its items.

    Besides what every collection has: actions, ``PUT …/{id}/{action}``, each allowed by the rule
    ``<action>_<resource>`` and carried out by the plug-in's method of that name.
    """

    def __getattr__(self, name: str) -> Any:
        if name in self.member_actions:
            return partial(self._act, name)
        raise AttributeError(name)

    @db_api.retry_db_errors
    def _act(
        self,
        action: str,
        request: Any,
        id: str,  # noqa: A002  Neutron's name
        body: Any = None,
        **path: Any,
    ) -> Any:
        if body is not None and not isinstance(body, dict):
            raise webob.exc.HTTPBadRequest("The request body is not a JSON object.")
        parent_id = path.get(self._parent_id_name)
        try:
            found = self._item(request, id, do_authz=True, parent_id=parent_id)
        except (policy_errors.PolicyNotAuthorized, policy_errors.InvalidScope):
            raise webob.exc.HTTPNotFound("The resource could not be found.") from None
        method = self._plugin_handlers[self.UPDATE].replace("update", action, 1)
        policy.enforce(request.context, method, found, pluralized=self._collection)
        above = {self._parent_id_name: parent_id} if parent_id else {}
        done = getattr(self._plugin, method)(request.context, id, body or {}, **above)
        return {self._resource: self._view(request.context, done)}

    def create(self, request: Any, body: Any = None, **kwargs: Any) -> Any:
        """Make one item or several, all or none."""
        if self.parent:
            own = request.context.project_id
            for item in self._bodies(body):
                project = item.get("project_id", item.get("tenant_id", own))
                self._check_may_set(request, self.CREATE, self._told(item), project)
        return super().create(request, body, **kwargs)

    def update(
        self,
        request: Any,
        id: str,  # noqa: A002  Neutron's name
        body: Any = None,
        **kwargs: Any,
    ) -> Any:
        """Change an item; a body that is not one item is refused, and what nobody can change."""
        if not hasattr(self._plugin, self._plugin_handlers[self.UPDATE]):
            raise webob.exc.HTTPMethodNotAllowed(f"A {self.resource} can't be changed.")
        if not isinstance(body, dict) or self.resource not in body:
            raise webob.exc.HTTPBadRequest(
                f"The request body is not a JSON object that holds '{self.resource}'."
            )
        if f"{self.resource}s" in body:
            raise webob.exc.HTTPBadRequest("Only one item can be changed at a time.")
        if self.parent and isinstance(body[self.resource], dict):
            self._check_change(request, id, body[self.resource], kwargs)
        return super().update(request, id, body, **kwargs)

    def _bodies(self, body: Any) -> list[dict[str, Any]]:
        """Return the items of a creation, as far as they are any: Neutron refuses what is none."""
        if not isinstance(body, dict):
            return []
        several = body.get(f"{self.resource}s")
        items = several if isinstance(several, list) else [body]
        # Each of several may come in the form of one.
        bodies = [
            item.get(self.resource, item) if isinstance(item, dict) else None for item in items
        ]
        return [item for item in bodies if isinstance(item, dict)]

    def _told(self, item: Mapping[str, Any]) -> list[str]:
        """Return the attributes that a body sets to something else than those who say nothing."""
        known = self.attr_info
        return [
            name
            for name, value in item.items()
            if name in known and ("default" not in known[name] or value != known[name]["default"])
        ]

    def _check_change(
        self, request: Any, item_id: str, change: Mapping[str, Any], kwargs: Mapping[str, str]
    ) -> None:
        """Look whose an item is only if that may matter."""
        try:
            self._check_may_set(request, self.UPDATE, change, None)
        except AttributeForbidden:
            parent_id = kwargs.get(f"{self.parent['member_name']}_id")
            try:
                item = self._item(request, item_id, do_authz=True, parent_id=parent_id)
            except (policy_errors.PolicyNotAuthorized, policy_errors.InvalidScope):
                raise webob.exc.HTTPNotFound("The resource could not be found.") from None
            self._check_may_set(request, self.UPDATE, change, item["project_id"])

    def _check_may_set(
        self, request: Any, verb: str, names: Iterable[str], project_id: str | None
    ) -> None:
        """Refuse attributes that a rule keeps from the caller.

        Raises:
            AttributeForbidden: there is such a rule.
        """
        target = {"project_id": project_id, "tenant_id": project_id}
        for name in names:
            rule = f"{self._plugin_handlers[verb]}:{name}"
            if not policy.check(request.context, rule, target, might_not_exist=True):
                raise AttributeForbidden(rule=rule, name=name)

    def new(self, request: Any, **kwargs: Any) -> NoReturn:
        """Refuse a form for a new item, for which the router has a path."""
        del request, kwargs
        raise webob.exc.HTTPNotFound("The resource could not be found.")

    def edit(self, request: Any, **kwargs: Any) -> NoReturn:
        """Refuse a form for an item, for which the router has a path."""
        del request, kwargs
        raise webob.exc.HTTPNotFound("The resource could not be found.")


class ReadOnlyController(Controller):
    """A collection that is compiled, not made: whoever would change it is refused with 405."""

    def create(self, request: Any, body: Any = None, **kwargs: Any) -> NoReturn:
        """Refuse."""
        del request, body, kwargs
        raise webob.exc.HTTPMethodNotAllowed(f"A {self.resource} can only be read.")

    def update(
        self,
        request: Any,
        id: str,  # noqa: A002  Neutron's name
        body: Any = None,
        **kwargs: Any,
    ) -> NoReturn:
        """Refuse."""
        del id
        self.create(request, body, **kwargs)

    def delete(self, request: Any, id: str, **kwargs: Any) -> NoReturn:  # noqa: A002
        """Refuse."""
        del id
        self.create(request, **kwargs)


def create_resource(
    collection: str,
    plugin: Any,
    attributes: dict[str, Any],
    parent: dict[str, str] | None = None,
    kind: type[Controller] = Controller,
    actions: Mapping[str, str] | None = None,
) -> Any:
    """Return the WSGI application of a collection; bulk creation, sorting and paging included."""
    controller = kind(
        plugin,
        collection,
        collection.removesuffix("s"),
        attributes,
        allow_bulk=True,
        member_actions=actions,
        parent=parent,
        allow_pagination=True,
        allow_sorting=True,
    )
    return serve(wsgi_resource.Resource(controller, faults.FAULT_MAP))


def list_resources(
    collections: Mapping[str, Any],
    below: Mapping[str, Any],
    kind: type[Controller] = Controller,
    path_prefix: str = bgpvpn.API_PREFIX,
    actions: Mapping[str, Mapping[str, str]] | None = None,
) -> list[Any]:
    """Return one resource for each collection, and for each one below an item of another.

    Args:
        collections: attributes by name.
        below: the same of those below items of others.
        kind: of their controllers.
        path_prefix: what stands before them in the path.
        actions: methods of HTTP by action, by collection.
    """
    plugin = directory.get_plugin(bgpvpn.ALIAS)
    tables = [(collection, None, attributes) for collection, attributes in collections.items()]
    tables += [
        (collection, definition["parent"], definition["parameters"])
        for collection, definition in below.items()
    ]
    acts = actions or {}
    return [
        extensions.ResourceExtension(
            collection,
            create_resource(collection, plugin, attributes, parent, kind, acts.get(collection)),
            parent,
            path_prefix=path_prefix,
            # A copy: the router adds forms to it.
            member_actions=dict(acts.get(collection, {})),
            attr_map=attributes,
        )
        for collection, parent, attributes in tables
    ]


def serve(application: Any) -> Any:
    """Return an application of Neutron's that refuses what that would answer with 500.

    A condition (``If-Match``) is about an item, which Neutron does not find in the path of a
    collection: there it means nothing. And a query has to be text.
    """

    @webob.dec.wsgify(RequestClass=wsgi_resource.Request)
    def served(request: Any) -> Any:
        routing = request.environ.get("wsgiorg.routing_args")
        if routing is None or "id" not in routing[1]:
            request.headers.pop("If-Match", None)
        try:
            len(request.GET)
        except UnicodeDecodeError:
            raise webob.exc.HTTPBadRequest("The query is not valid UTF-8.") from None
        return application

    served.controller = application.controller
    served.action_status = application.action_status
    return served
