# SPDX-License-Identifier: Apache-2.0
"""Where the lab keeps things: everything under ``.lab`` of this checkout, nothing elsewhere."""

from __future__ import annotations

from pathlib import Path

CHECKOUT = Path(__file__).resolve().parent.parent
ROOT = CHECKOUT / ".lab"

#: Built or fetched once, kept by ``lab down``.
BIN = ROOT / "bin"
CACHE = ROOT / "cache"
#: What processes said; kept by ``lab down`` so that it can be read, emptied by the next ``lab up``.
LOGS = ROOT / "logs"

#: Made by ``lab up``, removed by ``lab down``.
ETC = ROOT / "etc"
MACHINES = ROOT / "machines"
PIDS = ROOT / "pids"
PROCESSES = ROOT / "processes"
STATE = ROOT / "state"
TMP = ROOT / "tmp"
CLOUDS_YAML = ROOT / "clouds.yaml"
RUNNING = (ETC, MACHINES, PIDS, PROCESSES, STATE, TMP)

VENV = CHECKOUT / ".venv"
PYTHON = VENV / "bin" / "python"


def tool(name: str) -> str:
    """The full path of a program of the virtual environment."""
    return str(VENV / "bin" / name)
