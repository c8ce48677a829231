# SPDX-License-Identifier: Apache-2.0
"""The environment the suites of others run in: pinned, and apart from the one that runs the lab."""

from __future__ import annotations

import subprocess

from lab import places

PINS = places.CHECKOUT / "requirements" / "conformance.txt"
FOLDER = places.ROOT / "conformance"
VENV = FOLDER / "venv"
PYTHON = VENV / "bin" / "python"
INSIDE = places.CHECKOUT / "tests" / "conformance" / "inside"


def ensure() -> None:
    """Install what is pinned, unless it is installed."""
    pins = PINS.read_text()
    stamp = VENV / "pins.txt"
    if stamp.exists() and stamp.read_text() == pins:
        return
    FOLDER.mkdir(parents=True, exist_ok=True)
    uv = places.tool("uv")
    make = [uv, "venv", "--quiet", "--clear", "--python", str(places.PYTHON), str(VENV)]
    subprocess.run(make, check=True)
    install = [uv, "pip", "install", "--quiet", "--python", str(PYTHON), "-r", str(PINS)]
    subprocess.run(install, check=True)
    stamp.write_text(pins)
