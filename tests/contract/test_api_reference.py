# SPDX-License-Identifier: Apache-2.0
"""What the API reference shows is what the API answers."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from docs.generate.examples import EXAMPLES

if TYPE_CHECKING:
    from tests.cloud import Cloud

PROJECT = "red-project"


def filled(value: Any, known: Mapping[str, str]) -> Any:
    """Put ids for placeholders."""
    if isinstance(value, str):
        for name, real in known.items():
            value = value.replace(f"{{{name}}}", real)
        return value
    if isinstance(value, list):
        return [filled(item, known) for item in value]
    if isinstance(value, Mapping):
        return {name: filled(item, known) for name, item in value.items()}
    return value


def test_every_example_is_answered_as_the_reference_says(cloud: Cloud) -> None:
    """In their order, each by whom it says."""
    known = {"project": PROJECT, "network": cloud.network("10.1.0.0/24", project=PROJECT)}
    for example in EXAMPLES:
        body = {"body": filled(example.body, known)} if example.body else {}
        path = filled(example.path, known)
        caller = None if example.who == "admin" else PROJECT
        answer = cloud.request(example.method, path, project=caller, **body)
        assert answer.status == example.status, (example.says, answer)
        if example.keeps:
            ((_, item),) = answer.body.items()
            known[example.keeps] = item["id"]
        for name, part in filled(example.shows or {}, known).items():
            shown = answer[name]
            if isinstance(part, list):
                assert shown == part, example.says
            else:
                assert {key: shown.get(key) for key in part} == part, example.says
