# SPDX-License-Identifier: Apache-2.0
"""What a caller may do and see by the policies alone, computed beside Neutron.

Neutron's controllers apply the same rules in their own way; where the two disagree, one of them
lets somebody do or see what they should not.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from neutron.conf.policies import base
from oslo_config import cfg
from oslo_policy import policy

from isthmus.api import policies
from tests.cloud import Caller


class Access:
    """The default rules of Neutron's base and ours.

    Args:
        overrides: rules that are other than by default.
    """

    def __init__(self, overrides: Mapping[str, str] | None = None) -> None:
        configuration = cfg.ConfigOpts()
        configuration([], default_config_files=[], default_config_dirs=[])
        self._enforcer = policy.Enforcer(configuration, policy_file="no-overrides.yaml")
        rules = {rule.name: rule for rule in (*base.list_rules(), *policies.list_rules())}
        rules |= {n: policy.RuleDefault(n, check) for n, check in (overrides or {}).items()}
        self._enforcer.register_defaults(rules.values())
        self._known = set(rules)

    def may(self, caller: Caller, rule: str, target: Mapping[str, Any]) -> bool:
        """Whether a rule lets a caller do this to ``target``."""
        of_whom = {**target, "tenant_id": target.get("project_id")}
        credentials = {
            "project_id": caller.project,
            "tenant_id": caller.project,
            "user_id": "user",
            "roles": list(caller.roles),
            "is_admin": "admin" in caller.roles,
        }
        return bool(self._enforcer.enforce(rule, of_whom, credentials))

    def may_with(
        self, caller: Caller, rule: str, target: Mapping[str, Any], attributes: Iterable[str]
    ) -> bool:
        """Whether a caller may do this, and give each of these attributes with it."""
        rules = [rule, *(f"{rule}:{name}" for name in attributes)]
        return all(self.may(caller, each, target) for each in rules if each in self._known)

    def hidden(self, caller: Caller, kind: str, item: Mapping[str, Any]) -> set[str]:
        """Return the attributes of an item that a caller must not be shown."""
        rules = {name: f"get_{kind}:{name}" for name in item}
        return {
            name
            for name, rule in rules.items()
            if rule in self._known and not self.may(caller, rule, item)
        }
