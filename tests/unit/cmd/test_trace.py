# SPDX-License-Identifier: Apache-2.0
"""``isthmus trace``: a line a step, and an exit code."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from isthmus.cmd.trace import main
from isthmus.pe_agent.look.listener import LookingGlass
from tests.fakes.looking import SmallPe


def test_a_path_is_printed_and_its_end_is_the_exit_code(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """0 through, 1 for a step that fails, 2 for an agent or a switch that is away."""
    pe = SmallPe(tmp_path)
    configuration = tmp_path / "pe-agent.conf"
    configuration.write_text(f"[DEFAULT]\nlook_socket = {tmp_path}/look.sock\n")
    common = ["--config-file", str(configuration)]
    assert main(["trace", "--from", "vm1", "--to", "10.2.0.7", *common]) == 2
    assert "start isthmus-pe-agent" in capsys.readouterr().err

    LookingGlass(tmp_path / "look.sock", pe.answers.answer).start()
    pe.reconcile()
    assert main(["trace", "--from", "vm1", "--to", "10.2.0.7", *common]) == 0
    assert "✓ switch" in capsys.readouterr().out
    assert main(["trace", "--from-core", "1234", "--to", "10.1.0.5", "--json", *common]) == 1
    assert json.loads(capsys.readouterr().out)["failed"] == "label"
    assert main(["trace", "--from", "nobody", "--to", "10.2.0.7", *common]) == 2
    assert "look intent" in capsys.readouterr().err
    pe.switch.is_down = True
    assert main(["trace", "--from", "vm1", "--to", "10.2.0.7", *common]) == 2
    assert "The switch is down." in capsys.readouterr().out
