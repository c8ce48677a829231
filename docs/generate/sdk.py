# SPDX-License-Identifier: Apache-2.0
"""``docs/sdk.md``: the resources of openstacksdk, as their classes have them."""

from __future__ import annotations

import ast
import inspect
import textwrap
from collections.abc import Iterator, Sequence
from typing import Any

from docs.generate.table import table
from isthmus.client import sdk

_ABOUT = """<!-- Written by `python -m docs.generate`. -->
# Python

`isthmus.client.sdk` (`pip install isthmus[cli]`) has VPNs, virtual tenant networks and sites as
resources of [openstacksdk](https://docs.openstack.org/openstacksdk/), typed for `mypy --strict`.
Each takes the connection's `network` as its session, and has what those resources have: `new`,
`create`, `fetch`, `find`, `list`, `commit`, `delete`. A refusal is an
`openstack.exceptions.HttpException`; its `details` are the API's sentence.

```python
import openstack
from isthmus.client.sdk import Member, VirtualTenantNetwork

network = openstack.connect(cloud="west-red").network
shop = VirtualTenantNetwork.new(name="shop", prefixes=["10.80.0.0/16"], members=["west", "east"])
shop.create(network)
for member in Member.list(network, virtual_tenant_network_id=shop.id):
    print(member.site, member.status, member.status_reason)
```

Attributes that are not said here are openstacksdk's own. An attribute that is assigned is sent by
`commit`; `if_match` makes that conditional:

```python
shop.description = "two clouds, one shop"
shop.if_match = f"revision_number={shop.revision_number}"
shop.commit(network)
```

[How-to pages](howto/README.md) have whole stories, each by `openstack` and by Python.
"""


def page() -> str:
    """Return the page."""
    kinds = [getattr(sdk, name) for name in sdk.__all__]
    return "\n".join([_ABOUT, *map(_section, kinds)])


def _section(kind: Any) -> str:
    said = (inspect.getdoc(kind) or "").replace("``", "`")
    parts = [
        f"## {kind.__name__}\n",
        f"{said}\n",
        table(("Attribute", "Type", "Meaning"), _fields(kind)),
    ]
    methods = list(_methods(kind))
    if methods:
        parts.append("\n".join(methods) + "\n")
    return "\n".join(parts)


def _definitions(kind: Any) -> Iterator[tuple[list[str], ast.ClassDef]]:
    """Return lines and syntax of the classes that are ours, the general ones first."""
    for each in reversed(kind.__mro__):
        if each.__module__.startswith(sdk.__name__):
            text = textwrap.dedent(inspect.getsource(each))
            for definition in ast.parse(text).body:
                if isinstance(definition, ast.ClassDef):
                    yield text.splitlines(), definition


def _fields(kind: Any) -> Iterator[Sequence[str]]:
    """Return name, type and meaning of each attribute."""
    found: dict[str, Sequence[str]] = {}
    for lines, definition in _definitions(kind):
        for node in definition.body:
            if isinstance(node, ast.AnnAssign) and isinstance(node.target, ast.Name):
                name, hint = node.target.id, ast.unparse(node.annotation).replace("|", "or")
                found[name] = (f"`{name}`", f"`{hint}`", _comment(lines[: node.lineno - 1]))
    yield from found.values()


def _comment(before: Sequence[str]) -> str:
    words: list[str] = []
    for line in reversed(before):
        text = line.strip()
        if not text.startswith("#:"):
            break
        words.insert(0, text.removeprefix("#:").strip())
    return " ".join(words).replace("``", "`")


def _methods(kind: Any) -> Iterator[str]:
    for _, definition in _definitions(kind):
        for node in definition.body:
            if isinstance(node, ast.FunctionDef) and not node.name.startswith("_"):
                said = (ast.get_docstring(node) or "").splitlines()[0].replace("``", "`")
                is_property = any(ast.unparse(each) == "property" for each in node.decorator_list)
                arguments = ast.unparse(node.args).removeprefix("self").removeprefix(", ")
                typed = node.name if is_property else f"{node.name}({arguments})"
                yield f"- `{typed}`: {said}"
