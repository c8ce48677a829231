# SPDX-License-Identifier: Apache-2.0
"""The files of this repository that are made from the code, and what makes each."""

from __future__ import annotations

import subprocess
import sys
import tempfile
from collections.abc import Callable
from functools import partial
from pathlib import Path

from docs.generate import api, commands, resources, sdk

ROOT = Path(__file__).resolve().parent.parent.parent


def _sample(tool: str, *arguments: str) -> str:
    """Return what one of oslo's generators writes."""
    program = str(Path(sys.executable).with_name(tool))
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder, "sample")
        command = [program, *arguments, "--output-file", str(file)]
        subprocess.run(command, check=True, capture_output=True, timeout=60)
        return file.read_text()


def _options(file: str) -> str:
    what = ROOT / "etc" / "isthmus" / "config-generator" / file
    return _sample("oslo-config-generator", "--config-file", str(what))


FILES: dict[str, Callable[[], str]] = {
    "docs/api.md": api.reference,
    "docs/commands.md": commands.page,
    "docs/resources.md": resources.page,
    "docs/sdk.md": sdk.page,
    "etc/isthmus/interconnect.conf.sample": partial(_options, "interconnect.conf"),
    "etc/isthmus/pe-agent.conf.sample": partial(_options, "pe-agent.conf"),
    "etc/isthmus/plugin.conf.sample": partial(_options, "plugin.conf"),
    "etc/isthmus/policy.yaml.sample": partial(
        _sample, "oslopolicy-sample-generator", "--namespace", "isthmus"
    ),
}


def stale() -> dict[str, str]:
    """Return the files that are not what they would be if made now, with what they would be."""
    made = {name: make() for name, make in FILES.items()}
    return {
        name: text
        for name, text in made.items()
        if not (ROOT / name).exists() or (ROOT / name).read_text() != text
    }
