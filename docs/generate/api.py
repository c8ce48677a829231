# SPDX-License-Identifier: Apache-2.0
"""The API reference, made from what the API is served from: definitions, rules and errors."""

from __future__ import annotations

import inspect
from collections.abc import Mapping
from typing import Any

from docs.generate import words
from docs.generate.collections import Collection, read_collections, read_definitions
from docs.generate.examples import EXAMPLES
from docs.generate.table import table
from docs.generate.who import NOBODY, Rules
from isthmus.plugin import errors

HEAD = """\
<!-- Written by `python -m docs.generate`. -->
# API reference

Everything is below `/v2.0` of each region's Neutron. Bodies are JSON; an item stands in an object
under its name, a list under its name in the plural. Lists take Neutron's parameters: a filter by
any attribute marked so, `fields`, `sort_key` and `sort_dir`, `limit`, `marker`, `page_reverse`.

**Who may** is by default, with Keystone's roles, of which each has those after it: admin, manager,
member, reader. A role counts in the project that owns the item; admin counts everywhere.
`etc/isthmus/policy.yaml.sample` has every rule, for an operator's own `policy.yaml`.
"""
METHODS = (
    ("create", "POST", ""),
    ("get", "GET", ""),
    ("get", "GET", "/{id}"),
    ("update", "PUT", "/{id}"),
    ("delete", "DELETE", "/{id}"),
)
KINDS = {
    "type:boolean": "boolean",
    "type:list_of_regex_or_none": "list of `ASN:number` or `address:number`",
    "type:uuid": "UUID",
    "type:not_empty_string": "string",
    "type:list_of_any_key_specs_or_none": "list of objects",
    "type:list_of_unique_strings": "list of strings",
    "type:dict": "object",
}


def reference() -> str:
    """Return the whole page."""
    rules = Rules()
    parts = [HEAD, _extensions()]
    parts += [_collection(collection, rules) for collection in read_collections()]
    parts += [_errors(), _examples()]
    return "\n".join(parts)


def _extensions() -> str:
    rows = [[f"`{module.ALIAS}`", module.DESCRIPTION] for module in read_definitions()]
    return f"## Extensions\n\n{table(['Alias', 'Brings'], rows)}"


def _collection(collection: Collection, rules: Rules) -> str:
    methods = [
        [f"`{method} {collection.path}{suffix}`", _who(rules, f"{verb}_{collection.policy_name}")]
        for verb, method, suffix in METHODS
        if _is_served(collection, verb, rules)
    ]
    methods += [
        [
            f"`PUT {collection.path}/{{id}}/{action}`",
            _who(rules, f"{action}_{collection.policy_name}"),
        ]
        for action in collection.actions
    ]
    acts = "".join(
        f"- `{action}`: {words.ACTIONS[collection.name, action]}\n" for action in collection.actions
    )
    attributes = [
        _attribute(collection, name, attribute, rules)
        for name, attribute in sorted(collection.attributes.items())
        if any(attribute.get(way) for way in ("is_visible", "allow_post", "is_filter"))
    ]
    head = ["Attribute", "Type", "Given by", "Shown to", "Filter", "Meaning"]
    return (
        f"## {collection.name}\n\n{words.COLLECTIONS[collection.name]}\n\n"
        f"{table(['Request', 'Who may'], methods)}\n{acts and acts + chr(10)}"
        f"{table(head, attributes)}"
    )


def _is_served(collection: Collection, verb: str, rules: Rules) -> bool:
    return f"{verb}_{collection.policy_name}" in rules.names


def _who(rules: Rules, rule: str) -> str:
    role = rules.least_role(rule)
    return role if role in (NOBODY, "admin") else f"{role}, admin"


def _attribute(
    collection: Collection, name: str, attribute: Mapping[str, Any], rules: Rules
) -> list[str]:
    def of_attribute(verb: str) -> str:
        whole = f"{verb}_{collection.policy_name}"
        own = f"{whole}:{name}"
        return _who(rules, own if own in rules.names else whole)

    given = [
        f"{method}: {of_attribute(verb)}"
        for verb, method, allowed in (
            ("create", "POST", "allow_post"),
            ("update", "PUT", "allow_put"),
        )
        if attribute.get(allowed)
    ]
    default = f"; default `{attribute['default']!r}`" if _has_default(attribute) else ""
    filters = "and sort key" if attribute.get("is_sort_key") else "yes"
    return [
        f"`{name}`",
        f"{_type(attribute)}{default}",
        "<br>".join(given) or "nobody",
        of_attribute("get"),
        filters if attribute.get("is_filter") else "",
        words.meaning(collection.name, name),
    ]


def _has_default(attribute: Mapping[str, Any]) -> bool:
    default = attribute.get("default")
    return attribute.get("allow_post", False) and isinstance(default, (bool, int, str, list))


def _type(attribute: Mapping[str, Any]) -> str:
    for kind, detail in (attribute.get("validate") or {}).items():
        if kind in KINDS:
            return KINDS[kind]
        if kind.startswith("type:values"):
            return " or ".join(f"`{value}`" for value in detail)
        if kind.startswith("type:range"):
            none = " or null" if kind.endswith("or_none") else ""
            return f"integer {detail[0]} to {detail[1]}{none}"
        if "string" in kind:
            return f"string, up to {detail} characters" if detail else "string"
    return "boolean" if isinstance(attribute.get("default"), bool) else "as shown"


def _errors() -> str:
    rows = []
    for name, error in sorted(vars(errors).items()):
        if inspect.isclass(error) and error.__module__ == errors.__name__:
            code, _, meaning = (inspect.getdoc(error) or "").partition(": ")
            rows.append([code, f"`{name}`", meaning])
    rows.sort()
    return (
        '## Errors\n\nThe body of a refusal is `{"NeutronError": {"type": …, "message": …,'
        ' "detail": ""}}`; the message\nis a sentence for the caller. Beside Neutron\'s own:\n\n'
        + table(["Status", "Type", "Meaning"], rows)
    )


def _examples() -> str:
    return "## Examples\n\n" + "\n".join(example.as_text() for example in EXAMPLES)
