# SPDX-License-Identifier: Apache-2.0
"""``OS::Isthmus::InterconnectedServerGroup``: servers on one network, spread over its sites."""

from __future__ import annotations

import copy
from collections.abc import Mapping
from typing import Any, ClassVar

from heat.engine import attributes, constraints, properties, support, template
from heat.engine.resources import stack_resource

from isthmus.heat.resources.awaiting import Awaiting
from isthmus.heat.resources.schemas import LIVE
from isthmus.heat.resources.server_schema import OF_EACH
from isthmus.heat.translate import server as translate

_Schema, _Shown = properties.Schema, attributes.Schema


def _changeable(schema: Any) -> Any:
    # Each server then is changed, or made anew, as it has to be.
    changeable = copy.copy(schema)
    changeable.update_allowed = True
    return changeable


class InterconnectedServerGroup(Awaiting, stack_resource.StackResource):
    """A number of equal servers on a virtual tenant network, in turn at each of its sites.

    More come and fewer stay without touching the others.
    """

    support_status = support.SupportStatus(version="27.0.0")
    properties_schema: ClassVar[dict[str, Any]] = {
        "count": _Schema(
            _Schema.INTEGER,
            "How many.",
            required=True,
            update_allowed=True,
            constraints=[constraints.Range(min=0)],
        ),
        "sites": _Schema(
            _Schema.LIST,
            "Members of the network, in turn; all of them, evenly, if left out.",
            update_allowed=True,
            schema=_Schema(
                _Schema.STRING, constraints=[constraints.CustomConstraint("isthmus.site")]
            ),
        ),
        **{name: _changeable(schema) for name, schema in OF_EACH.items()},
    }
    attributes_schema: ClassVar[dict[str, Any]] = {
        "servers": _Shown("The servers' ids, by their names.", type=_Shown.MAP, **LIVE),
        "first_addresses": _Shown("Their first addresses, by name.", type=_Shown.MAP, **LIVE),
        "sites": _Shown("Where each is, by name.", type=_Shown.MAP, **LIVE),
    }

    def child_template(self) -> Any:
        """Return the template of the stack that the servers are in."""
        given = {name: self.properties[name] for name in OF_EACH}
        body = translate.group_template(
            self.properties["count"], self.properties["sites"] or (), given
        )
        body["outputs"] = {
            name: {"value": {each: _reading(each, of) for each in body["resources"]}}
            for name, of in _OUTPUTS.items()
        }
        return template.Template(body)

    def child_params(self) -> dict[str, Any]:
        """Return the parameters of that template, which has none."""
        return {}

    def handle_create(self) -> Any:
        """Make the stack."""
        return self.create_with_template(self.child_template(), self.child_params())

    def handle_update(self, json_snippet: Any, tmpl_diff: Any, prop_diff: Mapping[str, Any]) -> Any:
        """Change the stack."""
        del tmpl_diff, prop_diff
        self.properties = json_snippet.properties(self.properties_schema, self.context)
        return self.update_with_template(self.child_template(), self.child_params())

    def awaited(self) -> str:
        """Return for what those of the servers wait that are not as they have to be."""
        # As it is now, not as it was when it was first looked at.
        self._nested = None
        nested = self.nested()
        servers = () if nested is None else nested.values()
        # Their own time is over a moment before or after.
        late = (each for each in servers if each.status != each.COMPLETE)
        return " ".join(f"{each.name}: {each.status_reason}" for each in late)

    def _resolve_attribute(self, name: str) -> Any:
        return self.get_output(name) if self.has_nested() else None


_OUTPUTS = {"servers": None, "first_addresses": "first_address", "sites": "site"}


def _reading(name: str, of: str | None) -> dict[str, Any]:
    return {"get_resource": name} if of is None else {"get_attr": [name, of]}
