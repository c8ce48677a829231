# SPDX-License-Identifier: Apache-2.0
"""Read options so that all that is wrong with a configuration is named at once."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

from oslo_config import cfg

_Value = TypeVar("_Value")


class Reader:
    """Reads one value after the other; what is wrong is gathered, and a stand-in returned.

    Attributes:
        sentences: what is wrong so far, one sentence each.
    """

    def __init__(self, conf: cfg.ConfigOpts) -> None:
        self._conf = conf
        self.sentences: list[str] = []

    def complain(self, sentence: str) -> None:
        """Gather what is wrong."""
        self.sentences.append(sentence)

    def raw(self, group: str | None, name: str) -> Any:
        """Return an option as oslo.config has it; None if it has no usable value."""
        try:
            return getattr(self._conf[group] if group else self._conf, name)
        except (cfg.Error, ValueError) as error:
            self.complain(f"[{group or 'DEFAULT'}] {name} can't be used: {error}")
            return None

    def value(
        self, group: str | None, name: str, read: Callable[[Any], _Value], otherwise: _Value
    ) -> _Value:
        """Return what ``read`` makes of an option; ``otherwise`` if it is unset or wrong."""
        raw = self.raw(group, name)
        if raw is None or raw == "":
            return otherwise
        try:
            return read(raw)
        except ValueError as error:
            self.complain(f"[{group or 'DEFAULT'}] {name} can't be used: {error}")
            return otherwise

    def required(
        self, group: str | None, name: str, read: Callable[[Any], _Value], stand_in: _Value
    ) -> _Value:
        """Return what ``read`` makes of an option that has to be set."""
        before = len(self.sentences)
        raw = self.raw(group, name)
        if raw in (None, "", []) and len(self.sentences) == before:
            self.complain(f"[{group or 'DEFAULT'}] {name} is missing.")
        return (
            self.value(group, name, read, stand_in) if len(self.sentences) == before else stand_in
        )

    def text(self, group: str | None, name: str) -> str:
        """Return an option that has to be set."""
        return self.required(group, name, str, "")

    def number(self, group: str, name: str) -> int:
        """Return a number that has to be set."""
        return self.required(group, name, int, 0)
