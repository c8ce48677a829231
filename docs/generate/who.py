# SPDX-License-Identifier: Apache-2.0
"""Who may do what by default, found by asking the rules themselves."""

from __future__ import annotations

import warnings
from collections.abc import Iterable, Mapping
from typing import Any

from oslo_config import cfg
from oslo_policy import policy

from isthmus.api import policies

with warnings.catch_warnings():
    # Neutron's imports warn of eventlet.
    warnings.simplefilter("ignore")
    # It registers kinds of checks, which rules parsed before would not find.
    from neutron import policy as neutron_policy  # noqa: F401
    from neutron.conf.policies import base

# Each has the roles of those after it, as Keystone implies them.
ROLES = ("admin", "manager", "member", "reader")
NOBODY = "nobody"


class Rules:
    """The rules of Neutron's base and ours, as they are without a policy file.

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
        self.names = frozenset(rules)

    def may(
        self, project_id: str, roles: Iterable[str], rule: str, target: Mapping[str, Any]
    ) -> bool:
        """Whether somebody of a project, with these roles, may do this to ``target``."""
        roles = list(roles)
        whose = {**target, "tenant_id": target.get("project_id")}
        credentials = {
            "project_id": project_id,
            "tenant_id": project_id,
            "user_id": "user",
            "roles": roles,
            "is_admin": "admin" in roles,
        }
        return bool(self._enforcer.enforce(rule, whose, credentials))

    def least_role(self, rule: str) -> str:
        """Return the least role of the owner's project that a rule lets through."""
        target = {"project_id": "owner", "shared": False}
        for position in reversed(range(len(ROLES))):
            if self.may("owner", ROLES[position:], rule, target):
                return ROLES[position]
        return NOBODY
