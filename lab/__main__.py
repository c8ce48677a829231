# SPDX-License-Identifier: Apache-2.0
"""``python -m lab up|status|check|down|restart|demo|demo-heat``."""

from __future__ import annotations

import argparse
import os
import sys
from fnmatch import fnmatch
from importlib import import_module
from pathlib import Path

from lab import control, topology

_VERBS = ("up", "status", "check", "down", "restart", "demo", "demo-heat")


def main() -> int:
    """Parse the command line and do what it says."""
    parser = argparse.ArgumentParser(prog="python -m lab", description="The lab of Isthmus.")
    parser.add_argument("command", choices=_VERBS)
    parser.add_argument(
        "names",
        nargs="*",
        help="up, down: further sites of the topology (default: all the rest); "
        "restart: processes, by name or shell pattern",
    )
    parser.add_argument("--topology", type=Path, default=topology.SHIPPED, help="what to build")
    arguments = parser.parse_args()
    if os.geteuid() != 0:
        parser.error("the lab makes namespaces and bridges: run it as root")
    if arguments.command == "restart":
        return _restart(arguments.names)
    if arguments.names and arguments.command not in ("up", "down"):
        parser.error(f"{arguments.command} takes no names")
    # One command's libraries are not needed by the others.
    verb = arguments.command.replace("-", "_")
    module = import_module(f"lab.{verb.partition('_')[0]}")
    try:
        act, layout = getattr(module, verb), topology.load(arguments.topology)
        succeeded: bool = act(layout, arguments.names) if arguments.names else act(layout)
    except (topology.TopologyInvalid, RuntimeError) as refusal:
        print(f"  ✗ {refusal}")
        return 1
    return 0 if succeeded else 1


def _restart(patterns: list[str]) -> int:
    """End processes and start them again, with the configuration that is there now."""
    matching = [n for n in control.processes() if any(fnmatch(n, p) for p in patterns)]
    for name in matching:
        control.stop(name)
    for name in matching:
        control.start(name)
        print(f"  ✓ {name}")
    return 0 if matching else 1


if __name__ == "__main__":
    sys.exit(main())
