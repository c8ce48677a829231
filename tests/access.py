# SPDX-License-Identifier: Apache-2.0
"""What a caller may do and see by the policies alone, computed beside Neutron.

Neutron's controllers apply the same rules in their own way; where the two disagree, one of them
lets somebody do or see what they should not.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from docs.generate.who import Rules
from tests.cloud import Caller


class Access:
    """What the rules say of callers.

    Args:
        overrides: rules that are other than by default.
    """

    def __init__(self, overrides: Mapping[str, str] | None = None) -> None:
        self._rules = Rules(overrides)

    def may(self, caller: Caller, rule: str, target: Mapping[str, Any]) -> bool:
        """Whether a rule lets a caller do this to ``target``."""
        return self._rules.may(caller.project, caller.roles, rule, target)

    def may_with(
        self, caller: Caller, rule: str, target: Mapping[str, Any], attributes: Iterable[str]
    ) -> bool:
        """Whether a caller may do this, and give each of these attributes with it."""
        rules = [rule, *(f"{rule}:{name}" for name in attributes)]
        return all(self.may(caller, each, target) for each in rules if each in self._rules.names)

    def hidden(self, caller: Caller, kind: str, item: Mapping[str, Any]) -> set[str]:
        """Return the attributes of an item that a caller must not be shown."""
        rules = {name: f"get_{kind}:{name}" for name in item}
        return {
            name
            for name, rule in rules.items()
            if rule in self._rules.names and not self.may(caller, rule, item)
        }
