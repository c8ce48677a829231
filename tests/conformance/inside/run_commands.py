# SPDX-License-Identifier: Apache-2.0
"""Run commands of ``openstack`` one after the other, without starting Python for each.

It runs in the environment of the client. Each line in is a JSON list of arguments; each line out
an object with ``status``, ``output`` and ``errors``. The line ``null`` asks for the names of all
commands that speak of BGP VPNs.
"""

from __future__ import annotations

import io
import json
import logging
import sys
from contextlib import redirect_stderr, redirect_stdout
from importlib.metadata import distribution
from typing import Any


def run(arguments: list[str]) -> dict[str, Any]:
    """Do what ``openstack`` does with these arguments."""
    from openstackclient import shell

    output, errors = io.StringIO(), io.StringIO()
    with redirect_stdout(output), redirect_stderr(errors):
        try:
            status = shell.main(arguments)
        except SystemExit as exit_:
            status = int(exit_.code or 0)
    for handler in list(logging.getLogger().handlers):
        logging.getLogger().removeHandler(handler)
    return {"status": status, "output": output.getvalue(), "errors": errors.getvalue()}


def commands() -> list[str]:
    """Return the names of the client's commands for BGP VPNs."""
    names = {
        entry.name
        for entry in distribution("python-openstackclient").entry_points
        if entry.group.startswith("openstack.network.v2") and entry.name.startswith("bgpvpn")
    }
    return sorted(name.replace("_", " ") for name in names)


if __name__ == "__main__":
    for line in sys.stdin:
        asked = json.loads(line)
        answer = commands() if asked is None else run(asked)
        print(json.dumps(answer), flush=True)  # noqa: T201
