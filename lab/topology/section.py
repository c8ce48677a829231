# SPDX-License-Identifier: Apache-2.0
"""A mapping of the topology file that knows where it stands."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, TypeVar

from lab.topology.parts import TopologyInvalid
from lab.topology.words import sequence

_T = TypeVar("_T")


class Section:
    """One mapping of the file, which knows where it is so that a refusal can say so."""

    def __init__(self, where: str, value: object) -> None:
        if not isinstance(value, Mapping):
            raise TopologyInvalid(f"{where}: expected keys and values, found {value!r}")
        self.where = where
        self._values: dict[str, Any] = dict(value)

    def take(self, key: str, read: Callable[[Any], _T]) -> _T:
        """Remove ``key`` and read its value; `done` later refuses what nobody took."""
        if key not in self._values:
            raise TopologyInvalid(f"{self.where}: {key} is missing")
        value = self._values.pop(key)
        try:
            return read(value)
        except (TypeError, ValueError) as reason:
            raise TopologyInvalid(f"{self.where}: {key}: {reason}") from reason

    def section(self, key: str) -> Section:
        """Remove ``key`` and take its value as a section of its own."""
        return Section(f"{self.where}.{key}", self.take(key, lambda value: value))

    def sections(self, key: str) -> list[Section]:
        """Remove ``key`` and take its value as a list of sections."""
        values = self.take(key, sequence)
        return [Section(f"{self.where}.{key}[{n}]", value) for n, value in enumerate(values)]

    def done(self) -> None:
        """Refuse keys that nobody took: most likely misspelt."""
        if self._values:
            raise TopologyInvalid(f"{self.where}: unknown {', '.join(sorted(self._values))}")
