# SPDX-License-Identifier: Apache-2.0
"""The lab's supervisor: what dies comes back, what is stopped stays away."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from lab import supervisor
from lab.pid import Pid
from lab.waiting import wait_until

pytestmark = pytest.mark.functional

Start = Callable[[list[str], list[str]], "subprocess.Popen[bytes]"]


@pytest.fixture
def record(tmp_path: Path) -> Path:
    """Where the supervisor writes."""
    return tmp_path / "daemon"


@pytest.fixture
def start(record: Path) -> Iterator[Start]:
    """Start a supervisor; it is ended with the test."""
    started: list[subprocess.Popen[bytes]] = []

    def begin(first: list[str], again: list[str]) -> subprocess.Popen[bytes]:
        command = [sys.executable, "-S", "-E", supervisor.__file__, str(record)]
        command += [json.dumps(first), json.dumps(again)]
        process = subprocess.Popen(command, stderr=subprocess.DEVNULL)
        started.append(process)
        wait_until(Path(f"{record}.child").exists, 5, "child")
        return process

    yield begin
    for process in started:
        process.terminate()
        process.wait(10)


def _child(record: Path) -> Pid:
    pid = Pid.read(Path(f"{record}.child"))
    assert pid is not None
    return pid


def test_a_killed_process_comes_back_and_is_counted(record: Path, start: Start) -> None:
    """The record names the new one."""
    start(["sleep", "60"], ["sleep", "61"])
    first = _child(record)
    os.kill(first.number, signal.SIGKILL)
    wait_until(lambda: _child(record) != first, 5, "restart")
    assert Path(f"{record}.restarts").read_text() == "1\n"


def test_it_is_started_again_with_the_second_command(record: Path, start: Start) -> None:
    """A daemon may have to be told that it comes back from a crash."""
    start(["true"], ["sleep", "62"])
    wait_until(lambda: _sleeps(record, b"62"), 5, "second command")


def _sleeps(record: Path, seconds: bytes) -> bool:
    command = Path(f"/proc/{_child(record).number}/cmdline")
    return command.exists() and command.read_bytes() == b"sleep\0" + seconds + b"\0"


def test_stopping_the_supervisor_ends_the_process_for_good(record: Path, start: Start) -> None:
    """SIGTERM reaches the process before the supervisor is gone."""
    process = start(["sleep", "60"], ["sleep", "60"])
    child = _child(record)
    process.terminate()
    assert process.wait(5) == 0
    assert not child.is_alive()


def test_a_process_deaf_to_sigterm_is_ended_all_the_same(record: Path, start: Start) -> None:
    """After some patience, with SIGKILL."""
    deaf = ["bash", "-c", "trap '' TERM; echo >$0.ready; while :; do sleep 1; done", str(record)]
    process = start(deaf, deaf)
    wait_until(Path(f"{record}.ready").exists, 5, "trap")
    child = _child(record)
    process.terminate()
    assert process.wait(15) == 0
    assert not child.is_alive()
