# SPDX-License-Identifier: Apache-2.0
"""What the API serves, gathered from the definitions it is served from."""

from __future__ import annotations

import importlib
import pkgutil
from collections.abc import Iterator
from dataclasses import dataclass, field
from types import ModuleType
from typing import Any

from isthmus.api import definitions


@dataclass(frozen=True, slots=True)
class Collection:
    """One collection of the API.

    Attributes:
        name: in the path and in bodies of lists, such as ``network_associations``.
        prefix: what stands before its name in the path, such as ``/bgpvpn``.
        parent: name of the collection whose items it is below, or empty.
        attributes: what Neutron is told of each attribute.
        aliases: of the extension that brings each attribute.
        actions: what may be done with an item beside, ``PUT …/{id}/{action}``.
    """

    name: str
    prefix: str
    parent: str
    attributes: dict[str, dict[str, Any]] = field(default_factory=dict)
    aliases: dict[str, str] = field(default_factory=dict)
    actions: list[str] = field(default_factory=list)

    @property
    def member(self) -> str:
        """What one of its items is called in bodies."""
        return self.name.removesuffix("s")

    @property
    def policy_name(self) -> str:
        """What one of its items is called in rules."""
        return f"{self.parent.removesuffix('s')}_{self.member}" if self.parent else self.member

    @property
    def path(self) -> str:
        """Where it is, with placeholders."""
        if not self.parent:
            return f"{self.prefix}/{self.name}"
        return f"{self.prefix}/{self.parent}/{{{self.parent.removesuffix('s')}_id}}/{self.name}"


def read_definitions() -> list[ModuleType]:
    """Return the definition of every extension, those that need others after them."""
    found = [
        importlib.import_module(f"{definitions.__name__}.{each.name}")
        for each in pkgutil.iter_modules(definitions.__path__)
    ]
    extensions = [module for module in found if hasattr(module, "RESOURCE_ATTRIBUTE_MAP")]
    # A module may hold the definitions of several extensions.
    extensions += [each for module in found for each in getattr(module, "DEFINITIONS", ())]
    return sorted(extensions, key=lambda module: len(module.REQUIRED_EXTENSIONS))


def read_collections() -> list[Collection]:
    """Return every collection with the attributes that all extensions together give it."""
    served: dict[str, Collection] = {}
    for module in read_definitions():
        for name, parent, attributes in _tables(module):
            collection = served.setdefault(name, Collection(name, module.API_PREFIX, parent))
            collection.actions.extend(module.ACTION_MAP.get(name, ()))
            for attribute, properties in attributes.items():
                collection.attributes[attribute] = properties
                collection.aliases.setdefault(attribute, module.ALIAS)
    return list(served.values())


def _tables(module: ModuleType) -> Iterator[tuple[str, str, dict[str, Any]]]:
    for name, attributes in module.RESOURCE_ATTRIBUTE_MAP.items():
        yield name, "", attributes
    for name, below in (getattr(module, "SUB_RESOURCE_ATTRIBUTE_MAP", None) or {}).items():
        yield name, below["parent"]["collection_name"], below["parameters"]
