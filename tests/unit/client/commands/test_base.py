# SPDX-License-Identifier: Apache-2.0
"""What all commands have."""

from __future__ import annotations

import shlex
from importlib import import_module
from pathlib import Path
from pkgutil import iter_modules
from typing import Any

import pytest

from isthmus.client import commands
from isthmus.client.commands.base import Asking
from isthmus.client.plugin import API_NAME, API_VERSIONS, DEFAULT_API_VERSION

PYPROJECT = Path(__file__).resolve().parents[4] / "pyproject.toml"
GROUP = f"openstack.{API_NAME}.v{DEFAULT_API_VERSION[0]}"


def registered() -> dict[str, str]:
    """Return the commands ``openstack`` finds, with what each is."""
    import tomllib

    entries = tomllib.loads(PYPROJECT.read_text())["project"]["entry-points"]
    assert entries["openstack.cli.extension"][API_NAME] == "isthmus.client.plugin"
    return {name.replace("_", " "): target for name, target in entries[GROUP].items()}


def load(target: str) -> Any:
    """Return what an entry point names."""
    module, _, name = target.partition(":")
    return getattr(import_module(module), name)


def test_every_command_is_registered_once() -> None:
    """None is forgotten."""
    modules = [
        import_module(f"{commands.__name__}.{m.name}") for m in iter_modules(commands.__path__)
    ]
    written = {
        f"{kind.__module__}:{kind.__name__}"
        for module in modules
        for kind in vars(module).values()
        if isinstance(kind, type) and issubclass(kind, Asking) and kind.examples
    }
    assert sorted(registered().values()) == sorted(written)
    assert DEFAULT_API_VERSION in API_VERSIONS


@pytest.mark.parametrize("typed", sorted(registered()))
def test_its_examples_are_of_its_own_and_are_understood(typed: str) -> None:
    """As a shell would take them apart; its help has them and says what it is for."""
    kind = load(registered()[typed])
    command = kind(None, None)
    parser = command.get_parser(f"openstack {typed}")
    assert kind.examples
    for example in kind.examples:
        line, _, _ = example.partition(" < ")
        line, _, _ = line.partition(" > ")
        words = shlex.split(line)
        name = typed.split()
        assert words[: len(name)] == name
        parser.parse_args(words[len(name) :])
        assert f"openstack {example}" in parser.format_help()
    assert command.get_description()
