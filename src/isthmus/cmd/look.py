# SPDX-License-Identifier: Apache-2.0
"""``isthmus-pe-agent look``: what the agent on this host holds, and whether it is so.

Exit code 0; 1 if ``difference`` found one; 2 if the agent, or something it has to read, is away.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Sequence
from pathlib import Path

from oslo_config import cfg

from isthmus.config.pe_agent import register_options
from isthmus.pe_agent.look.answers import PARTS
from isthmus.pe_agent.look.listener import LookFailed, ask
from isthmus.pe_agent.look.tables import render

DIFFERS, NOT_LOOKED = 1, 2

_HELP = {
    "overview": "each VPN in a line, and the BGP neighbors (the default)",
    "intent": "what the server wants: VPNs, networks, hosts, prefixes",
    "rib": "the routes neighbors have told, and who imports them",
    "compiled": "what should be: VRFs, routes to advertise, flows",
    "installed": "what the switch and the BGP daemon really have, with counters",
    "difference": "compiled against installed; exit code 1 if there is a difference",
}


def main(argv: Sequence[str]) -> int:
    """Print one part and return the exit code."""
    options = _parser().parse_args(argv)
    try:
        path = look_socket(options.config_file)
        answer = ask(path, {"part": options.part, "vpn": options.vpn})
    except LookFailed as error:
        sys.stderr.write(f"isthmus: {error}\n")
        return NOT_LOOKED
    sys.stdout.write(json.dumps(answer, indent=2) + "\n" if options.json else render(answer))
    if answer["tables"].get("differences"):
        return DIFFERS
    return NOT_LOOKED if answer["unread"] else 0


def look_socket(config_files: Sequence[str]) -> Path:
    """Return where the agent of a configuration listens.

    Raises:
        LookFailed: the configuration can't be read, or has no socket.
    """
    conf = cfg.ConfigOpts()
    register_options(conf)
    arguments = [word for path in config_files for word in ("--config-file", path)]
    try:
        conf(arguments, project="isthmus", prog="isthmus-pe-agent")
    except cfg.Error as error:
        raise LookFailed(str(error)) from None
    if not conf.look_socket:
        raise LookFailed("This agent has no look_socket: set one in its configuration.")
    return Path(conf.look_socket)


def add_common_options(parser: argparse.ArgumentParser) -> None:
    """Add what every command that asks the agent has."""
    parser.add_argument("--json", action="store_true", help="JSON instead of tables")
    parser.add_argument(
        "--config-file",
        action="append",
        default=[],
        metavar="PATH",
        help="the agent's configuration, if it is not where the agent looks by itself",
    )


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="isthmus-pe-agent look",
        description="Show what the agent on this host holds, read-only.",
        epilog="parts:\n" + "\n".join(f"  {part:11} {text}" for part, text in _HELP.items()),
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("part", nargs="?", default="overview", choices=PARTS, metavar="PART")
    parser.add_argument(
        "--vpn", metavar="ID", help="this VPN alone; the beginning of its id will do"
    )
    add_common_options(parser)
    return parser
