# SPDX-License-Identifier: Apache-2.0
"""What comes before what in a stack, where a template does not say so itself."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

from heat.engine import resource


class Ordered(resource.Resource):
    """A resource that knows which others of its stack it needs."""

    def required(self, deps: Any, types: Iterable[str], is_meant: Callable[[Any], bool]) -> None:
        """Have this come after the stack's resources of some types.

        Args:
            deps: Heat's graph.
            types: of resource.
            is_meant: whether this one of them is meant.
        """
        for other in self._others(types, is_meant):
            deps += (self, other)

    def requiring(self, deps: Any, types: Iterable[str], is_meant: Callable[[Any], bool]) -> None:
        """Have the stack's resources of some types come after this; as ``required``."""
        for other in self._others(types, is_meant):
            deps += (other, self)

    def _others(self, types: Iterable[str], is_meant: Callable[[Any], bool]) -> list[Any]:
        wanted = tuple(types)

        def is_one(other: Any) -> bool:
            try:
                return any(other.has_interface(name) for name in wanted) and is_meant(other)
            except (ValueError, TypeError):
                # Bad properties are told by their own validation.
                return False

        return [other for other in self.stack.values() if other is not self and is_one(other)]
