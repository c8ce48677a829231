# SPDX-License-Identifier: Apache-2.0
"""The ``openstack`` command, as an operator or a tenant types it."""

from __future__ import annotations

import os
import shlex
import subprocess

from lab import places
from lab.demo.terminal import Failed


def typed(cloud: str, words: str) -> str:
    """The line as it is typed, for showing."""
    return f"openstack --os-cloud {cloud} {words}"


def run(cloud: str, words: str, *, patience_s: float = 120) -> str:
    """Run ``openstack`` with the words after it and return what it prints.

    Raises:
        Failed: it exits with anything but 0; the text is what it said.
    """
    environment = {
        **os.environ,
        "OS_CLIENT_CONFIG_FILE": str(places.CLOUDS_YAML),
        "NO_PROXY": "*",
        "no_proxy": "*",
        "PYTHONWARNINGS": "ignore",
    }
    done = subprocess.run(
        [places.tool("openstack"), "--os-cloud", cloud, *shlex.split(words)],
        capture_output=True,
        text=True,
        check=False,
        timeout=patience_s,
        cwd=places.CHECKOUT,
        env=environment,
    )
    if done.returncode:
        raise Failed(f"$ {typed(cloud, words)}\n{done.stderr.strip() or done.stdout.strip()}")
    return done.stdout.strip()
