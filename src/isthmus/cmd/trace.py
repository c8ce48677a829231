# SPDX-License-Identifier: Apache-2.0
"""``isthmus trace``: the path a packet takes, from a VM of this host or in from the core.

Exit code 0 if it gets through; 1 if a step fails; 2 if the agent, or the switch, can't be asked.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from isthmus.cmd.look import NOT_LOOKED, add_common_options, look_socket
from isthmus.pe_agent.look.listener import LookFailed, ask

FAILS = 1


def main(argv: Sequence[str] | None = None) -> int:
    """Print a path and return the exit code."""
    options = _parser().parse_args(argv)
    asked = {
        "from": options.source,
        "label": options.from_core,
        "to": options.to,
        "octets": options.octets,
    }
    try:
        answer = ask(look_socket(options.config_file), {"trace": asked})
    except LookFailed as error:
        sys.stderr.write(f"isthmus: {error}\n")
        return NOT_LOOKED
    sys.stdout.write(json.dumps(answer, indent=2) + "\n" if options.json else render(answer))
    if answer["failed"] is not None:
        return FAILS
    return NOT_LOOKED if answer["unread"] else 0


def render(answer: Mapping[str, Any]) -> str:
    """Return a path as text: a ✓ or ✗ a step."""
    return "\n".join(_lines(answer)) + "\n"


def _lines(answer: Mapping[str, Any]) -> Iterator[str]:
    agent = answer["agent"]
    yield f"on {agent['host']}, {agent['address']}"
    width = max((len(step["step"]) for step in answer["steps"]), default=0)
    for step in answer["steps"]:
        yield f"{'✓' if step['ok'] else '✗'} {step['step']:{width}}  {step['says']}"
    for other in answer["others"]:
        yield f"  {'':{width}}  {other}"
    for sentence in answer["unread"]:
        yield f"? {'switch':{width}}  {sentence}"
    if far := answer["far"]:
        yield f"The path goes on at {far['pe']}: isthmus trace --from-core {far['label']} --to …"


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="isthmus",
        description="Look at a provider edge as an operator. To be run on its host.",
    )
    commands = parser.add_subparsers(required=True, metavar="COMMAND")
    trace = commands.add_parser(
        "trace",
        help="the path of a packet, the first step that fails named",
        description="Follow a packet through this PE: computed from what was compiled, checked "
        "against Open vSwitch. Exit code 1 if a step fails.",
    )
    begin = trace.add_mutually_exclusive_group(required=True)
    begin.add_argument(
        "--from",
        dest="source",
        metavar="VM",
        help="a VM of this host: its port's id or the beginning of it, its MAC, its address",
    )
    begin.add_argument(
        "--from-core",
        type=int,
        metavar="LABEL",
        help="a packet that comes from the core with this VPN label: the far half of a path",
    )
    trace.add_argument("--to", required=True, metavar="ADDRESS", help="where to")
    trace.add_argument(
        "--octets", type=int, default=64, help="size of the IP packet (default: %(default)s)"
    )
    add_common_options(trace)
    return parser
