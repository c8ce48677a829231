# SPDX-License-Identifier: Apache-2.0
"""What properties and attributes of several resources are alike, and how names become ids."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from heat.engine import attributes, constraints, properties, translation

from isthmus.heat.translate.progress import FailurePolicy

_Schema, _Shown = properties.Schema, attributes.Schema

# Of attributes that change by themselves.
LIVE: Mapping[str, Any] = {"cache_mode": attributes.Schema.CACHE_NONE}

NAME = _Schema(_Schema.STRING, "Need not be unique.", update_allowed=True)
DESCRIPTION = _Schema(_Schema.STRING, "In your own words.", update_allowed=True)
ADMIN_STATE_UP = _Schema(
    _Schema.BOOLEAN,
    "False: it is kept, and nothing of it is carried.",
    default=True,
    update_allowed=True,
)
TAGS = _Schema(
    _Schema.LIST,
    "Words to find it by.",
    update_allowed=True,
    schema=_Schema(_Schema.STRING, constraints=[constraints.Length(max=255)]),
)
STATUS = _Shown("PENDING, ACTIVE, DEGRADED, DOWN or ERROR.", type=_Shown.STRING, **LIVE)
STATUS_REASON = _Shown("Why, in a sentence.", type=_Shown.STRING, **LIVE)


def failure_policy(description: str) -> Any:
    """Return the schema of ``failure_policy``; to wait is the default."""
    return _Schema(
        _Schema.STRING,
        description,
        default=str(FailurePolicy.WAIT),
        update_allowed=True,
        constraints=[constraints.AllowedValues([str(policy) for policy in FailurePolicy])],
    )


def resolved(properties: Any, client_plugin: Any, finders: Mapping[str, str]) -> list[Any]:
    """Return the rules by which names in properties become ids.

    Args:
        properties: the resource's.
        client_plugin: of whom it is asked.
        finders: its methods, by property; ``list.key`` stands for a key of each of a list.
    """
    rule = translation.TranslationRule
    return [
        rule(properties, rule.RESOLVE, path.split("."), client_plugin=client_plugin, finder=finder)
        for path, finder in finders.items()
    ]
