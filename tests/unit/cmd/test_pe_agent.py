# SPDX-License-Identifier: Apache-2.0
"""The process: what it says of a bad configuration, and how it ends."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path


def run(*argv: str) -> subprocess.CompletedProcess[str]:
    """Run the console script in a process of its own."""
    code = "import sys; from isthmus.cmd.pe_agent import main; sys.exit(main())"
    return subprocess.run(
        [sys.executable, "-c", code, *argv], capture_output=True, text=True, timeout=30
    )


def test_a_configuration_that_cannot_be_used_is_refused_in_sentences(tmp_path: Path) -> None:
    """All of it at once, exit code 2."""
    path = tmp_path / "pe-agent.conf"
    path.write_text("[provider_edge]\ncore_mtu = 5\n")
    done = run("--config-file", str(path))
    assert done.returncode == 2
    assert done.stdout == ""
    lines = done.stderr.splitlines()
    assert len(lines) == 4
    assert all(line.startswith("isthmus: [") for line in lines)


def test_a_configuration_file_that_is_not_there_is_named() -> None:
    """No traceback."""
    done = run("--config-file", "/nowhere.conf")
    assert done.returncode == 2
    assert "/nowhere.conf" in done.stderr
    assert "Traceback" not in done.stderr
