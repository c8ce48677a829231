# SPDX-License-Identifier: Apache-2.0
"""``docs/resources.md``: the types of resource that Heat has of ours, as their schemas have them.

``python -m docs.generate.resources`` prints it: Heat defines some of Neutron's options, so that the
two can't share a process. Heat's own extension for Sphinx is in none of its packages; this reads
the same schemas, by the same functions.
"""

from __future__ import annotations

import inspect
import subprocess
import sys
import warnings
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from docs.generate.table import table

_ABOUT = """<!-- Written by `python -m docs.generate`. -->
# Resources for Heat

How the engine loads them, and when each is complete: [operate/heat.md](operate/heat.md). Whatever
is called "name or id" may be either. Of each type, besides, `get_attr: [<resource>, show]` has all
that the API shows.
"""


def page() -> str:
    """Return the page, made in a process of its own."""
    command = [sys.executable, "-W", "ignore", "-m", __name__]
    done = subprocess.run(command, check=True, capture_output=True, text=True, timeout=120)
    return done.stdout


def _page(kinds: Mapping[str, Any]) -> str:
    return "\n".join([_ABOUT, *(_section(name, kinds[name]) for name in sorted(kinds))])


def _section(name: str, kind: Any) -> str:
    from heat.engine import attributes, properties

    said = (inspect.getdoc(kind) or "").replace("``", "`")
    given = properties.schemata(kind.properties_schema)
    shown = attributes.schemata(kind.attributes_schema)
    status = kind.support_status
    return "\n".join(
        [
            f"## {name}\n",
            f"{said}\n",
            f"{status.status.capitalize()} since Heat {status.version}.\n",
            table(("Property", "Type", "If it changes", "Meaning"), _properties(given)),
            table(("Attribute", "Type", "Meaning"), _attributes(shown)),
        ]
    )


def _properties(schemata: Mapping[str, Any], within: str = "") -> Iterator[Sequence[str]]:
    for name, schema in sorted(schemata.items(), key=lambda item: (not item[1].required, item[0])):
        kind = str(schema.type).lower()
        if schema.required:
            kind += ", required"
        elif schema.default is not None:
            kind += f"; default `{schema.default}`"
        means = [schema.description, *map(_sentence, schema.constraints)]
        change = "changed in place" if schema.update_allowed else "made anew"
        row = (f"`{within}{name}`", kind, "" if within else change, " ".join(filter(None, means)))
        inner = schema.schema or {}
        if list(inner) == ["*"]:
            items = " ".join(f"Each: {_sentence(each)}" for each in inner["*"].constraints)
            row = (*row[:3], f"{row[3]} {items}".strip())
        yield row
        if inner and inner.get("*") is not None and inner["*"].schema:
            yield from _properties(inner["*"].schema, f"{within}{name}[].")


def _attributes(schemata: Mapping[str, Any]) -> Iterator[Sequence[str]]:
    for name, schema in sorted(schemata.items()):
        yield (f"`{name}`", str(schema.type or "").lower(), schema.description)


def _sentence(constraint: Any) -> str:
    text = str(constraint).replace("|", "\\|")
    return text if text.endswith(".") else f"{text}."


if __name__ == "__main__":
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        from isthmus.heat.plugins.isthmus_resources import resource_mapping
    sys.stdout.write(_page(resource_mapping()))
