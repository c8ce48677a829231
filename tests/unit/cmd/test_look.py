# SPDX-License-Identifier: Apache-2.0
"""``isthmus-pe-agent look``: what it prints, and its exit code, which a checker may rely on."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from isthmus.cmd.pe_agent import main
from isthmus.pe_agent.look.listener import LookingGlass
from tests.fakes.looking import SmallPe


@pytest.fixture
def configuration(tmp_path: Path) -> Path:
    """The configuration of an agent, as far as looking needs it."""
    path = tmp_path / "pe-agent.conf"
    path.write_text(f"[DEFAULT]\nlook_socket = {tmp_path}/look.sock\n")
    return path


@pytest.fixture
def pe(tmp_path: Path) -> SmallPe:
    """A PE at rest, listening there."""
    pe = SmallPe(tmp_path)
    pe.reconcile()
    LookingGlass(tmp_path / "look.sock", pe.answers.answer).start()
    return pe


def test_a_part_is_printed_as_tables(
    pe: SmallPe, configuration: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Without a word more."""
    assert main(["look", "rib", "--config-file", str(configuration)]) == 0
    assert "10.2.0.7/32" in capsys.readouterr().out


def test_a_part_is_printed_as_json(
    pe: SmallPe, configuration: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """One object."""
    argv = ["look", "--json", "--vpn", "red", "--config-file", str(configuration)]
    assert main(argv) == 0
    assert json.loads(capsys.readouterr().out)["vpn"] == "red"


def test_the_exit_code_tells_a_difference(
    pe: SmallPe, configuration: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """0 for none, 1 for one, 2 if the switch can't be read."""
    argv = ["look", "difference", "--config-file", str(configuration)]
    assert main(argv) == 0
    own, pe.speaker.daemon.own = pe.speaker.daemon.own, frozenset()
    assert main(argv) == 1
    pe.speaker.daemon.own = own
    pe.switch.is_down = True
    assert main(argv) == 2
    assert "The switch is down." in capsys.readouterr().out


def test_an_agent_that_is_away_is_named_in_one_sentence(
    configuration: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """With what to do."""
    assert main(["look", "--config-file", str(configuration)]) == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert "start isthmus-pe-agent" in line


def test_a_configuration_that_is_not_there_is_named(capsys: pytest.CaptureFixture[str]) -> None:
    """No traceback."""
    assert main(["look", "--config-file", "/nowhere.conf"]) == 2
    assert "/nowhere.conf" in capsys.readouterr().err
