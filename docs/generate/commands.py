# SPDX-License-Identifier: Apache-2.0
"""``docs/commands.md``: the ``openstack`` commands, as their parsers have them."""

from __future__ import annotations

import argparse
import importlib
import tomllib
from pathlib import Path
from typing import Any

_GROUP = "openstack.isthmus.v2"
_WIDTH = 100
_ABOUT = """<!-- Written by `python -m docs.generate`. -->
# Commands

`pip install isthmus[cli]` where `openstack` is; it finds them by itself. They ask the Neutron of
the cloud that `--os-cloud` names and nothing else: one site, which speaks with the others. Names
and ids do alike. A refusal is a sentence, and the exit status is 1.

**Output**: `-f json`, `-f value -c <column>`, `-f table` and so on, as of every `openstack`
command; left out below.

**`--wait`** looks until it is done and says on standard error what changes meanwhile. `ERROR` ends
it with the reason; so does the end of `--timeout`, with where to look. What was asked for goes on.

**Completion**: `openstack complete > /etc/bash_completion.d/openstack` has them too.

`openstack mpls vpn …` is what Isthmus adds to `openstack bgpvpn …`, which stays as it is and works.
Python programs have the same by [openstacksdk](sdk.md).
"""


class _Width(argparse.HelpFormatter):
    """As wide as the page, whatever the terminal."""

    def __init__(self, prog: str) -> None:
        super().__init__(prog, width=_WIDTH)


def page() -> str:
    """Return the page."""
    return "\n".join([_ABOUT, *(_section(name, kind) for name, kind in _read_commands())])


def _read_commands() -> list[tuple[str, Any]]:
    """Return the commands by what is typed, in its order."""
    path = Path(__file__).resolve().parent.parent.parent / "pyproject.toml"
    entries = tomllib.loads(path.read_text())["project"]["entry-points"][_GROUP]
    found = []
    for name, target in entries.items():
        module, _, kind = target.partition(":")
        found.append((name.replace("_", " "), getattr(importlib.import_module(module), kind)))
    return sorted(found)


def _section(name: str, kind: Any) -> str:
    command = kind(None, None)
    typed = f"openstack {name}"
    parser = argparse.ArgumentParser(prog=typed, add_help=False, formatter_class=_Width)
    command.add_arguments(parser)
    examples = "\n".join(f"openstack {each}" for each in command.examples)
    return (
        f"## {typed}\n\n{command.get_description()}\n\n```\n{parser.format_help()}```\n\n"
        f"```\n{examples}\n```\n"
    )
